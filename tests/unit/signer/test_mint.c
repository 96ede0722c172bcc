/* SPDX-License-Identifier: ISC */
/* test_mint.c - the leaf profile, field by field, and against OpenSSL's encoder. */
#include "config.h"

#include "signer/mint.h"

#include <openssl/x509v3.h>
#include <stdio.h>

#include "fixture.h"
#include "suites.h"
#include "tls/name.h"

#define DAY 86400
#define BACKDATE (48 * 3600)

static struct ca ca;
static struct permit *all;
static const struct keyring *ring;
static struct minter *minter;
static struct ask ask;
static struct minted minted;
static struct buf names;
static X509 *leaf;

static void
setup_ca(bool rsa)
{
	all = fixture_permit_all();
	fixture_ca(&ca, rsa);
	ring = fixture_ring();
	minter = minter_new(ca.cert, ca.key, ca.not_after, DAY);
	ck_assert_int_eq(minter_take_keys(minter, ring), 0);
}

static void
setup(void)
{
	setup_ca(false);
}

static void
setup_rsa(void)
{
	setup_ca(true);
}

static void
teardown(void)
{
	X509_free(leaf);
	leaf = NULL;
	minter_free(&minter);
	buf_free(&names);
	ca_free(&ca);
	permit_free(&all);
}

static void
mint_at(const struct msg_sign_ask *m, int64_t now)
{
	const char *why = "";
	const uint8_t *p = minted.der;

	ck_assert_msg(ask_check(m, all, now, &ask, &why) == 0, "%s", why);
	ck_assert_int_eq(mint_leaf(minter, &ask, now, &minted), 0);
	X509_free(leaf);
	leaf = d2i_X509(NULL, &p, (long)minted.n);
	ck_assert_ptr_nonnull(leaf);
	ck_assert_ptr_eq(p, minted.der + minted.n);
}

static void
mint(const struct msg_sign_ask *m)
{
	mint_at(m, NOW);
}

static void
mint_name(const char *name)
{
	struct msg_sign_ask m = ask_for(name);

	mint(&m);
}

static int64_t
seconds(const ASN1_TIME *t)
{
	struct tm tm;

	ck_assert_int_eq(ASN1_TIME_to_tm(t, &tm), 1);
	return (int64_t)timegm(&tm);
}

static bool
is_critical(int nid)
{
	int at = X509_get_ext_by_NID(leaf, nid, -1);

	ck_assert_int_ge(at, 0);
	/* Each once. */
	ck_assert_int_eq(X509_get_ext_by_NID(leaf, nid, at), -1);
	return X509_EXTENSION_get_critical(X509_get_ext(leaf, at)) != 0;
}

START_TEST(has_the_profile)
{
	EXTENDED_KEY_USAGE *usages;
	BASIC_CONSTRAINTS *bc;

	mint_name("www.example.com");
	ck_assert_int_eq(X509_get_version(leaf), X509_VERSION_3);
	ck_assert_int_eq(X509_NAME_cmp(X509_get_issuer_name(leaf),
	    X509_get_subject_name(ca.cert)), 0);
	ck_assert_int_eq(X509_verify(leaf, ca.key), 1);
	ck_assert(is_critical(NID_basic_constraints));
	bc = X509_get_ext_d2i(leaf, NID_basic_constraints, NULL, NULL);
	ck_assert_ptr_nonnull(bc);
	ck_assert(!bc->ca);
	ck_assert_ptr_null(bc->pathlen);
	BASIC_CONSTRAINTS_free(bc);
	ck_assert(is_critical(NID_key_usage));
	ck_assert_uint_eq(X509_get_key_usage(leaf), KU_DIGITAL_SIGNATURE);
	ck_assert(!is_critical(NID_ext_key_usage));
	usages = X509_get_ext_d2i(leaf, NID_ext_key_usage, NULL, NULL);
	ck_assert_int_eq(sk_ASN1_OBJECT_num(usages), 1);
	ck_assert_int_eq(OBJ_obj2nid(sk_ASN1_OBJECT_value(usages, 0)), NID_server_auth);
	EXTENDED_KEY_USAGE_free(usages);
	ck_assert(!is_critical(NID_subject_key_identifier));
	ck_assert(!is_critical(NID_authority_key_identifier));
	ck_assert_int_eq(ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(leaf),
	    X509_get0_subject_key_id(ca.cert)), 0);
	ck_assert_int_ne(ASN1_OCTET_STRING_cmp(X509_get0_subject_key_id(leaf),
	    X509_get0_subject_key_id(ca.cert)), 0);
	ck_assert(!is_critical(NID_subject_alt_name));
	ck_assert_int_eq(X509_get_ext_count(leaf), 6);
	ck_assert_int_eq(X509_get_signature_nid(leaf),
	    EVP_PKEY_base_id(ca.key) == EVP_PKEY_EC ? NID_ecdsa_with_SHA256 :
	    NID_sha256WithRSAEncryption);
}
END_TEST

