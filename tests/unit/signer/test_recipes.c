/* SPDX-License-Identifier: ISC */
/* test_recipes.c - what OpenSSL concludes from each recipe and each copied defect. */
#include "config.h"

#include "signer/mint.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "fixture.h"
#include "tls/name.h"
#include "suites.h"

#define DAY 86400
#define BACKDATE (48 * 3600)
#define WEEK (7 * DAY)

static struct ca ca;
static struct permit *all;
static struct minter *minter;
static struct ask ask;
static struct minted minted;
static X509 *leaf, *issuer;

static void
setup_ca(bool rsa)
{
	all = fixture_permit_all();
	fixture_ca(&ca, rsa);
	minter = minter_new(ca.cert, ca.key, ca.not_after, DAY);
	ck_assert_int_eq(minter_take_keys(minter, fixture_ring()), 0);
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
	X509_free(issuer);
	leaf = issuer = NULL;
	minter_free(&minter);
	ca_free(&ca);
	permit_free(&all);
}

static struct msg_sign_ask
recipe_for(uint8_t recipe, uint32_t copy)
{
	struct msg_sign_ask m = ask_for("www.example.com");

	m.recipe = recipe;
	m.copy = copy;
	m.key = fixture_key_for(recipe, copy, false);
	m.cn = STR("www.example.com");
	m.org = STR("Example");
	m.why = STR("self-signed certificate in certificate chain");
	return m;
}

static X509 *
parse(struct str der)
{
	const uint8_t *p = (const uint8_t *)der.p;
	X509 *cert = d2i_X509(NULL, &p, (long)der.n);

	ck_assert_ptr_nonnull(cert);
	ck_assert_ptr_eq(p, der.p + der.n);
	return cert;
}

static void
mint(const struct msg_sign_ask *m)
{
	const char *why = "";

	ck_assert_msg(ask_check(m, all, NOW, &ask, &why) == 0, "%s", why);
	ck_assert_int_eq(mint_leaf(minter, &ask, NOW, &minted), 0);
	X509_free(leaf);
	X509_free(issuer);
	leaf = parse(minted.bundle.leaf);
	issuer = minted.bundle.nissuers > 0 ? parse(minted.bundle.issuers[0]) : NULL;
}

/* Errors in the order in which they were found: a client stops at the first. */
static struct {
	int code, depth;
} errors[16];
static size_t nerrors;

static int
note_error(int ok, X509_STORE_CTX *ctx)
{
	if (!ok && nerrors < NELEM(errors)) {
		errors[nerrors].code = X509_STORE_CTX_get_error(ctx);
		errors[nerrors].depth = X509_STORE_CTX_get_error_depth(ctx);
		nerrors++;
	}
	/* Or OpenSSL tells it once more instead of the next. */
	X509_STORE_CTX_set_error(ctx, X509_V_OK);
	return 1;
}

static void
verify(unsigned long flags, int level)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *sent = sk_X509_new_null();
	X509_VERIFY_PARAM *param;

	nerrors = 0;
	ck_assert_int_eq(X509_STORE_add_cert(store, ca.cert), 1);
	if (issuer != NULL)
		ck_assert_int_gt(sk_X509_push(sent, issuer), 0);
	if (minted.bundle.with_ca)
		ck_assert_int_gt(sk_X509_push(sent, ca.cert), 0);
	ck_assert_int_eq(X509_STORE_CTX_init(ctx, store, leaf, sent), 1);
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, NOW);
	ck_assert_int_eq(X509_VERIFY_PARAM_set_flags(param, flags), 1);
	X509_VERIFY_PARAM_set_auth_level(param, level);
	ck_assert_int_eq(X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER), 1);
	ck_assert_int_eq(X509_VERIFY_PARAM_set1_host(param, "www.example.com", 0), 1);
	X509_STORE_CTX_set_verify_cb(ctx, note_error);
	(void)X509_verify_cert(ctx);
	ERR_clear_error();
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_free(sent);
}

static void
assert_errors(const int *want)	/* code, depth, ..., -1 */
{
	size_t i;

	for (i = 0; want[2 * i] != -1; i++) {
		ck_assert_uint_lt(i, nerrors);
		ck_assert_msg(errors[i].code == want[2 * i] && errors[i].depth ==
		    want[2 * i + 1], "error %zu is %d (%s) at %d, not %d at %d", i,
		    errors[i].code, X509_verify_cert_error_string(errors[i].code),
		    errors[i].depth, want[2 * i], want[2 * i + 1]);
	}
	ck_assert_msg(nerrors == i, "another error: %d at %d", errors[i].code, errors[i].depth);
}

