/* SPDX-License-Identifier: ISC */
/* test_der.c - lengths, nesting, dates, and running out of room. */
#include "config.h"

#include "signer/der.h"

#include "suites.h"

static uint8_t bytes[70000], content[70000];

static const struct {
	size_t n;
	const char *head;
	size_t head_len;
} lengths[] = {
	{0, "\x04\x00", 2},
	{127, "\x04\x7f", 2},
	{128, "\x04\x81\x80", 3},
	{255, "\x04\x81\xff", 3},
	{256, "\x04\x82\x01\x00", 4},
	{65535, "\x04\x82\xff\xff", 4},
};

START_TEST(lengths_are_minimal)
{
	struct der d = der_into(bytes, sizeof(bytes));

	der_put(&d, DER_OCTET_STRING, content, lengths[_i].n);
	ck_assert(!d.full);
	ck_assert_uint_eq(d.n, lengths[_i].head_len + lengths[_i].n);
	ck_assert_mem_eq(bytes, lengths[_i].head, lengths[_i].head_len);
}
END_TEST

START_TEST(open_and_close_give_what_put_gives)
{
	static uint8_t other[70000];
	struct der a = der_into(bytes, sizeof(bytes)), b = der_into(other, sizeof(other));
	size_t mark;

	der_raw(&a, "xy", 2);
	der_raw(&b, "xy", 2);
	der_put(&a, DER_OCTET_STRING, content, lengths[_i].n);
	mark = der_open(&b, DER_OCTET_STRING);
	der_raw(&b, content, lengths[_i].n);
	der_close(&b, mark);
	ck_assert_uint_eq(a.n, b.n);
	ck_assert_mem_eq(bytes, other, a.n);
}
END_TEST

START_TEST(full_is_remembered_and_nothing_is_overrun)
{
	size_t cap, mark;

	for (cap = 0; cap < 140; cap++) {
		struct der d = der_into(bytes, cap);

		bytes[cap] = 0xee;
		mark = der_open(&d, DER_SEQUENCE);
		der_put(&d, DER_OCTET_STRING, content, 130);
		der_close(&d, mark);
		ck_assert_uint_eq(bytes[cap], 0xee);
		ck_assert_int_eq(d.full, cap < 136);
	}
}
END_TEST

static const struct {
	int64_t at;
	uint8_t tag;
	const char *text;
} dates[] = {
	{0, DER_UTC_TIME, "700101000000Z"},
	{951782400, DER_UTC_TIME, "000229000000Z"},
	{1800000000, DER_UTC_TIME, "270115080000Z"},
	{2524607999, DER_UTC_TIME, "491231235959Z"},
	{2524608000, DER_GENERALIZED_TIME, "20500101000000Z"},
	{253402300799, DER_GENERALIZED_TIME, "99991231235959Z"},
};

START_TEST(dates_follow_rfc5280)
{
	struct der d = der_into(bytes, sizeof(bytes));

	der_time(&d, dates[_i].at);
	ck_assert_uint_eq(d.n, 2 + strlen(dates[_i].text));
	ck_assert_uint_eq(bytes[0], dates[_i].tag);
	ck_assert_uint_eq(bytes[1], strlen(dates[_i].text));
	ck_assert_mem_eq(bytes + 2, dates[_i].text, d.n - 2);
}
END_TEST

Suite *
der_suite(void)
{
	Suite *s = suite_create("der");
	TCase *tc = tcase_create("core");

	tcase_add_loop_test(tc, lengths_are_minimal, 0, NELEM(lengths));
	tcase_add_loop_test(tc, open_and_close_give_what_put_gives, 0, NELEM(lengths));
	tcase_add_test(tc, full_is_remembered_and_nothing_is_overrun);
	tcase_add_loop_test(tc, dates_follow_rfc5280, 0, NELEM(dates));
	suite_add_tcase(s, tc);
	return s;
}
