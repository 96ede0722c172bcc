/* SPDX-License-Identifier: ISC */
/* test_tail_line.c - what people read: a flow's line, numbers, and no steering of terminals. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/human.h"
#include "ctl/tail_line.h"
#include "ctl/term.h"
#include "suites.h"

static struct view v;
static struct buf out;
static struct ctl plain = {.colour = CTL_COLOUR_NEVER};
static struct ctl coloured = {.colour = CTL_COLOUR_ALWAYS};

static void
setup(void)
{
	(void)setenv("TZ", "UTC", 1);
	tzset();
	v = (struct view){.method = STR("GET"), .url = STR("https://www.example.com/a"),
	    .tag = STR("job-12"), .request_version = STR("HTTP/1.1"), .status = 200,
	    .started_us = 1000000LL * 3661, .time_us = 45200, .received = 1234};
}

static void
teardown(void)
{
	buf_free(&out);
}

static const char *
line(const struct ctl *ctl, unsigned columns)
{
	buf_clear(&out);
	tail_line(ctl, &v, columns, &out);
	buf_putc(&out, '\0');
	return (const char *)buf_data(&out);
}

START_TEST(in_a_file)
{
	ck_assert_str_eq(line(&plain, 0),
	    "01:01:01 job-12       GET     https://www.example.com/a 200  1.2k   45ms\n");
}
END_TEST

START_TEST(on_a_terminal)
{
	ck_assert_str_eq(line(&plain, 120), "01:01:01 job-12       GET     "
	    "https://www.example.com/a                              200  1.2k   45ms\n");
}
END_TEST

START_TEST(failures)
{
	v.status = 0;
	v.time_us = v.received = -1;
	v.error = STR("cannot reach it");
	ck_assert_str_eq(line(&plain, 0), "01:01:01 job-12       GET     "
	    "https://www.example.com/a   -     -      -  cannot reach it\n");
}
END_TEST

START_TEST(what_is_unusual)
{
	v.tunnel = STR("ignore_hosts");
	v.websocket = true;
	v.request_version = STR("HTTP/2");
	ck_assert_ptr_nonnull(strstr(line(&plain, 0), "ms  tunnel: ignore_hosts  websocket  h2\n"));
}
END_TEST

START_TEST(nothing_is_known)
{
	v = (struct view){.status = -1, .started_us = -1, .time_us = -1, .received = -1};
	ck_assert_str_eq(line(&plain, 0),
	    "--:--:-- -            -          -     -      -\n");
}
END_TEST

static const unsigned widths[] = {1, 40, 80, 81, 100, 132, 200};

START_TEST(never_wider_than_the_terminal)
{
	static char url[3000] = "https://www.example.com/", error[3000];
	unsigned columns = widths[_i];

	memset(url + 24, 'a', sizeof(url) - 25);
	memset(error, 'e', sizeof(error) - 1);
	v.url = str_z(url);
	v.tag = str_z(error);
	v.method = str_z(error);
	v.error = str_z(error);
	/* One that is too narrow for anything gets the least there is. */
	ck_assert_uint_le(strlen(line(&plain, columns)) - 1, columns < 72 ? 72 : columns);
	ck_assert_ptr_nonnull(strstr(line(&plain, columns), "..."));
}
END_TEST

START_TEST(the_numbers_stand_below_each_other)
{
	const char *first = strdup(line(&plain, 100)), *second;

	v.url = STR("https://www.example.com/another/one/that/is/longer");
	second = line(&plain, 100);
	ck_assert_int_eq(strstr(first, " 200 ") - first, strstr(second, " 200 ") - second);
	free((char *)(uintptr_t)first);
}
END_TEST

/* Terminals take ESC, CSI as one byte, CR, BEL, DEL; and what changes directions. */
#define NASTY "a\033]0;x\007b\rc\x9b" "31md\x7f\xe2\x80\xae" "e\nf\t"

