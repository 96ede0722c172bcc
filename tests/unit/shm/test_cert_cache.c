/* SPDX-License-Identifier: ISC */
/* test_cert_cache.c - what is put is found, whatever dies meanwhile. */
#include "config.h"

#include "shm/cert_cache.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "suites.h"

#define NOW 1000000
#define READERS 4
#define KILLS 200
#define KEYS 24	/* more than a set holds: eviction happens all the time */

static const uint8_t origin[32] = {1}, key_id[8] = {2}, ca_id[32] = {3};
static struct segment segment;
static struct cert_cache *writer, *reader;
static uint8_t out[CERT_CACHE_DER_MAX];
static int64_t refresh_at;

static struct cert_key
key_of(unsigned n)
{
	struct cert_key key = {.hash = {0}};

	/* One set for all: the first four bytes choose it. */
	memcpy(key.hash + 4, &n, sizeof(n));
	return key;
}

static void
setup_slots(unsigned slots)
{
	struct errmsg err;

	ck_assert_int_eq(cert_cache_create(&segment, slots, &err), 0);
	writer = cert_cache_writer(&segment);
	reader = cert_cache_reader(segment.fd, &err);
	ck_assert_ptr_nonnull(reader);
}

static void
setup(void)
{
	setup_slots(64);
}

static void
teardown(void)
{
	cert_cache_free(&reader);
	cert_cache_free(&writer);
	segment_free(&segment);
}

START_TEST(finds_what_was_put)
{
	struct cert_key a = cert_key_make(STR("a.test"), origin, 0, key_id, ca_id);
	struct cert_key b = cert_key_make(STR("b.test"), origin, 0, key_id, ca_id);

	cert_cache_put(writer, &a, STR("leaf a"), NOW + 10);
	ck_assert_uint_eq(cert_cache_find(reader, &a, NOW, out, &refresh_at), 6);
	ck_assert_mem_eq(out, "leaf a", 6);
	ck_assert_int_eq(refresh_at, NOW + 10);
	ck_assert_uint_eq(cert_cache_find(reader, &b, NOW, out, &refresh_at), 0);
}
END_TEST

START_TEST(is_a_miss_from_refresh_time_on)
{
	struct cert_key a = key_of(1);

	cert_cache_put(writer, &a, STR("leaf"), NOW);
	ck_assert_uint_eq(cert_cache_find(reader, &a, NOW - 1, out, &refresh_at), 4);
	ck_assert_uint_eq(cert_cache_find(reader, &a, NOW, out, &refresh_at), 0);
}
END_TEST

START_TEST(replaces_the_same_key)
{
	struct cert_key a = key_of(1);

	cert_cache_put(writer, &a, STR("the first and longer one"), NOW + 5);
	cert_cache_put(writer, &a, STR("second"), NOW + 9);
	ck_assert_uint_eq(cert_cache_find(reader, &a, NOW, out, &refresh_at), 6);
	ck_assert_mem_eq(out, "second", 6);
	ck_assert_int_eq(refresh_at, NOW + 9);
}
END_TEST

START_TEST(every_part_of_the_key_counts)
{
	static const uint8_t other[32] = {9};
	struct cert_key base = cert_key_make(STR("a.test"), origin, 0, key_id, ca_id);
	const struct cert_key others[] = {
		cert_key_make(STR("a.tes"), origin, 0, key_id, ca_id),
		cert_key_make(STR("a.test"), other, 0, key_id, ca_id),
		cert_key_make(STR("a.test"), origin, 1, key_id, ca_id),
		cert_key_make(STR("a.test"), origin, 0, other, ca_id),
		cert_key_make(STR("a.test"), origin, 0, key_id, other),
	};
	struct cert_key again = cert_key_make(STR("a.test"), origin, 0, key_id, ca_id);

	ck_assert_mem_eq(base.hash, again.hash, 32);
	ck_assert_mem_ne(base.hash, others[_i].hash, 32);
}
END_TEST

/* Or a reload with narrower rules would serve what was signed by wider ones. */
START_TEST(every_rule_of_the_signer_counts)
{
	char a[] = "a.test", b[] = "b.test", ab[] = "a.testb.test";
	char *const two[] = {a, b}, *const turned[] = {b, a}, *const one[] = {ab};
	uint8_t ids[7][32], again[32];
	unsigned i, j;

	cert_issuer_id(ca_id, 86400, NULL, 0, ids[0]);
	cert_issuer_id(origin, 86400, NULL, 0, ids[1]);
	cert_issuer_id(ca_id, 3600, NULL, 0, ids[2]);
	cert_issuer_id(ca_id, 86400, two, 1, ids[3]);
	cert_issuer_id(ca_id, 86400, two, 2, ids[4]);
	cert_issuer_id(ca_id, 86400, turned, 2, ids[5]);
	cert_issuer_id(ca_id, 86400, one, 1, ids[6]);
	for (i = 0; i < NELEM(ids); i++)
		for (j = 0; j < i; j++)
			ck_assert_mem_ne(ids[i], ids[j], 32);
	cert_issuer_id(ca_id, 86400, two, 2, again);
	ck_assert_mem_eq(again, ids[4], 32);
}
END_TEST

