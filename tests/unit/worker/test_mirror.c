/* SPDX-License-Identifier: ISC */
/* test_mirror.c - facts made by hand -> what is asked of the signer. */
#include "config.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "suites.h"
#include "worker/mirror.h"

#define NOW 1700000000
#define DAY 86400
#define HOUR 3600

/* What a good origin's chain is like: a leaf and its intermediate. */
static struct tls_cert certs[3];
static struct tls_name a_name;
static struct permit *all;

static void
setup(void)
{
	struct errmsg err;

	all = permit_new(NULL, 0, &err);
}

static void
teardown(void)
{
	permit_free(&all);
}

static struct tls_facts
good(void)
{
	a_name = (struct tls_name){TLS_NAME_DNS, STR("www.test")};
	return (struct tls_facts){.chain = certs, .nchain = 2, .names = &a_name, .nnames = 1,
	    .has_names = true, .has_aki = true, .serves = true, .key_bits = 256,
	    .has_key_usage = true, .key_usage = KU_DIGITAL_SIGNATURE, .verified = true,
	    .earliest_not_after = NOW + 30 * DAY, .latest_not_before = NOW - 30 * DAY};
}

static void
add_code(struct tls_facts *f, int code, int depth)
{
	f->verdicts[f->nverdicts++] = (struct tls_verdict){code, depth};
	f->verified = false;
}

static struct mirror_plan
plan(const struct tls_facts *f)
{
	struct mirror_ask ask = {.origin = f, .takes_ecdsa = true, .wants_staple = true,
	    .sniff = true, .permit = all, .now = NOW};
	struct mirror_plan p;

	mirror_plan(&ask, &p);
	return p;
}

/* ---- who issues it ---- */

#define V(x) X509_V_ERR_##x
#define WHY_UNKNOWN "unknown issuer"

