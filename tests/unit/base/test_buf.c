/* SPDX-License-Identifier: ISC */
/* test_buf.c - the byte queue. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "suites.h"

START_TEST(empty_owns_nothing)
{
	struct buf b;

	buf_init(&b, 0);
	ck_assert_ptr_null(buf_data(&b));
	ck_assert_uint_eq(buf_str(&b).n, 0);
	ck_assert_int_eq(buf_append(&b, NULL, 0), 0);
	buf_puts(&b, STR_NONE);
	buf_consume(&b, 0);
	ck_assert_ptr_null(b.mem);
	buf_free(&b);
}
END_TEST

START_TEST(maximum)
{
	struct buf b;

	buf_init(&b, 4);
	ck_assert_int_eq(buf_append(&b, "abc", 3), 0);
	ck_assert_int_eq(buf_append(&b, "de", 2), ERR_LIMIT);
	ck_assert(str_eq(buf_str(&b), STR("abc")));
	ck_assert_int_eq(buf_append(&b, "d", 1), 0);
	ck_assert_ptr_null(buf_reserve(&b, 1));
	ck_assert_ptr_null(buf_reserve(&b, SIZE_MAX));
	buf_consume(&b, 2);
	ck_assert_int_eq(buf_append(&b, "ef", 2), 0);
	ck_assert(str_eq(buf_str(&b), STR("cdef")));
	buf_free(&b);
	ck_assert_uint_eq(b.max, 4);
}
END_TEST

/* A queue that is written and read in all kinds of pieces gives what it got. */
START_TEST(queue)
{
	struct buf b;
	unsigned in = 0, out = 0, round, i;

	buf_init(&b, 0);
	for (round = 1; round < 2000; round++) {
		unsigned add = round * 7 % 97, take = round * 13 % 101;

		for (i = 0; i < add; i++)
			buf_putc(&b, (char)(in++ % 251));
		take = MIN(take, (unsigned)b.len);
		for (i = 0; i < take; i++)
			ck_assert_uint_eq(buf_data(&b)[i], (out + i) % 251);
		out += take;
		buf_consume(&b, take);
	}
	ck_assert_uint_eq(b.len, in - out);
	buf_free(&b);
}
END_TEST

START_TEST(reserve_and_commit)
{
	struct buf b;

	buf_init(&b, 0);
	memcpy(buf_reserve(&b, 1000), "abc", 3);
	buf_commit(&b, 3);
	ck_assert(str_eq(buf_str(&b), STR("abc")));
	buf_truncate(&b, 1);
	ck_assert(str_eq(buf_str(&b), STR("a")));
	buf_clear(&b);
	ck_assert_uint_eq(b.len, 0);
	ck_assert_ptr_nonnull(b.mem);
	buf_free(&b);
	ck_assert_ptr_null(b.mem);
}
END_TEST

START_TEST(text)
{
	struct buf b;

	buf_init(&b, 0);
	buf_putz(&b, "a");
	buf_putc(&b, '-');
	buf_puts(&b, STR("b"));
	buf_printf(&b, "%s%d", "", 42);
	ck_assert(str_eq(buf_str(&b), STR("a-b42")));
	buf_free(&b);
}
END_TEST

START_TEST(consuming_too_much_is_a_bug)
{
	struct buf b;

	buf_init(&b, 0);
	buf_putc(&b, 'x');
	buf_consume(&b, 2);
}
END_TEST

START_TEST(passing_the_maximum_of_own_text_is_a_bug)
{
	struct buf b;

	buf_init(&b, 1);
	buf_putz(&b, "xy");
}
END_TEST

Suite *
buf_suite(void)
{
	Suite *s = suite_create("buf");
	TCase *tc = tcase_create("buf");

	tcase_add_test(tc, empty_owns_nothing);
	tcase_add_test(tc, maximum);
	tcase_add_test(tc, queue);
	tcase_add_test(tc, reserve_and_commit);
	tcase_add_test(tc, text);
	if (getenv("CK_FORK") == NULL) {	/* they end the process */
		tcase_add_test_raise_signal(tc, consuming_too_much_is_a_bug, SIGABRT);
		tcase_add_test_raise_signal(tc, passing_the_maximum_of_own_text_is_a_bug, SIGABRT);
	}
	suite_add_tcase(s, tc);
	return s;
}