static const struct {
	uint8_t recipe;
	size_t nissuers;
	bool with_ca;
	int errors[16];
} recipes[] = {
	{RECIPE_GOOD, 0, true, {-1}},
	{RECIPE_SELF, 0, false, {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, 0, -1}},
	{RECIPE_UNTRUSTED_LEAF, 0, false, {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 0,
	    X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, 0, -1}},
	{RECIPE_UNTRUSTED_SUB, 1, false, {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 1, -1}},
	{RECIPE_UNTRUSTED_ROOT, 1, false, {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, 1, -1}},
	/* Clients stop at the first; the others come with it. */
	{RECIPE_NOT_CA, 1, true, {X509_V_ERR_INVALID_CA, 1, X509_V_ERR_INVALID_PURPOSE, 1,
	    X509_V_ERR_PATH_LENGTH_EXCEEDED, 2, X509_V_ERR_KEYUSAGE_NO_CERTSIGN, 1, -1}},
	{RECIPE_FORGED, 0, true, {X509_V_ERR_CERT_SIGNATURE_FAILURE, 0, -1}},
	{RECIPE_FORGED_SHA1, 0, true, {X509_V_ERR_CA_MD_TOO_WEAK, 0,
	    X509_V_ERR_CERT_SIGNATURE_FAILURE, 0, -1}},
};

START_TEST(a_recipe_has_its_error_and_its_shape)
{
	struct msg_sign_ask m = recipe_for(recipes[_i].recipe, 0);

	mint(&m);
	ck_assert_uint_eq(minted.bundle.nissuers, recipes[_i].nissuers);
	ck_assert_int_eq(minted.bundle.with_ca, recipes[_i].with_ca);
	ck_assert_uint_eq(minted.bundle.staple.n, 0);
	verify(0, 2);
	assert_errors(recipes[_i].errors);
}
END_TEST

static const struct {
	uint32_t copy;
	unsigned long flags;
	int errors[8];
} defects[] = {
	{COPY_NO_NAMES, 0, {-1}},	/* the CN has the name */
	{COPY_KEY_USAGE, 0, {-1}},	/* keyEncipherment alone: TLS 1.2 with RSA */
	{COPY_PURPOSE, 0, {X509_V_ERR_INVALID_PURPOSE, 0, -1}},
	{COPY_CRITICAL, 0, {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, 0, -1}},
	{COPY_NO_AKI, 0, {-1}},
	{COPY_NO_AKI, X509_V_FLAG_X509_STRICT, {X509_V_ERR_MISSING_AUTHORITY_KEY_IDENTIFIER, 0,
	    -1}},
	{COPY_MUST_STAPLE, X509_V_FLAG_X509_STRICT, {-1}},
	{COPY_WEAK_KEY, 0, {X509_V_ERR_EE_KEY_TOO_SMALL, 0, -1}},
	{COPY_PURPOSE | COPY_CRITICAL | COPY_WEAK_KEY, 0, {X509_V_ERR_EE_KEY_TOO_SMALL, 0,
	    X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, 0, X509_V_ERR_INVALID_PURPOSE, 0, -1}},
};

START_TEST(a_copied_defect_has_its_error)
{
	struct msg_sign_ask m = recipe_for(RECIPE_GOOD, defects[_i].copy);

	m.key_usage = KU_KEY_ENCIPHERMENT;
	mint(&m);
	verify(defects[_i].flags, 2);
	assert_errors(defects[_i].errors);
}
END_TEST

static void
assert_dates(int64_t first, int64_t last)
{
	struct tm tm;

	ck_assert_int_eq(ASN1_TIME_to_tm(X509_get0_notBefore(leaf), &tm), 1);
	ck_assert_int_eq((int64_t)timegm(&tm), first);
	ck_assert_int_eq(ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &tm), 1);
	ck_assert_int_eq((int64_t)timegm(&tm), last);
}

#define YEAR (INT64_C(365) * DAY)

