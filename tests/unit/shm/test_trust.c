/* SPDX-License-Identifier: ISC */
/* test_trust.c - what workers read of clients and bypasses, whatever happens to the writer. */
#include "config.h"

#include "shm/trust.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suites.h"

#define HOUR 3600
#define NOW 1000000000
#define KILLS 10
#define READS 4000

static struct segment segment;
static struct trust_reader *reader;
static const uint8_t everyone[32];

static void
setup(void)
{
	struct errmsg err;

	ck_assert_int_eq(trust_create(&segment, &err), 0);
	reader = trust_reader_new(segment.fd, &err);
	ck_assert_ptr_nonnull(reader);
}

static void
teardown(void)
{
	trust_reader_free(&reader);
	segment_free(&segment);
}

static struct trust_client
client_of(uint8_t fill)
{
	struct trust_client c;

	memset(&c, fill, sizeof(c));
	return c;
}

static struct trust_bypass
bypass_of(uint8_t client, const char *host, uint16_t port, int64_t until)
{
	struct trust_bypass b;

	memset(&b, 0, sizeof(b));
	memset(b.client, client, sizeof(b.client));
	(void)snprintf(b.host, sizeof(b.host), "%s", host);
	b.port = port;
	b.until = until;
	return b;
}

static bool
bypassed(uint8_t client, const char *host, uint16_t port, int64_t now)
{
	uint8_t id[32];

	memset(id, client, sizeof(id));
	return trust_is_bypassed(reader, id, str_z(host), port, now);
}

/* ---- clients ---- */

START_TEST(a_stranger_is_not_found)
{
	struct trust_client out;
	uint8_t id[32] = {1};

	ck_assert(!trust_find_client(reader, id, &out));
}
END_TEST

START_TEST(clients_are_found_in_any_place)
{
	struct trust_client first = client_of(1), last = client_of(2), out;

	trust_put_client(&segment, 0, &first);
	trust_put_client(&segment, TRUST_CLIENTS - 1, &last);
	ck_assert(trust_find_client(reader, first.client, &out));
	ck_assert_mem_eq(&out, &first, sizeof(out));
	ck_assert(trust_find_client(reader, last.client, &out));
	ck_assert_mem_eq(&out, &last, sizeof(out));
	ck_assert_mem_eq(&trust_clients(&segment)[TRUST_CLIENTS - 1], &last, sizeof(last));
}
END_TEST

START_TEST(like_beginnings_are_told_apart)
{
	struct trust_client a = client_of(1), b = client_of(1), out;

	b.client[31] = 2;
	trust_put_client(&segment, 3, &a);
	ck_assert(!trust_find_client(reader, b.client, &out));
	trust_put_client(&segment, 4, &b);
	ck_assert(trust_find_client(reader, b.client, &out));
	ck_assert_int_eq(out.client[31], 2);
}
END_TEST

/* ---- bypasses ---- */

START_TEST(a_bypass_is_for_one_client_host_and_port)
{
	struct trust_bypass b = bypass_of(1, "pinned.test", 443, NOW + 10);

	ck_assert(!bypassed(1, "pinned.test", 443, NOW));
	trust_put_bypass(&segment, 7, &b);
	ck_assert(bypassed(1, "pinned.test", 443, NOW));
	ck_assert(!bypassed(2, "pinned.test", 443, NOW));
	ck_assert(!bypassed(1, "other.test", 443, NOW));
	ck_assert(!bypassed(1, "pinned.tes", 443, NOW));
	ck_assert(!bypassed(1, "", 443, NOW));
	ck_assert(!bypassed(1, "pinned.test", 8443, NOW));
}
END_TEST

START_TEST(a_bypass_ends)
{
	struct trust_bypass b = bypass_of(1, "pinned.test", 443, NOW + 10), none;

	trust_put_bypass(&segment, 0, &b);
	ck_assert(bypassed(1, "pinned.test", 443, NOW + 9));
	ck_assert(!bypassed(1, "pinned.test", 443, NOW + 10));
	memset(&none, 0, sizeof(none));
	trust_put_bypass(&segment, 0, &none);
	ck_assert(!bypassed(1, "pinned.test", 443, NOW));
}
END_TEST

START_TEST(a_bypass_may_be_for_all)
{
	struct trust_bypass b = bypass_of(0, "open.test", 0, NOW + 10);

	trust_put_bypass(&segment, TRUST_BYPASSES - 1, &b);
	ck_assert(bypassed(1, "open.test", 443, NOW));
	ck_assert(bypassed(9, "open.test", 8443, NOW));
}
END_TEST

