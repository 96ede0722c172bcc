/* SPDX-License-Identifier: ISC */
/* test_tls_errors.c - the list of TLS failures at a finished file's end. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fd.h"
#include "suites.h"
#include "world.h"

#define NAME "20261122T080102Z-host-1.har"
#define HEAD "{\"log\":{\"version\":\"1.2\",\"entries\":[\n"
#define ERR(id) "{\"id\":" #id ",\"_tlsError\":{\"err\":" #id "}}"
#define ENTRIES HEAD ERR(1) ",\n{\"id\":2},\n" ERR(3)
#define LIST "\n],\"_tlsErrors\":[{\"err\":1},{\"err\":3}]}}\n"

static struct world w;
static struct found f;

static void
setup(void)
{
	world_init(&w);
}

static void
teardown(void)
{
	fail_reserve = 0;
	world_fini(&w);
}

static void
look(void)
{
	world_sync(&w);
	world_look(&w, "t", &f);
	ck_assert_uint_eq(f.invalid, 0);
	ck_assert_uint_eq(f.other, 0);
}

static void
flush(void)
{
	world_take_all(&w);
	(void)spool_flush(w.spool, STR_NONE);
	look();
	ck_assert_uint_eq(f.part, 0);
}

static void
make_part(const char *text, size_t n)
{
	char path[1024];

	(void)snprintf(path, sizeof(path), "%s/t", w.dir);
	(void)mkdir(path, 0750);
	(void)snprintf(path, sizeof(path), "%s/t/" NAME SPOOL_PART, w.dir);
	write_file(path, text, n);
}

/* The one file of tag t. */
static char *
text_of(const char *suffix)
{
	char command[600], path[600];
	size_t n;
	FILE *p;

	(void)snprintf(command, sizeof(command), "ls %s/t/*%s", w.dir, suffix);
	p = popen(command, "r");
	ck_assert_ptr_nonnull(fgets(path, sizeof(path), p));
	path[strcspn(path, "\n")] = '\0';
	(void)pclose(p);
	return read_all(path, &n);
}

START_TEST(told_when_the_file_is_finished)
{
	char *text;

	world_start(&w);
	world_put_error(&w, 0, "t", 1);
	world_put(&w, 0, "t", 2, 100);
	world_take_all(&w);
	world_put_error(&w, 0, "t", 3);
	world_put(&w, 0, "other", 4, 100);
	world_take_all(&w);
	look();
	ck_assert_str_eq(f.order, "1 2 3 ");
	ck_assert_str_eq(f.errors, "");	/* it still grows */
	flush();
	ck_assert_str_eq(f.order, "1 2 3 ");
	ck_assert_str_eq(f.errors, "1 3 ");
	text = text_of(".har");
	ck_assert_ptr_nonnull(strstr(text, ERR(3) LIST));
	free(text);
}
END_TEST

START_TEST(no_list_where_nothing_failed)
{
	char *text;

	world_start(&w);
	world_put(&w, 0, "t", 1, 10);
	flush();
	text = text_of(".har");
	ck_assert_ptr_null(strstr(text, "_tlsErrors"));
	ck_assert_str_eq(text + strlen(text) - 5, "\n]}}\n");
	free(text);
}
END_TEST

static const struct {
	const char *what, *entry, *errors;
} odd[] = {
    {"in a string", "{\"id\":1,\"a\":\"x,\\\"_tlsError\\\":{\\\"err\\\":1}\"}", ""},
    {"behind a string that ends with a comma", "{\"id\":1,\"a\":\",\",\"_tlsError\":{\"err\":1}}", "1 "},
    {"a number", "{\"id\":1,\"_tlsError\":17}", ""},
    {"not the last member", "{\"id\":1,\"_tlsError\":{\"err\":1},\"b\":1}", ""},
    {"nested", "{\"id\":1,\"a\":{\"b\":2,\"_tlsError\":{\"err\":1}}}", ""},
    {"twice", "{\"id\":1,\"_tlsError\":{\"err\":1},\"_tlsError\":{\"err\":2}}", ""},
    {"empty", "{\"id\":1,\"_tlsError\":{}}", ""},
};