static const struct {
	struct tls_verdict verdicts[4];	/* code 0: no more */
	size_t nchain;
	bool root_sent;
	enum recipe recipe;
	uint32_t copy;
	uint8_t key;
	const char *why;
} issuers[] = {
	{{{0, 0}}, 2, false, RECIPE_GOOD, 0, SIGN_KEY_EC, ""},
	{{{V(HOSTNAME_MISMATCH), 0}}, 2, false, RECIPE_GOOD, 0, SIGN_KEY_EC, ""},
	{{{V(IP_ADDRESS_MISMATCH), 0}}, 2, false, RECIPE_GOOD, 0, SIGN_KEY_EC, ""},
	{{{V(DEPTH_ZERO_SELF_SIGNED_CERT), 0}}, 1, true, RECIPE_SELF, 0,
	    SIGN_KEY_MIRROR_EC, ""},
	{{{V(SELF_SIGNED_CERT_IN_CHAIN), 1}}, 2, true, RECIPE_UNTRUSTED_ROOT, 0,
	    SIGN_KEY_MIRROR_EC, "unknown root"},
	{{{V(UNABLE_TO_GET_ISSUER_CERT_LOCALLY), 1}}, 2, false, RECIPE_UNTRUSTED_SUB, 0,
	    SIGN_KEY_MIRROR_EC, WHY_UNKNOWN},
	{{{V(UNABLE_TO_GET_ISSUER_CERT_LOCALLY), 0},
	    {V(UNABLE_TO_VERIFY_LEAF_SIGNATURE), 0}}, 1, false, RECIPE_UNTRUSTED_LEAF, 0,
	    SIGN_KEY_MIRROR_EC, WHY_UNKNOWN},
	{{{V(UNABLE_TO_GET_ISSUER_CERT), 1}}, 2, false, RECIPE_UNTRUSTED_SUB, 0,
	    SIGN_KEY_MIRROR_EC, WHY_UNKNOWN},
	{{{V(CERT_UNTRUSTED), 1}}, 2, false, RECIPE_UNTRUSTED_SUB, 0, SIGN_KEY_MIRROR_EC,
	    "refused issuer"},
	/* Our own CA's certificate as an origin's leaf: not just self-signed. */
	{{{V(DEPTH_ZERO_SELF_SIGNED_CERT), 0}, {V(CERT_UNTRUSTED), 0}}, 1, true,
	    RECIPE_UNTRUSTED_LEAF, 0, SIGN_KEY_MIRROR_EC, "refused issuer"},
	{{{V(INVALID_CA), 1}}, 2, false, RECIPE_NOT_CA, 0, SIGN_KEY_EC, ""},
	{{{V(NO_ISSUER_PUBLIC_KEY), 1}}, 2, false, RECIPE_NOT_CA, 0, SIGN_KEY_EC, ""},
	{{{V(KEYUSAGE_NO_CERTSIGN), 1}}, 2, false, RECIPE_NOT_CA, 0, SIGN_KEY_EC, ""},
	{{{V(PATH_LENGTH_EXCEEDED), 2}}, 3, false, RECIPE_NOT_CA, 0, SIGN_KEY_EC, ""},
	{{{V(PERMITTED_VIOLATION), 0}}, 2, false, RECIPE_NOT_CA, 0, SIGN_KEY_EC, ""},
	{{{V(EXCLUDED_VIOLATION), 0}}, 2, false, RECIPE_NOT_CA, 0, SIGN_KEY_EC, ""},
	{{{V(CERT_SIGNATURE_FAILURE), 0}}, 2, false, RECIPE_FORGED, 0, SIGN_KEY_MIRROR_EC, ""},
	{{{V(CA_MD_TOO_WEAK), 0}}, 2, false, RECIPE_FORGED_SHA1, 0, SIGN_KEY_MIRROR_EC, ""},
	{{{V(INVALID_PURPOSE), 0}}, 2, false, RECIPE_GOOD, COPY_PURPOSE,
	    SIGN_KEY_MIRROR_EC, ""},
	{{{V(INVALID_PURPOSE), 1}}, 2, false, RECIPE_GOOD, COPY_PURPOSE,
	    SIGN_KEY_MIRROR_EC, ""},
	{{{V(UNHANDLED_CRITICAL_EXTENSION), 0}}, 2, false, RECIPE_GOOD, COPY_CRITICAL,
	    SIGN_KEY_MIRROR_EC, ""},
	{{{V(CA_KEY_TOO_SMALL), 1}}, 2, false, RECIPE_GOOD, COPY_WEAK_KEY, SIGN_KEY_WEAK, ""},
	/* With origin.strict, which is for every client. */
	{{{V(MISSING_AUTHORITY_KEY_IDENTIFIER), 0}}, 2, false, RECIPE_UNTRUSTED_SUB, 0,
	    SIGN_KEY_MIRROR_EC, "not verified"},
	{{{V(KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA), 0}}, 2, false, RECIPE_UNTRUSTED_SUB, 0,
	    SIGN_KEY_MIRROR_EC, "not verified"},
	{{{V(INVALID_EXTENSION), 0}}, 2, false, RECIPE_UNTRUSTED_SUB, 0,
	    SIGN_KEY_MIRROR_EC, "malformed certificate"},
	{{{V(MISSING_SUBJECT_KEY_IDENTIFIER), 1}}, 2, false, RECIPE_UNTRUSTED_SUB, 0,
	    SIGN_KEY_MIRROR_EC, "not verified"},
	{{{V(EC_KEY_EXPLICIT_PARAMS), 0}}, 2, false, RECIPE_UNTRUSTED_SUB, 0,
	    SIGN_KEY_MIRROR_EC, "not verified"},
	{{{V(CERT_CHAIN_TOO_LONG), 9}}, 3, false, RECIPE_UNTRUSTED_SUB, 0, SIGN_KEY_MIRROR_EC,
	    "not verified"},
	/* Several: self and untrusted, then not-a-CA, then forged. Copies are added. */
	{{{V(SELF_SIGNED_CERT_IN_CHAIN), 1}, {V(INVALID_CA), 1}, {V(CERT_SIGNATURE_FAILURE), 0}},
	    2, true, RECIPE_UNTRUSTED_ROOT, 0, SIGN_KEY_MIRROR_EC, "unknown root"},
	{{{V(CERT_SIGNATURE_FAILURE), 0}, {V(PATH_LENGTH_EXCEEDED), 1}, {V(CA_MD_TOO_WEAK), 0}},
	    2, false, RECIPE_NOT_CA, 0, SIGN_KEY_EC, ""},
	{{{V(CA_MD_TOO_WEAK), 0}, {V(CERT_SIGNATURE_FAILURE), 0}}, 2, false,
	    RECIPE_FORGED_SHA1, 0, SIGN_KEY_MIRROR_EC, ""},
	{{{V(DEPTH_ZERO_SELF_SIGNED_CERT), 0}, {V(INVALID_PURPOSE), 0},
	    {V(UNHANDLED_CRITICAL_EXTENSION), 0}}, 1, true, RECIPE_SELF,
	    COPY_PURPOSE | COPY_CRITICAL, SIGN_KEY_MIRROR_EC, ""},
	{{{V(INVALID_CA), 1}, {V(INVALID_PURPOSE), 0}}, 2, false, RECIPE_NOT_CA, COPY_PURPOSE,
	    SIGN_KEY_EC, ""},
	/* What is no CA does not serve as one either: that is not another defect. */
	{{{V(INVALID_CA), 1}, {V(INVALID_PURPOSE), 1}}, 2, false, RECIPE_NOT_CA, 0,
	    SIGN_KEY_EC, ""},
	{{{V(INVALID_PURPOSE), 1}, {V(KEYUSAGE_NO_CERTSIGN), 1}}, 2, false, RECIPE_NOT_CA, 0,
	    SIGN_KEY_EC, ""},
	{{{V(INVALID_CA), 2}, {V(INVALID_PURPOSE), 1}}, 3, false, RECIPE_NOT_CA, COPY_PURPOSE,
	    SIGN_KEY_EC, ""},
	/* The first reason stays. */
	{{{V(UNABLE_TO_GET_ISSUER_CERT_LOCALLY), 0}, {V(UNSPECIFIED), 0}}, 1, false,
	    RECIPE_UNTRUSTED_LEAF, 0, SIGN_KEY_MIRROR_EC, WHY_UNKNOWN},
};

