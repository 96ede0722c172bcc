/* SPDX-License-Identifier: ISC */
/* test_spool_later.c - what the spool's helper does by and by, and the numbers it keeps. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "spool_rig.h"
#include "suites.h"

static uint64_t watched;
static _Atomic unsigned synced;

static void
on_op(const struct op *op)
{
	synced += op->kind == OP_SYNC && op->ino == watched;
}

/* _i: of the tag's directory; of the spool, which has that one's name. */
START_TEST(unsynced_directory_is_synced_later)
{
	char path[600];
	struct stat st;

	world_start(&w);
	world_sync(&w);
	add("a", 1, 10);
	commit();
	(void)snprintf(path, sizeof(path), "%s%s", w.dir, _i == 0 ? "/a" : "");
	ck_assert_int_eq(stat(path, &st), 0);
	watched = st.st_ino;
	synced = 0;
	world_op = on_op;
	fault_only = "fsync";
	fault_errno = EIO;
	fault_calls = 0;
	fault_at = 1 + (unsigned)_i;
	(void)spool_flush(w.spool, STR_NONE);
	world_sync(&w);
	fault_at = 0;
	fault_only = NULL;
	look("a");
	ck_assert_uint_eq(f.har, 1);	/* it has its name */
	ck_assert_uint_eq(WORLD_COUNT(w, files_finished), 1);
	ck_assert_uint_eq(synced, 0);
	spool_tick(w.spool, clock_mono_us());
	world_sync(&w);
	ck_assert_uint_eq(synced, 0);
	spool_tick(w.spool, clock_mono_us() + 10000000);
	world_sync(&w);
	ck_assert_uint_eq(synced, 1);
	spool_tick(w.spool, clock_mono_us() + 20000000);
	world_sync(&w);
	ck_assert_uint_eq(synced, 1);	/* and that was it */
	world_op = NULL;
}
END_TEST

static void
until_counted(uint64_t files)
{
	do {
		spool_tick(w.spool, clock_mono_us());
		world_sync(&w);
	} while (WORLD_COUNT(w, spool_files) != files);
}

#define TEN_YEARS 315360000

/* A file that was written at that time. */
static void
lay_down(unsigned n, time_t written)
{
	struct timespec when[2] = {{.tv_sec = written}, {.tv_sec = written}};
	char path[600];

	(void)snprintf(path, sizeof(path), "%s/a/20200101T000000Z-host-%u.har", w.dir, n);
	write_file(path, "{}", 2);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, when, 0), 0);
}

static void
until_deleted(uint64_t files)
{
	while (WORLD_COUNT(w, files_deleted) < files)
		(void)usleep(1000);
	ck_assert_uint_eq(WORLD_COUNT(w, files_deleted), files);
}

#define TEN_YEARS 315360000

/* Ten years ahead nothing is old; ten years back nothing but what was old already. */
START_TEST(clock_that_jumps)
{
	time_t now = (time_t)(clock_wall_us() / 1000000), ahead = _i == 0 ? TEN_YEARS : -TEN_YEARS;

	w.conf.quota.keep_age_us = 3600000000;
	world_start(&w);
	add("a", 1, 10);
	commit();
	(void)spool_flush(w.spool, STR_NONE);
	world_sync(&w);
	lay_down(1, now - 7200);
	spool_tick(w.spool, clock_mono_us());
	until_deleted(1);
	wall_ahead_us = (int64_t)ahead * 1000000;
	lay_down(2, _i == 0 ? now - 7200 : now + ahead - 7200);
	lay_down(3, now + ahead);	/* made after the jump */
	spool_tick(w.spool, clock_mono_us() + 120000000);
	until_deleted(2);
	look("a");
	ck_assert_str_eq(f.order, "1 ");
	ck_assert_uint_eq(f.har, 2);
	wall_ahead_us = 0;
}
END_TEST

START_TEST(numbers_are_kept)
{
	static const char torn[] = "{\"log\":{\"entries\":[\n{\"id\":1},\n{\"id\":2";
	char path[600];

	(void)snprintf(path, sizeof(path), "%s/t", w.dir);
	ck_assert_int_eq(mkdir(path, 0750), 0);
	(void)snprintf(path, sizeof(path), "%s/t/20261122T080102Z-host-1.har.part", w.dir);
	write_file(path, torn, strlen(torn));
	(void)snprintf(path, sizeof(path), "%s/bad", w.dir);
	write_file(path, "x", 1);
	world_start(&w);
	until_counted(1);
	ck_assert_uint_eq(WORLD_COUNT(w, files_recovered), 1);
	ck_assert_uint_eq(WORLD_COUNT(w, entries_recovered), 1);
	ck_assert_uint_eq(WORLD_COUNT(w, spool_ok), 1);
	add("a", 2, 100000);
	add("bad", 3, 10);
	commit();
	until_counted(1);
	ck_assert_uint_eq(WORLD_COUNT(w, entries_recorded), 1);
	ck_assert_uint_gt(WORLD_COUNT(w, bytes_recorded), 100000);
	ck_assert_uint_lt(WORLD_COUNT(w, bytes_recorded), 101000);
	ck_assert_uint_eq(WORLD_COUNT(w, har_dropped[DROPPED_TAG]), 1);
	ck_assert_uint_eq(WORLD_COUNT(w, spool_files_open), 1);
	ck_assert_uint_gt(WORLD_COUNT(w, spool_bytes_open), 100000);
	ck_assert_uint_gt(WORLD_COUNT(w, spool_free_bytes), 0);
	ck_assert_uint_eq(spool_flush(w.spool, STR_NONE), 1);
	until_counted(2);
	ck_assert_uint_eq(WORLD_COUNT(w, files_finished), 1);
	ck_assert_uint_eq(WORLD_COUNT(w, spool_files_open), 0);
	ck_assert_uint_gt(WORLD_COUNT(w, spool_bytes), 100000);
	fail_errno = ENOSPC;
	add("a", 4, 10);
	commit();
	ck_assert_uint_eq(WORLD_COUNT(w, spool_ok), 0);
	ck_assert_uint_eq(WORLD_COUNT(w, har_dropped[DROPPED_SPOOL]), 1);
	fail_errno = 0;
	spool_tick(w.spool, clock_mono_us() + 6000000);
	ck_assert_uint_eq(WORLD_COUNT(w, spool_ok), 1);
	add("a", 5, 10);
	commit();
	world_sync(&w);		/* the empty file of entry 4 is removed there */
	part_path("a", path, sizeof(path));
	ck_assert_int_eq(unlink(path), 0);
	until_counted(2);
	ck_assert_uint_eq(WORLD_COUNT(w, har_dropped[DROPPED_DELETED]), 1);
	w.conf.quota.keep_size = 1;
	ck_assert_int_eq(spool_set(w.spool, str_z(w.dir), -1, STR("host"), &w.conf,
	    &(struct errmsg){""}), 0);
	until_counted(0);
	ck_assert_uint_eq(WORLD_COUNT(w, files_deleted), 2);
}
END_TEST

Suite *
spool_later_suite(void)
{
	Suite *s = suite_create("spool later");
	TCase *t = tcase_create("spool");

	tcase_add_checked_fixture(t, spool_setup, spool_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, unsynced_directory_is_synced_later, 0, 2);
	tcase_add_loop_test(t, clock_that_jumps, 0, 2);
	tcase_add_test(t, numbers_are_kept);
	suite_add_tcase(s, t);
	return s;
}