static const struct {
	int64_t first, last;	/* from NOW, as asked */
	int64_t want_first, want_last, refresh;
	int errors[8];
} our_dates[] = {
	/* Expired: the end is told, the start is as late as our life demands. */
	{-90 * DAY, -1, -1 - 3 * DAY, -1, DAY / 2, {X509_V_ERR_CERT_HAS_EXPIRED, 0, -1}},
	{-DAY, -100, -DAY, -100, DAY / 2, {X509_V_ERR_CERT_HAS_EXPIRED, 0, -1}},
	{-20 * YEAR, -10 * YEAR, -10 * YEAR - 3 * DAY, -10 * YEAR, DAY / 2,
	    {X509_V_ERR_CERT_HAS_EXPIRED, 0, -1}},
	{ASK_DATE_MIN - NOW, ASK_DATE_MIN - NOW, ASK_DATE_MIN - NOW, ASK_DATE_MIN - NOW,
	    DAY / 2, {X509_V_ERR_CERT_HAS_EXPIRED, 0, -1}},
	/* Not yet: no more than 48 hours ahead, and a day from then. */
	{BACKDATE, 10 * YEAR, BACKDATE, BACKDATE + DAY, DAY / 2,
	    {X509_V_ERR_CERT_NOT_YET_VALID, 0, -1}},
	{1, 2, 1, 2, 1, {X509_V_ERR_CERT_NOT_YET_VALID, 0, -1}},
	/* Both. */
	{DAY, -DAY, DAY, -DAY, DAY / 2, {X509_V_ERR_CERT_NOT_YET_VALID, 0,
	    X509_V_ERR_CERT_HAS_EXPIRED, 0, -1}},
	/* Ten years are one day. */
	{-YEAR, 10 * YEAR, -BACKDATE, DAY, DAY / 2, {-1}},
	{-YEAR, 1000, -BACKDATE, 1000, 500, {-1}},
};

START_TEST(copied_dates_of_ours_keep_to_our_life)
{
	struct msg_sign_ask m = recipe_for(RECIPE_GOOD, COPY_DATES);

	m.not_before = NOW + our_dates[_i].first;
	m.not_after = NOW + our_dates[_i].last;
	mint(&m);
	assert_dates(NOW + our_dates[_i].want_first, NOW + our_dates[_i].want_last);
	ck_assert_int_eq(minted.refresh_at, NOW + our_dates[_i].refresh);
	verify(0, 2);
	assert_errors(our_dates[_i].errors);
}
END_TEST

static const uint8_t strange[] = {RECIPE_SELF, RECIPE_UNTRUSTED_LEAF, RECIPE_UNTRUSTED_SUB,
    RECIPE_UNTRUSTED_ROOT, RECIPE_FORGED, RECIPE_FORGED_SHA1};

START_TEST(dates_of_strangers_are_copied_or_a_week)
{
	struct msg_sign_ask m = recipe_for(strange[_i], 0);

	mint(&m);
	assert_dates(NOW - BACKDATE, NOW + WEEK);
	ck_assert_int_eq(minted.refresh_at, NOW + 6 * DAY);
	m.not_after = NOW + 700;
	mint(&m);
	assert_dates(NOW - BACKDATE, NOW + 700);
	ck_assert_int_eq(minted.refresh_at, NOW + 600);
	m.copy = COPY_DATES;
	m.not_before = NOW + 5 * YEAR;
	m.not_after = NOW + 100 * YEAR;
	mint(&m);
	assert_dates(NOW + 5 * YEAR, NOW + 100 * YEAR);
	ck_assert_int_eq(minted.refresh_at, NOW + 6 * DAY);
	m.not_before = NOW - 30 * YEAR;
	m.not_after = NOW - 20 * YEAR;
	mint(&m);
	assert_dates(NOW - 30 * YEAR, NOW - 20 * YEAR);
	ck_assert_int_eq(minted.refresh_at, NOW + 6 * DAY);
}
END_TEST

/* No second error because of an issuer that was not there yet, or no more. */
START_TEST(only_the_leaf_of_a_stranger_is_out_of_date)
{
	struct msg_sign_ask m = recipe_for(RECIPE_UNTRUSTED_ROOT, COPY_DATES);

	m.not_before = NOW - 2 * YEAR;
	m.not_after = NOW - YEAR;
	mint(&m);
	verify(0, 2);
	assert_errors((const int[]){X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, 1,
	    X509_V_ERR_CERT_HAS_EXPIRED, 0, -1});
	m.not_before = NOW + YEAR;
	m.not_after = NOW + 2 * YEAR;
	mint(&m);
	verify(0, 2);
	assert_errors((const int[]){X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, 1,
	    X509_V_ERR_CERT_NOT_YET_VALID, 0, -1});
}
END_TEST

