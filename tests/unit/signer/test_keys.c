/* SPDX-License-Identifier: ISC */
/* test_keys.c - keys are made when needed, once, and tickets outlive a rotation. */
#include "config.h"

#include "signer/keys.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "fixture.h"
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
	tcase_add_test(tc, a_clock_put_back_does_not_keep_keys_for_years);
	suite_add_tcase(s, tc);
	return s;
}