START_TEST(places_are_replaced_one_by_one)
{
	struct trust_bypass b = bypass_of(1, "a.test", 443, NOW + 10), none;
	unsigned i;

	trust_put_bypass(&segment, 0, &b);
	trust_put_bypass(&segment, 1, &b);
	memset(&none, 0, sizeof(none));
	for (i = 0; i < 3; i++)
		trust_put_bypass(&segment, 0, &none);
	ck_assert(bypassed(1, "a.test", 443, NOW));
	b = bypass_of(1, "b.test", 443, NOW + 10);
	trust_put_bypass(&segment, 1, &b);
	ck_assert(!bypassed(1, "a.test", 443, NOW));
	ck_assert(bypassed(1, "b.test", 443, NOW));
}
END_TEST

START_TEST(an_address_is_no_client)
{
	uint8_t v4[32], other[32], v6[32];
	struct addr a;

	ck_assert(addr_parse_ip(STR("192.0.2.1"), 0, &a));
	trust_address_id(&a, v4);
	addr_set_port(&a, 4711);
	trust_address_id(&a, other);
	ck_assert_mem_eq(v4, other, sizeof(v4));
	ck_assert(addr_parse_ip(STR("192.0.2.2"), 0, &a));
	trust_address_id(&a, other);
	ck_assert_mem_ne(v4, other, sizeof(v4));
	ck_assert(addr_parse_ip(STR("2001:db8::1"), 0, &a));
	trust_address_id(&a, v6);
	ck_assert_mem_ne(v4, v6, sizeof(v4));
	ck_assert_mem_ne(v4, everyone, sizeof(v4));
}
END_TEST

/* ---- writers that die ---- */

/* Half of one and half of the other would be a third one. */
START_TEST(killed_writers_leave_no_mixture)
{
	struct trust_bypass one = bypass_of(1, "torn.test", 443, NOW + 10);
	struct trust_bypass two = bypass_of(2, "torn.test", 8443, NOW + 10);
	unsigned i, n;

	segment_fork(&segment, true);
	for (i = 0; i < KILLS; i++) {
		pid_t pid = fork();

		ck_assert_int_ne(pid, -1);
		if (pid == 0)
			for (n = 0;; n++)
				trust_put_bypass(&segment, 5, n % 2 == 0 ? &one : &two);
		for (n = 0; n < READS + i * 7919 % 300; n++) {
			ck_assert(!bypassed(1, "torn.test", 8443, NOW));
			ck_assert(!bypassed(2, "torn.test", 443, NOW));
		}
		(void)kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	}
	trust_put_bypass(&segment, 5, &one);
	ck_assert(bypassed(1, "torn.test", 443, NOW));
}
END_TEST

/* Find the sequence of a place by what stands behind it. */
static _Atomic uint32_t *
sequence_before(const void *content, size_t n)
{
	uint8_t *p = memmem(segment.map, segment.size, content, n);

	ck_assert_ptr_nonnull(p);
	return (_Atomic uint32_t *)(p - 8);
}

START_TEST(a_half_written_place_is_not_read)
{
	struct trust_client c = client_of(0x5a), d = client_of(0x5b), out;
	struct trust_bypass b = bypass_of(0x77, "torn.test", 443, NOW + 10);
	_Atomic uint32_t *of_client, *of_bypass;

	trust_put_client(&segment, 9, &c);
	trust_put_client(&segment, 10, &d);
	trust_put_bypass(&segment, 9, &b);
	of_client = sequence_before(&c, sizeof(c));
	of_bypass = sequence_before(&b, sizeof(b));
	ck_assert_uint_eq(*of_client, 2);
	ck_assert_uint_eq(*of_bypass, 2);
	*of_client = *of_bypass = 3;
	ck_assert(!trust_find_client(reader, c.client, &out));
	ck_assert(trust_find_client(reader, d.client, &out));
	ck_assert(!bypassed(0x77, "torn.test", 443, NOW));
	trust_put_client(&segment, 9, &c);
	trust_put_bypass(&segment, 9, &b);
	ck_assert(trust_find_client(reader, c.client, &out));
	ck_assert(bypassed(0x77, "torn.test", 443, NOW));
}
END_TEST

START_TEST(nobody_else_can_write)
{
	ck_assert_ptr_eq(mmap(NULL, segment.size, PROT_READ | PROT_WRITE, MAP_SHARED, segment.fd,
	    0), MAP_FAILED);
}
END_TEST

START_TEST(refuses_another_layout)
{
	struct errmsg err;

	ck_assert_ptr_null(trust_reader_new(-1, &err));
	*(uint32_t *)segment.map ^= 1;
	ck_assert_ptr_null(trust_reader_new(segment.fd, &err));
}
END_TEST

/* ---- what it means ---- */

