/* SPDX-License-Identifier: ISC */
/* test_h2_heads.c - DATA frames among others, in any pieces. */
#include "config.h"

#include "http/h2_heads.h"

#include <string.h>

#include "base/buf.h"
#include "suites.h"

enum { DATA, HEADERS, PING = 6, UNKNOWN = 0xfa };
enum { END = 1 };

static struct buf passed;	/* what went on, and how often a head was looked at */
static unsigned looked;

static void
feed(struct h2_heads *h, const uint8_t *p, size_t n)
{
	size_t k;

	while (n > 0) {
		k = h2_heads_pass(h, p, n);
		buf_put(&passed, p, k);
		p += k;
		n -= k;
		k = h2_heads_take(h, p, n);
		p += k;
		n -= k;
		if (h->have < H2_HEAD)
			break;
		looked += (h->head[4] & END) != 0;
		buf_put(&passed, h->head, H2_HEAD);
		h2_heads_taken(h);
	}
}

static void
setup(void)
{
	looked = 0;
}

static void
teardown(void)
{
	buf_free(&passed);
}

static void
add(struct buf *b, unsigned type, size_t n)
{
	const uint8_t head[9] = {(uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n,
	    (uint8_t)type, type == HEADERS || n == 0 ? END : 0, 0, 0, 0, 1};
	size_t i;

	buf_put(b, head, sizeof(head));
	for (i = 0; i < n; i++)
		buf_putc(b, 0);	/* a payload that looks like heads of DATA */
}

static struct buf
conversation(void)
{
	struct buf b = {0};

	buf_putz(&b, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	add(&b, HEADERS, 40);
	add(&b, DATA, 0);
	add(&b, DATA, 1);
	add(&b, PING, 8);
	add(&b, DATA, 70000);
	add(&b, UNKNOWN, 0);
	add(&b, DATA, 9);
	return b;
}

START_TEST(any_pieces)
{
	static const size_t sizes[] = {1, 2, 3, 5, 8, 9, 10, 24, 1000, 1000000};
	struct buf b = conversation();
	struct h2_heads h;
	size_t at, n;

	h2_heads_init(&h, true);
	for (at = 0; at < b.len; at += n) {
		n = MIN(sizes[_i], b.len - at);
		feed(&h, buf_data(&b) + at, n);
	}
	ck_assert_uint_eq(h2_heads_whole(&h), 4);
	ck_assert_uint_ge(looked, 1);	/* and HEADERS, where it was cut */
	ck_assert_uint_eq(passed.len, b.len);
	ck_assert_mem_eq(buf_data(&passed), buf_data(&b), b.len);
	buf_free(&b);
}
END_TEST

START_TEST(no_preface_from_an_origin)
{
	struct buf b = conversation();
	struct h2_heads h;

	h2_heads_init(&h, false);
	feed(&h, buf_data(&b) + 24, b.len - 24);
	ck_assert_uint_eq(h2_heads_whole(&h), 4);
	buf_free(&b);
}
END_TEST

/* The library tells of a frame when all of it is there; so do we. */
START_TEST(a_frame_counts_when_it_is_whole)
{
	struct buf b = {0};
	struct h2_heads h;
	size_t i;

	add(&b, DATA, 3);
	add(&b, HEADERS, 3);
	h2_heads_init(&h, false);
	for (i = 0; i < b.len; i++) {
		feed(&h, buf_data(&b) + i, 1);
		ck_assert_uint_eq(h2_heads_whole(&h), i >= 11);
	}
	buf_free(&b);
}
END_TEST

Suite *
h2_heads_suite(void)
{
	Suite *s = suite_create("h2_heads");
	TCase *tc = tcase_create("h2_heads");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, any_pieces, 0, 10);
	tcase_add_test(tc, no_preface_from_an_origin);
	tcase_add_test(tc, a_frame_counts_when_it_is_whole);
	suite_add_tcase(s, tc);
	return s;
}
