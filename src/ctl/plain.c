/* SPDX-License-Identifier: ISC */
/* plain.c - see plain.h.  Runs in: mitmctl, tests. */
#include "config.h"

#include "ctl/plain.h"

#include "har/utf8.h"

#define DOTS 3

/* The C1 controls of ISO 8859, which terminals obey as well; and what turns text around. */
static bool
is_control(const uint8_t *p, int n)
{
	if (n == 1)
		return p[0] < 0x20 || p[0] == 0x7f;
	if (n == 2)
		return p[0] == 0xc2 && p[1] < 0xa0;
	return n == 3 && p[0] == 0xe2 && ((p[1] == 0x80 && p[2] >= 0x8e && p[2] <= 0xae &&
	    !(p[2] > 0x8f && p[2] < 0xa8)) || (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9));
}

static size_t
count(struct str text)
{
	size_t n = 0;

	for (; text.n > 0; n++) {
		int len = utf8_sequence((const uint8_t *)text.p, text.n);

		text = str_from(text, len > 0 ? (size_t)len : 1);
	}
	return n;
}

size_t
plain_put(struct buf *out, struct str text, size_t max)
{
	size_t all = count(text), n = all <= max ? all : max - MIN(max, (size_t)DOTS), i;

	for (i = 0; i < n; i++) {
		const uint8_t *p = (const uint8_t *)text.p;
		int len = utf8_sequence(p, text.n);

		if (len <= 0 || is_control(p, len))
			buf_putc(out, '?');
		else
			buf_put(out, p, (size_t)len);
		text = str_from(text, len > 0 ? (size_t)len : 1);
	}
	if (all <= max)
		return all;
	buf_put(out, "...", MIN(max, (size_t)DOTS));
	return max;
}