static void
assert_key(const struct keyring_private *k)
{
	const uint8_t *p = k->der;
	EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &p, k->der_len);

	ck_assert_ptr_nonnull(key);
	ck_assert_int_eq(X509_check_private_key(leaf, key), 1);
	EVP_PKEY_free(key);
}

/* As somebody else's CA may have it, where it need not be a hash of the key. */
static void
identify_ca(struct str bytes)
{
	ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
	uint8_t *der = NULL;
	const uint8_t *p;
	int n;

	ck_assert_int_eq(ASN1_OCTET_STRING_set(id, (const uint8_t *)bytes.p, (int)bytes.n), 1);
	ck_assert_int_eq(X509_add1_ext_i2d(ca.cert, NID_subject_key_identifier, id, 0,
	    X509V3_ADD_REPLACE), 1);
	ASN1_OCTET_STRING_free(id);
	/* What was parsed before is remembered: begin anew. */
	ck_assert_int_gt(X509_sign(ca.cert, ca.key, EVP_sha256()), 0);
	n = i2d_X509(ca.cert, &der);
	p = der;
	X509_free(ca.cert);
	ca.cert = d2i_X509(NULL, &p, n);
	ck_assert_ptr_nonnull(ca.cert);
	OPENSSL_free(der);
}

START_TEST(names_its_issuer_by_the_bytes_of_its_identifier)
{
	static const struct str ids[] = {STR("\1\2\3\4"), STR("a name of twenty bytes"),
		STR("sixty-four bytes, the most there may be, which no hash function")};

	identify_ca(ids[_i]);
	minter_free(&minter);
	minter = minter_new(ca.cert, ca.key, ca.not_after, DAY);
	ck_assert_int_eq(minter_take_keys(minter, ring), 0);
	mint_name("a.test");
	ck_assert_int_eq(ASN1_STRING_length(X509_get0_authority_key_id(leaf)), (int)ids[_i].n);
	ck_assert_mem_eq(ASN1_STRING_get0_data(X509_get0_authority_key_id(leaf)), ids[_i].p,
	    ids[_i].n);
	ck_assert_int_eq(X509_check_issued(ca.cert, leaf), X509_V_OK);
}
END_TEST

START_TEST(is_for_the_key_that_was_asked)
{
	struct msg_sign_ask m = ask_for("a.test");

	mint(&m);
	assert_key(&ring->keys[KEYRING_EC]);
	m.key = SIGN_KEY_RSA;
	mint(&m);
	assert_key(&ring->keys[KEYRING_RSA]);
	ck_assert_uint_eq(X509_get_key_usage(leaf), KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT);
}
END_TEST

START_TEST(serials_are_positive_and_never_the_same)
{
	ASN1_INTEGER *first;

	mint_name("a.test");
	ck_assert_int_eq(ASN1_STRING_length(X509_get0_serialNumber(leaf)), 16);
	ck_assert_int_eq(ASN1_STRING_type(X509_get0_serialNumber(leaf)), V_ASN1_INTEGER);
	ck_assert_mem_eq(ASN1_STRING_get0_data(X509_get0_serialNumber(leaf)), minted.serial,
	    16);
	first = ASN1_INTEGER_dup(X509_get0_serialNumber(leaf));
	mint_name("a.test");
	ck_assert_int_ne(ASN1_INTEGER_cmp(first, X509_get0_serialNumber(leaf)), 0);
	ASN1_INTEGER_free(first);
}
END_TEST

START_TEST(dates)
{
	struct msg_sign_ask m = ask_for("a.test");
	int64_t late = ca.not_after - 100;

	mint(&m);
	ck_assert_int_eq(seconds(X509_get0_notBefore(leaf)), NOW - BACKDATE);
	ck_assert_int_eq(seconds(X509_get0_notAfter(leaf)), NOW + DAY);
	ck_assert_int_eq(minted.refresh_at, NOW + DAY / 2);
	m.not_after = NOW + 1000;
	mint(&m);
	ck_assert_int_eq(seconds(X509_get0_notAfter(leaf)), NOW + 1000);
	ck_assert_int_eq(minted.refresh_at, NOW + 500);
	m.not_after = NOW + 100 * DAY;
	m.not_before = NOW + BACKDATE;
	mint(&m);
	ck_assert_int_eq(seconds(X509_get0_notBefore(leaf)), NOW - BACKDATE);
	ck_assert_int_eq(seconds(X509_get0_notAfter(leaf)), NOW + DAY);
	m.not_after = 0;
	mint_at(&m, late);
	ck_assert_int_eq(seconds(X509_get0_notAfter(leaf)), ca.not_after);
	ck_assert_int_eq(mint_leaf(minter, &ask, ca.not_after, &minted), ERR_DENIED);
}
END_TEST

