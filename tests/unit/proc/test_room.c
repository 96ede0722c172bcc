/* SPDX-License-Identifier: ISC */
/* test_room.c - what control groups leave, and that there is always some. */
#include "config.h"

#include "proc/room.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "suites.h"

#define MIB ((size_t)1 << 20)

static char root[64];

static void
put(const char *dir, const char *text)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s%s", root, dir);
	if (dir[0] != '\0')
		ck_assert_int_eq(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s%s/memory.max", root, dir);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static void
take_away(const char *dir)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s%s/memory.max", root, dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s%s", root, dir);
	ck_assert_int_eq(rmdir(path), 0);
}

static void
setup(void)
{
	(void)snprintf(root, sizeof(root), "/tmp/test-room-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	put("", "max\n");
	put("/small", "1048576\n");
	put("/small/open", "max\n");
	put("/wide", "max\n");
	put("/wide/tight", "4096\n");
}

static void
teardown(void)
{
	take_away("/small/open");
	take_away("/small");
	take_away("/wide/tight");
	take_away("/wide");
	take_away("");
}

static const struct {
	const char *cgroup;
	size_t room;
} groups[] = {
	{"0::/\n", SIZE_MAX},
	{"0::/wide\n", SIZE_MAX},
	{"0::/wide/tight\n", 4096},
	{"0::/small\n", 1048576},
	{"0::/small/open\n", 1048576},		/* what is above holds, too */
	{"0::/small/open/\n", 1048576},
	{"12:memory:/small\n0::/wide\n", SIZE_MAX},
	{"1:name=x:/\n0::/small", 1048576},
	{"12:memory:/small\n", SIZE_MAX},	/* only the second version is asked */
	{"0::/not/there\n", SIZE_MAX},
	{"", SIZE_MAX},
};

START_TEST(of_groups)
{
	ck_assert_uint_eq(room_of_groups(root, groups[_i].cgroup), groups[_i].room);
}
END_TEST

START_TEST(a_share_that_is_never_nothing)
{
	ck_assert_uint_ge(room_for_one_of(1), 64 * MIB);
	ck_assert_uint_eq(room_for_one_of(1000000), 64 * MIB);
	ck_assert_uint_ge(room_for_one_of(1), room_for_one_of(2));
}
END_TEST

START_TEST(half_of_what_the_process_may_have)
{
	size_t before = room_for_one_of(1), after;
	struct rlimit was, rl;

	if (before < 100 * MIB)
		return;		/* a small machine */
	/* Only as long as it takes: what a sanitizer maps counts, too. */
	ck_assert_int_eq(getrlimit(RLIMIT_DATA, &was), 0);
	rl = was;
	rl.rlim_cur = MIN(rl.rlim_max, (rlim_t)(200 * MIB));
	ck_assert_int_eq(setrlimit(RLIMIT_DATA, &rl), 0);
	after = room_for_one_of(1);
	ck_assert_int_eq(setrlimit(RLIMIT_DATA, &was), 0);
	ck_assert_uint_eq(after, rl.rlim_cur / 2);
}
END_TEST

Suite *
room_suite(void)
{
	Suite *s = suite_create("room");
	TCase *t = tcase_create("room");

	tcase_add_unchecked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, of_groups, 0, NELEM(groups));
	tcase_add_test(t, a_share_that_is_never_nothing);
	tcase_add_test(t, half_of_what_the_process_may_have);
	suite_add_tcase(s, t);
	return s;
}