static void
assert_error(int code)
{
	size_t i;

	for (i = 0; i < nerrors && errors[i].code != code; i++)
		continue;
	ck_assert_msg(i < nerrors, "no error %d", code);
}

START_TEST(defects_come_on_top_of_a_recipe)
{
	struct msg_sign_ask m = recipe_for(RECIPE_SELF, COPY_DATES | COPY_PURPOSE |
	    COPY_WEAK_KEY);
	struct buf names = {0};

	names_add(&names, NAME_DNS, STR("other.test"));
	m.names = buf_str(&names);
	m.not_before = NOW - YEAR;
	m.not_after = NOW - DAY;
	mint(&m);
	verify(0, 2);
	assert_error(X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
	assert_error(X509_V_ERR_EE_KEY_TOO_SMALL);
	assert_error(X509_V_ERR_INVALID_PURPOSE);
	assert_error(X509_V_ERR_HOSTNAME_MISMATCH);
	assert_error(X509_V_ERR_CERT_HAS_EXPIRED);
	buf_free(&names);
}
END_TEST

START_TEST(strict_accepts_the_good_one)
{
	struct msg_sign_ask m = recipe_for(RECIPE_GOOD, 0);

	mint(&m);
	verify(X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE, 2);
	assert_errors((const int[]){-1});
}
END_TEST

static void
assert_name(const X509_NAME *name, const char *want)
{
	char text[256];

	(void)X509_NAME_oneline(name, text, sizeof(text));
	ck_assert_str_eq(text, want);
}

START_TEST(subjects_and_issuers)
{
	static const struct {
		uint8_t recipe;
		const char *issuer, *above;	/* above: of the issuer that is sent */
	} want[] = {
		{RECIPE_SELF, "/O=Example/CN=www.example.com", NULL},
		{RECIPE_UNTRUSTED_LEAF, "/O=" MINT_NOT_TRUSTED "/CN=" "why it is", NULL},
		{RECIPE_UNTRUSTED_SUB, "/O=" MINT_NOT_TRUSTED "/CN=" "why it is",
		    "/O=" MINT_NOT_TRUSTED "/CN=root that is not sent"},
		{RECIPE_UNTRUSTED_ROOT, "/O=" MINT_NOT_TRUSTED "/CN=" "why it is",
		    "/O=" MINT_NOT_TRUSTED "/CN=" "why it is"},
		{RECIPE_NOT_CA, "/O=" MINT_NOT_TRUSTED "/CN=mirror.invalid", "ours"},
		{RECIPE_GOOD, "ours", NULL},
		{RECIPE_FORGED, "ours", NULL},
		{RECIPE_FORGED_SHA1, "ours", NULL},
	};
	struct msg_sign_ask m = recipe_for(want[_i].recipe, 0);
	const X509_NAME *ours = X509_get_subject_name(ca.cert);

	ck_assert_uint_eq(NELEM(want), 8);
	m.why = STR("why it is");
	mint(&m);
	assert_name(X509_get_subject_name(leaf), "/O=Example/CN=www.example.com");
	if (strcmp(want[_i].issuer, "ours") == 0)
		ck_assert_int_eq(X509_NAME_cmp(X509_get_issuer_name(leaf), ours), 0);
	else
		assert_name(X509_get_issuer_name(leaf), want[_i].issuer);
	ck_assert_int_eq(issuer != NULL, want[_i].above != NULL);
	if (issuer == NULL)
		return;
	ck_assert_int_eq(X509_NAME_cmp(X509_get_subject_name(issuer),
	    X509_get_issuer_name(leaf)), 0);
	ck_assert_int_eq(ASN1_OCTET_STRING_cmp(X509_get0_subject_key_id(issuer),
	    X509_get0_authority_key_id(leaf)), 0);
	ck_assert_int_eq(X509_verify(leaf, X509_get0_pubkey(issuer)), 1);
	/* Only a root is its own issuer. */
	ck_assert_int_eq(X509_verify(issuer, X509_get0_pubkey(issuer)) == 1,
	    want[_i].recipe == RECIPE_UNTRUSTED_ROOT);
	ERR_clear_error();
	if (strcmp(want[_i].above, "ours") == 0)
		ck_assert_int_eq(X509_NAME_cmp(X509_get_issuer_name(issuer), ours), 0);
	else
		assert_name(X509_get_issuer_name(issuer), want[_i].above);
}
END_TEST

START_TEST(a_long_reason_is_cut_between_characters)
{
	static char why[200];
	struct msg_sign_ask m = recipe_for(RECIPE_UNTRUSTED_ROOT, 0);
	char text[128];

	memset(why, 'a', 63);
	memcpy(why + 63, "\xc3\xbc\xc3\xbc", 4);
	m.why = str_z(why);
	mint(&m);
	ck_assert_int_eq(X509_NAME_get_text_by_NID(X509_get_issuer_name(leaf), NID_commonName,
	    text, sizeof(text)), 63);
	m.why = STR_NONE;
	mint(&m);
	ck_assert_int_gt(X509_NAME_get_text_by_NID(X509_get_issuer_name(leaf), NID_commonName,
	    text, sizeof(text)), 10);
}
END_TEST

/* The value of an extension of the leaf as bytes; its being critical. */
static struct str
extension(const char *oid, bool *out_critical)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	int at = X509_get_ext_by_OBJ(leaf, object, -1);
	const ASN1_OCTET_STRING *value;
	X509_EXTENSION *e;

	ASN1_OBJECT_free(object);
	if (at == -1)
		return STR_NONE;
	e = X509_get_ext(leaf, at);
	*out_critical = X509_EXTENSION_get_critical(e) != 0;
	value = X509_EXTENSION_get_data(e);
	return str_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
}

