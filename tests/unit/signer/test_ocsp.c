/* SPDX-License-Identifier: ISC */
/* test_ocsp.c - the staple, as OpenSSL reads it. */
#include "config.h"

#include "signer/ocsp.h"

#include <openssl/ocsp.h>

#include "fixture.h"
#include "signer/mint.h"
#include "suites.h"

#define DAY 86400
#define HOUR 3600

static struct ca ca;
static struct permit *all;
static struct minter *minter;
static struct ask ask;
static struct minted minted;
static X509 *leaf;
static OCSP_RESPONSE *response;
static OCSP_BASICRESP *basic;

static void
setup(bool rsa)
{
	all = fixture_permit_all();
	fixture_ca(&ca, rsa);
	minter = minter_new(ca.cert, ca.key, ca.not_after, DAY);
	ck_assert_int_eq(minter_take_keys(minter, fixture_ring()), 0);
}

static void
setup_ec(void)
{
	setup(false);
}

static void
setup_rsa(void)
{
	setup(true);
}

static void
teardown(void)
{
	X509_free(leaf);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	minter_free(&minter);
	ca_free(&ca);
	permit_free(&all);
}

static void
mint(const struct msg_sign_ask *m)
{
	const uint8_t *p, *start;
	const char *why = "";
	uint8_t *again = NULL;
	int n;

	ck_assert_msg(ask_check(m, all, NOW, &ask, &why) == 0, "%s", why);
	ck_assert_int_eq(mint_leaf(minter, &ask, NOW, &minted), 0);
	p = (const uint8_t *)minted.bundle.leaf.p;
	leaf = d2i_X509(NULL, &p, (long)minted.bundle.leaf.n);
	start = p = (const uint8_t *)minted.bundle.staple.p;
	response = d2i_OCSP_RESPONSE(NULL, &p, (long)minted.bundle.staple.n);
	ck_assert_ptr_nonnull(response);
	ck_assert_ptr_eq(p, start + minted.bundle.staple.n);
	ck_assert_int_eq(OCSP_response_status(response), OCSP_RESPONSE_STATUS_SUCCESSFUL);
	basic = OCSP_response_get1_basic(response);
	ck_assert_ptr_nonnull(basic);
	/* DER: OpenSSL would write the very same. */
	n = i2d_OCSP_BASICRESP(basic, &again);
	ck_assert_int_gt(n, 0);
	ck_assert_ptr_nonnull(memmem(start, minted.bundle.staple.n, again, (size_t)n));
	OPENSSL_free(again);
}

static int64_t
seconds(const ASN1_GENERALIZEDTIME *t)
{
	struct tm tm;

	ck_assert_ptr_nonnull(t);
	ck_assert_int_eq(ASN1_TIME_to_tm(t, &tm), 1);
	return (int64_t)timegm(&tm);
}

static void
assert_signed_by_ca(void)
{
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *sent = sk_X509_new_null();

	ck_assert_int_eq(X509_STORE_add_cert(store, ca.cert), 1);
	X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), NOW);
	ck_assert_int_gt(sk_X509_push(sent, ca.cert), 0);
	ck_assert_int_eq(OCSP_basic_verify(basic, sent, store, 0), 1);
	sk_X509_free(sent);
	X509_STORE_free(store);
}

static void
assert_status(int want, int64_t since, int64_t until)
{
	OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), leaf, ca.cert);
	ASN1_GENERALIZEDTIME *revoked, *this_update, *next_update;
	int status, reason;

	ck_assert_int_eq(OCSP_resp_count(basic), 1);
	ck_assert_int_eq(OCSP_resp_find_status(basic, id, &status, &reason, &revoked,
	    &this_update, &next_update), 1);
	ck_assert_int_eq(status, want);
	ck_assert_int_eq(seconds(this_update), since);
	ck_assert_int_eq(seconds(next_update), until);
	ck_assert_int_eq(seconds(OCSP_resp_get0_produced_at(basic)), since);
	if (want == V_OCSP_CERTSTATUS_REVOKED) {
		ck_assert_int_eq(reason, OCSP_REVOKED_STATUS_UNSPECIFIED);
		ck_assert_int_eq(seconds(revoked), since);
	}
	OCSP_CERTID_free(id);
}

START_TEST(says_good)
{
	struct msg_sign_ask m = ask_for("a.test");

	m.staple = SIGN_STAPLE_GOOD;
	mint(&m);
	assert_signed_by_ca();
	assert_status(V_OCSP_CERTSTATUS_GOOD, NOW - HOUR, NOW + DAY);
}
END_TEST

START_TEST(says_revoked)
{
	struct msg_sign_ask m = ask_for("a.test");

	m.staple = SIGN_STAPLE_REVOKED;
	m.not_after = NOW + 1000;
	mint(&m);
	assert_signed_by_ca();
	assert_status(V_OCSP_CERTSTATUS_REVOKED, NOW - HOUR, NOW + 1000);
}
END_TEST

START_TEST(says_it_of_an_expired_leaf_too)
{
	struct msg_sign_ask m = ask_for("a.test");

	m.staple = SIGN_STAPLE_REVOKED;
	m.copy = COPY_DATES;
	m.key = SIGN_KEY_MIRROR_EC;
	m.not_after = NOW - 1;
	mint(&m);
	assert_signed_by_ca();
	assert_status(V_OCSP_CERTSTATUS_REVOKED, NOW - HOUR, NOW + DAY);
}
END_TEST

/* For an origin whose own is of no use. */
START_TEST(a_stale_one_has_ended)
{
	struct msg_sign_ask m = ask_for("a.test");

	m.staple = SIGN_STAPLE_STALE;
	mint(&m);
	assert_signed_by_ca();
	assert_status(V_OCSP_CERTSTATUS_GOOD, NOW - 14 * DAY, NOW - 7 * DAY);
}
END_TEST

static TCase *
cases(const char *name, void (*before)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_unchecked_fixture(tc, fixture_warm, NULL);
	tcase_add_checked_fixture(tc, before, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, says_good);
	tcase_add_test(tc, says_revoked);
	tcase_add_test(tc, a_stale_one_has_ended);
	tcase_add_test(tc, says_it_of_an_expired_leaf_too);
	return tc;
}

Suite *
ocsp_suite(void)
{
	Suite *s = suite_create("ocsp");

	suite_add_tcase(s, cases("EC", setup_ec));
	suite_add_tcase(s, cases("RSA", setup_rsa));
	return s;
}
