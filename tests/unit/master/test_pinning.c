/* SPDX-License-Identifier: ISC */
/* test_pinning.c - what is learnt of what workers tell, and what is not believed. */
#include "config.h"

#include "master/pinning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "ipc/msg.h"
#include "suites.h"

#define NOW 1000000000
#define HOUR 3600

static struct segment segment;
static struct trust_reader *reader;
static struct pinning *pinning;
static int64_t now;

static void
follow(uint64_t pinned_ms)
{
	char dir[] = "/ca";
	struct conf conf = {.bypass_pinned_ms = pinned_ms, .ca = {.dir = dir}};

	pinning_follow(pinning, &conf, now);
}

static void
setup(void)
{
	struct errmsg err;

	now = NOW;
	ck_assert_int_eq(trust_create(&segment, &err), 0);
	reader = trust_reader_new(segment.fd, &err);
	ck_assert_ptr_nonnull(reader);
	pinning = pinning_new(&segment);
	follow(60000);
}

static void
teardown(void)
{
	pinning_free(&pinning);
	trust_reader_free(&reader);
	segment_free(&segment);
}

static struct msg_trust
message(uint8_t client, const char *host, int alert)
{
	struct msg_trust m = {.accepted = alert < 0, .alert = (uint8_t)MAX(alert, 0),
	    .port = 443, .address = STR("192.0.2.1"), .tag = STR("ben"), .host = str_z(host)};

	memset(m.client.b, client, sizeof(m.client.b));
	return m;
}

static void
tell(const struct msg_trust *m)
{
	struct buf b = {0};

	msg_pack_trust(&b, m);
	ck_assert_int_eq(pinning_told(pinning, buf_str(&b), now), 0);
	buf_free(&b);
}

static void
takes(uint8_t client, const char *host)
{
	struct msg_trust m = message(client, host, -1);

	tell(&m);
}

static void
refuses(uint8_t client, const char *host, int alert)
{
	struct msg_trust m = message(client, host, alert);

	tell(&m);
}

static bool
bypassed(uint8_t client, const char *host)
{
	uint8_t id[32];

	memset(id, client, sizeof(id));
	return trust_is_bypassed(reader, id, str_z(host), 443, now);
}

static unsigned
count_bypasses(void)
{
	unsigned i, n = 0;

	for (i = 0; i < TRUST_BYPASSES; i++)
		n += pinning_bypasses(pinning)[i].until > now;
	return n;
}

/* ---- learning ---- */

START_TEST(two_alerts_and_one_success_elsewhere)
{
	takes(1, "good.test");
	refuses(1, "pinned.test", 48);
	ck_assert(!bypassed(1, "pinned.test"));
	refuses(1, "pinned.test", 46);
	ck_assert(bypassed(1, "pinned.test"));
	ck_assert(!bypassed(2, "pinned.test"));
	ck_assert(!bypassed(1, "good.test"));
	ck_assert_str_eq(pinning_bypasses(pinning)[0].who, "192.0.2.1, tag ben");
}
END_TEST

START_TEST(the_success_may_come_last)
{
	refuses(1, "pinned.test", 48);
	refuses(1, "pinned.test", 48);
	ck_assert(!bypassed(1, "pinned.test"));
	takes(2, "good.test");
	ck_assert(!bypassed(1, "pinned.test"));
	takes(1, "good.test");
	ck_assert(bypassed(1, "pinned.test"));
}
END_TEST

START_TEST(without_the_ca_nothing_is_learnt)
{
	unsigned i;

	for (i = 0; i < 10; i++) {
		refuses(1, "a.test", 48);
		refuses(1, "b.test", 48);
	}
	ck_assert_uint_eq(count_bypasses(), 0);
}
END_TEST

START_TEST(closing_without_an_alert_teaches_nothing)
{
	unsigned i;

	takes(1, "good.test");
	for (i = 0; i < 10; i++)
		refuses(1, "pinned.test", 0);
	ck_assert_uint_eq(count_bypasses(), 0);
}
END_TEST