#define OID_SAN "2.5.29.17"
#define OID_AKI "2.5.29.35"
#define OID_KU "2.5.29.15"
#define OID_EKU "2.5.29.37"
#define OID_TLS_FEATURE "1.3.6.1.5.5.7.1.24"
#define OID_NOBODYS_PURPOSE "1.3.6.1.4.1.32473.1.1"
#define OID_NOBODYS_EXTENSION "1.3.6.1.4.1.32473.1.2"

START_TEST(extensions_of_the_defects)
{
	struct msg_sign_ask m = recipe_for(RECIPE_GOOD, COPY_ALL & ~COPY_DATES);
	EXTENDED_KEY_USAGE *usages;
	bool critical = false;
	char text[64];

	m.key_usage = KU_KEY_CERT_SIGN | KU_DECIPHER_ONLY;
	mint(&m);
	ck_assert_uint_eq(extension(OID_SAN, &critical).n, 0);
	ck_assert_uint_eq(extension(OID_AKI, &critical).n, 0);
	ck_assert(str_eq(extension(OID_TLS_FEATURE, &critical), STR("\x30\x03\x02\x01\x05")));
	ck_assert(!critical);
	ck_assert_uint_gt(extension(OID_NOBODYS_EXTENSION, &critical).n, 0);
	ck_assert(critical);
	ck_assert(str_eq(extension(OID_KU, &critical), STR("\x03\x03\x07\x04\x80")));
	ck_assert_uint_eq(X509_get_key_usage(leaf), KU_KEY_CERT_SIGN | KU_DECIPHER_ONLY);
	usages = X509_get_ext_d2i(leaf, NID_ext_key_usage, NULL, NULL);
	ck_assert_int_eq(sk_ASN1_OBJECT_num(usages), 1);
	(void)OBJ_obj2txt(text, sizeof(text), sk_ASN1_OBJECT_value(usages, 0), 1);
	ck_assert_str_eq(text, OID_NOBODYS_PURPOSE);
	EXTENDED_KEY_USAGE_free(usages);
	ck_assert_int_eq(EVP_PKEY_get_bits(X509_get0_pubkey(leaf)), 1024);
	ck_assert_int_eq(X509_check_ca(leaf), 0);
}
END_TEST

