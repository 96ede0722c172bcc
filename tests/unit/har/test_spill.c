/* SPDX-License-Identifier: ISC */
/* test_spill.c - extents of the spill file. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "har/spill.h"
#include "help.h"
#include "suites.h"

static void
write_all(struct spill *s, struct spill_run *r, struct str bytes, size_t piece)
{
	size_t k;

	for (; bytes.n > 0; bytes = str_from(bytes, k)) {
		k = MIN(bytes.n, piece);
		ck_assert_int_eq(spill_write(s, r, bytes.p, k), 0);
	}
}

static void
same(const struct spill_run *r, struct str want)
{
	struct buf b = {0};
	uint8_t *at = buf_reserve(&b, want.n);

	ck_assert_uint_eq(r->len, want.n);
	ck_assert_int_eq(spill_read(r, 0, at, want.n), 0);
	ck_assert_mem_eq(at, want.p, want.n);
	buf_free(&b);
}

/* Two runs written in turns, so that their extents mix. */
START_TEST(round_trip)
{
	static const size_t pieces[] = {1000, 65536, 262144, 300001, 1 << 20};
	struct spill *s = spill_new(help_tmpfile(), 64 << 20);
	struct spill_run a = {0}, b = {0};
	struct buf x = {0}, y = {0};
	size_t at, k;

	help_binary(&x, 3 * SPILL_EXTENT + 12345);
	help_text(&y, 3 * SPILL_EXTENT + 12345);
	for (at = 0; at < x.len; at += k) {
		k = MIN(pieces[_i], x.len - at);
		write_all(s, &a, str_sub(buf_str(&x), at, k), SIZE_MAX);
		write_all(s, &b, str_sub(buf_str(&y), at, k), SIZE_MAX);
	}
	same(&a, buf_str(&x));
	same(&b, buf_str(&y));
	ck_assert_uint_eq(spill_in_use(s), 8 * SPILL_EXTENT);
	spill_release(&a);
	same(&b, buf_str(&y));
	spill_release(&b);
	ck_assert_uint_eq(spill_in_use(s), 0);
	buf_free(&x);
	buf_free(&y);
	spill_free(&s);
}
END_TEST

START_TEST(read_at_an_offset)
{
	struct spill *s = spill_new(help_tmpfile(), 1 << 20);
	struct spill_run r = {0};
	struct buf x = {0};
	uint8_t got[100];

	help_binary(&x, SPILL_EXTENT + 100);
	write_all(s, &r, buf_str(&x), SIZE_MAX);
	ck_assert_int_eq(spill_read(&r, SPILL_EXTENT - 50, got, sizeof(got)), 0);
	ck_assert_mem_eq(got, buf_data(&x) + SPILL_EXTENT - 50, sizeof(got));
	spill_release(&r);
	buf_free(&x);
	spill_free(&s);
}
END_TEST

START_TEST(bound_is_kept_and_what_was_there_stays)
{
	struct spill *s = spill_new(help_tmpfile(), 2 * SPILL_EXTENT);
	struct spill_run r = {0}, other = {0};
	struct buf x = {0};

	help_binary(&x, SPILL_EXTENT + 10);
	write_all(s, &r, buf_str(&x), SIZE_MAX);
	ck_assert_int_eq(spill_write(s, &r, buf_data(&x), SPILL_EXTENT), ERR_LIMIT);
	same(&r, buf_str(&x));
	ck_assert_int_eq(spill_write(s, &other, "x", 1), ERR_LIMIT);
	ck_assert_uint_eq(spill_in_use(s), 2 * SPILL_EXTENT);
	spill_release(&r);
	ck_assert_int_eq(spill_write(s, &other, "x", 1), 0);
	spill_release(&other);
	buf_free(&x);
	spill_free(&s);
}
END_TEST

START_TEST(usable_after_a_failed_write)
{
	struct rlimit was, small;
	struct spill *s = spill_new(help_tmpfile(), 64 << 20);
	struct spill_run r = {0}, other = {0};
	struct buf x = {0};

	help_binary(&x, SPILL_EXTENT);
	(void)signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = (struct rlimit){SPILL_EXTENT, was.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	write_all(s, &r, str_sub(buf_str(&x), 0, 1000), SIZE_MAX);
	ck_assert_int_eq(spill_write(s, &r, buf_data(&x), SPILL_EXTENT), ERR_SYS);
	same(&r, str_sub(buf_str(&x), 0, 1000));
	ck_assert_uint_eq(spill_in_use(s), SPILL_EXTENT);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &was), 0);
	write_all(s, &r, str_from(buf_str(&x), 1000), 5000);
	same(&r, buf_str(&x));
	spill_release(&r);
	spill_release(&other);
	ck_assert_uint_eq(spill_in_use(s), 0);
	buf_free(&x);
	spill_free(&s);
}
END_TEST

static blkcnt_t
blocks(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return st.st_blocks;
}

START_TEST(disk_space_comes_back)
{
	int fd = help_tmpfile(), look = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	struct spill *s = spill_new(fd, 256 << 20);
	struct spill_run keep = {0}, r = {0};
	struct buf x = {0};
	blkcnt_t before;
	int i;

	help_binary(&x, SPILL_EXTENT);
	write_all(s, &keep, buf_str(&x), SIZE_MAX);
	for (i = 0; i < 200; i++)
		write_all(s, &r, buf_str(&x), SIZE_MAX);
	write_all(s, &keep, buf_str(&x), SIZE_MAX);	/* far from the front */
	before = blocks(look);
	spill_release(&r);
	ck_assert_int_lt(blocks(look), before / 10);
	for (i = 0; i < 2; i++) {
		struct buf got = {0};
		uint8_t *at = buf_reserve(&got, SPILL_EXTENT);

		ck_assert_int_eq(spill_read(&keep, (uint64_t)i * SPILL_EXTENT, at, SPILL_EXTENT), 0);
		ck_assert_mem_eq(at, buf_data(&x), SPILL_EXTENT);
		buf_free(&got);
	}
	for (i = 0; i < 10; i++)	/* and the holes can be written again */
		write_all(s, &r, buf_str(&x), SIZE_MAX);
	ck_assert_uint_eq(spill_in_use(s), 12 * SPILL_EXTENT);
	spill_release(&r);
	spill_release(&keep);
	buf_free(&x);
	spill_free(&s);
	(void)close(look);
}
END_TEST

Suite *
spill_suite(void)
{
	Suite *s = suite_create("spill");
	TCase *t = tcase_create("spill");

	tcase_add_loop_test(t, round_trip, 0, 5);
	tcase_add_test(t, read_at_an_offset);
	tcase_add_test(t, bound_is_kept_and_what_was_there_stays);
	tcase_add_test(t, usable_after_a_failed_write);
	tcase_add_test(t, disk_space_comes_back);
	suite_add_tcase(s, t);
	return s;
}