START_TEST(a_wrong_clock_teaches_nothing)
{
	takes(1, "good.test");
	refuses(1, "pinned.test", 45);
	refuses(1, "pinned.test", 45);
	ck_assert_uint_eq(count_bypasses(), 0);
}
END_TEST

START_TEST(a_success_at_the_same_host_is_none_elsewhere)
{
	takes(1, "pinned.test");
	now += HOUR - 10;
	refuses(1, "pinned.test", 48);
	refuses(1, "pinned.test", 48);
	ck_assert_uint_eq(count_bypasses(), 0);
}
END_TEST

START_TEST(who_takes_it_now_and_then_is_not_pinned)
{
	takes(1, "good.test");
	refuses(1, "mixed.test", 48);
	takes(1, "mixed.test");
	takes(1, "good.test");
	refuses(1, "mixed.test", 48);
	refuses(1, "mixed.test", 48);
	ck_assert_uint_eq(count_bypasses(), 0);
}
END_TEST

START_TEST(who_has_just_taken_it_is_not_pinned)
{
	takes(1, "good.test");
	takes(1, "mixed.test");
	refuses(1, "mixed.test", 48);
	refuses(1, "mixed.test", 48);
	ck_assert_uint_eq(count_bypasses(), 0);
}
END_TEST

START_TEST(ports_are_different_hosts)
{
	struct msg_trust m = message(1, "pinned.test", 48);

	takes(1, "good.test");
	tell(&m);
	m.port = 8443;
	tell(&m);
	ck_assert_uint_eq(count_bypasses(), 0);
}
END_TEST

START_TEST(all_of_it_within_the_hour)
{
	takes(1, "good.test");
	refuses(1, "pinned.test", 48);
	now += HOUR;
	refuses(1, "pinned.test", 48);
	ck_assert_uint_eq(count_bypasses(), 0);
	takes(1, "good.test");
	ck_assert_uint_eq(count_bypasses(), 0);
	refuses(1, "pinned.test", 48);
	ck_assert(bypassed(1, "pinned.test"));
}
END_TEST

START_TEST(what_was_learnt_ends)
{
	takes(1, "good.test");
	refuses(1, "pinned.test", 48);
	refuses(1, "pinned.test", 48);
	now += 59;
	ck_assert(bypassed(1, "pinned.test"));
	now += 1;
	ck_assert(!bypassed(1, "pinned.test"));
	refuses(1, "pinned.test", 48);
	ck_assert(!bypassed(1, "pinned.test"));
	refuses(1, "pinned.test", 48);
	ck_assert(bypassed(1, "pinned.test"));
	ck_assert_uint_eq(count_bypasses(), 1);
}
END_TEST

START_TEST(off_learns_nothing_and_forgets_what_was_learnt)
{
	struct host_port hand;
	struct errmsg err;

	takes(1, "good.test");
	refuses(1, "pinned.test", 48);
	refuses(1, "pinned.test", 48);
	refuses(1, "later.test", 48);
	ck_assert_int_eq(target_parse_host(STR("hand.test"), &hand), 0);
	ck_assert_int_eq(pinning_add(pinning, &hand, NULL, STR_NONE, now + 60, now, &err), 0);
	follow(60000);
	ck_assert(bypassed(1, "pinned.test"));
	follow(0);
	ck_assert(!bypassed(1, "pinned.test"));
	ck_assert(bypassed(1, "hand.test"));
	refuses(1, "later.test", 48);
	ck_assert(!bypassed(1, "later.test"));
}
END_TEST

START_TEST(unused_connections_teach_nothing)
{
	struct msg_trust m = message(1, "pinned.test", 0);
	unsigned i;

	m.accepted = TRUST_UNUSED;
	takes(1, "good.test");
	for (i = 0; i < 5; i++)
		tell(&m);
	refuses(1, "pinned.test", 48);
	ck_assert_uint_eq(count_bypasses(), 0);
}
END_TEST

/* ---- by hand ---- */

