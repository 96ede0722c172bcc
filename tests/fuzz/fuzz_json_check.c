/* SPDX-License-Identifier: ISC */
/*
 * fuzz_json_check.c - wherever the input is cut, the answer is the same; what
 * is accepted is one line; and any bytes as a string make a good member whose
 * bytes come back when they were UTF-8.
 */
#include "config.h"

#include <string.h>

#include "har/json.h"
#include "har/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
whole(const uint8_t *p, size_t n)
{
	struct json_check c;

	json_check_init(&c);
	return json_check_feed(&c, p, n) && json_check_end(&c);
}

static bool
cut(const uint8_t *p, size_t n, size_t piece)
{
	struct json_check c;
	size_t k;

	json_check_init(&c);
	for (; n > 0; p += k, n -= k) {
		k = MIN(n, piece);
		(void)json_check_feed(&c, p, k);
	}
	return json_check_end(&c);
}

static void
as_string(const uint8_t *data, size_t size)
{
	struct buf b = {0}, back = {0};
	size_t used, from, n;
	uint8_t *at;

	buf_putc(&b, '{');
	json_member(&b, "x", str_of(data, size));
	buf_putc(&b, '}');
	CHECK(whole(buf_data(&b), b.len));
	if (size > 0 && utf8_valid(data, size) == size) {
		from = strlen("{\"x\":\"");
		n = b.len - from - 2;
		at = buf_reserve(&back, n);
		buf_commit(&back, json_unescape(at, (const char *)buf_data(&b) + from, n, &used));
		CHECK(used == n && str_eq(buf_str(&back), str_of(data, size)));
	}
	buf_free(&b);
	buf_free(&back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool good = whole(data, size);

	CHECK(cut(data, size, 1) == good);
	CHECK(cut(data, size, size > 0 ? 1 + data[0] % 32 : 5) == good);
	if (good)
		CHECK(data[0] == '{' && data[size - 1] == '}' && memchr(data, '\n', size) == NULL);
	as_string(data, size);
	return 0;
}
