/* SPDX-License-Identifier: ISC */
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

START_TEST(batches_into_one_file_per_tag)
{
	world_start(&w);
	add("a", 1, 10);
	add("b", 2, 10);
	add("a", 3, 10);
	commit();
	look("a");
	ck_assert_uint_eq(f.part, 2);
	ck_assert_str_eq(f.order, "1 3 ");
	add("a", 4, 100000);
	commit();
	look("a");
	ck_assert_uint_eq(f.part, 2);
	ck_assert_str_eq(f.order, "1 3 4 ");
}
END_TEST

START_TEST(modes_and_names)
{
	char path[600];
	struct stat st;

	(void)umask(022);
	world_start(&w);
	add("a", 1, 10);
	commit();
	part_path("a", path, sizeof(path));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	ck_assert_ptr_nonnull(strstr(path, "Z-host-1.har.part"));
	(void)snprintf(path, sizeof(path), "%s/a", w.dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 02750);
}
END_TEST

START_TEST(full_file_is_finished)
{
	w.conf.rotate_size = 4096;
	world_start(&w);
	add("a", 1, 3000);
	commit();
	look("a");
	ck_assert_uint_eq(f.har, 0);
	add("a", 2, 3000);
	commit();
	add("a", 3, 10);
	commit();
	look("a");
	ck_assert_uint_eq(f.har, 1);
	ck_assert_uint_eq(f.part, 1);
	ck_assert_str_eq(f.order, "1 2 3 ");
}
END_TEST

START_TEST(old_and_idle_files_are_finished)
{
	uint64_t now = 1000000000;

	w.conf.rotate_age_us = 600000000;
	w.conf.rotate_idle_us = 30000000;
	world_start(&w);
	add("idle", 1, 10);
	add("busy", 2, 10);
	ck_assert_int_eq(commit_at(now, true), 0);
	for (; now < 1000000000 + 599000000; now += 29000000) {
		spool_tick(w.spool, now);
		add("busy", 3, 10);
		ck_assert_int_eq(commit_at(now, true), 0);
	}
	look(NULL);
	ck_assert_uint_eq(f.har, 1);	/* idle */
	ck_assert_uint_eq(f.part, 1);
	spool_tick(w.spool, 1000000000 + 600000000);
	look(NULL);
	ck_assert_uint_eq(f.har, 2);
}
END_TEST

START_TEST(flush_of_one_and_all)
{
	world_start(&w);
	add("a", 1, 10);
	add("b", 2, 10);
	add("c", 3, 10);
	commit();
	ck_assert_uint_eq(spool_flush(w.spool, STR("b")), 1);
	look(NULL);
	ck_assert_uint_eq(f.har, 1);
	ck_assert_uint_eq(spool_flush(w.spool, STR("none")), 0);
	ck_assert_uint_eq(spool_flush(w.spool, STR_NONE), 2);
	look(NULL);
	ck_assert_uint_eq(f.har, 3);
	ck_assert_uint_eq(f.part, 0);
}
END_TEST

START_TEST(least_recently_used_is_finished)
{
	char tag[16];
	unsigned i;

	world_start(&w);
	for (i = 0; i < SPOOL_OPEN_MAX; i++) {
		(void)snprintf(tag, sizeof(tag), "t%u", i);
		add(tag, i, 1);
		if (i % 100 == 99)
			commit();
	}
	commit();
	add("t0", 1000, 1);	/* used again */
	commit();
	look(NULL);
	ck_assert_uint_eq(f.part, SPOOL_OPEN_MAX);
	add("more", 1001, 1);
	add("more2", 1002, 1);
	commit();
	look("t0");
	ck_assert_uint_eq(f.part, SPOOL_OPEN_MAX);
	ck_assert_uint_eq(f.har, 2);
	ck_assert_str_eq(f.order, "0 1000 ");
	add("t0", 1003, 1);
	commit();
	look("t1");
	ck_assert_uint_eq(f.har, 2);	/* t0 was open still: t1 and t2 were finished */
}
END_TEST