START_TEST(key_usages_are_copied_bit_by_bit)
{
	static const uint32_t bits[] = {0, 1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0x8000, 0xff,
	    0x80ff, 0x8001, 0xa0};
	struct msg_sign_ask m = recipe_for(RECIPE_GOOD, COPY_KEY_USAGE);
	ASN1_BIT_STRING *usage;
	uint8_t *der = NULL;
	bool critical;
	struct str have;
	size_t i;
	int n;

	for (i = 0; i < NELEM(bits); i++) {
		m.key_usage = bits[i];
		mint(&m);
		usage = X509_get_ext_d2i(leaf, NID_key_usage, NULL, NULL);
		ck_assert_ptr_nonnull(usage);
		ck_assert_uint_eq(bits[i], (usage->length > 0 ? usage->data[0] : 0u) |
		    (usage->length > 1 ? (unsigned)usage->data[1] << 8 : 0u));
		/* As OpenSSL would write the named bits. */
		usage->flags &= ~(ASN1_STRING_FLAG_BITS_LEFT | 7);
		n = i2d_ASN1_BIT_STRING(usage, &der);
		have = extension(OID_KU, &critical);
		ck_assert_int_eq(n, (int)have.n);
		ck_assert_mem_eq(der, have.p, have.n);
		OPENSSL_free(der);
		der = NULL;
		ASN1_BIT_STRING_free(usage);
	}
}
END_TEST

START_TEST(a_weak_leaf_lives_a_day_at_most)
{
	struct msg_sign_ask m = recipe_for(RECIPE_GOOD, COPY_WEAK_KEY);

	minter_free(&minter);
	minter = minter_new(ca.cert, ca.key, ca.not_after, 30 * DAY);
	ck_assert_int_eq(minter_take_keys(minter, fixture_ring()), 0);
	mint(&m);
	assert_dates(NOW - BACKDATE, NOW + DAY);
	m = recipe_for(RECIPE_GOOD, 0);
	mint(&m);
	assert_dates(NOW - BACKDATE, NOW + 30 * DAY);
}
END_TEST

START_TEST(the_leaf_is_for_the_key_that_was_asked)
{
	struct msg_sign_ask m = recipe_for((uint8_t)_i, 0);
	unsigned i;

	for (i = 0; i < 2; i++) {
		const struct keyring_private *k;
		const uint8_t *p;
		EVP_PKEY *key;

		m.key = fixture_key_for((unsigned)_i, 0, i == 1);
		k = &fixture_ring()->keys[m.key];
		p = k->der;
		key = d2i_AutoPrivateKey(NULL, &p, k->der_len);
		mint(&m);
		ck_assert_int_eq(X509_check_private_key(leaf, key), 1);
		verify(0, 2);
		assert_errors(recipes[_i].errors);
		EVP_PKEY_free(key);
	}
}
END_TEST

START_TEST(a_key_that_is_not_there_yet_is_told)
{
	struct msg_sign_ask m = recipe_for(RECIPE_SELF, 0);
	struct keyring ring = *fixture_ring();
	const char *why;

	ring.keys[KEYRING_MIRROR_RSA].der_len = 0;
	ck_assert_int_eq(minter_take_keys(minter, &ring), 0);
	m.key = SIGN_KEY_MIRROR_RSA;
	ck_assert_int_eq(ask_check(&m, all, NOW, &ask, &why), 0);
	ck_assert_int_eq(mint_leaf(minter, &ask, NOW, &minted), ERR_NOTFOUND);
}
END_TEST

/* A CA with name constraints, and an issuer that is no CA: one error, not two. */
START_TEST(the_go_between_is_permitted)
{
	static const char *const patterns[] = {".example.com"};
	struct permit *some = fixture_permit(patterns, 1);
	struct ca_new want = {.host = "host.example", .permit = some};
	EVP_PKEY *key = ca_make_key(false);
	struct msg_sign_ask m = recipe_for(RECIPE_NOT_CA, 0);
	struct permit *unlimited = all;

	X509_free(ca.cert);
	EVP_PKEY_free(ca.key);
	ca.key = key;
	ca.cert = ca_make_cert(key, &want, NOW);
	minter_free(&minter);
	minter = minter_new(ca.cert, ca.key, ca.not_after, DAY);
	ck_assert_int_eq(minter_take_keys(minter, fixture_ring()), 0);
	all = some;
	mint(&m);
	all = unlimited;
	verify(0, 2);
	assert_errors(recipes[RECIPE_NOT_CA].errors);
	permit_free(&some);
}
END_TEST