START_TEST(largest_is_kept_larger_is_not)
{
	static char der[CERT_CACHE_DER_MAX + 1];
	struct cert_key a = key_of(1), b = key_of(2);
	size_t i;

	for (i = 0; i < sizeof(der); i++)
		der[i] = (char)(i * 31);
	cert_cache_put(writer, &a, str_of(der, CERT_CACHE_DER_MAX), NOW + 1);
	cert_cache_put(writer, &b, str_of(der, CERT_CACHE_DER_MAX + 1), NOW + 1);
	cert_cache_put(writer, &b, STR_NONE, NOW + 1);
	ck_assert_uint_eq(cert_cache_find(reader, &a, NOW, out, &refresh_at),
	    CERT_CACHE_DER_MAX);
	ck_assert_mem_eq(out, der, CERT_CACHE_DER_MAX);
	ck_assert_uint_eq(cert_cache_find(reader, &b, NOW, out, &refresh_at), 0);
}
END_TEST

START_TEST(evicts_what_ends_first)
{
	struct cert_key keys[9];
	unsigned i;

	for (i = 0; i < 8; i++) {
		keys[i] = key_of(i);
		cert_cache_put(writer, &keys[i], STR("leaf"), NOW + 100 - (i == 5 ? 50 : 0));
	}
	keys[8] = key_of(8);
	cert_cache_put(writer, &keys[8], STR("new"), NOW + 100);
	for (i = 0; i < 9; i++)
		ck_assert_uint_eq(cert_cache_find(reader, &keys[i], NOW, out, &refresh_at),
		    i == 5 ? 0 : i == 8 ? 3 : 4);
}
END_TEST

START_TEST(many_more_names_than_slots)
{
	unsigned i, found = 0;

	teardown();
	setup_slots(4096);
	for (i = 0; i < 10000; i++) {
		struct cert_key key;
		char name[32];

		(void)snprintf(name, sizeof(name), "h%u.test", i);
		key = cert_key_make(str_z(name), origin, 0, key_id, ca_id);
		cert_cache_put(writer, &key, str_z(name), NOW + (int64_t)i + 1);
		ck_assert_uint_eq(cert_cache_find(reader, &key, NOW, out, &refresh_at),
		    strlen(name));
		ck_assert_mem_eq(out, name, strlen(name));
	}
	for (i = 0; i < 10000; i++) {
		struct cert_key key;
		char name[32];

		(void)snprintf(name, sizeof(name), "h%u.test", i);
		key = cert_key_make(str_z(name), origin, 0, key_id, ca_id);
		found += cert_cache_find(reader, &key, NOW, out, &refresh_at) > 0;
	}
	/* All sets are full by then. */
	ck_assert_uint_eq(found, 4096);
}
END_TEST

START_TEST(readers_cannot_write)
{
	struct errmsg err;
	const void *map = segment_open(segment.fd, segment.size, &err);

	ck_assert_ptr_nonnull(map);
	ck_assert_int_eq(mprotect((void *)(uintptr_t)map, 4096, PROT_READ | PROT_WRITE), -1);
	ck_assert_ptr_eq(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, segment.fd, 0),
	    MAP_FAILED);
	(void)munmap((void *)(uintptr_t)map, segment.size);
}
END_TEST

START_TEST(refuses_another_layout)
{
	struct errmsg err;
	struct segment small;

	ck_assert_ptr_null(cert_cache_reader(-1, &err));
	ck_assert_int_eq(segment_create(&small, "x", 100, &err), 0);
	ck_assert_ptr_null(cert_cache_reader(small.fd, &err));
	segment_free(&small);
	*(uint32_t *)segment.map ^= 1;
	ck_assert_ptr_null(cert_cache_reader(segment.fd, &err));
}
END_TEST

/* An entry proves itself: every byte comes from its key and its version. */
static void
fill(uint8_t *der, size_t n, unsigned key, unsigned version)
{
	size_t i;

	memcpy(der, &key, 4);
	memcpy(der + 4, &version, 4);
	for (i = 8; i < n; i++)
		der[i] = (uint8_t)(key * 7 + version * 13 + i);
}

static void
write_for_ever(unsigned seed)
{
	static uint8_t der[CERT_CACHE_DER_MAX];
	unsigned version;

	for (version = seed * 1000;; version++) {
		struct cert_key key = key_of(version % KEYS);
		size_t n = 1000 + version % 2900;

		fill(der, n, version % KEYS, version);
		cert_cache_put(writer, &key, str_of(der, n), NOW + 1 + version % 50);
	}
}

struct tally {
	unsigned long hits, torn;
};

