/* SPDX-License-Identifier: ISC */
/* test_segment.c - shared memory that cannot be had: a reason, and nothing left behind. */
#include "config.h"

#include "shm/segment.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "shm/cert_cache.h"
#include "shm/keyring.h"
#include "shm/open_flows.h"
#include "shm/ring.h"
#include "shm/trust.h"
#include "suites.h"

static struct errmsg err;

/* ---- who makes some: true when there is none ---- */
static bool
no_cache(void)
{
	struct segment s;

	return cert_cache_create(&s, CERT_CACHE_SLOTS, &err) == -1;
}

static bool
no_keyring(void)
{
	struct segment s;

	return keyring_create(&s, &err) == -1;
}

static bool
no_trust(void)
{
	struct segment s;

	return trust_create(&s, &err) == -1;
}

static bool
no_receipts(void)
{
	return receipts_create(&err) == NULL;
}

static bool
no_ring(void)
{
	return ring_create(0, &err) == -1;
}

/* ---- who maps what is none ---- */
static bool
no_cache_reader(void)
{
	return segment_open(-1, 4096, &err) == NULL;
}

static bool
no_keyring_reader(void)
{
	return keyring_reader_new(-1, &err) == NULL;
}

static bool
no_trust_reader(void)
{
	return trust_reader_new(-1, &err) == NULL;
}

static bool
no_receipts_reader(void)
{
	return receipts_open(-1, &err) == NULL;
}

static bool
no_open_flows(void)
{
	return open_flows_new(-1, &err) == NULL;
}

typedef bool (*refused_fn)(void);

static const refused_fn makers[] = {no_cache, no_keyring, no_trust, no_receipts, no_ring};
static const refused_fn readers[] = {
	no_cache_reader, no_keyring_reader, no_trust_reader, no_receipts_reader, no_open_flows,
};

static int
lowest_free(void)
{
	int fd = dup(0);

	ck_assert_int_ne(fd, -1);
	(void)close(fd);
	return fd;
}

/* With so little of a resource each says why, and no descriptor stays open. */
static void
refused_under(__rlimit_resource_t which, rlim_t much, refused_fn refused)
{
	struct rlimit before, none;
	int free_before = lowest_free();
	bool was;

	ck_assert_int_eq(getrlimit(which, &before), 0);
	none = (struct rlimit){.rlim_cur = much, .rlim_max = before.rlim_max};
	err.text[0] = '\0';
	ck_assert_int_eq(setrlimit(which, &none), 0);
	was = refused();
	ck_assert_int_eq(setrlimit(which, &before), 0);
	ck_assert(was);
	ck_assert_str_ne(err.text, "");
	ck_assert_int_eq(lowest_free(), free_before);
}

START_TEST(without_a_descriptor)
{
	refused_under(RLIMIT_NOFILE, (rlim_t)lowest_free(), makers[_i]);
}
END_TEST

START_TEST(without_room)
{
	(void)signal(SIGXFSZ, SIG_IGN);		/* EFBIG says it, too */
	refused_under(RLIMIT_FSIZE, 0, makers[_i]);
}
END_TEST

START_TEST(what_is_no_segment)
{
	err.text[0] = '\0';
	ck_assert(readers[_i]());
	ck_assert_str_ne(err.text, "");
}
END_TEST

Suite *
segment_suite(void)
{
	Suite *s = suite_create("segment");
	TCase *tc = tcase_create("refused");
	int nmakers = (int)(sizeof(makers) / sizeof(makers[0]));

	tcase_add_loop_test(tc, without_a_descriptor, 0, nmakers);
	tcase_add_loop_test(tc, without_room, 0, nmakers);
	tcase_add_loop_test(tc, what_is_no_segment, 0, (int)(sizeof(readers) / sizeof(readers[0])));
	suite_add_tcase(s, tc);
	return s;
}
