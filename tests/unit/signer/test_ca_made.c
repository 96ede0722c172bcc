/* SPDX-License-Identifier: ISC */
/* test_ca_made.c - a CA that was made in vain goes, and no other one; whose it is. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "ca_rig.h"
#include "suites.h"

START_TEST(what_was_made_is_taken_away)
{
	struct stat st;
	uint64_t made;

	ck_assert_int_eq(open_at(NOW), 0);
	made = ca.made;
	ck_assert_uint_ne(made, 0);
	ck_assert_int_eq(stat(in_dir(CA_FILE), &st), 0);
	ck_assert_int_eq(open_at(NOW), 0);
	ck_assert_uint_eq(ca.made, 0);		/* it is there */
	ca_unmake(&files, made, false);
	ck_assert_int_eq(stat(in_dir(CA_FILE), &st), -1);
	ck_assert_int_eq(stat(dir, &st), 0);
}
END_TEST

/* Somebody has put another one there meanwhile; or something else. */
START_TEST(what_was_not_made_stays)
{
	struct stat st;
	uint64_t made;

	ck_assert_int_eq(open_at(NOW), 0);
	made = ca.made;
	ck_assert_int_eq(renameat(files.dir, CA_FILE, files.dir, "kept"), 0);
	ck_assert_int_eq(open_at(NOW), 0);
	ca_unmake(&files, made, true);
	ck_assert_int_eq(stat(in_dir(CA_FILE), &st), 0);
	ck_assert_int_eq(stat(in_dir("kept"), &st), 0);
	ca_unmake(&files, 0, true);
	ck_assert_int_eq(stat(in_dir(CA_FILE), &st), 0);
}
END_TEST

/* The operator's own, written into the file that was there. */
START_TEST(what_was_overwritten_stays)
{
	struct timespec long_ago[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	struct stat before, st;

	ck_assert_int_eq(open_at(NOW), 0);
	ck_assert_int_eq(stat(in_dir(CA_FILE), &before), 0);
	do {	/* the clock of files turns in steps */
		ck_assert_int_eq(utimensat(files.dir, CA_FILE, long_ago, 0), 0);
		ck_assert_int_eq(stat(in_dir(CA_FILE), &st), 0);
	} while (st.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
	ca_unmake(&files, ca.made, false);
	ck_assert_int_eq(stat(in_dir(CA_FILE), &st), 0);
}
END_TEST

/* Another mitmd has found it there, and serves. */
START_TEST(what_is_served_stays)
{
	struct stat st;

	ck_assert_int_eq(open_at(NOW), 0);
	ck_assert_int_eq(files_update(&files, CA_CERT_FILE, 0644, STR("its certificate"), &err),
	    0);
	ca_unmake(&files, ca.made, false);
	ck_assert_int_eq(stat(in_dir(CA_FILE), &st), 0);
}
END_TEST

/* Only root can give files away; elsewhere there is nothing to see. */
START_TEST(what_root_makes_belongs_to_the_user)
{
	struct ca_new want = {.host = "h", .permit = all};
	char *sub = mem_printf("%s/sub", dir);
	char *path = mem_printf("%s/sub/" CA_FILE, dir);
	struct files f;
	struct stat st;

	if (geteuid() == 0) {
		ck_assert_int_eq(files_open(&f, sub, 12345, 12346, &err), 0);
		ck_assert_int_eq(ca_open(&ca, &f, &want, NOW, &err), 0);
		ck_assert_int_eq(stat(sub, &st), 0);
		ck_assert_uint_eq(st.st_uid, 12345);
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_uint_eq(st.st_uid, 12345);
		ck_assert_uint_eq(st.st_gid, 12346);
		ck_assert_uint_eq(st.st_mode & 07777, 0600);
		ck_assert_int_eq(unlink(path), 0);
		ck_assert_int_eq(rmdir(sub), 0);
		files_close(&f);
	}
	free(path);
	free(sub);
}
END_TEST

Suite *
ca_made_suite(void)
{
	Suite *s = suite_create("ca made");
	TCase *tc = tcase_create("core");

	tcase_add_unchecked_fixture(tc, fixture_warm, NULL);
	tcase_add_checked_fixture(tc, ca_setup, ca_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, what_was_made_is_taken_away);
	tcase_add_test(tc, what_was_not_made_stays);
	tcase_add_test(tc, what_was_overwritten_stays);
	tcase_add_test(tc, what_is_served_stays);
	tcase_add_test(tc, what_root_makes_belongs_to_the_user);
	suite_add_tcase(s, tc);
	return s;
}