START_TEST(the_issuer_is_as_good_as_the_origins)
{
	struct tls_facts f = good();
	struct mirror_plan p;
	size_t i;

	f.nchain = issuers[_i].nchain;
	f.last_is_self_signed = issuers[_i].root_sent;
	for (i = 0; i < 4 && issuers[_i].verdicts[i].code != 0; i++)
		add_code(&f, issuers[_i].verdicts[i].code, issuers[_i].verdicts[i].depth);
	p = plan(&f);
	ck_assert_str_eq(recipe_name(p.recipe), recipe_name(issuers[_i].recipe));
	ck_assert_uint_eq(p.copy, issuers[_i].copy);
	ck_assert_uint_eq(p.key, issuers[_i].key);
	ck_assert_str_eq(p.why, issuers[_i].why);
	ck_assert_int_eq(p.names, MIRROR_NAMES_COPY);
	ck_assert_int_eq(p.staple, SIGN_STAPLE_NONE);
	ck_assert_int_eq(p.not_before, 0);
	ck_assert_int_eq(p.not_after, NOW + 30 * DAY);
}
END_TEST

/* ---- dates ---- */

static const struct {
	int code;
	int64_t begin, end;	/* the origin's, from now on */
	enum recipe recipe;
	int64_t from, until;	/* of the leaf, from now on; 0: no bound */
	bool copied;
} dates[] = {
	{0, -30 * DAY, 1, RECIPE_GOOD, 0, 1, false},
	{V(CERT_HAS_EXPIRED), -30 * DAY, 0, RECIPE_GOOD, -DAY, 0, true},
	{V(CERT_HAS_EXPIRED), -30 * DAY, -9 * DAY, RECIPE_GOOD, -10 * DAY, -9 * DAY, true},
	{V(CERT_HAS_EXPIRED), -9 * DAY - HOUR, -9 * DAY, RECIPE_GOOD, -9 * DAY - HOUR, -9 * DAY,
	    true},
	/* An issuer had expired before the leaf began. */
	{V(CERT_HAS_EXPIRED), -2 * DAY, -9 * DAY, RECIPE_GOOD, -10 * DAY, -9 * DAY, true},
	{V(CERT_NOT_YET_VALID), 1, 30 * DAY, RECIPE_GOOD, 1, DAY + 1, true},
	{V(CERT_NOT_YET_VALID), HOUR, 2 * HOUR, RECIPE_GOOD, HOUR, 2 * HOUR, true},
	{V(CERT_NOT_YET_VALID), 2 * DAY, 30 * DAY, RECIPE_GOOD, 2 * DAY, 3 * DAY, true},
	/* An issuer has expired, and the leaf has not begun. */
	{V(CERT_NOT_YET_VALID), HOUR, -DAY, RECIPE_GOOD, HOUR, HOUR + DAY, true},
	/* Further ahead nothing is signed by our CA. */
	{V(CERT_NOT_YET_VALID), 2 * DAY + 1, 30 * DAY, RECIPE_UNTRUSTED_SUB, 2 * DAY + 1,
	    3 * DAY + 1, true},
	{V(DEPTH_ZERO_SELF_SIGNED_CERT), 9 * DAY, 30 * DAY, RECIPE_UNTRUSTED_SUB, 9 * DAY,
	    10 * DAY, true},
	{V(DEPTH_ZERO_SELF_SIGNED_CERT), -30 * DAY, -DAY, RECIPE_SELF, -2 * DAY, -DAY, true},
	/* What could not be read is 1970. */
	{V(ERROR_IN_CERT_NOT_AFTER_FIELD), -30 * DAY, -NOW, RECIPE_UNTRUSTED_SUB, DAY - NOW,
	    2 * DAY - NOW, true},
};

