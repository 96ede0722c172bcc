/* SPDX-License-Identifier: ISC */
/* test_trust_told.c - what a worker tells of its clients, how often, and what it concludes. */
#include "config.h"

#include "worker/trust_told.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "ipc/channel.h"
#include "shm/trust.h"
#include "suites.h"
#include "world.h"

static struct world world;
static struct segment segment;
static struct trust_told *told;
static struct channel *master;
static struct msg_trust last;
static char last_host[256];
static unsigned nmessages;

static int
on_message(void *arg UNUSED, struct channel *ch UNUSED, enum msg_type type, struct str body,
    int *fds UNUSED, size_t nfds UNUSED)
{
	ck_assert_int_eq(type, MSG_TRUST);
	ck_assert_int_eq(msg_unpack_trust(body, &last), 0);
	(void)snprintf(last_host, sizeof(last_host), "%.*s", STR_ARG(last.host));
	nmessages++;
	return 0;
}

static void
on_closed(void *arg UNUSED, struct channel *ch UNUSED)
{
}

static void
setup(void)
{
	struct errmsg err;
	int pair[2];

	world_init(&world);
	world.unix_pairs = true;
	nmessages = 0;
	ck_assert_int_eq(trust_create(&segment, &err), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	world.worker.proc->trust_fd = segment.fd;
	world.worker.proc->master = channel_new(world.worker.loop, pair[0], ROLE_WORKER,
	    ROLE_MASTER, on_message, on_closed, NULL);
	master = channel_new(world.worker.loop, pair[1], ROLE_MASTER, ROLE_WORKER, on_message,
	    on_closed, NULL);
	told = trust_told_new(&world.worker, &err);
	ck_assert_ptr_nonnull(told);
}

static void
teardown(void)
{
	trust_told_free(&told);
	channel_free(&master);
	channel_free(&world.worker.proc->master);
	segment_free(&segment);
	world_fini(&world);
}

static struct trust_id
id_of(const char *address, const char *tag, uint8_t fingerprint)
{
	struct tls_hello h = {.sni_len = 0};
	struct trust_id id;
	struct addr a;

	memset(h.fingerprint, fingerprint, sizeof(h.fingerprint));
	ck_assert(addr_parse_ip(str_z(address), 4711, &a));
	trust_id_make(&a, tag, &h, &id);
	return id;
}

static struct trust_event
event(const struct trust_id *id, const char *host)
{
	static struct addr a;

	ck_assert(addr_parse_ip(STR("192.0.2.1"), 5000, &a));
	return (struct trust_event){
	    .id = id, .client = &a, .tag = "ben", .host = str_z(host), .port = 443};
}

static void
takes(const struct trust_id *id, const char *host)
{
	struct trust_event e = event(id, host);

	trust_told_accepted(told, &e);
	world_run(&world);
}

static const char *
refuses(const struct trust_id *id, const char *host, unsigned alert)
{
	struct trust_event e = event(id, host);
	const char *text = trust_told_rejected(told, &e, alert);

	world_run(&world);
	return text;
}

/* ---- who is who ---- */

static const struct {
	const char *address, *tag;
	uint8_t fingerprint;
	bool same;
} others[] = {
	{"192.0.2.1", "ben", 1, true},
	{"192.0.2.2", "ben", 1, false},
	{"::1", "ben", 1, false},
	{"192.0.2.1", "cleo", 1, false},
	{"192.0.2.1", "be", 1, false},
	{"192.0.2.1", "bob", 1, false},
	{"192.0.2.1", "ben", 2, false},
};

START_TEST(a_client_is_address_tag_and_hello)
{
	struct trust_id a = id_of("192.0.2.1", "ben", 1);
	struct trust_id b = id_of(others[_i].address, others[_i].tag, others[_i].fingerprint);

	ck_assert(others[_i].same == (memcmp(a.hash, b.hash, sizeof(a.hash)) == 0));
}
END_TEST

/* ---- news ---- */

START_TEST(the_master_hears_of_it)
{
	struct trust_id id = id_of("192.0.2.1", "ben", 1);

	(void)refuses(&id, "a.test", 48);
	ck_assert_uint_eq(nmessages, 1);
	ck_assert_uint_eq(last.accepted, 0);
	ck_assert_uint_eq(last.alert, 48);
	ck_assert_uint_eq(last.port, 443);
	ck_assert_str_eq(last_host, "a.test");
	ck_assert_mem_eq(last.client.b, id.hash, sizeof(id.hash));
	takes(&id, "b.test");
	ck_assert_uint_eq(nmessages, 2);
	ck_assert_uint_eq(last.accepted, 1);
	ck_assert_uint_eq(last.alert, 0);
}
END_TEST

START_TEST(the_same_is_told_seldom)
{
	struct trust_id id = id_of("192.0.2.1", "ben", 1), other = id_of("192.0.2.9", "ben", 1);
	unsigned i;

	for (i = 0; i < 50; i++)
		takes(&id, "a.test");
	ck_assert_uint_eq(nmessages, 1);
	takes(&id, "b.test");
	takes(&other, "a.test");
	ck_assert_uint_eq(nmessages, 3);
	for (i = 0; i < 50; i++)
		(void)refuses(&id, "c.test", 48);
	ck_assert_uint_eq(nmessages, 3 + 4);
}
END_TEST

START_TEST(a_flood_of_clients_is_no_flood_of_news)
{
	char host[32] = "";
	unsigned i;

	for (i = 0; i < 5000; i++) {
		struct trust_id id = id_of("192.0.2.1", "ben", (uint8_t)i);
		struct trust_event e = event(&id, host);

		e.host.n = (size_t)snprintf(host, sizeof(host), "h%u.test", i);
		trust_told_accepted(told, &e);
		(void)trust_told_rejected(told, &e, 48);
		world_run(&world);
	}
	ck_assert_uint_ge(nmessages, 300);
	ck_assert_uint_lt(nmessages, 2000);
}
END_TEST

/* ---- meanings ---- */

START_TEST(without_any_success_the_ca_is_missing)
{
	struct trust_id id = id_of("192.0.2.1", "ben", 1);

	ck_assert_str_eq(refuses(&id, "a.test", 48),
	    "CA not installed on this client (alert unknown_ca)");
	ck_assert_str_eq(refuses(&id, "b.test", 42),
	    "CA not installed on this client (alert bad_certificate)");
	ck_assert_str_eq(refuses(&id, "b.test", 0), "CA not installed on this client "
	    "(it closed the connection after our certificate)");
	ck_assert_uint_eq(world.worker.counters->rejects[REJECT_UNKNOWN_CA][CAUSE_NO_CA], 1);
	ck_assert_uint_eq(world.worker.counters->rejects[REJECT_BAD][CAUSE_NO_CA], 1);
	ck_assert_uint_eq(world.worker.counters->rejects[REJECT_CLOSED][CAUSE_NO_CA], 1);
}
END_TEST

START_TEST(what_was_just_accepted_counts_at_once)
{
	struct trust_id id = id_of("192.0.2.1", "ben", 1), other = id_of("192.0.2.1", "ben", 2);

	takes(&id, "a.test");
	ck_assert_str_eq(refuses(&id, "b.test", 46), "this host is pinned: the client accepts "
	    "our certificates for others (alert certificate_unknown)");
	ck_assert_str_eq(refuses(&other, "b.test", 46),
	    "CA not installed on this client (alert certificate_unknown)");
	ck_assert_uint_eq(world.worker.counters->rejects[REJECT_UNKNOWN][CAUSE_PINNED], 1);
}
END_TEST

START_TEST(what_other_workers_told_counts)
{
	struct trust_id id = id_of("192.0.2.1", "ben", 1);
	struct trust_client c = {.accepted_host = trust_host_hash(STR("a.test"), 443),
	    .accepted_at = (int64_t)(clock_wall_us() / 1000000) - 60};

	memcpy(c.client, id.hash, sizeof(c.client));
	trust_put_client(&segment, 17, &c);
	ck_assert_ptr_nonnull(strstr(refuses(&id, "b.test", 48), "this host is pinned"));
	ck_assert_ptr_nonnull(strstr(refuses(&id, "a.test", 48), "another program"));
	ck_assert_ptr_nonnull(strstr(refuses(&id, "b.test", 45), "clock"));
}
END_TEST

START_TEST(unused_connections_are_news_of_unknown_clients_only)
{
	struct trust_id id = id_of("192.0.2.1", "ben", 1);
	struct trust_event e = event(&id, "a.test");

	trust_told_unused(told, &e);
	world_run(&world);
	ck_assert_uint_eq(nmessages, 1);
	ck_assert_uint_eq(last.accepted, TRUST_UNUSED);
	takes(&id, "b.test");
	ck_assert_uint_eq(nmessages, 2);
	trust_told_unused(told, &e);
	world_run(&world);
	ck_assert_uint_eq(nmessages, 2);
	ck_assert_uint_eq(world.worker.counters->rejects[REJECT_CLOSED][CAUSE_NO_CA], 0);
}
END_TEST

/* ---- bypasses ---- */

START_TEST(bypassed_clients_and_addresses)
{
	struct trust_id id = id_of("192.0.2.1", "ben", 1), other = id_of("192.0.2.2", "ben", 1);
	struct trust_bypass b;

	memset(&b, 0, sizeof(b));
	strcpy(b.host, "a.test");
	b.until = (int64_t)(clock_wall_us() / 1000000) + 60;
	memcpy(b.client, id.hash, sizeof(b.client));
	ck_assert(!trust_told_bypassed(told, &id, STR("a.test"), 443));
	trust_put_bypass(&segment, 0, &b);
	ck_assert(trust_told_bypassed(told, &id, STR("a.test"), 443));
	ck_assert(!trust_told_bypassed(told, &other, STR("a.test"), 443));
	memcpy(b.client, other.at_address, sizeof(b.client));
	trust_put_bypass(&segment, 0, &b);
	ck_assert(!trust_told_bypassed(told, &id, STR("a.test"), 443));
	ck_assert(trust_told_bypassed(told, &other, STR("a.test"), 443));
	ck_assert_uint_eq(world.worker.counters->bypassed, 2);
}
END_TEST

Suite *
trust_told_suite(void)
{
	Suite *s = suite_create("trust_told");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_client_is_address_tag_and_hello, 0, NELEM(others));
	tcase_add_test(tc, the_master_hears_of_it);
	tcase_add_test(tc, the_same_is_told_seldom);
	tcase_add_test(tc, a_flood_of_clients_is_no_flood_of_news);
	tcase_add_test(tc, without_any_success_the_ca_is_missing);
	tcase_add_test(tc, what_was_just_accepted_counts_at_once);
	tcase_add_test(tc, what_other_workers_told_counts);
	tcase_add_test(tc, unused_connections_are_news_of_unknown_clients_only);
	tcase_add_test(tc, bypassed_clients_and_addresses);
	suite_add_tcase(s, tc);
	return s;
}
