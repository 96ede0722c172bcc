/* SPDX-License-Identifier: ISC */
/* test_keyring.c - one content or the other, never a mixture. */
#include "config.h"

#include "shm/keyring.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "suites.h"

#define KILLS 100

static struct segment segment;
static struct keyring_reader *reader;

static void
setup(void)
{
	struct errmsg err;

	ck_assert_int_eq(keyring_create(&segment, &err), 0);
	reader = keyring_reader_new(segment.fd, &err);
	ck_assert_ptr_nonnull(reader);
}

static void
teardown(void)
{
	keyring_reader_free(&reader);
	segment_free(&segment);
}

static struct keyring
content(uint8_t fill)
{
	struct keyring k;

	memset(&k, fill, sizeof(k));
	return k;
}

static bool
is_uniform(const struct keyring *k)
{
	const uint8_t *p = (const uint8_t *)k;

	return memcmp(p, p + 1, sizeof(*k) - 1) == 0;
}

START_TEST(begins_empty)
{
	struct keyring k = content(1);

	ck_assert(keyring_read(reader, &k));
	ck_assert_int_eq(k.made_at, 0);
	keyring_read_own(&segment, &k);
	ck_assert_int_eq(k.made_at, 0);
}
END_TEST

START_TEST(readers_see_what_was_written)
{
	struct keyring k = content(7), got = content(0);
	uint32_t before = keyring_sequence(reader);

	keyring_write(&segment, &k);
	ck_assert(keyring_read(reader, &got));
	ck_assert_mem_eq(&k, &got, sizeof(k));
	ck_assert_uint_ne(keyring_sequence(reader), before);
	ck_assert_uint_eq(keyring_sequence(reader), keyring_sequence_own(&segment));
}
END_TEST

START_TEST(a_late_writer_gives_way)
{
	struct keyring first = content(1), second = content(2), got;
	uint32_t seen = keyring_sequence_own(&segment);

	ck_assert(keyring_replace(&segment, seen, &first));
	ck_assert(!keyring_replace(&segment, seen, &second));
	ck_assert(keyring_read(reader, &got));
	ck_assert_mem_eq(&got, &first, sizeof(got));
}
END_TEST

START_TEST(killed_writers_leave_no_mixture)
{
	struct keyring k = content(3), got;
	unsigned i;

	segment_fork(&segment, true);
	for (i = 0; i < KILLS; i++) {
		struct timespec pause = {0, 100000 + (long)(i * 7919 % 300) * 1000};
		pid_t pid = fork();
		unsigned n;

		ck_assert_int_ne(pid, -1);
		if (pid == 0)
			for (n = 0;; n++) {
				k = content((uint8_t)n);
				keyring_write(&segment, &k);
			}
		(void)nanosleep(&pause, NULL);
		if (keyring_read(reader, &got))
			ck_assert(is_uniform(&got));
		(void)kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
		if (keyring_read(reader, &got))
			ck_assert(is_uniform(&got));
	}
	k = content(9);
	keyring_write(&segment, &k);
	ck_assert(keyring_read(reader, &got));
	ck_assert_mem_eq(&k, &got, sizeof(k));
}
END_TEST

/* The sequence lies behind magic and mutex; see keyring.c. */
START_TEST(a_half_written_ring_is_not_read_and_can_be_written)
{
	_Atomic uint32_t *sequence =
	    (_Atomic uint32_t *)((uint8_t *)segment.map + 8 + sizeof(pthread_mutex_t));
	struct keyring k = content(5), got = content(6);

	keyring_write(&segment, &k);
	ck_assert_uint_eq(*sequence, 2);
	*sequence = 3;
	ck_assert(!keyring_read(reader, &got));
	keyring_read_own(&segment, &got);
	ck_assert_int_eq(got.made_at, 0);
	keyring_write(&segment, &k);
	ck_assert(keyring_read(reader, &got));
	ck_assert_mem_eq(&k, &got, sizeof(k));
}
END_TEST

START_TEST(refuses_another_layout)
{
	struct errmsg err;

	ck_assert_ptr_null(keyring_reader_new(-1, &err));
	*(uint32_t *)segment.map ^= 1;
	ck_assert_ptr_null(keyring_reader_new(segment.fd, &err));
}
END_TEST

Suite *
keyring_suite(void)
{
	Suite *s = suite_create("keyring");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, begins_empty);
	tcase_add_test(tc, readers_see_what_was_written);
	tcase_add_test(tc, a_late_writer_gives_way);
	tcase_add_test(tc, killed_writers_leave_no_mixture);
	tcase_add_test(tc, a_half_written_ring_is_not_read_and_can_be_written);
	tcase_add_test(tc, refuses_another_layout);
	suite_add_tcase(s, tc);
	return s;
}