static void
add(const char *host, uint16_t port, const char *client)
{
	struct host_port hp;
	struct errmsg err;
	struct addr a;

	ck_assert_int_eq(target_parse_host(str_z(host), &hp), 0);
	hp.port = port;
	if (client != NULL)
		ck_assert(addr_parse_ip(str_z(client), 0, &a));
	ck_assert_int_eq(
	    pinning_add(pinning, &hp, client != NULL ? &a : NULL, STR_NONE, now + 60, now, &err), 0);
}

static unsigned
removed(const char *host, uint16_t port)
{
	struct host_port hp;

	ck_assert_int_eq(target_parse_host(str_z(host), &hp), 0);
	hp.port = port;
	return pinning_remove(pinning, &hp, now);
}

START_TEST(by_hand_for_all_or_one_address)
{
	uint8_t id[32];
	struct addr a;

	add("all.test", 0, NULL);
	add("some.test", 443, "192.0.2.7");
	ck_assert(bypassed(1, "all.test"));
	ck_assert(!bypassed(1, "some.test"));
	ck_assert(addr_parse_ip(STR("192.0.2.7"), 9, &a));
	trust_address_id(&a, id);
	ck_assert(trust_is_bypassed(reader, id, STR("some.test"), 443, now));
	ck_assert(!trust_is_bypassed(reader, id, STR("some.test"), 444, now));
}
END_TEST

START_TEST(equal_ones_are_one)
{
	add("a.test", 443, NULL);
	now += 30;
	add("a.test", 443, NULL);
	ck_assert_uint_eq(count_bypasses(), 1);
	ck_assert_int_eq(pinning_bypasses(pinning)[0].until, now + 60);
	add("a.test", 0, NULL);
	add("a.test", 443, "192.0.2.7");
	ck_assert_uint_eq(count_bypasses(), 3);
}
END_TEST

START_TEST(removing)
{
	takes(1, "good.test");
	refuses(1, "a.test", 48);
	refuses(1, "a.test", 48);
	add("a.test", 8443, NULL);
	add("a.test", 0, NULL);
	add("b.test", 443, NULL);
	ck_assert_uint_eq(removed("a.test", 443), 1);
	ck_assert_uint_eq(removed("a.test", 0), 2);
	ck_assert_uint_eq(removed("a.test", 0), 0);
	ck_assert_uint_eq(pinning_remove(pinning, NULL, now), 1);
	ck_assert_uint_eq(count_bypasses(), 0);
}
END_TEST

START_TEST(learnt_ones_make_room_and_those_by_hand_do_not)
{
	struct host_port hp;
	struct errmsg err;
	char host[32];
	unsigned i;

	takes(1, "good.test");
	for (i = 0; i < TRUST_BYPASSES; i++) {
		(void)snprintf(host, sizeof(host), "h%u.test", i);
		refuses(1, host, 48);
		refuses(1, host, 48);
		now += i == 0;
	}
	ck_assert_uint_eq(count_bypasses(), TRUST_BYPASSES);
	add("by-hand.test", 0, NULL);
	ck_assert(!bypassed(1, "h0.test"));
	ck_assert(bypassed(1, "h1.test"));
	for (i = 1; i < TRUST_BYPASSES; i++)
		add(host, (uint16_t)i, NULL);
	ck_assert_int_eq(target_parse_host(STR("last.test"), &hp), 0);
	ck_assert_int_eq(pinning_add(pinning, &hp, NULL, STR_NONE, now + 60, now, &err), -1);
	refuses(1, "more.test", 48);
	refuses(1, "more.test", 48);
	ck_assert(!bypassed(1, "more.test"));
	ck_assert(bypassed(1, "by-hand.test"));
}
END_TEST

/* ---- publishing ---- */

START_TEST(clients_are_published)
{
	struct trust_client c;
	uint8_t id[32];

	memset(id, 1, sizeof(id));
	refuses(1, "a.test", 48);
	ck_assert(trust_find_client(reader, id, &c));
	ck_assert_int_eq(c.accepted_at, 0);
	ck_assert_int_eq(c.rejected_at, now);
	now += 5;
	takes(1, "b.test");
	ck_assert(trust_find_client(reader, id, &c));
	ck_assert_int_eq(c.accepted_at, now);
	ck_assert_int_eq(c.rejected_at, now - 5);
}
END_TEST

