/* SPDX-License-Identifier: ISC */
/*
 * test_har_files.c - what reading, ordering and writing of HAR files share: items of
 * a file, entries by time, pages of several files, counts, and the line of progress.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "ctl/har_in.h"
#include "ctl/har_order.h"
#include "ctl/har_out.h"
#include "ctl/har_pages.h"
#include "ctl/progress.h"
#include "ctl/tally.h"
#include "suites.h"

static char dir[64], path[128];

static void
setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/mitmctl-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/a.har", dir);
}

static void
teardown(void)
{
	(void)unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);	/* nothing else was left */
}

static void
write_file(struct str text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_all(fd, text.p, text.n), 0);
	fd_close(&fd);
}

static struct har_in *
open_file(void)
{
	struct errmsg err;
	struct input *input = input_open(path, &err);

	ck_assert_msg(input != NULL, "%s", err.text);
	return har_in_new(&input);
}

static void
next(struct har_in *in, struct har_item *item, enum har_in_kind kind)
{
	struct errmsg err;

	ck_assert_int_eq(har_in_next(in, item, &err), 0);
	ck_assert_int_eq(item->kind, kind);
}

START_TEST(items_of_a_file)
{
	struct har_item item;
	struct har_in *in;

	write_file(STR("{\"log\": {\"version\": \"1.2\" , \"entries\":[ {\"a\": 1},7,{}], \"x\":{}}}"));
	in = open_file();
	next(in, &item, HAR_IN_MEMBER);
	ck_assert(str_eq(item.name, STR("version")) && str_eq(item.text, STR("\"1.2\"")));
	next(in, &item, HAR_IN_ENTRIES);
	next(in, &item, HAR_IN_ENTRY);
	ck_assert(str_eq(item.text, STR("{\"a\": 1}")) && item.number == 1 && item.at == 40);
	next(in, &item, HAR_IN_ODD);
	ck_assert_uint_eq(item.number, 2);
	next(in, &item, HAR_IN_ENTRY);
	ck_assert_uint_eq(item.number, 3);
	next(in, &item, HAR_IN_ENTRIES_END);
	next(in, &item, HAR_IN_MEMBER);
	ck_assert(str_eq(item.name, STR("x")) && str_eq(item.text, STR("{}")));
	next(in, &item, HAR_IN_END);
	next(in, &item, HAR_IN_END);
	har_in_free(&in);
}
END_TEST

START_TEST(where_a_file_breaks)
{
	struct har_item item;
	struct har_in *in;

	write_file(STR("{\"log\":{\"entries\":[{},{\"a\":"));
	in = open_file();
	next(in, &item, HAR_IN_ENTRIES);
	next(in, &item, HAR_IN_ENTRY);
	next(in, &item, HAR_IN_BROKEN);
	ck_assert_uint_eq(item.number, 2);
	ck_assert(har_in_torn_entry(in));
	ck_assert_str_eq(har_in_fault(in), "the file ends too early, at byte 27, inside an entry");
	har_in_free(&in);
}
END_TEST

static int
count_piece(void *arg, const char *p UNUSED, size_t n)
{
	*(uint64_t *)arg += n;
	return 0;
}

/* An entry beyond what is held whole: it is cut to look at, and its bytes are all there. */
START_TEST(an_entry_of_any_size)
{
	const size_t body = HAR_IN_WHOLE + (5u << 20);
	struct har_item item;
	struct har_in *in;
	struct buf b = {0};
	struct errmsg err;
	uint64_t bytes = 0;

	buf_putz(&b, "{\"log\":{\"entries\":[{},{\"a\":1,\"text\":\"");
	memset(buf_reserve(&b, body), 'x', body);
	buf_commit(&b, body);
	buf_putz(&b, "\",\"b\":2},{}]}}");
	write_file(buf_str(&b));
	buf_free(&b);
	in = open_file();
	next(in, &item, HAR_IN_ENTRIES);
	next(in, &item, HAR_IN_ENTRY);
	ck_assert(!item.cut);
	next(in, &item, HAR_IN_ENTRY);
	ck_assert(item.cut);
	ck_assert(str_starts(item.text, STR("{\"a\":1,\"text\":\"xxx")));
	ck_assert(str_ends(item.text, STR("xxx\",\"b\":2}")));
	ck_assert_uint_lt(item.text.n, HAR_IN_STRING + 1000);
	ck_assert_uint_eq(item.size, body + strlen("{\"a\":1,\"text\":\"\",\"b\":2}"));
	ck_assert_int_eq(har_in_copy(in, &item, count_piece, &bytes, &err), 0);
	ck_assert_uint_eq(bytes, item.size);
	next(in, &item, HAR_IN_ENTRY);
	ck_assert(str_eq(item.text, STR("{}")) && !item.cut);
	har_in_free(&in);
}
END_TEST