#define A 11
#define B 22

static const struct {
	const char *accepts;	/* letter and hours ago, oldest first */
	uint64_t host;
	unsigned alert;
	enum trust_meaning means;
} meanings[] = {
	{"", B, 48, TRUST_NO_CA},
	{"", B, 0, TRUST_NO_CA},
	{"a0", B, 48, TRUST_PINNED},
	{"a0", B, 0, TRUST_PINNED},
	{"a2", B, 48, TRUST_PINNED_OR_NO_CA},
	{"a9 a2", B, 48, TRUST_PINNED_OR_NO_CA},
	{"b9", B, 48, TRUST_NO_CA},
	{"b9 a0", B, 46, TRUST_PINNED},
	{"b0", B, 48, TRUST_MIXED},
	{"a0 b0", B, 48, TRUST_MIXED},
	{"b2 a0", B, 48, TRUST_PINNED},
	{"a0", B, 45, TRUST_CLOCK},
	{"", B, 45, TRUST_CLOCK},
};

START_TEST(rejections_are_told_apart)
{
	struct trust_client c = {.accepted_at = 0};
	const char *p;

	for (p = meanings[_i].accepts; *p != '\0'; p += p[2] == ' ' ? 3 : 2)
		trust_note_accepted(&c, *p == 'a' ? A : B, NOW - (p[1] - '0') * HOUR);
	ck_assert_int_eq(trust_means(&c, meanings[_i].host, meanings[_i].alert, NOW),
	    meanings[_i].means);
}
END_TEST

START_TEST(a_day_is_remembered)
{
	struct trust_client c = {.accepted_host = A, .accepted_at = NOW - 24 * HOUR};

	ck_assert_int_eq(trust_means(&c, B, 48, NOW), TRUST_NO_CA);
	c.accepted_at++;
	ck_assert_int_eq(trust_means(&c, B, 48, NOW), TRUST_PINNED_OR_NO_CA);
	ck_assert_int_eq(trust_means(NULL, B, 48, NOW), TRUST_NO_CA);
}
END_TEST

START_TEST(elsewhere_is_not_here)
{
	struct trust_client c = {.accepted_at = 0};

	trust_note_accepted(&c, A, 1);
	ck_assert_int_eq(trust_accepted_elsewhere(&c, A), 0);
	ck_assert_int_eq(trust_accepted_elsewhere(&c, B), 1);
	trust_note_accepted(&c, B, 2);
	trust_note_accepted(&c, A, 3);
	trust_note_accepted(&c, A, 4);
	ck_assert_int_eq(trust_accepted_elsewhere(&c, A), 2);
	ck_assert_int_eq(trust_accepted_elsewhere(&c, B), 4);
}
END_TEST

START_TEST(alerts_that_refuse)
{
	ck_assert(!trust_alert_refuses(0));
	ck_assert(!trust_alert_refuses(41));
	ck_assert(trust_alert_refuses(42));
	ck_assert(trust_alert_refuses(49));
	ck_assert(!trust_alert_refuses(50));
	ck_assert(!trust_alert_refuses(121));	/* ech_required */
	ck_assert_str_eq(trust_alert_text(42), "alert bad_certificate");
	ck_assert_str_eq(trust_alert_text(45), "alert certificate_expired");
	ck_assert_str_eq(trust_alert_text(46), "alert certificate_unknown");
	ck_assert_str_eq(trust_alert_text(48), "alert unknown_ca");
	ck_assert_str_eq(trust_alert_text(49), "alert access_denied");
}
END_TEST

Suite *
trust_suite(void)
{
	Suite *s = suite_create("trust");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_stranger_is_not_found);
	tcase_add_test(tc, clients_are_found_in_any_place);
	tcase_add_test(tc, like_beginnings_are_told_apart);
	tcase_add_test(tc, a_bypass_is_for_one_client_host_and_port);
	tcase_add_test(tc, a_bypass_ends);
	tcase_add_test(tc, a_bypass_may_be_for_all);
	tcase_add_test(tc, places_are_replaced_one_by_one);
	tcase_add_test(tc, an_address_is_no_client);
	tcase_add_test(tc, killed_writers_leave_no_mixture);
	tcase_add_test(tc, a_half_written_place_is_not_read);
	tcase_add_test(tc, nobody_else_can_write);
	tcase_add_test(tc, refuses_another_layout);
	tcase_add_loop_test(tc, rejections_are_told_apart, 0, NELEM(meanings));
	tcase_add_test(tc, a_day_is_remembered);
	tcase_add_test(tc, elsewhere_is_not_here);
	tcase_add_test(tc, alerts_that_refuse);
	suite_add_tcase(s, tc);
	return s;
}