START_TEST(the_longest_unheard_is_forgotten)
{
	struct trust_client c;
	struct msg_trust m;
	uint8_t id[32];
	unsigned i;

	for (i = 0; i <= TRUST_CLIENTS; i++, now++) {
		m = message(1, "a.test", -1);
		memcpy(m.client.b, &i, sizeof(i));
		tell(&m);
	}
	memset(id, 1, sizeof(id));
	memset(id, 0, 4);
	ck_assert(!trust_find_client(reader, id, &c));
	i = 1;
	memcpy(id, &i, sizeof(i));
	ck_assert(trust_find_client(reader, id, &c));
	i = TRUST_CLIENTS;
	memcpy(id, &i, sizeof(i));
	ck_assert(trust_find_client(reader, id, &c));
}
END_TEST

/* What was accepted by the one whose place it gets is not its own. */
START_TEST(a_new_client_inherits_nothing)
{
	struct msg_trust m;
	unsigned i;

	for (i = 0; i < TRUST_CLIENTS; i++) {
		m = message(1, "a.test", -1);
		memcpy(m.client.b, &i, sizeof(i));
		tell(&m);
	}
	refuses(9, "b.test", 48);
	refuses(9, "b.test", 48);
	ck_assert_uint_eq(count_bypasses(), 0);
}
END_TEST

/* ---- workers that lie ---- */

START_TEST(garbage_is_no_message)
{
	char zero[65000];
	size_t n;

	memset(zero, 0, sizeof(zero));
	for (n = 0; n < 60; n++)
		if (n != 2 + 32 + 4 + 3 * 4)
			ck_assert_int_eq(pinning_told(pinning, str_of(zero, n), now), -1);
	memset(zero, 0xff, sizeof(zero));
	ck_assert_int_eq(pinning_told(pinning, str_of(zero, sizeof(zero)), now), -1);
}
END_TEST

enum lie {
	ACCEPTED, ACCEPTED_WITH_ALERT, ALERT, PORT_0, PORT_65536, ADDRESS, ADDRESS_PORT, TAG_EMPTY,
	TAG_CONTROL, TAG_LONG, HOST_EMPTY, HOST_CONTROL, HOST_NUL, HOST_LONG, HOST_PATTERN,
	EVERYONE, WHOLE_ADDRESS, LIES
};

static void
lie(struct msg_trust *m, enum lie which)
{
	static char text[300];
	struct addr a;

	memset(text, 'a', sizeof(text));
	switch (which) {
	case ACCEPTED:
		m->accepted = 3;
		break;
	case ACCEPTED_WITH_ALERT:
		m->accepted = 1;
		break;
	case ALERT:
		m->alert = 50;
		break;
	case PORT_0:
		m->port = 0;
		break;
	case PORT_65536:
		m->port = 65536;
		break;
	case ADDRESS:
		m->address = STR("localhost");
		break;
	case ADDRESS_PORT:
		m->address = STR("192.0.2.1:80");
		break;
	case TAG_EMPTY:
		m->tag = STR_NONE;
		break;
	case TAG_CONTROL:
		m->tag = STR("ben\n");
		break;
	case TAG_LONG:
		m->tag = str_of(text, 65);
		break;
	case HOST_EMPTY:
		m->host = STR_NONE;
		break;
	case HOST_CONTROL:
		m->host = STR("a.test\x1b[31m");
		break;
	case HOST_NUL:
		m->host = STR("a.test\0.evil");
		break;
	case HOST_LONG:
		m->host = str_of(text, sizeof(text));
		break;
	case HOST_PATTERN:
		m->host = STR("*.test");
		break;
	case EVERYONE:
		memset(m->client.b, 0, sizeof(m->client.b));
		break;
	default:
		ck_assert(addr_parse_ip(m->address, 0, &a));
		trust_address_id(&a, m->client.b);
	}
}