START_TEST(too_many_tags_at_once)
{
	char tag[16];
	unsigned i;

	world_start(&w);
	for (i = 0; i < SPOOL_WAITING_TAGS; i++) {
		ck_assert(!spool_due(w.spool));
		(void)snprintf(tag, sizeof(tag), "t%u", i);
		add(tag, i, 1);
	}
	ck_assert(spool_full(w.spool));
}
END_TEST

START_TEST(due_at_256_kib_of_a_tag)
{
	world_start(&w);
	add("a", 1, SPOOL_BATCH_BYTES - 100);
	add("b", 1, 100000);
	ck_assert(!spool_due(w.spool));
	add("a", 1, 100);
	ck_assert(spool_due(w.spool));
	ck_assert(!spool_full(w.spool));
	commit();
	ck_assert(!spool_due(w.spool));
}
END_TEST

static int
lock_part(const char *tag)
{
	char path[600];
	int fd;

	part_path(tag, path, sizeof(path));
	fd = open(path, O_RDONLY);
	ck_assert_int_eq(flock(fd, LOCK_SH | LOCK_NB), 0);
	return fd;
}

START_TEST(reader_is_waited_for)
{
	uint64_t now = 5000000;
	int fd;

	world_start(&w);
	add("a", 1, 10);
	ck_assert_int_eq(commit_at(now, true), 0);
	fd = lock_part("a");
	add("a", 2, 10);
	add("b", 3, 10);
	ck_assert_int_eq(commit_at(now, true), ERR_AGAIN);
	ck_assert_int_eq(commit_at(now + 999999, true), ERR_AGAIN);
	look("a");
	ck_assert_str_eq(f.order, "1 ");
	fd_close(&fd);
	ck_assert_int_eq(commit_at(now + 999999, true), 0);
	look("a");
	ck_assert_str_eq(f.order, "1 2 ");
	ck_assert_uint_eq(f.har, 0);
}
END_TEST

/* _i: the reader takes longer than a second, or memory is full. */
START_TEST(reader_does_not_hold_up)
{
	uint64_t now = 5000000;
	int fd;

	world_start(&w);
	add("a", 1, 10);
	ck_assert_int_eq(commit_at(now, true), 0);
	fd = lock_part("a");
	add("a", 2, 10);
	ck_assert_int_eq(commit_at(now, true), ERR_AGAIN);
	ck_assert_int_eq(commit_at(now + (_i == 0 ? 1000001 : 1), _i == 0), 0);
	look("a");
	ck_assert_str_eq(f.order, "1 2 ");
	ck_assert_uint_eq(f.har, 1);	/* what the reader has is finished, not written to */
	ck_assert_uint_eq(f.part, 1);
	fd_close(&fd);
}
END_TEST

START_TEST(full_disk)
{
	world_start(&w);
	ck_assert(spool_takes(w.spool));
	add("a", 1, 10);
	commit();
	fail_errno = ENOSPC;
	add("a", 2, 10000);
	add("b", 3, 10000);
	commit();
	ck_assert(!spool_takes(w.spool));
	ck_assert(!w.state_ok);
	ck_assert_uint_eq(w.states, 1);
	ck_assert_uint_eq(spool_lost_total(w.spool), 2);
	look("a");
	ck_assert_str_eq(f.order, "1 ");
	ck_assert_uint_eq(f.part, 1);	/* no empty file of b */
	fail_errno = 0;
	spool_tick(w.spool, clock_mono_us() + 1000000);
	ck_assert(!spool_takes(w.spool));
	spool_tick(w.spool, clock_mono_us() + 6000000);
	ck_assert(spool_takes(w.spool));
	ck_assert(w.state_ok);
	ck_assert_uint_eq(w.states, 2);
	add("a", 4, 10);
	add("b", 5, 10);
	commit();
	look("a");
	ck_assert_str_eq(f.order, "1 4 ");
	ck_assert_uint_eq(f.part, 2);
}
END_TEST