static void
read_until(const volatile int *stop, volatile struct tally *tally)
{
	static uint8_t expected[CERT_CACHE_DER_MAX];
	unsigned i;

	for (i = 0; !*stop; i++) {
		struct cert_key key = key_of(i % KEYS);
		size_t n = cert_cache_find(reader, &key, NOW, out, &refresh_at);
		unsigned version;

		if (n == 0)
			continue;
		memcpy(&version, out + 4, 4);
		fill(expected, n, i % KEYS, version);
		tally->hits++;
		if (n != 1000 + version % 2900 || memcmp(out, expected, n) != 0 ||
		    refresh_at != NOW + 1 + version % 50)
			tally->torn++;
	}
}

static pid_t
child(void)
{
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	return pid;
}

/* The lock must be had again, or somebody waits for ever: the alarm tells. */
START_TEST(killed_writers_tear_nothing_and_hold_nothing)
{
	struct {
		volatile int stop;
		volatile struct tally tally[READERS];
	} *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct cert_key last = key_of(1000);
	pid_t readers[READERS];
	unsigned i;
	int status;

	ck_assert_ptr_ne(shared, MAP_FAILED);
	segment_fork(&segment, true);
	for (i = 0; i < READERS; i++) {
		readers[i] = child();
		if (readers[i] == 0) {
			read_until(&shared->stop, &shared->tally[i]);
			_exit(0);
		}
	}
	for (i = 0; i < KILLS; i++) {
		struct timespec pause = {0, 200000 + (long)(i * 7919 % 800) * 1000};
		pid_t pid = child();

		if (pid == 0)
			write_for_ever(i);
		(void)nanosleep(&pause, NULL);
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFSIGNALED(status));
	}
	shared->stop = 1;
	for (i = 0; i < READERS; i++) {
		ck_assert_int_eq(waitpid(readers[i], &status, 0), readers[i]);
		ck_assert_int_eq(status, 0);
		ck_assert_uint_gt(shared->tally[i].hits, 0);
		ck_assert_uint_eq(shared->tally[i].torn, 0);
	}
	(void)alarm(5);
	cert_cache_put(writer, &last, STR("alive"), NOW + 1000);
	(void)alarm(0);
	ck_assert_uint_eq(cert_cache_find(reader, &last, NOW, out, &refresh_at), 5);
	(void)munmap(shared, 4096);
}
END_TEST

/*
 * The same death, made certain: the sequence of a full slot is odd and the
 * shard's mutex has a dead owner.  The layout is that of cert_cache.c.
 */
START_TEST(a_half_written_slot_is_emptied)
{
	struct cert_key a = key_of(1), b = key_of(2);
	pthread_mutex_t *mutex = (pthread_mutex_t *)((uint8_t *)segment.map + 64);
	_Atomic uint32_t *sequence = (_Atomic uint32_t *)((uint8_t *)segment.map + 8192);
	uint32_t before;
	pid_t pid;

	cert_cache_put(writer, &a, STR("half"), NOW + 10);
	before = *sequence;
	ck_assert_uint_eq(before & 1, 0);
	ck_assert_uint_gt(before, 0);
	segment_fork(&segment, true);
	pid = child();
	if (pid == 0) {
		if (pthread_mutex_lock(mutex) == 0)
			*sequence = before + 1;
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_uint_eq(*sequence, before + 1);
	ck_assert_uint_eq(cert_cache_find(reader, &a, NOW, out, &refresh_at), 0);
	cert_cache_put(writer, &b, STR("next"), NOW + 10);
	ck_assert_uint_eq(*sequence & 1, 0);
	ck_assert_uint_eq(cert_cache_find(reader, &a, NOW, out, &refresh_at), 0);
	ck_assert_uint_eq(cert_cache_find(reader, &b, NOW, out, &refresh_at), 4);
	/* And the mutex is as good as new. */
	cert_cache_put(writer, &a, STR("whole"), NOW + 10);
	ck_assert_uint_eq(cert_cache_find(reader, &a, NOW, out, &refresh_at), 5);
}
END_TEST

Suite *
cert_cache_suite(void)
{
	Suite *s = suite_create("cert_cache");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, finds_what_was_put);
	tcase_add_test(tc, is_a_miss_from_refresh_time_on);
	tcase_add_test(tc, replaces_the_same_key);
	tcase_add_loop_test(tc, every_part_of_the_key_counts, 0, 5);
	tcase_add_test(tc, every_rule_of_the_signer_counts);
	tcase_add_test(tc, largest_is_kept_larger_is_not);
	tcase_add_test(tc, evicts_what_ends_first);
	tcase_add_test(tc, many_more_names_than_slots);
	tcase_add_test(tc, readers_cannot_write);
	tcase_add_test(tc, refuses_another_layout);
	tcase_add_test(tc, killed_writers_tear_nothing_and_hold_nothing);
	tcase_add_test(tc, a_half_written_slot_is_emptied);
	suite_add_tcase(s, tc);
	return s;
}