START_TEST(lies_change_nothing)
{
	void *before = NULL;
	struct msg_trust m = message(1, "pinned.test", 48);

	takes(1, "good.test");
	refuses(1, "pinned.test", 48);
	before = mem_dup(segment.map, segment.size);
	lie(&m, (enum lie)_i);
	tell(&m);
	tell(&m);
	ck_assert_mem_eq(before, segment.map, segment.size);
	free(before);
}
END_TEST

START_TEST(a_flood_does_not_push_aside_what_people_made)
{
	char host[32];
	unsigned i;

	add("by-hand.test", 0, NULL);
	for (i = 0; i < 3000; i++) {
		(void)snprintf(host, sizeof(host), "h%u.test", i);
		takes((uint8_t)(i % 200 + 1), host);
		refuses((uint8_t)(i % 200 + 1), "x.test", 48);
	}
	ck_assert(bypassed(1, "by-hand.test"));
}
END_TEST

/* How many lines there are with that in them since the file became standard error. */
static unsigned
count_lines(FILE *f, const char *part)
{
	char line[2048];
	unsigned n = 0;

	rewind(f);
	while (fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, part) != NULL;
	return n;
}

START_TEST(a_flood_of_learnt_ones_is_told_of_sparingly)
{
	FILE *f = tmpfile();
	int saved = dup(STDERR_FILENO);
	unsigned i;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ne(dup2(fileno(f), STDERR_FILENO), -1);
	log_init(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	for (i = 1; i <= 200; i++) {
		takes((uint8_t)i, "other.test");
		refuses((uint8_t)i, "x.test", 48);
		refuses((uint8_t)i, "x.test", 48);
	}
	(void)dup2(saved, STDERR_FILENO);
	(void)close(saved);
	ck_assert_uint_eq(count_bypasses(), 200);
	ck_assert_uint_ge(count_lines(f, "untouched until"), 10);
	ck_assert_uint_le(count_lines(f, "untouched until"), 40);
	(void)fclose(f);
}
END_TEST

Suite *
pinning_suite(void)
{
	Suite *s = suite_create("pinning");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, two_alerts_and_one_success_elsewhere);
	tcase_add_test(tc, the_success_may_come_last);
	tcase_add_test(tc, without_the_ca_nothing_is_learnt);
	tcase_add_test(tc, closing_without_an_alert_teaches_nothing);
	tcase_add_test(tc, a_wrong_clock_teaches_nothing);
	tcase_add_test(tc, a_success_at_the_same_host_is_none_elsewhere);
	tcase_add_test(tc, who_takes_it_now_and_then_is_not_pinned);
	tcase_add_test(tc, who_has_just_taken_it_is_not_pinned);
	tcase_add_test(tc, ports_are_different_hosts);
	tcase_add_test(tc, all_of_it_within_the_hour);
	tcase_add_test(tc, what_was_learnt_ends);
	tcase_add_test(tc, off_learns_nothing_and_forgets_what_was_learnt);
	tcase_add_test(tc, unused_connections_teach_nothing);
	tcase_add_test(tc, by_hand_for_all_or_one_address);
	tcase_add_test(tc, equal_ones_are_one);
	tcase_add_test(tc, removing);
	tcase_add_test(tc, learnt_ones_make_room_and_those_by_hand_do_not);
	tcase_add_test(tc, clients_are_published);
	tcase_add_test(tc, the_longest_unheard_is_forgotten);
	tcase_add_test(tc, a_new_client_inherits_nothing);
	tcase_add_test(tc, garbage_is_no_message);
	tcase_add_loop_test(tc, lies_change_nothing, 0, LIES);
	tcase_add_test(tc, a_flood_does_not_push_aside_what_people_made);
	tcase_add_test(tc, a_flood_of_learnt_ones_is_told_of_sparingly);
	suite_add_tcase(s, tc);
	return s;
}