/* Half of a batch fits: what the kernel wrote of it is taken back. */
START_TEST(short_write)
{
	struct rlimit before, limit;
	char path[600];
	struct stat st;

	world_start(&w);
	add("a", 1, 10);
	commit();
	part_path("a", path, sizeof(path));
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 50000;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	add("a", 2, 100000);
	commit();
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	look("a");
	ck_assert_str_eq(f.order, "1 ");
	ck_assert_uint_eq(spool_lost_total(w.spool), 1);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_lt(st.st_size, 10000);
}
END_TEST

START_TEST(one_bad_tag_harms_no_other)
{
	char path[600];

	world_start(&w);
	(void)snprintf(path, sizeof(path), "%s/link", w.dir);
	ck_assert_int_eq(symlink("/tmp", path), 0);
	(void)snprintf(path, sizeof(path), "%s/file", w.dir);
	write_file(path, "x", 1);
	add("link", 1, 10);
	add("file", 2, 10);
	add("good", 3, 10);
	commit();
	ck_assert(spool_takes(w.spool));
	ck_assert_uint_eq(spool_lost_total(w.spool), 2);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/link", w.dir);
	(void)unlink(path);
	look("good");
	ck_assert_str_eq(f.order, "3 ");
}
END_TEST

START_TEST(deleted_file_is_noticed)
{
	char path[600];

	world_start(&w);
	add("a", 1, 10);
	commit();
	part_path("a", path, sizeof(path));
	ck_assert_int_eq(unlink(path), 0);
	spool_tick(w.spool, clock_mono_us());
	add("a", 2, 10);
	commit();
	look("a");
	ck_assert_str_eq(f.order, "2 ");
	ck_assert_uint_eq(spool_lost_total(w.spool), 1);
}
END_TEST

START_TEST(deleted_spool_comes_back)
{
	char command[600];

	world_start(&w);
	add("a", 1, 10);
	commit();
	(void)snprintf(command, sizeof(command), "rm -r %s", w.dir);
	ck_assert_int_eq(system(command), 0);
	spool_tick(w.spool, clock_mono_us());
	if (!spool_takes(w.spool))
		spool_tick(w.spool, clock_mono_us() + 6000000);
	ck_assert(spool_takes(w.spool));
	add("a", 2, 10);
	commit();
	look("a");
	ck_assert_str_eq(f.order, "2 ");
}
END_TEST

START_TEST(another_directory)
{
	char other[300], dir[256];
	struct errmsg err;

	world_start(&w);
	add("a", 1, 10);
	commit();
	(void)snprintf(other, sizeof(other), "%s/../mitmd-other-%d", w.dir, (int)getpid());
	ck_assert_int_eq(spool_set(w.spool, str_z(other), -1, STR("host"), &w.conf, &err), 0);
	add("a", 2, 10);
	commit();
	ck_assert_uint_eq(spool_flush(w.spool, STR_NONE), 1);
	look("a");
	ck_assert_str_eq(f.order, "1 ");
	ck_assert_uint_eq(f.har, 1);
	memcpy(dir, w.dir, sizeof(dir));
	(void)snprintf(w.dir, sizeof(w.dir), "%s", other);
	look("a");
	memcpy(w.dir, dir, sizeof(dir));
	ck_assert_str_eq(f.order, "2 ");
	(void)snprintf(dir, sizeof(dir), "rm -r %.200s", other);
	ck_assert_int_eq(system(dir), 0);
}
END_TEST

START_TEST(unusable_directory_is_refused)
{
	struct errmsg err;
	char path[600];

	world_start(&w);
	(void)snprintf(path, sizeof(path), "%s/no/such", w.dir);
	ck_assert_int_eq(spool_set(w.spool, str_z(path), -1, STR("host"), &w.conf, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "no/such"));
	ck_assert_int_eq(spool_set(w.spool, STR("/proc/self"), -1, STR("host"), &w.conf, &err),
	    -1);
	ck_assert_int_eq(spool_set(w.spool, str_z(w.dir), -1, STR("a/b"), &w.conf, &err), -1);
	add("a", 1, 10);	/* the one before stays */
	commit();
	look("a");
	ck_assert_str_eq(f.order, "1 ");
}
END_TEST

