/* SPDX-License-Identifier: ISC */
/* test_tsv.c - tables for programs: no cell can be taken for two, no row for another. */
#include "config.h"

#include "ctl/tsv.h"

#include "ctl/tail_line.h"
#include "suites.h"

static struct buf out;

static void
teardown(void)
{
	buf_free(&out);
}

#define SAYS(text)                                                                        \
	ck_assert_msg(str_eq(buf_str(&out), STR(text)), "%.*s", STR_ARG(buf_str(&out)))

static const struct {
	struct str cell;
	const char *shown;
} cells[] = {
	{{"", 0}, ""}, {{NULL, 0}, ""}, {{"plain text", 10}, "plain text"},
	{{"a\tb", 3}, "a\\tb"}, {{"a\nb", 3}, "a\\nb"}, {{"a\rb", 3}, "a\\rb"},
	{{"a\\tb", 4}, "a\\\\tb"}, {{"\\", 1}, "\\\\"}, {{"a\0b", 3}, "a\\x00b"},
	{{"\033[31m", 5}, "\\x1b[31m"}, {{"\x7f", 1}, "\\x7f"}, {{"\xc3\xa4\xff", 3}, "\xc3\xa4\xff"},
};

START_TEST(one_cell)
{
	tsv_row(&out, &cells[_i].cell, 1);
	ck_assert_uint_eq(out.len, strlen(cells[_i].shown) + 1);
	ck_assert_int_eq(memcmp(buf_data(&out), cells[_i].shown, out.len - 1), 0);
	ck_assert_int_eq(buf_data(&out)[out.len - 1], '\n');
}
END_TEST

START_TEST(rows_below_their_names)
{
	static const char *const names[] = {"one", "two", "three"};
	struct str row[] = {STR("1"), STR_NONE, STR("3 ")};

	tsv_names(&out, names, NELEM(names));
	tsv_row(&out, row, NELEM(row));
	SAYS("one\ttwo\tthree\n1\t\t3 \n");
}
END_TEST

static const struct {
	int64_t n;
	const char *shown;
} numbers[] = {{0, "0"}, {1234567, "1234567"}, {-1, ""}, {INT64_MAX, "9223372036854775807"}};

START_TEST(one_number)
{
	char room[TSV_NUMBER];

	ck_assert(str_eq(tsv_number(numbers[_i].n, room), str_z(numbers[_i].shown)));
}
END_TEST

START_TEST(a_flow)
{
	struct view v = {.started = STR("2026-11-22T14:03:05.123Z"), .tag = STR("job-1"),
	    .client = STR("127.0.0.1:1"), .method = STR("GET"), .url = STR("http://a/\t"),
	    .request_version = STR("HTTP/1.1"), .status = 200, .time_us = 45999, .sent = 7,
	    .received = 8, .websocket = true, .error = STR("no\nway")};

	tail_row(&v, &out);
	SAYS("2026-11-22T14:03:05.123Z\tjob-1\t127.0.0.1:1\tGET\thttp://a/\\t\t200\tHTTP/1.1\t"
	    "7\t8\t45\t\t1\t0\tno\\nway\n");
}
END_TEST

START_TEST(a_flow_of_which_nothing_is_known)
{
	struct view v = {.status = -1, .started_us = -1, .time_us = -1, .sent = -1,
	    .received = -1};
	struct buf names = {0};
	size_t i, tabs[2] = {0, 0};

	tail_row(&v, &out);
	SAYS("\t\t\t\t\t\t\t\t\t\t\t0\t0\t\n");
	tail_names(&names);
	for (i = 0; i < out.len; i++)
		tabs[0] += buf_data(&out)[i] == '\t';
	for (i = 0; i < names.len; i++)
		tabs[1] += buf_data(&names)[i] == '\t';
	ck_assert_uint_eq(tabs[0], tabs[1]);
	buf_free(&names);
}
END_TEST

Suite *
tsv_suite(void)
{
	Suite *s = suite_create("tsv");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_loop_test(tc, one_cell, 0, NELEM(cells));
	tcase_add_test(tc, rows_below_their_names);
	tcase_add_loop_test(tc, one_number, 0, NELEM(numbers));
	tcase_add_test(tc, a_flow);
	tcase_add_test(tc, a_flow_of_which_nothing_is_known);
	suite_add_tcase(s, tc);
	return s;
}