START_TEST(dates_are_copied_when_out_of_range)
{
	struct tls_facts f = good();
	struct mirror_plan p;

	f.latest_not_before = NOW + dates[_i].begin;
	f.earliest_not_after = NOW + dates[_i].end;
	if (dates[_i].code != 0)
		add_code(&f, dates[_i].code, 0);
	p = plan(&f);
	ck_assert_str_eq(recipe_name(p.recipe), recipe_name(dates[_i].recipe));
	ck_assert_int_eq(p.not_before, dates[_i].from != 0 ? NOW + dates[_i].from : 0);
	ck_assert_int_eq(p.not_after, NOW + dates[_i].until);
	ck_assert_uint_eq(p.copy, dates[_i].copied ? COPY_DATES : 0);
	ck_assert(!dates[_i].copied || p.key == SIGN_KEY_MIRROR_EC);
	ck_assert_int_lt(p.not_before, p.not_after);
}
END_TEST

/* ---- what a leaf carries: also that of an origin that verified ---- */

START_TEST(a_missing_aki_is_missing)
{
	struct tls_facts f = good();

	f.has_aki = false;
	ck_assert_uint_eq(plan(&f).copy, COPY_NO_AKI);
	ck_assert_uint_eq(plan(&f).key, SIGN_KEY_MIRROR_EC);
	ck_assert_int_eq(plan(&f).recipe, RECIPE_GOOD);
}
END_TEST

/* A lack in an issuer cannot be shown; this one is refused by the same verifiers. */
START_TEST(what_strict_verifiers_mind_they_mind)
{
	struct tls_facts f = good();

	f.strict_minds = true;
	ck_assert_uint_eq(plan(&f).copy, COPY_NO_AKI);
	ck_assert_int_eq(plan(&f).recipe, RECIPE_GOOD);
	add_code(&f, V(INVALID_CA), 1);
	ck_assert_uint_eq(plan(&f).copy, 0);	/* everybody minds that */
}
END_TEST

