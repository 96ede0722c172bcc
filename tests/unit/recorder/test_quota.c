/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "recorder/quota.h"
#include "suites.h"
#include "world.h"

#define NOW 1800000000u
#define HAR "20270115T08000%uZ-host-%u.har"
#define KB 1024

static struct world w;
static struct spool_dir dir;

static void
setup(void)
{
	world_init(&w);
	dir = (struct spool_dir){.fd = open(w.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
}

static void
teardown(void)
{
	fd_close(&dir.fd);
	world_fini(&w);
}

static char *
path_of(const char *tag, const char *name)
{
	return mem_printf("%s/%s/%s", w.dir, tag, name);
}

/* Of 64 KiB, and so many seconds old. */
static void
make(const char *tag, const char *name, unsigned age)
{
	struct timespec when[2] = {{.tv_sec = NOW - age}, {.tv_sec = NOW - age}};
	static const char zeros[64 * KB];
	char *path = mem_printf("%s/%s", w.dir, tag);

	(void)mkdir(path, 0750);
	free(path);
	path = path_of(tag, name);
	write_file(path, zeros, sizeof(zeros));
	ck_assert_int_eq(utimensat(AT_FDCWD, path, when, 0), 0);
	free(path);
}

static void
make_har(const char *tag, unsigned n, unsigned age)
{
	char name[64];

	(void)snprintf(name, sizeof(name), HAR, n, n);
	make(tag, name, age);
}

static bool
exists(const char *tag, const char *name)
{
	char *path = path_of(tag, name);
	struct stat st;
	bool is = lstat(path, &st) == 0;

	free(path);
	return is;
}

static bool
has(const char *tag, unsigned n)
{
	char name[64];

	(void)snprintf(name, sizeof(name), HAR, n, n);
	return exists(tag, name);
}

static struct quota_sums
run(struct quota quota)
{
	struct quota_job *q = quota_new(&dir, &quota, (uint64_t)NOW * 1000000);
	struct quota_sums sums;

	while (quota_step(q))
		;
	quota_sums(q, &sums);
	quota_free(&q);
	return sums;
}

/* Files 1 and 3 are of a, 2 and 4 of b, the first is the oldest: 400, 300, 200, 100 s. */
static const struct {
	struct quota quota;
	const char *left;
} quotas[] = {
    {{0, 0, 0}, "1234"},
    {{256 * KB, 0, 0}, "1234"},
    {{255 * KB, 0, 0}, "234"},
    {{128 * KB, 0, 0}, "34"},
    {{1, 0, 0}, ""},
    {{0, 401000000, 0}, "1234"},
    {{0, 250000000, 0}, "34"},
    {{0, 1, 0}, ""},
    {{192 * KB, 250000000, 0}, "34"},
    {{64 * KB, 350000000, 0}, "4"},
};

START_TEST(oldest_first)
{
	struct quota_sums sums;
	unsigned n;

	for (n = 1; n <= 4; n++)
		make_har(n % 2 ? "a" : "b", n, 500 - 100 * n);
	sums = run(quotas[_i].quota);
	for (n = 1; n <= 4; n++)
		ck_assert_int_eq(has(n % 2 ? "a" : "b", n),
		    strchr(quotas[_i].left, (int)('0' + n)) != NULL);
	ck_assert_uint_eq(sums.files, strlen(quotas[_i].left));
	ck_assert_uint_eq(sums.deleted, 4 - sums.files);
	ck_assert_uint_eq(sums.bytes, sums.files * 64 * KB);
	/* A tag without files is no more. */
	ck_assert_int_eq(exists("b", ""), strpbrk(quotas[_i].left, "24") != NULL);
}
END_TEST

/* As many as are needed, and no more. */
START_TEST(room_on_the_disk)
{
	struct statvfs v;
	uint64_t room;
	unsigned n;

	for (n = 1; n <= 4; n++)
		make_har("a", n, 500 - 100 * n);
	ck_assert_int_eq(statvfs(w.dir, &v), 0);
	room = (uint64_t)v.f_bavail * v.f_frsize;
	/* Others use this file system, too: by far the most, or by far too much. */
	ck_assert_uint_eq(run((struct quota){.min_free = room / 2}).deleted, 0);
	ck_assert_uint_eq(run((struct quota){.min_free = room * 2}).deleted, 4);
}
END_TEST

START_TEST(growing_files_count_and_stay)
{
	make("a", "20270115T080009Z-host-9.har.part", 1000);
	make("a", "20270115T080009Z-other-9.har.part", 1000);
	make_har("a", 1, 100);
	make_har("a", 2, 50);
	ck_assert_uint_eq(run((struct quota){.keep_size = 192 * KB, .keep_age_us = 500000000})
	    .deleted, 1);
	ck_assert(!has("a", 1) && has("a", 2));
	ck_assert_uint_eq(run((struct quota){.keep_size = 1, .keep_age_us = 1}).deleted, 1);
	ck_assert(exists("a", "20270115T080009Z-host-9.har.part"));
	ck_assert(exists("a", "20270115T080009Z-other-9.har.part"));
}
END_TEST

/* What is not ours does not count either. */
START_TEST(odd_things_stay)
{
	char *path, *out = mem_printf("%s-outside", w.dir), *file = mem_printf("%s/" HAR, out, 1, 1);
	struct quota_sums sums;

	make("a", "notes.txt", 1000);
	make("a", "20270115T080001Z-host-x.har", 1000);
	make_har("-a", 1, 1000);
	make_har("a", 1, 100);
	path = path_of("a", "20270115T080002Z-host-2.har");
	ck_assert_int_eq(symlink("notes.txt", path), 0);
	free(path);
	path = path_of("a", "20270115T080003Z-host-3.har");
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	free(path);
	ck_assert_int_eq(mkdir(out, 0700), 0);
	write_file(file, "x", 1);
	path = path_of("a", "20270115T080004Z-host-4.har");
	ck_assert_int_eq(link(file, path), 0);
	free(path);
	path = mem_printf("%s/link", w.dir);
	ck_assert_int_eq(symlink(out, path), 0);
	free(path);
	if (geteuid() == 0) {
		make("a", "20270115T080005Z-host-5.har", 1000);
		path = path_of("a", "20270115T080005Z-host-5.har");
		ck_assert_int_eq(chown(path, 65534, 65534), 0);
		free(path);
	}
	sums = run((struct quota){.keep_size = 1, .keep_age_us = 1});
	ck_assert_uint_eq(sums.deleted, 1);
	ck_assert_uint_eq(sums.files + sums.bytes, 0);
	ck_assert(!has("a", 1) && has("-a", 1));
	ck_assert(exists("a", "notes.txt") && exists("a", "20270115T080001Z-host-x.har"));
	ck_assert(exists("a", "20270115T080002Z-host-2.har"));
	ck_assert(exists("a", "20270115T080003Z-host-3.har"));
	ck_assert(exists("a", "20270115T080004Z-host-4.har"));
	ck_assert(geteuid() != 0 || exists("a", "20270115T080005Z-host-5.har"));
	ck_assert_int_eq(unlink(file), 0);
	ck_assert_int_eq(rmdir(out), 0);
	free(file);
	free(out);
}
END_TEST

/* By a clock that was wrong: files from the future are not old. */
START_TEST(files_from_the_future)
{
	make_har("a", 1, (unsigned)-86400);
	make_har("a", 2, 10);
	ck_assert_uint_eq(run((struct quota){.keep_age_us = 60000000}).deleted, 0);
	ck_assert_uint_eq(run((struct quota){.keep_size = 64 * KB}).deleted, 1);
	ck_assert(has("a", 1));
}
END_TEST

START_TEST(equally_old_files_go_by_name)
{
	make_har("a", 2, 10);
	make_har("b", 1, 10);
	make_har("a", 3, 10);
	ck_assert_uint_eq(run((struct quota){.keep_size = 128 * KB}).deleted, 1);
	ck_assert(!has("b", 1));
}
END_TEST

Suite *
quota_suite(void)
{
	Suite *s = suite_create("quota");
	TCase *t = tcase_create("quota");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, oldest_first, 0, (int)NELEM(quotas));
	tcase_add_test(t, room_on_the_disk);
	tcase_add_test(t, growing_files_count_and_stay);
	tcase_add_test(t, odd_things_stay);
	tcase_add_test(t, files_from_the_future);
	tcase_add_test(t, equally_old_files_go_by_name);
	suite_add_tcase(s, t);
	return s;
}