/* A CA of the operator's with a name of that many bytes. */
static void
rename_ca(int bytes)
{
	X509_NAME *name = X509_get_subject_name(ca.cert);
	static char text[1000];

	memset(text, 'x', sizeof(text));
	while (i2d_X509_NAME(name, NULL) < bytes) {
		int n = MIN(bytes - i2d_X509_NAME(name, NULL), 1000);

		ck_assert_int_eq(X509_NAME_add_entry_by_NID(name, NID_organizationalUnitName,
		    V_ASN1_UTF8STRING, (const uint8_t *)text, MAX(n - 20, 1), -1, 0), 1);
	}
	ck_assert_int_eq(X509_set_issuer_name(ca.cert, name), 1);
	ck_assert_int_gt(X509_sign(ca.cert, ca.key, EVP_sha256()), 0);
}

START_TEST(a_long_name_of_the_ca_fits)
{
	struct msg_sign_ask m = recipe_for(RECIPE_NOT_CA, 0);
	struct errmsg err;

	rename_ca(CA_NAME_MAX - 50);
	ck_assert_int_eq(ca_acceptable(ca.cert, ca.key, NOW, "ca.pem", &err), 0);
	minter_free(&minter);
	minter = minter_new(ca.cert, ca.key, ca.not_after, DAY);
	ck_assert_int_eq(minter_take_keys(minter, fixture_ring()), 0);
	mint(&m);
	m = recipe_for(RECIPE_GOOD, 0);
	m.staple = SIGN_STAPLE_REVOKED;
	mint(&m);
	ck_assert_uint_gt(minted.bundle.staple.n, CA_NAME_MAX - 50);
	rename_ca(CA_NAME_MAX + 1);
	ck_assert_int_eq(ca_acceptable(ca.cert, ca.key, NOW, "ca.pem", &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "name"));
}
END_TEST

/* Our CA's key is used for what the recipe says and for nothing else. */
START_TEST(only_good_leafs_and_the_go_between_are_ours)
{
	struct msg_sign_ask m = recipe_for((uint8_t)_i, 0);

	mint(&m);
	ck_assert_int_eq(X509_verify(leaf, ca.key) == 1, _i == RECIPE_GOOD);
	if (issuer != NULL)
		ck_assert_int_eq(X509_verify(issuer, ca.key) == 1, _i == RECIPE_NOT_CA);
	ERR_clear_error();
}
END_TEST

static TCase *
cases(const char *name, void (*before)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_unchecked_fixture(tc, fixture_warm, NULL);
	tcase_add_checked_fixture(tc, before, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_recipe_has_its_error_and_its_shape, 0, NELEM(recipes));
	tcase_add_loop_test(tc, a_copied_defect_has_its_error, 0, NELEM(defects));
	tcase_add_loop_test(tc, only_good_leafs_and_the_go_between_are_ours, 0, RECIPE_COUNT);
	tcase_add_test(tc, strict_accepts_the_good_one);
	return tc;
}

Suite *
recipes_suite(void)
{
	Suite *s = suite_create("recipes");
	TCase *tc = cases("EC", setup);

	tcase_add_loop_test(tc, copied_dates_of_ours_keep_to_our_life, 0, NELEM(our_dates));
	tcase_add_loop_test(tc, dates_of_strangers_are_copied_or_a_week, 0, NELEM(strange));
	tcase_add_test(tc, only_the_leaf_of_a_stranger_is_out_of_date);
	tcase_add_test(tc, defects_come_on_top_of_a_recipe);
	tcase_add_loop_test(tc, subjects_and_issuers, 0, 8);
	tcase_add_test(tc, a_long_reason_is_cut_between_characters);
	tcase_add_test(tc, extensions_of_the_defects);
	tcase_add_test(tc, key_usages_are_copied_bit_by_bit);
	tcase_add_test(tc, a_weak_leaf_lives_a_day_at_most);
	tcase_add_loop_test(tc, the_leaf_is_for_the_key_that_was_asked, 0, RECIPE_COUNT);
	tcase_add_test(tc, a_key_that_is_not_there_yet_is_told);
	tcase_add_test(tc, the_go_between_is_permitted);
	tcase_add_test(tc, a_long_name_of_the_ca_fits);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, cases("RSA", setup_rsa));
	return s;
}