START_TEST(strangers_steer_no_terminal)
{
	const char *p;

	v.url = v.method = v.tag = v.error = v.tunnel = STR(NASTY);
	for (p = line(&plain, 0); p[1] != '\0'; p++)
		ck_assert_msg((unsigned char)*p >= ' ' && (unsigned char)*p < 0x7f, "\\x%02x",
		    (unsigned char)*p);
	ck_assert_ptr_nonnull(strstr(line(&plain, 0), "a\\x1b]0;x\\x07b\\x0dc\\x9b31md\\x7f"));
	for (p = line(&coloured, 0); p[1] != '\0'; p++)
		if (*p == '\033')
			ck_assert_int_eq(p[1], '[');
		else
			ck_assert((unsigned char)*p >= ' ' && (unsigned char)*p < 0x7f);
}
END_TEST

static const struct {
	const char *method;
	int status;
	const char *method_colour, *status_colour;
} colours[] = {
	{"GET", 200, "\033[32m", "\033[32m"},
	{"POST", 301, "\033[35m", "\033[35m"},
	{"DELETE", 404, "\033[31m", "\033[31m"},
	{"GET", 503, "\033[32m", "\033[31m"},
};

START_TEST(the_colours_of_mitmdump)
{
	char method[32], status[32];

	v.method = str_z(colours[_i].method);
	v.status = colours[_i].status;
	(void)snprintf(method, sizeof(method), "%s%s\033[0m", colours[_i].method_colour,
	    colours[_i].method);
	(void)snprintf(status, sizeof(status), "%s %d\033[0m", colours[_i].status_colour,
	    colours[_i].status);
	ck_assert_ptr_nonnull(strstr(line(&coloured, 100), method));
	ck_assert_ptr_nonnull(strstr(line(&coloured, 100), status));
}
END_TEST

/* ---- numbers ---- */

static const struct {
	char *(*make)(uint64_t, char[HUMAN_SIZE]);
	uint64_t n;
	const char *text;
} numbers[] = {
	{human_seconds, 0, "0s"}, {human_seconds, 59, "59s"}, {human_seconds, 60, "1m"},
	{human_seconds, 3600 * 3 + 12 * 60, "3h12m"}, {human_seconds, 2 * 86400 + 3600, "2d1h"},
	{human_ms, 0, "0ms"}, {human_ms, 999, "999ms"}, {human_ms, 1240, "1.2s"},
	{human_ms, 60000, "1m"},
	{human_bytes, 0, "0"}, {human_bytes, 999, "999"}, {human_bytes, 1000, "1.0k"},
	{human_bytes, 1234, "1.2k"}, {human_bytes, 10 << 10, "10k"},
	{human_bytes, 1023 << 10, "1.0M"}, {human_bytes, UINT64_MAX, "16E"},
};

START_TEST(as_people_read_them)
{
	char text[HUMAN_SIZE];

	ck_assert_str_eq(numbers[_i].make(numbers[_i].n, text), numbers[_i].text);
}
END_TEST

static const struct {
	const char *text;
	unsigned columns;
	const char *shown;
} cuts[] = {
	{"abcdef", 0, "abcdef"}, {"abcdef", 6, "abcdef"}, {"abcdef", 5, "ab..."},
	{"abcdef", 3, "..."}, {"abcdef", 2, ""}, {"a\033b", 6, "a\\x1bb"},
	{"a\033bc", 6, "a..."}, {"", 3, ""},
};

START_TEST(cut_between_letters)
{
	buf_clear(&out);
	ck_assert_uint_eq(term_put(&out, str_z(cuts[_i].text), cuts[_i].columns),
	    strlen(cuts[_i].shown));
	ck_assert(str_eq(buf_str(&out), str_z(cuts[_i].shown)));
}
END_TEST

Suite *
tail_line_suite(void)
{
	Suite *s = suite_create("tail_line");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, in_a_file);
	tcase_add_test(tc, on_a_terminal);
	tcase_add_test(tc, failures);
	tcase_add_test(tc, what_is_unusual);
	tcase_add_test(tc, nothing_is_known);
	tcase_add_loop_test(tc, never_wider_than_the_terminal, 0, NELEM(widths));
	tcase_add_test(tc, the_numbers_stand_below_each_other);
	tcase_add_test(tc, strangers_steer_no_terminal);
	tcase_add_loop_test(tc, the_colours_of_mitmdump, 0, NELEM(colours));
	tcase_add_loop_test(tc, as_people_read_them, 0, NELEM(numbers));
	tcase_add_loop_test(tc, cut_between_letters, 0, NELEM(cuts));
	suite_add_tcase(s, tc);
	return s;
}