START_TEST(one_recorder_per_directory)
{
	struct errmsg err;
	struct spool_dir d;
	int fd;

	world_start(&w);
	ck_assert_int_eq(spool_dir_open(&d, str_z(w.dir), -1, 0, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "in use"));
	ck_assert_int_eq(spool_set(w.spool, str_z(w.dir), -1, STR("host"), &w.conf, &err), 0);
	world_stop(&w);
	/* A descriptor that somebody else keeps does not keep the lock. */
	fd = open(w.dir, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(spool_dir_open(&d, str_z(w.dir), dup(fd), 0, &err), 0);
	spool_dir_close(&d);
	ck_assert_int_eq(spool_dir_open(&d, str_z(w.dir), -1, 0, &err), 0);
	spool_dir_close(&d);
	fd_close(&fd);
}
END_TEST

START_TEST(reserved_space_is_given_back)
{
	char path[600];
	struct stat st;
	size_t n;

	world_start(&w);
	add("a", 1, 10);
	commit();
	part_path("a", path, sizeof(path));
	(void)spool_flush(w.spool, STR_NONE);
	look("a");
	n = strlen(path);
	path[n - strlen(SPOOL_PART)] = '\0';
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_lt(st.st_blocks, 64);
}
END_TEST

/* The kernel may have dropped what it could not write, and say that all is well. */
START_TEST(unsynced_file_is_copied)
{
	char path[600];
	struct stat st;
	ino_t before;

	world_start(&w);
	world_sync(&w);
	add("a", 1, 10);
	commit();
	part_path("a", path, sizeof(path));
	ck_assert_int_eq(stat(path, &st), 0);
	before = st.st_ino;
	fault_only = "fdatasync";
	fault_errno = EIO;
	fault_at = 1;
	(void)spool_flush(w.spool, STR_NONE);
	world_sync(&w);
	fault_at = 0;
	fault_only = NULL;
	ck_assert_int_eq(stat(path, &st), 0);
	spool_tick(w.spool, clock_mono_us());
	spool_tick(w.spool, clock_mono_us() + 10000000);
	look("a");
	ck_assert_uint_eq(f.har, 1);
	ck_assert_str_eq(f.order, "1 ");
	path[strlen(path) - strlen(SPOOL_PART)] = '\0';
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert(st.st_ino != before);
}
END_TEST

Suite *
spool_suite(void)
{
	Suite *s = suite_create("spool");
	TCase *t = tcase_create("spool");

	tcase_add_checked_fixture(t, spool_setup, spool_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, batches_into_one_file_per_tag);
	tcase_add_test(t, modes_and_names);
	tcase_add_test(t, full_file_is_finished);
	tcase_add_test(t, old_and_idle_files_are_finished);
	tcase_add_test(t, flush_of_one_and_all);
	tcase_add_test(t, least_recently_used_is_finished);
	tcase_add_test(t, too_many_tags_at_once);
	tcase_add_test(t, due_at_256_kib_of_a_tag);
	tcase_add_test(t, reader_is_waited_for);
	tcase_add_loop_test(t, reader_does_not_hold_up, 0, 2);
	tcase_add_test(t, full_disk);
	tcase_add_test(t, short_write);
	tcase_add_test(t, one_bad_tag_harms_no_other);
	tcase_add_test(t, deleted_file_is_noticed);
	tcase_add_test(t, deleted_spool_comes_back);
	tcase_add_test(t, another_directory);
	tcase_add_test(t, unusable_directory_is_refused);
	tcase_add_test(t, one_recorder_per_directory);
	tcase_add_test(t, reserved_space_is_given_back);
	tcase_add_test(t, unsynced_file_is_copied);
	suite_add_tcase(s, t);
	return s;
}