/* Whatever a broken worker writes, the file is valid. */
START_TEST(only_a_last_member)
{
	world_start(&w);
	ck_assert_int_eq(world_put_text(&w, 0, "t", odd[_i].entry), 0);
	world_put_error(&w, 0, "t", 9);
	flush();
	ck_assert_msg(f.ids[1] == 1, "%s", odd[_i].what);
	ck_assert_int_eq(strncmp(f.errors, odd[_i].errors, strlen(odd[_i].errors)), 0);
	ck_assert_str_eq(f.errors + strlen(odd[_i].errors), "9 ");
}
END_TEST

START_TEST(the_list_has_a_bound)
{
	unsigned id;
	char *text;

	world_start(&w);
	for (id = 1; id <= TLS_ERRORS_MAX + 7; id++) {
		world_put_error(&w, 0, "t", id);
		if (id % 100 == 0)
			world_take_all(&w);
	}
	flush();
	ck_assert_uint_eq(f.ids[TLS_ERRORS_MAX + 7], 1);
	ck_assert_uint_eq(f.listed[TLS_ERRORS_MAX], 1);
	ck_assert_uint_eq(f.listed[TLS_ERRORS_MAX + 1], 0);
	text = text_of(".har");
	ck_assert_ptr_nonnull(strstr(text, "}],\"_tlsErrorsLeftOut\":7}}\n"));
	free(text);
}
END_TEST

START_TEST(the_list_has_few_bytes)
{
	char *text = malloc(HAR_TLS_ERROR_MAX + 100);
	unsigned id, n = TLS_ERRORS_BYTES / 4000 + 10;

	world_start(&w);
	for (id = 1; id <= n; id++) {
		(void)sprintf(text, "{\"id\":%u,\"_tlsError\":{\"err\":%u,\"x\":\"%03970d\"}}", id, id, 0);
		ck_assert_int_eq(world_put_text(&w, 0, "t", text), 0);
		world_take_all(&w);
	}
	/* One that is too long for itself. */
	(void)sprintf(text, "{\"id\":%u,\"_tlsError\":{\"err\":%u,\"x\":\"%04096d\"}}", id, id, 0);
	ck_assert_int_eq(world_put_text(&w, 0, "t", text), 0);
	free(text);
	flush();
	ck_assert_uint_eq(f.ids[n], 1);
	ck_assert_uint_eq(f.listed[1], 1);
	ck_assert_uint_eq(f.listed[n], 0);
	text = strstr(f.errors, " 65 ");
	ck_assert_ptr_nonnull(text);
	ck_assert_uint_eq(f.listed[70], 0);
}
END_TEST

/* ---- deaths ---- */

/* Every cut of the last write, over the old tail; and the rest of its blocks as zeros. */
START_TEST(torn_list)
{
	static const char whole[] = ENTRIES LIST;
	size_t from = strlen(ENTRIES), n = from + (size_t)_i / 2;
	char *text = calloc(1, sizeof(whole) + 64), *got;

	memcpy(text, ENTRIES "\n]}}\n", from + 5);
	memcpy(text, whole, n);
	make_part(text, _i % 2 == 0 ? MAX(n, from + 5) : sizeof(whole) - 1);
	free(text);
	world_start(&w);
	look();
	ck_assert_uint_eq(f.har, 1);
	got = text_of(".har");
	ck_assert_str_eq(got, whole);
	free(got);
}
END_TEST

static const struct {
	const char *what, *text, *order, *errors;
} dead[] = {
    {"whole, without", ENTRIES "\n]}}\n", "1 2 3 ", "1 3 "},
    {"whole, with", ENTRIES LIST, "1 2 3 ", "1 3 "},
    {"a list of others", ENTRIES "\n],\"_tlsErrors\":[{\"err\":7}]}}\n", "1 2 3 ", "1 3 "},
    {"a list of none", HEAD "{\"id\":1}" LIST, "1 ", ""},
    {"more behind it", ENTRIES LIST "]}}\n", "1 2 3 ", "1 3 "},
    {"torn in an error", HEAD ERR(1) ",\n{\"id\":2,\"_tlsError\":{\"err\"", "1 ", "1 "},
    {"rewritten", HEAD ERR(1) ",\n{\"id\":2,,},\n" ERR(3), "1 3 ", "1 3 "},
    {"old list in the middle", HEAD ERR(1) LIST ERR(3) LIST, "1 3 ", "1 3 "},
    {"header broken", "{\"log\":{\"vers\n" ERR(1) "\n]}}\n", "1 ", "1 "},
};