/* So much in it that even without the ends of its strings it is too large. */
START_TEST(an_entry_that_cannot_be_looked_at)
{
	struct har_item item;
	struct har_in *in;
	struct buf b = {0};
	struct errmsg err;
	uint64_t bytes = 0, n = 0;

	buf_putz(&b, "{\"log\":{\"entries\":[{\"a\":[");
	for (; n < 2 * HAR_IN_WHOLE; n += 8)
		buf_put(&b, "1,1,1,1,", 8);
	buf_putz(&b, "1]},{}]}}");
	write_file(buf_str(&b));
	buf_free(&b);
	in = open_file();
	next(in, &item, HAR_IN_ENTRIES);
	next(in, &item, HAR_IN_ENTRY);
	ck_assert(item.cut);
	ck_assert_ptr_null(item.text.p);
	ck_assert_int_eq(har_in_copy(in, &item, count_piece, &bytes, &err), 0);
	ck_assert_uint_eq(bytes, n + strlen("{\"a\":[1]}"));
	next(in, &item, HAR_IN_ENTRY);
	ck_assert(str_eq(item.text, STR("{}")));
	har_in_free(&in);
}
END_TEST

START_TEST(a_file_appears_when_it_is_whole)
{
	struct errmsg err;
	struct har_out *o = har_out_new(path, &err);
	char *text;
	size_t n;

	ck_assert_ptr_nonnull(o);
	har_out_member(o, STR("version"), STR("\"1.2\""));
	har_out_entry_begin(o);
	har_out_piece(o, "{ \"a\":\n", 7);
	har_out_piece(o, "\" x\" }", 6);
	har_out_entry_end(o);
	har_out_entry_begin(o);
	har_out_piece(o, "{}", 2);
	har_out_entry_end(o);
	har_out_entries_end(o);
	har_out_member(o, STR("x"), STR("[ ]"));
	har_out_tls_error(o, STR("{\"b\": 1}"));
	ck_assert_int_eq(access(path, F_OK), -1);
	ck_assert_int_eq(har_out_end(o, &err), 0);
	har_out_free(&o);
	text = fd_read_file(path, 1000, &n);
	ck_assert_str_eq(text, "{\"log\":{\"version\":\"1.2\",\"entries\":[\n{\"a\":\" x\"},\n{}\n],"
	    "\"x\":[],\"_tlsErrors\":[{\"b\":1}]}}\n");
	free(text);
	o = har_out_new(path, &err);
	ck_assert_ptr_nonnull(o);
	har_out_free(&o);	/* it leaves the file that is there, and nothing of its own */
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

/* ---- order ---- */

static void
add(struct order *o, int64_t start, uint8_t digest, uint64_t at)
{
	struct order_item item = {.start_us = start, .digest = {digest}, .at = at};
	struct errmsg err;

	ck_assert_int_eq(order_add(o, &item, &err), 0);
}

static void
is(struct order *o, int64_t start, uint64_t at)
{
	struct order_item item;
	struct errmsg err;

	ck_assert_int_eq(order_next(o, &item, &err), 1);
	ck_assert_int_eq(item.start_us, start);
	ck_assert_uint_eq(item.at, at);
}

START_TEST(by_time_and_once)
{
	struct order *o = order_new(_i == 0 ? 0 : 3);
	struct order_item item;
	struct errmsg err;

	add(o, 30, 1, 1);
	add(o, 20, 9, 2);
	add(o, 20, 3, 3);	/* as the one before, in another order than its digest */
	add(o, 10, 4, 4);
	add(o, 20, 9, 5);	/* again */
	add(o, 30, 5, 6);
	add(o, 10, 4, 7);	/* again */
	add(o, 25, 9, 8);	/* the same, but at another time */
	add(o, 10, 4, 9);
	add(o, 5, 4, 10);
	ck_assert_int_eq(order_sort(o, &err), 0);
	is(o, 5, 10);
	is(o, 10, 4);
	is(o, 20, 2);
	is(o, 20, 3);
	is(o, 25, 8);
	is(o, 30, 1);
	is(o, 30, 6);
	ck_assert_int_eq(order_next(o, &item, &err), 0);
	ck_assert_uint_eq(order_dropped(o), 3);
	order_free(&o);
}
END_TEST

START_TEST(many_in_runs)
{
	struct order *o = order_new(1000);
	struct order_item item;
	struct errmsg err;
	uint64_t i, n = 20000;
	int64_t last = -1;

	for (i = 0; i < n; i++)
		add(o, (int64_t)(i * 7919 % n / 3), (uint8_t)(i % 200), i);
	ck_assert_int_eq(order_sort(o, &err), 0);
	for (i = 0; order_next(o, &item, &err) == 1; i++) {
		ck_assert_int_ge(item.start_us, last);
		last = item.start_us;
	}
	ck_assert_uint_eq(i + order_dropped(o), n);
	order_free(&o);
}
END_TEST

START_TEST(nothing_to_order)
{
	struct order *o = order_new(0);
	struct order_item item;
	struct errmsg err;

	ck_assert_int_eq(order_sort(o, &err), 0);
	ck_assert_int_eq(order_next(o, &item, &err), 0);
	order_free(&o);
}
END_TEST

/* ---- pages ---- */

#define PAGE(id, title) "{\"id\":\"" id "\",\"title\":\"" title "\"}"

static void
file(struct har_pages *p, const char *creator, const char *pages)
{
	struct errmsg err;

	har_pages_file(p);
	ck_assert_int_eq(har_pages_member(p, STR("creator"), str_z(creator), &err), 0);
	ck_assert_int_eq(har_pages_member(p, STR("pages"), str_z(pages), &err), 0);
}

static void
written(const struct har_pages *p, const char *text)
{
	struct errmsg err;
	struct har_out *o = har_out_new(path, &err);
	char *got;
	size_t n;

	ck_assert_ptr_nonnull(o);
	har_pages_put(p, o);
	ck_assert_int_eq(har_out_end(o, &err), 0);
	har_out_free(&o);
	got = fd_read_file(path, 10000, &n);
	ck_assert_msg(strstr(got, text) != NULL, "%s not in %s", text, got);
	free(got);
}

START_TEST(pages_of_several_files)
{
	struct har_pages *p = har_pages_new();

	file(p, "{\"name\":\"x\"}", "[" PAGE("a", "1") "," PAGE("b", "2") "]");
	file(p, "{ \"name\" : \"x\" }", "[" PAGE("b", "3") "," PAGE("b_2", "4") "]");
	file(p, "{\"name\":\"x\"}", "[" PAGE("b", "3") ", {\"id\" : \"a\", \"title\":\"1\"}, {}]");
	ck_assert(!har_pages_any_renamed(p, 0));
	ck_assert(har_pages_any_renamed(p, 1));
	ck_assert(str_eq(har_pages_renamed(p, 1, STR("b")), STR("b_2")));
	ck_assert(str_eq(har_pages_renamed(p, 1, STR("b_2")), STR("b_2_2")));
	ck_assert(str_eq(har_pages_renamed(p, 2, STR("b")), STR("b_2")));
	ck_assert_uint_eq(har_pages_renamed(p, 2, STR("a")).n, 0);
	ck_assert_uint_eq(har_pages_renamed(p, 2, STR("z")).n, 0);
	written(p, "\"creator\":{\"name\":\"x\"},");
	written(p, "\"pages\":[" PAGE("a", "1") "," PAGE("b", "2") "," PAGE("b_2", "3") ","
	    PAGE("b_2_2", "4") ",{}]");
	har_pages_free(&p);
}
END_TEST

START_TEST(what_not_all_say_is_left_out)
{
	struct har_pages *p = har_pages_new();

	file(p, "{\"name\":\"x\"}", "[]");
	file(p, "{\"name\":\"y\"}", "[]");
	written(p, "{\"log\":{\"version\":\"1.2\",\"creator\":{\"name\":\"mitmd\",");
	har_pages_free(&p);
}
END_TEST

/* ---- counts ---- */

START_TEST(parts_of_a_spread)
{
	struct spread *s = spread_new();
	int i;

	ck_assert_int_eq(spread_part(s, 0.5), -1);
	ck_assert_int_eq(spread_max(s), -1);
	for (i = 1; i <= 1000; i++)
		spread_add(s, i * 1000);
	spread_add(s, -1);
	ck_assert_int_eq(spread_max(s), 1000000);
	ck_assert_int_ge(spread_part(s, 0.5), 480000);
	ck_assert_int_le(spread_part(s, 0.5), 520000);
	ck_assert_int_ge(spread_part(s, 0.95), 912000);
	ck_assert_int_le(spread_part(s, 0.95), 988000);
	ck_assert_int_le(spread_part(s, 1), 1000000);
	spread_add(s, INT64_MAX);
	ck_assert_int_eq(spread_max(s), INT64_MAX);
	free(s);
}
END_TEST

START_TEST(names_beyond_the_table)
{
	struct tally_entry e = {true, 10, -1, 5, -1};
	struct tally *t = tally_new();
	const struct tally_row *rows;
	char name[32];
	size_t n;
	int i;

	for (i = 0; i < (int)TALLY_NAMES + 50; i++) {
		(void)snprintf(name, sizeof(name), "n%d", i);
		tally_add(t, str_z(name), &e);
	}
	tally_add(t, STR("n7"), &e);
	rows = tally_rows(t, &n);
	ck_assert_uint_eq(n, TALLY_NAMES + 1);
	ck_assert(str_eq(rows[0].name, STR("n7")));
	ck_assert_uint_eq(rows[0].entries, 2);
	ck_assert_uint_eq(rows[0].failed, 2);
	ck_assert_uint_eq(rows[0].sent, 20);
	ck_assert_uint_eq(rows[0].received, 0);
	ck_assert(tally_has_others(t));
	ck_assert(str_eq(rows[n - 1].name, STR("(others)")));
	ck_assert_uint_eq(rows[n - 1].entries, 50);
	tally_free(&t);
}
END_TEST

START_TEST(the_line_of_progress)
{
	char text[300];

	progress_text(text, sizeof(text), 64, 512u << 20, 1024u << 20, 4000000);
	ck_assert_str_eq(text, " 50% ##########.......... 512M  128M/s  4s left");
	progress_text(text, sizeof(text), 64, 2048u << 20, 1024u << 20, 4000000);
	ck_assert_str_eq(text, "100% #################### 1.0G  512M/s  0s left");
	progress_text(text, sizeof(text), 20, 512u << 20, 1024u << 20, 4000000);
	ck_assert_str_eq(text, " 50%  512M  128M/s  4s left");
	progress_text(text, sizeof(text), 80, 512u << 20, 0, 4000000);
	ck_assert_str_eq(text, "512M  128M/s");
	progress_text(text, sizeof(text), 80, 0, 100, 0);
	ck_assert_str_eq(text, "0  0/s");
}
END_TEST

Suite *
har_files_suite(void)
{
	Suite *s = suite_create("har_files");
	TCase *tc = tcase_create("har_files");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, items_of_a_file);
	tcase_add_test(tc, where_a_file_breaks);
	tcase_add_test(tc, an_entry_of_any_size);
	tcase_add_test(tc, an_entry_that_cannot_be_looked_at);
	tcase_add_test(tc, a_file_appears_when_it_is_whole);
	tcase_add_loop_test(tc, by_time_and_once, 0, 2);
	tcase_add_test(tc, many_in_runs);
	tcase_add_test(tc, nothing_to_order);
	tcase_add_test(tc, pages_of_several_files);
	tcase_add_test(tc, what_not_all_say_is_left_out);
	tcase_add_test(tc, parts_of_a_spread);
	tcase_add_test(tc, names_beyond_the_table);
	tcase_add_test(tc, the_line_of_progress);
	suite_add_tcase(s, tc);
	return s;
}