START_TEST(names_and_subject_are_the_origins)
{
	struct msg_sign_ask m = ask_for("www.example.com");
	STACK_OF(GENERAL_NAME) *list;
	char text[128];

	names_add(&names, NAME_IP, STR("\xc0\0\2\1"));
	names_add(&names, NAME_DNS, STR("*.example.com"));
	names_add(&names, NAME_URI, STR("urn:x"));
	names_add(&names, NAME_EMAIL, STR("a@b.test"));
	m.names = buf_str(&names);
	m.cn = STR("B\xc3\xbc" "cher");
	m.org = STR("O, Inc.");
	mint(&m);
	list = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	ck_assert_int_eq(sk_GENERAL_NAME_num(list), 4);
	ck_assert_int_eq(sk_GENERAL_NAME_value(list, 0)->type, GEN_IPADD);
	ck_assert_int_eq(sk_GENERAL_NAME_value(list, 1)->type, GEN_DNS);
	ck_assert_int_eq(sk_GENERAL_NAME_value(list, 2)->type, GEN_URI);
	ck_assert_int_eq(sk_GENERAL_NAME_value(list, 3)->type, GEN_EMAIL);
	sk_GENERAL_NAME_pop_free(list, GENERAL_NAME_free);
	ck_assert_int_eq(X509_check_host(leaf, "x.example.com", 0, 0, NULL), 1);
	ck_assert_int_eq(X509_check_ip_asc(leaf, "192.0.2.1", 0), 1);
	ck_assert_int_gt(X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_commonName,
	    text, sizeof(text)), 0);
	ck_assert_str_eq(text, "B\xc3\xbc" "cher");
	ck_assert_int_gt(X509_NAME_get_text_by_NID(X509_get_subject_name(leaf),
	    NID_organizationName, text, sizeof(text)), 0);
	ck_assert_str_eq(text, "O, Inc.");
}
END_TEST

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define L61 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

START_TEST(unusual_names)
{
	static const char *const hosts[] = {
		"xn--bcher-kva.example", "_under_score.example.com", "localhost", L63 ".test",
		L63 "." L63 "." L63 "." L61,
	};

	ck_assert_uint_eq(NELEM(hosts), 5);
	mint_name(hosts[_i]);
	ck_assert_int_eq(X509_check_host(leaf, hosts[_i], 0, 0, NULL), 1);
	if (strlen(hosts[_i]) > 64) {
		ck_assert_int_eq(X509_NAME_entry_count(X509_get_subject_name(leaf)), 0);
		ck_assert(is_critical(NID_subject_alt_name));
	} else {
		ck_assert_int_eq(X509_NAME_entry_count(X509_get_subject_name(leaf)), 1);
		ck_assert(!is_critical(NID_subject_alt_name));
	}
}
END_TEST

START_TEST(addresses)
{
	mint_name("2001:db8::1");
	ck_assert_int_eq(X509_check_ip_asc(leaf, "2001:db8::1", 0), 1);
	ck_assert_int_eq(X509_check_ip_asc(leaf, "2001:db8::2", 0), 0);
	mint_name("192.0.2.1");
	ck_assert_int_eq(X509_check_ip_asc(leaf, "192.0.2.1", 0), 1);
	ck_assert_int_eq(X509_check_host(leaf, "192.0.2.1", 0,
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL), 0);
}
END_TEST

START_TEST(three_hundred_names)
{
	struct msg_sign_ask m = ask_for("h299.example.com");
	STACK_OF(GENERAL_NAME) *list;
	char name[64];
	int i;

	for (i = 0; i < 300; i++) {
		(void)snprintf(name, sizeof(name), "h%d.example.com", i);
		names_add(&names, NAME_DNS, str_z(name));
	}
	m.names = buf_str(&names);
	mint(&m);
	list = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	ck_assert_int_eq(sk_GENERAL_NAME_num(list), 300);
	sk_GENERAL_NAME_pop_free(list, GENERAL_NAME_free);
	ck_assert_int_eq(X509_check_host(leaf, "h299.example.com", 0, 0, NULL), 1);
}
END_TEST

/* The largest list that a request can hold, of the shortest names: most overhead. */
START_TEST(the_largest_request_fits)
{
	struct msg_sign_ask m = ask_for("a.test");
	size_t i;

	m.key = SIGN_KEY_RSA;
	for (i = 0; i < SIGN_NAMES_MAX; i++)
		names_add(&names, NAME_DNS, STR("abcd"));
	m.names = buf_str(&names);
	mint(&m);
	ck_assert_uint_gt(minted.n, 6000);
}
END_TEST

static void
add(X509 *cert, X509V3_CTX *ctx, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, ctx, nid, value);

	ck_assert_ptr_nonnull(e);
	ck_assert_int_eq(X509_add_ext(cert, e, -1), 1);
	X509_EXTENSION_free(e);
}