START_TEST(recovery_makes_it_anew)
{
	make_part(dead[_i].text, strlen(dead[_i].text));
	world_start(&w);
	look();
	ck_assert_uint_eq(f.har, 1);
	ck_assert_msg(strcmp(f.order, dead[_i].order) == 0, "%s: %s", dead[_i].what, f.order);
	ck_assert_msg(strcmp(f.errors, dead[_i].errors) == 0, "%s: %s", dead[_i].what,
	    f.errors);
}
END_TEST

/* ---- no room, and readers ---- */

static const char *const full[] = {"fallocate", "short write"};

START_TEST(disk_is_full)
{
	struct rlimit before, limit;
	unsigned id;
	char *text;

	world_start(&w);
	for (id = 1; id <= 100; id++)
		world_put_error(&w, 0, "t", id);
	world_take_all(&w);
	text = text_of(".part");
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = strlen(text) + 20;
	free(text);
	fail_reserve = _i == 0 ? ENOSPC : EOPNOTSUPP;
	if (_i == 1)
		ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	(void)spool_flush(w.spool, STR_NONE);
	look();
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	ck_assert_msg(f.har == 1 && f.part == 0, "%s", full[_i]);
	ck_assert_uint_eq(f.ids[100], 1);
	ck_assert_str_eq(f.errors, "");
	text = text_of(".har");
	ck_assert_str_eq(text + strlen(text) - 6, "}\n]}}\n");
	free(text);
}
END_TEST

START_TEST(recovery_on_a_full_disk)
{
	make_part(ENTRIES "\n]", strlen(ENTRIES "\n]"));
	fail_reserve = ENOSPC;
	world_start(&w);
	look();
	ck_assert_uint_eq(f.har, 1);
	ck_assert_str_eq(f.order, "1 2 3 ");
	ck_assert_str_eq(f.errors, "");
}
END_TEST

/* What a reader holds is not written to, however long it reads. */
START_TEST(reader_stays)
{
	char path[1024];
	int fd;

	make_part(ENTRIES "\n]}}\n", strlen(ENTRIES "\n]}}\n"));
	(void)snprintf(path, sizeof(path), "%s/t/" NAME SPOOL_PART, w.dir);
	fd = open(path, O_RDONLY);
	ck_assert_int_eq(flock(fd, LOCK_SH | LOCK_NB), 0);
	world_start(&w);
	look();
	ck_assert_uint_eq(f.har, 1);
	ck_assert_str_eq(f.errors, "");
	fd_close(&fd);
}
END_TEST

START_TEST(reader_of_a_growing_file_stays)
{
	char command[600], path[600];
	FILE *p;
	int fd;

	world_start(&w);
	world_put_error(&w, 0, "t", 1);
	world_take_all(&w);
	(void)snprintf(command, sizeof(command), "ls %s/t/*.part", w.dir);
	p = popen(command, "r");
	ck_assert_ptr_nonnull(fgets(path, sizeof(path), p));
	path[strcspn(path, "\n")] = '\0';
	(void)pclose(p);
	fd = open(path, O_RDONLY);
	ck_assert_int_eq(flock(fd, LOCK_SH | LOCK_NB), 0);
	(void)spool_flush(w.spool, STR_NONE);
	look();
	ck_assert_uint_eq(f.har, 1);
	ck_assert_str_eq(f.errors, "");
	fd_close(&fd);
}
END_TEST

Suite *
tls_errors_suite(void)
{
	Suite *s = suite_create("tls_errors");
	TCase *t = tcase_create("tls_errors");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, told_when_the_file_is_finished);
	tcase_add_test(t, no_list_where_nothing_failed);
	tcase_add_loop_test(t, only_a_last_member, 0, (int)NELEM(odd));
	tcase_add_test(t, the_list_has_a_bound);
	tcase_add_test(t, the_list_has_few_bytes);
	tcase_add_loop_test(t, torn_list, 0, (int)(2 * (sizeof(LIST) - 1)));
	tcase_add_loop_test(t, recovery_makes_it_anew, 0, (int)NELEM(dead));
	tcase_add_loop_test(t, disk_is_full, 0, (int)NELEM(full));
	tcase_add_test(t, recovery_on_a_full_disk);
	tcase_add_test(t, reader_stays);
	tcase_add_test(t, reader_of_a_growing_file_stays);
	suite_add_tcase(s, t);
	return s;
}
