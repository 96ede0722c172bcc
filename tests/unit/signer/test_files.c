/* SPDX-License-Identifier: ISC */
/* test_files.c - a directory that cannot be written: the old file or none, never half of one. */
#include "config.h"

#include "signer/files.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fixture.h"
#include "suites.h"

#define NAME "mitmd-ca.pem"
#define OLD STR("what was there before")

static char large[4096];
static char *dir;
static struct files files;
static struct errmsg err;

static void
setup(void)
{
	memset(large, 'x', sizeof(large));
	dir = fixture_dir();
	ck_assert_int_eq(files_open(&files, dir, (uid_t)-1, (gid_t)-1, &err), 0);
	err.text[0] = '\0';
}

static void
teardown(void)
{
	files_close(&files);
	fixture_dir_remove(&dir);
}

typedef int (*write_fn)(struct files *, const char *, mode_t, struct str, struct errmsg *);

static const write_fn writers[] = {files_create, files_update, files_replace};

/* No file may have more than 100 bytes: as if the disk were full. */
static int
write_when_full(write_fn writer)
{
	struct rlimit before, little;
	int ret;

	(void)signal(SIGXFSZ, SIG_IGN);		/* EFBIG says it, too */
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	little = (struct rlimit){.rlim_cur = 100, .rlim_max = before.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &little), 0);
	ret = writer(&files, NAME, 0600, (struct str){large, sizeof(large)}, &err);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	return ret;
}

static int
entries(void)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	int n = 0;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)) != NULL)
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	(void)closedir(d);
	return n;
}

static void
check_old(void)
{
	char *text;
	size_t n;

	ck_assert_int_eq(files_read(&files, NAME, 1000, &text, &n, &err), 1);
	ck_assert(str_eq((struct str){text, n}, OLD));
	free(text);
	ck_assert_int_eq(entries(), 1);
}

START_TEST(a_full_disk_leaves_nothing)
{
	ck_assert_int_eq(write_when_full(writers[_i]), ERR_SYS);
	ck_assert_ptr_nonnull(strstr(err.text, "cannot write"));
	ck_assert_ptr_nonnull(strstr(err.text, "File too large"));
	ck_assert_int_eq(entries(), 0);
}
END_TEST

START_TEST(a_full_disk_leaves_the_old_one)
{
	ck_assert_int_eq(files_create(&files, NAME, 0600, OLD, &err), 0);
	ck_assert_int_eq(write_when_full(writers[_i]), ERR_SYS);
	check_old();
}
END_TEST

START_TEST(a_new_one_replaces_nothing)
{
	ck_assert_int_eq(files_create(&files, NAME, 0600, OLD, &err), 0);
	ck_assert_int_eq(files_create(&files, NAME, 0600, STR("another"), &err), ERR_EXISTS);
	check_old();
}
END_TEST

START_TEST(a_directory_in_the_way)
{
	char path[300];
	char *text;
	size_t n;

	(void)snprintf(path, sizeof(path), "%s/" NAME, dir);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	ck_assert_int_eq(writers[_i](&files, NAME, 0600, OLD, &err), _i == 0 ? ERR_EXISTS : ERR_SYS);
	ck_assert_str_ne(err.text, "");
	ck_assert_int_eq(entries(), 1);
	ck_assert_int_eq(files_remove(&files, NAME, &err), ERR_SYS);
	ck_assert_int_eq(files_read(&files, NAME, 1000, &text, &n, &err), -1);
	ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

START_TEST(no_descriptor_is_left)
{
	struct rlimit before, none;
	char *text;
	size_t n;
	int next = dup(0);

	ck_assert_int_eq(files_create(&files, NAME, 0600, OLD, &err), 0);
	(void)close(next);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_eq(files_read(&files, NAME, 1000, &text, &n, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "Too many open files"));
	ck_assert_int_eq(files_replace(&files, NAME, 0600, STR("new"), &err), ERR_SYS);
	ck_assert_ptr_nonnull(strstr(err.text, "Too many open files"));
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	check_old();
}
END_TEST

Suite *
files_suite(void)
{
	Suite *s = suite_create("files");
	TCase *tc = tcase_create("faults");
	int n = (int)(sizeof(writers) / sizeof(writers[0]));

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_full_disk_leaves_nothing, 0, n);
	tcase_add_loop_test(tc, a_full_disk_leaves_the_old_one, 0, n);
	tcase_add_test(tc, a_new_one_replaces_nothing);
	tcase_add_loop_test(tc, a_directory_in_the_way, 0, n);
	tcase_add_test(tc, no_descriptor_is_left);
	suite_add_tcase(s, tc);
	return s;
}
