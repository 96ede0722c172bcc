/* SPDX-License-Identifier: ISC */
/* base64_decode.c - see base64.h: back to bytes.  Runs in: mitmctl, tests, fuzzers. */
#include "config.h"

#include "har/base64.h"

#define NONE 0xff

static uint8_t
value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint8_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint8_t)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (uint8_t)(c - '0' + 52);
	return c == '+' ? 62 : c == '/' ? 63 : NONE;
}

static bool
group(const uint8_t *values, const char *p, uint8_t *o)
{
	uint8_t a = values[(uint8_t)p[0]], b = values[(uint8_t)p[1]];
	uint8_t c = values[(uint8_t)p[2]], d = values[(uint8_t)p[3]];

	if (((a | b | c | d) & 0x80) != 0)
		return false;
	o[0] = (uint8_t)(a << 2 | b >> 4);
	o[1] = (uint8_t)(b << 4 | c >> 2);
	o[2] = (uint8_t)(c << 6 | d);
	return true;
}

/* The last group, which may be padded. */
static bool
last_group(struct buf *out, const uint8_t *values, struct str text)
{
	char whole[4] = {'A', 'A', 'A', 'A'};
	uint8_t bytes[3];
	size_t n = text.n;

	while (n > 2 && text.p[n - 1] == '=')
		n--;
	if (text.n != 4 || n < 2)
		return text.n == 0;
	memcpy(whole, text.p, n);
	if (!group(values, whole, bytes))
		return false;
	buf_put(out, bytes, n - 1);
	return true;
}

bool
base64_decode(struct buf *out, struct str text)
{
	static uint8_t values[256];
	size_t i, n = text.n >= 4 ? (text.n - 1) / 4 * 4 : 0;
	uint8_t *o;

	if (values[0] != NONE)
		for (i = 0; i < sizeof(values); i++)
			values[i] = value_of((char)i);
	o = buf_reserve(out, n / 4 * 3 + 3);
	CHECK(o != NULL);
	for (i = 0; i < n; i += 4, o += 3) {
		if (!group(values, text.p + i, o)) {
			buf_commit(out, i / 4 * 3);
			return false;
		}
	}
	buf_commit(out, n / 4 * 3);
	return last_group(out, values, str_from(text, n));
}