/* The same certificate by OpenSSL's own encoder, to the last byte before the signature. */
static X509 *
reference(const struct msg_sign_ask *m, const char *alt_names)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);
	X509V3_CTX ctx;

	ck_assert_int_eq(X509_set_version(cert, X509_VERSION_3), 1);
	ck_assert_int_eq(X509_set_serialNumber(cert, X509_get_serialNumber(leaf)), 1);
	ck_assert_int_eq(X509_set_issuer_name(cert, X509_get_subject_name(ca.cert)), 1);
	ck_assert_int_eq(X509_set_pubkey(cert, X509_get0_pubkey(leaf)), 1);
	ck_assert_ptr_nonnull(ASN1_TIME_set(X509_getm_notBefore(cert), NOW - BACKDATE));
	ck_assert_ptr_nonnull(ASN1_TIME_set(X509_getm_notAfter(cert), NOW + DAY));
	if (m->org.n > 0)
		ck_assert_int_eq(X509_NAME_add_entry_by_NID(name, NID_organizationName,
		    V_ASN1_UTF8STRING, (const uint8_t *)m->org.p, (int)m->org.n, -1, 0), 1);
	if (m->cn.n > 0)
		ck_assert_int_eq(X509_NAME_add_entry_by_NID(name, NID_commonName,
		    V_ASN1_UTF8STRING, (const uint8_t *)m->cn.p, (int)m->cn.n, -1, 0), 1);
	X509V3_set_ctx(&ctx, ca.cert, cert, NULL, NULL, 0);
	add(cert, &ctx, NID_subject_alt_name, alt_names);
	add(cert, &ctx, NID_basic_constraints, "critical,CA:FALSE");
	add(cert, &ctx, NID_key_usage, m->key == SIGN_KEY_RSA ?
	    "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature");
	add(cert, &ctx, NID_ext_key_usage, "serverAuth");
	add(cert, &ctx, NID_subject_key_identifier, "hash");
	add(cert, &ctx, NID_authority_key_identifier, "keyid");
	ck_assert_int_gt(X509_sign(cert, ca.key, EVP_sha256()), 0);
	return cert;
}

static void
assert_like_reference(const struct msg_sign_ask *m, const char *alt_names)
{
	uint8_t *theirs = NULL;
	X509 *cert;
	int n;

	mint(m);
	cert = reference(m, alt_names);
	n = i2d_re_X509_tbs(cert, &theirs);
	ck_assert_int_gt(n, 256);
	ck_assert_uint_gt(minted.n, (size_t)n);
	/* Behind the outer header of four bytes. */
	ck_assert_mem_eq(minted.der + 4, theirs, (size_t)n);
	OPENSSL_free(theirs);
	X509_free(cert);
}

START_TEST(encodes_as_openssl_does)
{
	struct msg_sign_ask m = ask_for("www.example.com");

	names_add(&names, NAME_DNS, STR("www.example.com"));
	names_add(&names, NAME_IP, STR("\xc0\0\2\1"));
	names_add(&names, NAME_URI, STR("urn:x"));
	names_add(&names, NAME_EMAIL, STR("a@b.test"));
	m.names = buf_str(&names);
	m.cn = STR("www.example.com");
	m.org = STR("B\xc3\xbc" "cher GmbH");
	m.key = (uint8_t)_i;
	assert_like_reference(&m,
	    "DNS:www.example.com,IP:192.0.2.1,URI:urn:x,email:a@b.test");
	m.cn = m.org = STR_NONE;
	assert_like_reference(&m,
	    "critical,DNS:www.example.com,IP:192.0.2.1,URI:urn:x,email:a@b.test");
}
END_TEST

static TCase *
cases(const char *name, void (*before)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_unchecked_fixture(tc, fixture_warm, NULL);
	tcase_add_checked_fixture(tc, before, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, has_the_profile);
	tcase_add_loop_test(tc, encodes_as_openssl_does, 0, 2);
	return tc;
}

Suite *
mint_suite(void)
{
	Suite *s = suite_create("mint");
	TCase *tc = cases("EC", setup);

	tcase_add_loop_test(tc, names_its_issuer_by_the_bytes_of_its_identifier, 0, 3);
	tcase_add_test(tc, is_for_the_key_that_was_asked);
	tcase_add_test(tc, serials_are_positive_and_never_the_same);
	tcase_add_test(tc, dates);
	tcase_add_test(tc, names_and_subject_are_the_origins);
	tcase_add_loop_test(tc, unusual_names, 0, 5);
	tcase_add_test(tc, addresses);
	tcase_add_test(tc, three_hundred_names);
	tcase_add_test(tc, the_largest_request_fits);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, cases("RSA", setup_rsa));
	return s;
}
