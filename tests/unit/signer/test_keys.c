/* SPDX-License-Identifier: ISC */
/* test_keys.c - keys are made when needed, once, and tickets outlive a rotation. */
#include "config.h"

#include "signer/keys.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "fixture.h"
#include "signer/key_maker.h"
#include "suites.h"

static struct segment segment;
static struct keyring ring, next;

static void
setup(void)
{
	struct errmsg err;

	ck_assert_int_eq(keyring_create(&segment, &err), 0);
	ring = *fixture_ring();
	keyring_write(&segment, &ring);
}

static void
teardown(void)
{
	segment_free(&segment);
}

START_TEST(an_empty_ring_is_filled)
{
	static const struct {
		int kind, bits;
	} keys[KEYRING_KEY_COUNT] = {
	    [KEYRING_EC] = {EVP_PKEY_EC, 256},
	    [KEYRING_RSA] = {EVP_PKEY_RSA, 2048},
	    [KEYRING_MIRROR_EC] = {EVP_PKEY_EC, 256},
	    [KEYRING_MIRROR_RSA] = {EVP_PKEY_RSA, 2048},
	    [KEYRING_WEAK] = {EVP_PKEY_RSA, 1024},
	};
	static const uint8_t zero[32];
	int i;

	ck_assert_int_eq(ring.made_at, NOW);
	ck_assert_uint_eq(ring.has_previous_ticket, 0);
	ck_assert_mem_ne(ring.ticket.aes, zero, 32);
	for (i = 0; i < KEYRING_KEY_COUNT; i++) {
		const uint8_t *p = ring.keys[i].der;
		EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &p, ring.keys[i].der_len);
		uint8_t *spki = NULL, hash[32];
		int n;

		ck_assert_ptr_nonnull(key);
		ck_assert_int_eq(EVP_PKEY_base_id(key), keys[i].kind);
		ck_assert_int_eq(EVP_PKEY_get_bits(key), keys[i].bits);
		n = i2d_PUBKEY(key, &spki);
		ck_assert_int_gt(n, 0);
		(void)SHA256(spki, (size_t)n, hash);
		ck_assert_mem_eq(ring.keys[i].id, hash, 8);
		OPENSSL_free(spki);
		EVP_PKEY_free(key);
	}
	ck_assert_mem_ne(ring.keys[KEYRING_EC].id, ring.keys[KEYRING_MIRROR_EC].id, 8);
}
END_TEST

START_TEST(a_fresh_ring_is_kept)
{
	keys_renew(&segment, NOW + KEYRING_ROTATE_SECONDS - 1);
	keyring_read_own(&segment, &next);
	ck_assert_mem_eq(&ring, &next, sizeof(ring));
}
END_TEST

START_TEST(an_old_ring_is_replaced_but_its_tickets_are_read)
{
	keys_renew(&segment, NOW + KEYRING_ROTATE_SECONDS);
	keyring_read_own(&segment, &next);
	ck_assert_int_eq(next.made_at, NOW + KEYRING_ROTATE_SECONDS);
	ck_assert_mem_ne(next.keys[KEYRING_EC].id, ring.keys[KEYRING_EC].id, 8);
	ck_assert_uint_eq(next.has_previous_ticket, 1);
	ck_assert_mem_eq(&next.previous_ticket, &ring.ticket, sizeof(ring.ticket));
	ck_assert_mem_ne(&next.ticket, &ring.ticket, sizeof(ring.ticket));
}
END_TEST

START_TEST(a_clock_put_back_does_not_keep_keys_for_years)
{
	keys_renew(&segment, NOW - 1000);
	keyring_read_own(&segment, &next);
	ck_assert_mem_eq(&ring, &next, sizeof(ring));
	keys_renew(&segment, NOW - 2 * KEYRING_ROTATE_SECONDS);
	keyring_read_own(&segment, &next);
	ck_assert_int_eq(next.made_at, NOW - 2 * KEYRING_ROTATE_SECONDS);
}
END_TEST

/* The rarely needed are left for later, so that nobody waits for them at the start. */
START_TEST(rsa_keys_come_when_asked_for)
{
	struct segment empty;
	struct errmsg err;
	uint32_t sequence;

	ck_assert_int_eq(keyring_create(&empty, &err), 0);
	keys_put(&empty, KEYRING_WEAK, keys_new(KEYRING_WEAK));	/* nothing: there is no ring to put it in */
	keys_renew(&empty, NOW);
	keyring_read_own(&empty, &next);
	ck_assert_uint_gt(next.keys[KEYRING_EC].der_len, 0);
	ck_assert_uint_gt(next.keys[KEYRING_MIRROR_EC].der_len, 0);
	ck_assert_uint_eq(next.keys[KEYRING_RSA].der_len, 0);
	ck_assert_uint_eq(next.keys[KEYRING_MIRROR_RSA].der_len, 0);
	ck_assert_uint_eq(next.keys[KEYRING_WEAK].der_len, 0);
	keys_put(&empty, KEYRING_WEAK, keys_new(KEYRING_WEAK));
	sequence = keyring_sequence_own(&empty);
	keys_put(&empty, KEYRING_WEAK, keys_new(KEYRING_WEAK));
	ck_assert_uint_eq(keyring_sequence_own(&empty), sequence);
	keyring_read_own(&empty, &ring);
	ck_assert_uint_gt(ring.keys[KEYRING_WEAK].der_len, 0);
	ck_assert_uint_eq(ring.keys[KEYRING_RSA].der_len, 0);
	ck_assert_mem_eq(&ring.keys[KEYRING_EC], &next.keys[KEYRING_EC], sizeof(ring.keys[0]));
	ck_assert_mem_eq(&ring.ticket, &next.ticket, sizeof(ring.ticket));
	segment_free(&empty);
}
END_TEST

