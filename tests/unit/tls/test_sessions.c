/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tls/sessions.h"

#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "suites.h"

#define LATER UINT64_C(3600000000)

static const uint8_t key[32] = {7};

static SSL_SESSION *
session_of(int version)
{
	SSL_SESSION *s = SSL_SESSION_new();

	ck_assert_int_eq(SSL_SESSION_set1_id(s, (const unsigned char *)"id", 2), 1);
	ck_assert_int_eq(SSL_SESSION_set_protocol_version(s, version), 1);
	return s;
}

/* What decides whether one is given out; microseconds and seconds from now. */
static const struct {
	int64_t until_us;
	int from, until;
	bool given;
} cases[] = {
	{(int64_t)LATER, -9, 99, true},
	{-1, -9, 99, false},
	{(int64_t)LATER, -9, -1, false},
	{(int64_t)LATER, -9, 0, false},
	{(int64_t)LATER, 60, 99, false},
};

START_TEST(given_while_good)
{
	struct tls_facts *f = mem_new(struct tls_facts), *found = NULL;
	uint64_t until = clock_mono_us() + (uint64_t)cases[_i].until_us, left = 0;
	struct sessions *s = sessions_new();
	int64_t now = (int64_t)time(NULL);
	SSL_SESSION *out;

	*f = (struct tls_facts){.refs = 1, .latest_not_before = now + cases[_i].from,
	    .earliest_not_after = now + cases[_i].until};
	sessions_put(s, key, session_of(TLS1_2_VERSION), f, until);
	out = sessions_take(s, key, &found, &left);
	ck_assert_int_eq(out != NULL, cases[_i].given);
	ck_assert_ptr_eq(found, cases[_i].given ? f : NULL);
	/* What is left goes on to what comes of resuming it. */
	ck_assert_uint_eq(left, cases[_i].given ? until : 0);
	tls_facts_unref(&found);
	SSL_SESSION_free(out);
	sessions_free(&s);
	ck_assert_uint_eq(f->refs, 1);
	tls_facts_unref(&f);
}
END_TEST

/* TLS 1.3 once each, the newest first; TLS 1.2 again and again. */
START_TEST(how_often)
{
	struct tls_facts *f = mem_new(struct tls_facts), *found = NULL;
	int version = _i == 0 ? TLS1_2_VERSION : TLS1_3_VERSION, i;
	struct sessions *s = sessions_new();
	uint64_t left, now = clock_mono_us();

	*f = (struct tls_facts){.refs = 1, .earliest_not_after = INT64_MAX};
	sessions_put(s, key, session_of(version), f, now + LATER);
	sessions_put(s, key, session_of(version), f, now + LATER + 1);
	for (i = 0; i < 3; i++) {
		SSL_SESSION *out = sessions_take(s, key, &found, &left);

		ck_assert_int_eq(out != NULL, _i == 0 || i < 2);
		if (out != NULL)
			ck_assert_uint_eq(left, now + LATER + (_i == 0 || i == 0));
		SSL_SESSION_free(out);
		tls_facts_unref(&found);
	}
	sessions_free(&s);
	tls_facts_unref(&f);
}
END_TEST

Suite *
sessions_suite(void)
{
	Suite *s = suite_create("tls sessions");
	TCase *t = tcase_create("sessions");

	tcase_add_loop_test(t, given_while_good, 0, NELEM(cases));
	tcase_add_loop_test(t, how_often, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