START_TEST(without_names_there_are_none)
{
	struct tls_facts f = good();

	f.has_names = false;
	f.nnames = 0;
	add_code(&f, V(HOSTNAME_MISMATCH), 0);
	ck_assert_uint_eq(plan(&f).copy, COPY_NO_NAMES);
	ck_assert_int_eq(plan(&f).recipe, RECIPE_GOOD);
}
END_TEST

static const struct {
	bool there, is_ca;
	uint32_t bits;
	bool copied;
} usages[] = {
	{false, false, 0, false},
	{true, false, KU_DIGITAL_SIGNATURE, false},
	{true, false, KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT, false},
	{true, false, KU_KEY_ENCIPHERMENT, true},
	{true, false, 0, true},
	{true, false, KU_DIGITAL_SIGNATURE | KU_KEY_CERT_SIGN, true},
	/* A CA as its own leaf may have it; ours is none, and then strict clients mind. */
	{true, true, KU_DIGITAL_SIGNATURE | KU_KEY_CERT_SIGN, false},
};

START_TEST(odd_key_usage_is_copied)
{
	struct tls_facts f = good();
	struct mirror_plan p;

	f.has_key_usage = usages[_i].there;
	f.key_usage = usages[_i].bits;
	f.is_ca = usages[_i].is_ca;
	p = plan(&f);
	ck_assert_uint_eq(p.copy, usages[_i].copied ? COPY_KEY_USAGE : 0);
	ck_assert_uint_eq(p.key_usage, usages[_i].copied ? usages[_i].bits : 0);
}
END_TEST

START_TEST(a_purpose_is_copied_unless_key_usage_tells_it)
{
	struct tls_facts f = good();

	f.key_usage = KU_CRL_SIGN;
	add_code(&f, V(INVALID_PURPOSE), 0);
	ck_assert_uint_eq(plan(&f).copy, COPY_KEY_USAGE);
	f.serves = false;
	ck_assert_uint_eq(plan(&f).copy, COPY_KEY_USAGE | COPY_PURPOSE);
	f.serves = true;
	f.key_usage = KU_KEY_AGREEMENT;	/* OpenSSL takes that: something else was wrong */
	ck_assert_uint_eq(plan(&f).copy, COPY_KEY_USAGE | COPY_PURPOSE);
}
END_TEST

START_TEST(a_copied_key_usage_keeps_the_kind_of_key)
{
	struct tls_facts f = good();

	f.key_usage = KU_KEY_ENCIPHERMENT;
	f.key_is_rsa = true;
	f.key_bits = 2048;
	ck_assert_uint_eq(plan(&f).key, SIGN_KEY_MIRROR_RSA);
}
END_TEST

static const struct {
	bool rsa;
	int bits;
	enum recipe recipe;
	uint8_t key;
} small[] = {
	{true, 2047, RECIPE_GOOD, SIGN_KEY_WEAK},
	{true, 1024, RECIPE_GOOD, SIGN_KEY_WEAK},
	/* Never a factorable key under our CA. */
	{true, 1023, RECIPE_UNTRUSTED_SUB, SIGN_KEY_MIRROR_EC},
	{true, 512, RECIPE_UNTRUSTED_SUB, SIGN_KEY_MIRROR_EC},
	{true, 2048, RECIPE_UNTRUSTED_SUB, SIGN_KEY_MIRROR_EC},
	{false, 192, RECIPE_UNTRUSTED_SUB, SIGN_KEY_MIRROR_EC},	/* EC */
	{false, 1024, RECIPE_UNTRUSTED_SUB, SIGN_KEY_MIRROR_EC},	/* DSA */
	{false, 0, RECIPE_UNTRUSTED_SUB, SIGN_KEY_MIRROR_EC},
};

START_TEST(a_small_rsa_key_is_as_small)
{
	struct tls_facts f = good();
	struct mirror_plan p;

	f.key_is_rsa = small[_i].rsa;
	f.key_bits = small[_i].bits;
	add_code(&f, V(EE_KEY_TOO_SMALL), 0);
	p = plan(&f);
	ck_assert_str_eq(recipe_name(p.recipe), recipe_name(small[_i].recipe));
	ck_assert_uint_eq(p.copy, small[_i].key == SIGN_KEY_WEAK ? COPY_WEAK_KEY : 0);
	ck_assert_uint_eq(p.key, small[_i].key);
}
END_TEST