START_TEST(one_missing_key_after_the_other)
{
	struct keyring without = ring;
	enum keyring_key which;
	unsigned made = 0;

	without.keys[KEYRING_WEAK].der_len = 0;
	without.keys[KEYRING_MIRROR_EC].der_len = 0;
	keyring_write(&segment, &without);
	for (; keys_missing(&segment, &which); made++)
		keys_put(&segment, which, keys_new(which));
	ck_assert_uint_eq(made, 2);
	keyring_read_own(&segment, &next);
	ck_assert_uint_gt(next.keys[KEYRING_WEAK].der_len, 0);
	ck_assert_uint_gt(next.keys[KEYRING_MIRROR_EC].der_len, 0);
}
END_TEST

static void
on_made(void *arg, enum keyring_key which, EVP_PKEY *key)
{
	struct ev_loop *loop = arg;

	ck_assert_int_eq(which, KEYRING_WEAK);
	ck_assert_int_eq(EVP_PKEY_get_bits(key), 1024);
	EVP_PKEY_free(key);
	ev_break(loop, EVBREAK_ALL);
}

START_TEST(a_key_is_made_beside_the_loop)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct key_maker *maker = key_maker_new(loop, on_made, loop);

	ck_assert(key_maker_start(maker, KEYRING_WEAK));
	ck_assert(!key_maker_start(maker, KEYRING_RSA));
	ev_run(loop, 0);
	/* Let go in the middle of the next one. */
	ck_assert(key_maker_start(maker, KEYRING_RSA));
	key_maker_free(&maker);
	ev_loop_destroy(loop);
}
END_TEST

/* Who trusts a bad leaf by hand shall not have to do so every day. */
START_TEST(mirror_keys_live_a_week)
{
	int64_t day;

	for (day = 1; day < 7; day++) {
		keys_renew(&segment, NOW + day * KEYRING_ROTATE_SECONDS);
		keyring_read_own(&segment, &next);
		ck_assert_int_eq(next.made_at, NOW + day * KEYRING_ROTATE_SECONDS);
		ck_assert_int_eq(next.mirror_made_at, NOW);
		ck_assert_mem_eq(&next.keys[KEYRING_MIRROR_EC], &ring.keys[KEYRING_MIRROR_EC],
		    sizeof(ring.keys[0]));
		ck_assert_mem_eq(&next.keys[KEYRING_MIRROR_RSA],
		    &ring.keys[KEYRING_MIRROR_RSA], sizeof(ring.keys[0]));
		ck_assert_uint_eq(next.keys[KEYRING_RSA].der_len, 0);
		ck_assert_uint_eq(next.keys[KEYRING_WEAK].der_len, 0);
	}
	keys_renew(&segment, NOW + 7 * KEYRING_ROTATE_SECONDS);
	keyring_read_own(&segment, &next);
	ck_assert_int_eq(next.mirror_made_at, NOW + 7 * KEYRING_ROTATE_SECONDS);
	ck_assert_mem_ne(next.keys[KEYRING_MIRROR_EC].id, ring.keys[KEYRING_MIRROR_EC].id, 8);
	ck_assert_uint_eq(next.keys[KEYRING_MIRROR_RSA].der_len, 0);
}
END_TEST

Suite *
keys_suite(void)
{
	Suite *s = suite_create("keys");
	TCase *tc = tcase_create("core");

	tcase_add_unchecked_fixture(tc, fixture_warm, NULL);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, an_empty_ring_is_filled);
	tcase_add_test(tc, a_fresh_ring_is_kept);
	tcase_add_test(tc, an_old_ring_is_replaced_but_its_tickets_are_read);
	tcase_add_test(tc, rsa_keys_come_when_asked_for);
	tcase_add_test(tc, one_missing_key_after_the_other);
	tcase_add_test(tc, a_key_is_made_beside_the_loop);
	tcase_add_test(tc, mirror_keys_live_a_week);
	tcase_add_test(tc, a_clock_put_back_does_not_keep_keys_for_years);
	suite_add_tcase(s, tc);
	return s;
}
