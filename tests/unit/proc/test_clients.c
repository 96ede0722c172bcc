/* SPDX-License-Identifier: ISC */
/* test_clients.c - connections of a client, as other workers see them. */
#include "config.h"

#include "proc/clients.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "proc/counters.h"
#include "suites.h"

static struct counters *all;

static void
setup(void)
{
	struct errmsg err;
	int fd;

	all = counters_create(&fd, &err);
	ck_assert_ptr_nonnull(all);
	counters_taken(all, 2);
}

static void
teardown(void)
{
	(void)munmap(all, SLOT_COUNT * sizeof(*all));
}

static uint64_t
key(const char *ip)
{
	struct addr a;

	ck_assert(addr_parse_ip(str_z(ip), 0, &a));
	return clients_key(all, &a);
}

START_TEST(others_see_what_each_has)
{
	uint64_t a = key("192.0.2.1"), b = key("192.0.2.2");

	clients_set(&all[0].clients, a, 3);
	clients_set(&all[1].clients, a, 4);
	clients_set(&all[2].clients, b, 5);
	ck_assert_uint_eq(clients_elsewhere(all, 0, a), 4);
	ck_assert_uint_eq(clients_elsewhere(all, 1, a), 3);
	ck_assert_uint_eq(clients_elsewhere(all, 2, a), 7);
	ck_assert_uint_eq(clients_elsewhere(all, 0, b), 5);
	clients_set(&all[1].clients, a, 0);
	ck_assert_uint_eq(clients_elsewhere(all, 0, a), 0);
}
END_TEST

START_TEST(addresses_are_told_apart)
{
	ck_assert_uint_ne(key("192.0.2.1"), key("192.0.2.2"));
	ck_assert_uint_ne(key("2001:db8::1"), key("2001:db8::2"));
	ck_assert_uint_ne(key("2001:db8::1"), key("2001:db8:1::1"));
	ck_assert_uint_eq(key("192.0.2.1"), key("192.0.2.1"));
}
END_TEST

START_TEST(nobody_outside_knows_where_they_lie)
{
	uint64_t a = key("192.0.2.1");

	counter_set(&all[SLOT_MASTER].client_secret, 4711);
	ck_assert_uint_ne(key("192.0.2.1"), a);
}
END_TEST

START_TEST(a_worker_that_is_gone_has_none)
{
	uint64_t a = key("192.0.2.1");

	clients_set(&all[1].clients, a, 4);
	counters_left(all, 1);
	ck_assert_uint_eq(clients_elsewhere(all, 0, a), 0);
}
END_TEST

/* Come and go, as many at a time as fit well: every number is right all the time. */
START_TEST(places_are_used_again)
{
	enum { KEYS = 40000, OPEN = 1024 };
	uint64_t i;

	for (i = 1; i <= KEYS; i++) {
		uint64_t k = i * UINT64_C(0x9e3779b97f4a7c15);

		clients_set(&all[1].clients, k, (uint32_t)(i % 7 + 1));
		ck_assert_uint_eq(clients_elsewhere(all, 0, k), i % 7 + 1);
		if (i > OPEN) {
			k = (i - OPEN) * UINT64_C(0x9e3779b97f4a7c15);
			ck_assert_uint_eq(clients_elsewhere(all, 0, k), (i - OPEN) % 7 + 1);
			clients_set(&all[1].clients, k, 0);
			ck_assert_uint_eq(clients_elsewhere(all, 0, k), 0);
		}
	}
}
END_TEST

/* More than there is room for: the others are not seen, and nobody is seen twice. */
START_TEST(a_full_table_forgets_nobody_it_has)
{
	uint64_t i, seen = 0;

	for (i = 1; i <= CLIENT_PLACES * 2; i++)
		clients_set(&all[1].clients, i * UINT64_C(0x9e3779b97f4a7c15), 1);
	for (i = 1; i <= CLIENT_PLACES * 2; i++)
		seen += clients_elsewhere(all, 0, i * UINT64_C(0x9e3779b97f4a7c15));
	ck_assert_uint_gt(seen, CLIENT_PLACES * 3 / 4);
	ck_assert_uint_le(seen, CLIENT_PLACES);
}
END_TEST

Suite *
clients_suite(void)
{
	Suite *s = suite_create("clients");
	TCase *t = tcase_create("clients");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, others_see_what_each_has);
	tcase_add_test(t, addresses_are_told_apart);
	tcase_add_test(t, nobody_outside_knows_where_they_lie);
	tcase_add_test(t, a_worker_that_is_gone_has_none);
	tcase_add_test(t, places_are_used_again);
	tcase_add_test(t, a_full_table_forgets_nobody_it_has);
	suite_add_tcase(s, t);
	return s;
}