START_TEST(below_a_broken_ca_nothing_is_ours)
{
	struct tls_facts f = good();

	f.broken_ca_key = true;
	add_code(&f, V(CA_KEY_TOO_SMALL), 1);
	ck_assert_int_eq(plan(&f).recipe, RECIPE_UNTRUSTED_SUB);
	ck_assert_uint_eq(plan(&f).copy, 0);
}
END_TEST

START_TEST(self_signed_with_a_small_key_has_both)
{
	struct tls_facts f = good();

	f.nchain = 1;
	f.key_is_rsa = true;
	f.key_bits = 1024;
	add_code(&f, V(DEPTH_ZERO_SELF_SIGNED_CERT), 0);
	add_code(&f, V(EE_KEY_TOO_SMALL), 0);
	ck_assert_int_eq(plan(&f).recipe, RECIPE_SELF);
	ck_assert_uint_eq(plan(&f).copy, COPY_WEAK_KEY);
	ck_assert_uint_eq(plan(&f).key, SIGN_KEY_WEAK);
}
END_TEST

/* ---- staples ---- */

static const struct {
	enum tls_staple origin;
	bool must, asked;
	uint8_t staple;
	uint32_t copy;
} staples[] = {
	{TLS_STAPLE_NONE, false, true, SIGN_STAPLE_NONE, 0},
	{TLS_STAPLE_GOOD, false, true, SIGN_STAPLE_GOOD, 0},
	{TLS_STAPLE_GOOD, true, true, SIGN_STAPLE_GOOD, 0},
	{TLS_STAPLE_GOOD, false, false, SIGN_STAPLE_NONE, 0},
	{TLS_STAPLE_INVALID, false, true, SIGN_STAPLE_STALE, 0},
	{TLS_STAPLE_INVALID, false, false, SIGN_STAPLE_NONE, 0},
	{TLS_STAPLE_UNKNOWN, false, true, SIGN_STAPLE_NONE, 0},
	{TLS_STAPLE_NONE, true, true, SIGN_STAPLE_NONE, COPY_MUST_STAPLE},
	{TLS_STAPLE_NONE, true, false, SIGN_STAPLE_NONE, COPY_MUST_STAPLE},
	{TLS_STAPLE_INVALID, true, true, SIGN_STAPLE_STALE, COPY_MUST_STAPLE},
};

START_TEST(staples_are_mirrored)
{
	struct tls_facts f = good();
	struct mirror_ask ask = {.origin = &f, .takes_ecdsa = true, .sniff = true,
	    .permit = all, .now = NOW,
	    .wants_staple = staples[_i].asked};
	struct mirror_plan p;

	f.staple = staples[_i].origin;
	f.must_staple = staples[_i].must;
	mirror_plan(&ask, &p);
	ck_assert_int_eq(p.staple, staples[_i].staple);
	ck_assert_uint_eq(p.copy, staples[_i].copy);
	ck_assert_int_eq(p.recipe, RECIPE_GOOD);
}
END_TEST

START_TEST(a_revoked_staple_is_shown_as_one)
{
	struct tls_facts f = good();
	struct mirror_plan p;

	f.staple = TLS_STAPLE_REVOKED;
	f.must_staple = true;
	add_code(&f, V(CERT_REVOKED), 0);
	p = plan(&f);
	ck_assert_int_eq(p.recipe, RECIPE_GOOD);
	ck_assert_int_eq(p.staple, SIGN_STAPLE_REVOKED);
	ck_assert_uint_eq(p.copy, 0);
	ck_assert(mirror_is_bad(&p));
}
END_TEST

/* A staple is the CA's word for its own leafs. */
START_TEST(only_leafs_of_the_ca_have_staples)
{
	struct tls_facts f = good();

	f.staple = TLS_STAPLE_GOOD;
	add_code(&f, V(UNABLE_TO_GET_ISSUER_CERT_LOCALLY), 0);
	ck_assert_int_eq(plan(&f).staple, SIGN_STAPLE_NONE);
}
END_TEST

/* Promise 2: what did not verify is never shown as good to a client that cannot see why. */
START_TEST(what_leaves_no_trace_is_untrusted)
{
	struct tls_facts f = good();
	struct mirror_ask ask = {.origin = &f, .takes_ecdsa = true, .sniff = true,
	    .permit = all, .now = NOW};
	struct mirror_plan p;

	add_code(&f, V(CERT_REVOKED), 0);	/* and the client asked for no staple */
	mirror_plan(&ask, &p);
	ck_assert_int_eq(p.recipe, RECIPE_UNTRUSTED_SUB);
	f = good();
	f.verified = false;
	ck_assert_int_eq(plan(&f).recipe, RECIPE_UNTRUSTED_SUB);
	ck_assert_uint_eq(plan(&f).key, SIGN_KEY_MIRROR_EC);
}
END_TEST

/* ---- names, verify: off, keys ---- */

static const struct {
	const char *name;
	uint8_t type;
	enum mirror_names names;
} unsigned_names[] = {
	{"*.test", TLS_NAME_DNS, MIRROR_NAMES_OTHER},
	{"*", TLS_NAME_DNS, MIRROR_NAMES_OTHER},
	{"a.*.www.test", TLS_NAME_DNS, MIRROR_NAMES_OTHER},
	{"www.test.", TLS_NAME_DNS, MIRROR_NAMES_COPY},
	{" www.test", TLS_NAME_DNS, MIRROR_NAMES_OTHER},
	{"abc", TLS_NAME_IP, MIRROR_NAMES_OTHER},
	{"other.test", TLS_NAME_DNS, MIRROR_NAMES_COPY},
	{"*.other.test", TLS_NAME_DNS, MIRROR_NAMES_COPY},
	{"w*.test", TLS_NAME_DNS, MIRROR_NAMES_COPY},
};

/* Another certificate's name stays another one, even where it may not be signed. */
START_TEST(a_name_that_may_not_be_signed_becomes_another)
{
	struct tls_facts f = good();
	struct mirror_plan p;

	add_code(&f, V(HOSTNAME_MISMATCH), 0);
	a_name = (struct tls_name){unsigned_names[_i].type, str_z(unsigned_names[_i].name)};
	p = plan(&f);
	ck_assert_int_eq(p.names, unsigned_names[_i].names);
	ck_assert_int_eq(p.recipe, RECIPE_GOOD);
	ck_assert_uint_eq(p.copy, 0);
}
END_TEST

/* Under ca.permit no made-up name is possible either. */
START_TEST(names_outside_the_permitted_are_untrusted)
{
	char *only[] = {(char *)"www.test"};
	struct tls_facts f = good();
	struct errmsg err;

	permit_free(&all);
	all = permit_new(only, 1, &err);
	ck_assert_int_eq(plan(&f).recipe, RECIPE_GOOD);
	a_name.value = STR("other.test");
	add_code(&f, V(HOSTNAME_MISMATCH), 0);
	ck_assert_int_eq(plan(&f).recipe, RECIPE_UNTRUSTED_SUB);
	ck_assert_int_eq(plan(&f).names, MIRROR_NAMES_COPY);
}
END_TEST

START_TEST(without_sniffing_only_the_asked_name_is_there)
{
	struct tls_facts f = good();
	struct mirror_ask ask = {.origin = &f, .takes_ecdsa = true, .permit = all,
	    .now = NOW};
	struct mirror_plan p;

	mirror_plan(&ask, &p);
	ck_assert_int_eq(p.names, MIRROR_NAMES_ASKED);
	f.has_aki = false;
	add_code(&f, V(DEPTH_ZERO_SELF_SIGNED_CERT), 0);
	mirror_plan(&ask, &p);
	ck_assert_int_eq(p.names, MIRROR_NAMES_ASKED);
	ck_assert_int_eq(p.recipe, RECIPE_SELF);
	ck_assert_uint_eq(p.copy, COPY_NO_AKI);
	/* The asked name would make a wrong certificate a right one. */
	add_code(&f, V(HOSTNAME_MISMATCH), 0);
	mirror_plan(&ask, &p);
	ck_assert_int_eq(p.names, MIRROR_NAMES_COPY);
}
END_TEST

START_TEST(verify_off_makes_everything_good)
{
	struct tls_facts f = good();
	struct mirror_ask ask = {.origin = &f, .takes_ecdsa = true, .wants_staple = true,
	    .verify_off = true, .sniff = true, .permit = all, .now = NOW};
	struct mirror_plan p;

	f.earliest_not_after = NOW - DAY;
	f.has_aki = f.has_names = false;
	f.key_usage = 0;
	f.must_staple = true;
	f.staple = TLS_STAPLE_REVOKED;
	add_code(&f, V(CERT_HAS_EXPIRED), 0);
	add_code(&f, V(SELF_SIGNED_CERT_IN_CHAIN), 1);
	add_code(&f, V(HOSTNAME_MISMATCH), 0);
	mirror_plan(&ask, &p);
	ck_assert(!mirror_is_bad(&p));
	ck_assert_int_eq(p.names, MIRROR_NAMES_ADD);
	ck_assert_int_eq(p.not_after, 0);
	ck_assert_uint_eq(p.key, SIGN_KEY_EC);
	ask.sniff = false;
	mirror_plan(&ask, &p);
	ck_assert_int_eq(p.names, MIRROR_NAMES_ASKED);
}
END_TEST

START_TEST(who_takes_no_ecdsa_gets_rsa)
{
	struct tls_facts f = good();
	struct mirror_ask ask = {.origin = &f, .sniff = true, .permit = all, .now = NOW};
	struct mirror_plan p;

	mirror_plan(&ask, &p);
	ck_assert_uint_eq(p.key, SIGN_KEY_RSA);
	add_code(&f, V(CERT_SIGNATURE_FAILURE), 0);
	mirror_plan(&ask, &p);
	ck_assert_uint_eq(p.key, SIGN_KEY_MIRROR_RSA);
}
END_TEST

Suite *
mirror_suite(void)
{
	Suite *s = suite_create("mirror");
	TCase *tc = tcase_create("mirror");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, the_issuer_is_as_good_as_the_origins, 0, NELEM(issuers));
	tcase_add_loop_test(tc, dates_are_copied_when_out_of_range, 0, NELEM(dates));
	tcase_add_test(tc, a_missing_aki_is_missing);
	tcase_add_test(tc, what_strict_verifiers_mind_they_mind);
	tcase_add_test(tc, without_names_there_are_none);
	tcase_add_loop_test(tc, odd_key_usage_is_copied, 0, NELEM(usages));
	tcase_add_test(tc, a_purpose_is_copied_unless_key_usage_tells_it);
	tcase_add_test(tc, a_copied_key_usage_keeps_the_kind_of_key);
	tcase_add_loop_test(tc, a_small_rsa_key_is_as_small, 0, NELEM(small));
	tcase_add_test(tc, below_a_broken_ca_nothing_is_ours);
	tcase_add_test(tc, self_signed_with_a_small_key_has_both);
	tcase_add_loop_test(tc, staples_are_mirrored, 0, NELEM(staples));
	tcase_add_test(tc, a_revoked_staple_is_shown_as_one);
	tcase_add_test(tc, only_leafs_of_the_ca_have_staples);
	tcase_add_test(tc, what_leaves_no_trace_is_untrusted);
	tcase_add_loop_test(tc, a_name_that_may_not_be_signed_becomes_another, 0,
	    NELEM(unsigned_names));
	tcase_add_test(tc, names_outside_the_permitted_are_untrusted);
	tcase_add_test(tc, without_sniffing_only_the_asked_name_is_there);
	tcase_add_test(tc, verify_off_makes_everything_good);
	tcase_add_test(tc, who_takes_no_ecdsa_gets_rsa);
	suite_add_tcase(s, tc);
	return s;
}
