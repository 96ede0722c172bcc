/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/x509v3.h>

#include "certs.h"
#include "suites.h"
#include "tls/origin.h"
#include "tls/verify.h"

/* A leaf of the trusted root, judged for www.test unless told otherwise. */
static struct tls_facts *
judge(X509 *leaf, X509 *second, const char *name, bool strict)
{
	struct tls_origin_conf conf = {.roots = certs_store(), .min_version = TLS1_2_VERSION};
	STACK_OF(X509) *chain = certs_chain(leaf, second);
	struct tls_facts *f = tls_verify_chain(chain, &conf, str_z(name),
	    name[strspn(name, "0123456789abcdef.:")] == '\0' && name[0] != '\0', strict);

	sk_X509_pop_free(chain, X509_free);
	return f;
}

static bool
has_verdict(const struct tls_facts *f, int code, int depth)
{
	size_t i;

	for (i = 0; i < f->nverdicts; i++)
		if (f->verdicts[i].code == code && f->verdicts[i].depth == depth)
			return true;
	return false;
}

static const struct {
	struct spec spec;
	const char *name;
	int code[2];	/* at depth 0; 0: no more */
	const char *reason;
} cases[] = {
	{{.cn = "good"}, "www.test", {0}, ""},
	{{.san = "DNS:*.a.test"}, "www.a.test", {0}, ""},
	{{.san = "IP:192.0.2.7"}, "192.0.2.7", {0}, ""},
	{{.san = "IP:2001:db8::7"}, "2001:db8::7", {0}, ""},
	{{.cn = "old.test", .from = -9, .until = -1}, "www.test", {X509_V_ERR_CERT_HAS_EXPIRED},
	    "certificate has expired (depth 0, CN = old.test)"},
	{{.from = 1, .until = 9}, "www.test", {X509_V_ERR_CERT_NOT_YET_VALID},
	    "certificate is not yet valid (depth 0, CN = www.test)"},
	{{.cn = "x"}, "other.test", {X509_V_ERR_HOSTNAME_MISMATCH},
	    "certificate is not for other.test (depth 0, CN = x)"},
	{{.san = "DNS:w*w.a.test"}, "www.a.test", {X509_V_ERR_HOSTNAME_MISMATCH}, NULL},
	{{.san = "DNS:w*.a.test"}, "www.a.test", {X509_V_ERR_HOSTNAME_MISMATCH}, NULL},
	{{.san = ""}, "www.test", {X509_V_ERR_HOSTNAME_MISMATCH}, NULL},	/* CN alone */
	{{.san = "DNS:192.0.2.7"}, "192.0.2.7", {X509_V_ERR_IP_ADDRESS_MISMATCH}, NULL},
	{{.san = "IP:192.0.2.8"}, "192.0.2.7", {X509_V_ERR_IP_ADDRESS_MISMATCH}, NULL},
	{{.cn = "w"}, "", {X509_V_ERR_HOSTNAME_MISMATCH}, NULL},	/* never: no check */
	{{.eku = "clientAuth"}, "www.test", {X509_V_ERR_INVALID_PURPOSE}, NULL},
	{{.from = -9, .until = -1}, "other.test",
	    {X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_HOSTNAME_MISMATCH}, NULL},
	{{.eku = "codeSigning", .from = -9, .until = -1}, "www.test",
	    {X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_INVALID_PURPOSE}, NULL},
};

START_TEST(verdicts)
{
	X509 *leaf = certs_leaf(&cases[_i].spec);
	struct tls_facts *f = judge(leaf, NULL, cases[_i].name, false);
	size_t want = (size_t)(cases[_i].code[0] != 0) + (cases[_i].code[1] != 0);

	ck_assert_uint_eq(f->nverdicts, want);
	ck_assert_int_eq(f->verified, want == 0);
	if (want > 0)
		ck_assert(has_verdict(f, cases[_i].code[0], 0));
	if (want > 1)
		ck_assert(has_verdict(f, cases[_i].code[1], 0));
	if (cases[_i].reason != NULL)
		ck_assert_str_eq(f->reason, cases[_i].reason);
	else
		ck_assert(f->reason[0] != '\0');
	tls_facts_unref(&f);
	ck_assert_ptr_null(f);
	X509_free(leaf);
}
END_TEST

/* OpenSSL may give up before it asks any callback. */
START_TEST(trouble_without_a_word_is_no_success)
{
	struct tls_origin_conf conf = {.roots = certs_store(), .min_version = TLS1_2_VERSION};
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	struct tls_facts *f;

	ck_assert_int_eq(X509_STORE_CTX_init(ctx, conf.roots, NULL, NULL), 1);
	f = verify_run(ctx, &conf, STR("www.test"), false);
	ck_assert(!f->verified);
	ck_assert(has_verdict(f, X509_V_ERR_UNSPECIFIED, 0));
	tls_facts_unref(&f);
	X509_STORE_CTX_free(ctx);
}
END_TEST

START_TEST(self_signed)
{
	X509 *leaf = certs_make(&(struct spec){.cn = "me"}, NULL);
	struct tls_facts *f = judge(leaf, NULL, "other.test", false);

	ck_assert(has_verdict(f, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, 0));
	ck_assert(has_verdict(f, X509_V_ERR_HOSTNAME_MISMATCH, 0));
	ck_assert_str_eq(f->reason, "self-signed certificate (depth 0, CN = me); "
	    "certificate is not for other.test (depth 0, CN = me)");
	tls_facts_unref(&f);
	X509_free(leaf);
}
END_TEST

/* Leaf alone, or with its untrusted root. */
START_TEST(unknown_issuer)
{
	X509 *leaf = certs_make(&(struct spec){.cn = "s"}, certs_stranger());
	struct tls_facts *alone = judge(leaf, NULL, "other.test", false);
	struct tls_facts *both = judge(leaf, certs_stranger()->cert, "www.test", false);

	ck_assert(has_verdict(alone, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 0));
	ck_assert(has_verdict(alone, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, 0));
	ck_assert(has_verdict(alone, X509_V_ERR_HOSTNAME_MISMATCH, 0));
	ck_assert(has_verdict(both, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, 1));
	ck_assert_ptr_nonnull(strstr(both->reason, "(depth 1, CN = Stranger)"));
	ck_assert_uint_eq(both->nchain, 2);
	tls_facts_unref(&alone);
	tls_facts_unref(&both);
	X509_free(leaf);
}
END_TEST

START_TEST(rsa_1024)
{
	X509 *leaf = certs_leaf(&(struct spec){.key = certs_rsa(1024)});
	struct tls_facts *f = judge(leaf, NULL, "www.test", false);

	ck_assert(has_verdict(f, X509_V_ERR_EE_KEY_TOO_SMALL, 0));
	ck_assert(f->key_is_rsa && f->key_bits == 1024);
	tls_facts_unref(&f);
	X509_free(leaf);
}
END_TEST

START_TEST(signed_with_sha1)
{
	X509 *leaf = certs_leaf(&(struct spec){.md = EVP_sha1()});
	struct tls_facts *f = judge(leaf, NULL, "www.test", false);

	ck_assert(has_verdict(f, X509_V_ERR_CA_MD_TOO_WEAK, 0));
	tls_facts_unref(&f);
	X509_free(leaf);
}
END_TEST

START_TEST(broken_signature)
{
	X509 *good = certs_leaf(&(struct spec){.cn = "b"}), *bad;
	unsigned char *der = NULL;
	const unsigned char *at;
	int n = i2d_X509(good, &der);
	struct tls_facts *f;

	der[n - 1] ^= 1;
	at = der;
	bad = d2i_X509(NULL, &at, n);
	f = judge(bad, NULL, "www.test", false);
	ck_assert(has_verdict(f, X509_V_ERR_CERT_SIGNATURE_FAILURE, 0));
	ck_assert_uint_eq(f->chain[0].der.n, (size_t)n);
	ck_assert_mem_eq(f->chain[0].der.p, der, (size_t)n);
	tls_facts_unref(&f);
	OPENSSL_free(der);
	X509_free(good);
	X509_free(bad);
}
END_TEST

/* CVE-2020-0601's way in; OpenSSL before 3.0 minded only when strict. */
START_TEST(explicit_curve)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct tls_facts *f;
	X509 *leaf;

	ck_assert_int_eq(EVP_PKEY_set_utf8_string_param(key, "encoding", "explicit"), 1);
	leaf = certs_leaf(&(struct spec){.key = key});
	f = judge(leaf, NULL, "www.test", false);
	ck_assert(has_verdict(f, X509_V_ERR_EC_KEY_EXPLICIT_PARAMS, 0));
	tls_facts_unref(&f);
	X509_free(leaf);
	EVP_PKEY_free(key);
}
END_TEST

static struct tls_facts *
judge_own(STACK_OF(X509) *chain, X509_STORE *roots, const uint8_t (*own)[32], size_t nown)
{
	struct tls_origin_conf conf = {.roots = roots, .nown_ca = nown, .own_ca_spki = own};

	return tls_verify_chain(chain, &conf, STR("www.test"), false, false);
}

/* In the store, the chain verifies; by its key it is refused all the same. */
START_TEST(own_ca)
{
	uint8_t own[2][32];
	X509 *leaf = certs_leaf(&(struct spec){.cn = "o"});
	STACK_OF(X509) *chain = certs_chain(leaf, NULL);
	struct tls_facts *f;

	certs_spki(certs_stranger()->cert, own[0]);
	certs_spki(certs_root()->cert, own[1]);
	f = judge_own(chain, certs_store(), (const uint8_t (*)[32])own, 2);
	ck_assert_uint_eq(f->nverdicts, 1);
	ck_assert(has_verdict(f, X509_V_ERR_CERT_UNTRUSTED, 1));
	ck_assert_str_eq(f->reason,
	    "issued by this proxy's own CA (depth 1, CN = Root of the tests)");
	tls_facts_unref(&f);
	f = judge_own(chain, certs_store(), (const uint8_t (*)[32])own, 1);
	ck_assert(f->verified);
	tls_facts_unref(&f);
	sk_X509_pop_free(chain, X509_free);
	X509_free(leaf);
}
END_TEST

/* As the store is loaded, without it: known by the root that was sent, or unknown. */
START_TEST(own_ca_not_in_the_store)
{
	uint8_t own[1][32];
	X509_STORE *empty = X509_STORE_new();
	X509 *leaf = certs_leaf(&(struct spec){.cn = "o"});
	STACK_OF(X509) *alone = certs_chain(leaf, NULL);
	STACK_OF(X509) *both = certs_chain(leaf, certs_root()->cert);
	struct tls_facts *f;

	certs_spki(certs_root()->cert, own[0]);
	f = judge_own(alone, empty, (const uint8_t (*)[32])own, 1);
	ck_assert(has_verdict(f, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 0));
	ck_assert(!f->verified);
	tls_facts_unref(&f);
	f = judge_own(both, empty, (const uint8_t (*)[32])own, 1);
	ck_assert(has_verdict(f, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, 1));
	ck_assert(has_verdict(f, X509_V_ERR_CERT_UNTRUSTED, 1));
	tls_facts_unref(&f);
	sk_X509_pop_free(alone, X509_free);
	sk_X509_pop_free(both, X509_free);
	X509_free(leaf);
	X509_STORE_free(empty);
}
END_TEST

/*
 * Our key certified by a root that is trusted: refused.  That root's own key is
 * nobody's business: what else it issues is good.
 */
START_TEST(own_ca_cross_signed)
{
	struct issuer own = {.key = certs_key_of("P-256 own")};
	uint8_t keys[1][32];
	X509 *leaf, *other = certs_leaf(&(struct spec){.cn = "other"});
	STACK_OF(X509) *chain, *good = certs_chain(other, NULL);
	struct tls_facts *f;

	own.cert = certs_make(&(struct spec){.cn = "Own", .ca = true, .key = own.key},
	    certs_root());
	leaf = certs_make(&(struct spec){.cn = "o"}, &own);
	chain = certs_chain(leaf, own.cert);
	certs_spki(own.cert, keys[0]);
	f = judge_own(chain, certs_store(), (const uint8_t (*)[32])keys, 1);
	ck_assert_uint_eq(f->nverdicts, 1);
	ck_assert(has_verdict(f, X509_V_ERR_CERT_UNTRUSTED, 1));
	tls_facts_unref(&f);
	f = judge_own(good, certs_store(), (const uint8_t (*)[32])keys, 1);
	ck_assert(f->verified);
	tls_facts_unref(&f);
	sk_X509_pop_free(chain, X509_free);
	sk_X509_pop_free(good, X509_free);
	X509_free(leaf);
	X509_free(other);
	X509_free(own.cert);
}
END_TEST

/* However much else is wrong: 27 decides, and must not be crowded out. */
START_TEST(own_ca_among_many)
{
	char cn[16];
	const struct spec bad = {.cn = cn, .from = -9, .until = -1, .extra = "critical,x",
		.digest = "SHA1", .eku = "clientAuth", .key_type = "P-192"};
	struct issuer by = *certs_stranger();
	STACK_OF(X509) *chain = sk_X509_new_null();
	uint8_t own[1][32];
	struct tls_facts *f;
	int i;

	for (i = 0; i < 9; i++) {
		X509 *x;

		(void)snprintf(cn, sizeof(cn), "Bad %d", i);
		x = certs_make(&bad, &by);
		ck_assert_int_eq(X509_add_cert(chain, x, X509_ADD_FLAG_PREPEND), 1);
		by = (struct issuer){x, certs_key_of(bad.key_type)};
	}
	certs_spki(sk_X509_value(chain, 0), own[0]);
	f = judge_own(chain, certs_store(), (const uint8_t (*)[32])own, 1);
	ck_assert_uint_eq(f->nverdicts, NELEM(f->verdicts));
	ck_assert_int_eq(f->verdicts[f->nverdicts - 1].code, X509_V_ERR_CERT_UNTRUSTED);
	tls_facts_unref(&f);
	sk_X509_pop_free(chain, X509_free);
}
END_TEST

/* In any order, with what does not belong to it. */
START_TEST(unordered_chain)
{
	struct issuer sub = {.key = certs_key_of("P-256 sub")};
	STACK_OF(X509) *chain;
	struct tls_facts *f;
	X509 *leaf;

	sub.cert = certs_make(&(struct spec){.cn = "Sub", .ca = true, .key = sub.key},
	    certs_root());
	leaf = certs_make(&(struct spec){.cn = "l"}, &sub);
	chain = certs_chain(leaf, certs_root()->cert);
	ck_assert_int_eq(X509_add_cert(chain, certs_stranger()->cert, X509_ADD_FLAG_UP_REF), 1);
	ck_assert_int_eq(X509_add_cert(chain, sub.cert, X509_ADD_FLAG_UP_REF), 1);
	f = judge_own(chain, certs_store(), NULL, 0);
	ck_assert(f->verified);
	ck_assert_uint_eq(f->nchain, 4);
	tls_facts_unref(&f);
	sk_X509_pop_free(chain, X509_free);
	X509_free(leaf);
	X509_free(sub.cert);
}
END_TEST

/* Of two ways up, the one that has not expired (and whose ends are told). */
START_TEST(cross_signed_with_an_expired_way)
{
	struct issuer sub = {.key = certs_key_of("P-256 sub")};
	struct spec spec = {.cn = "Sub", .ca = true, .key = sub.key, .from = -9, .until = -1};
	STACK_OF(X509) *chain;
	struct tls_facts *f;
	X509 *leaf, *fresh;

	sub.cert = certs_make(&spec, certs_root());
	spec.until = 3;
	fresh = certs_make(&spec, certs_root());
	leaf = certs_make(&(struct spec){.cn = "l"}, &sub);
	chain = certs_chain(leaf, _i == 0 ? sub.cert : fresh);
	ck_assert_int_eq(X509_add_cert(chain, _i == 0 ? fresh : sub.cert,
	    X509_ADD_FLAG_UP_REF), 1);
	f = judge_own(chain, certs_store(), NULL, 0);
	ck_assert_str_eq(f->reason, "");
	ck_assert_int_eq(f->earliest_not_after, f->chain[_i == 0 ? 2 : 1].not_after);
	tls_facts_unref(&f);
	sk_X509_pop_free(chain, X509_free);
	X509_free(leaf);
	X509_free(sub.cert);
	X509_free(fresh);
}
END_TEST

/* Looked at no further than its bounds. */
START_TEST(hundred_certificates)
{
	struct issuer by = *certs_root();
	STACK_OF(X509) *chain = sk_X509_new_null();
	struct tls_facts *f;
	char cn[16];
	X509 *x;
	int i;

	for (i = 0; i < 99; i++) {
		(void)snprintf(cn, sizeof(cn), "Sub %d", i);
		x = certs_make(&(struct spec){.cn = cn, .ca = true}, &by);
		ck_assert_int_eq(X509_add_cert(chain, x, X509_ADD_FLAG_PREPEND), 1);
		by = (struct issuer){x, certs_key()};
	}
	x = certs_make(&(struct spec){.cn = "l"}, &by);
	ck_assert_int_eq(X509_add_cert(chain, x, X509_ADD_FLAG_PREPEND), 1);
	f = judge_own(chain, certs_store(), NULL, 0);
	ck_assert(!f->verified);
	ck_assert(has_verdict(f, X509_V_ERR_CERT_CHAIN_TOO_LONG, 11));
	ck_assert_uint_eq(f->nchain, 64);
	tls_facts_unref(&f);
	sk_X509_pop_free(chain, X509_free);
}
END_TEST

#define SAN(lit) .raw_san = (lit), .raw_san_len = sizeof(lit) - 1
static const struct spec bad_sans[] = {
	{SAN("\x30\x0d\x82\x0bwww.test\0.x")},
	{SAN("\x30\x0a\x82\x08www.test" "\x82")},	/* behind the end */
	{SAN("\x30\x0f\x82\x08www.test\x87\3\1\2\3")},	/* an address of 3 bytes */
	{SAN("\x30\x0f\x82\x08www.test\x82\3a b")},
	{SAN("\x30\x0c\x82\x08www.test\x82\0")},
};

START_TEST(bad_san)
{
	X509 *leaf = certs_leaf(&bad_sans[_i]);
	struct tls_facts *f = judge(leaf, NULL, "www.test", false);

	ck_assert(f->odd_names);
	ck_assert(!has_verdict(f, X509_V_ERR_INVALID_EXTENSION, 0));
	tls_facts_unref(&f);
	f = judge(leaf, NULL, "www.test", true);
	ck_assert(has_verdict(f, X509_V_ERR_INVALID_EXTENSION, 0));
	tls_facts_unref(&f);
	X509_free(leaf);
}
END_TEST

/* Without CA:FALSE and key usage of a CA: only a purist minds. */
START_TEST(strict_minds)
{
	struct issuer sub = {.key = certs_key()};
	struct tls_facts *lax, *strict;
	X509 *leaf;

	sub.cert = certs_make(&(struct spec){.cn = "Sub", .ca = true,
		.key_usage = "keyCertSign"}, certs_root());
	leaf = certs_make(&(struct spec){.key_usage = "keyCertSign,digitalSignature"}, &sub);
	lax = judge(leaf, sub.cert, "www.test", false);
	strict = judge(leaf, sub.cert, "www.test", true);
	ck_assert(lax->verified);
	ck_assert(!strict->verified);
	tls_facts_unref(&lax);
	tls_facts_unref(&strict);
	X509_free(leaf);
	X509_free(sub.cert);
}
END_TEST

START_TEST(facts_of_a_leaf)
{
	X509 *leaf = certs_leaf(&(struct spec){.cn = "b\xc3\xbc\x01", .org = "Test, Inc",
		.from = -1, .until = 20,
		.san = "DNS:www.test,IP:192.0.2.7,URI:https://a/,email:a@b.test,RID:1.2.3,"
		    "DNS:b.test",
		.tls_feature = "status_request"});
	struct tls_facts *f = judge(leaf, NULL, "www.test", false);
	const struct tls_cert *c = &f->chain[0];
	int64_t now = (int64_t)time(NULL);

	ck_assert(f->verified && f->has_aki && f->must_staple && !f->key_is_rsa);
	ck_assert_str_eq(c->subject, "CN = b\xc3\xbc\\01, O = \"Test, Inc\"");
	ck_assert_str_eq(c->subject_cn, "b\xc3\xbc\\01");
	ck_assert_str_eq(c->issuer, "CN = Root of the tests");
	ck_assert_str_eq(c->issuer_cn, "Root of the tests");
	ck_assert(str_eq(f->cn, STR("b\xc3\xbc\x01")));
	ck_assert(str_eq(f->org, STR("Test, Inc")));
	ck_assert_uint_eq(strlen(c->serial), 4);
	ck_assert_int_eq(c->serial[0], '1');
	ck_assert_uint_eq(f->nnames, 5);
	ck_assert_uint_eq(f->names[1].type, TLS_NAME_IP);
	ck_assert(str_eq(f->names[1].value, STR("\xc0\0\2\7")));
	ck_assert_uint_eq(f->names[3].type, TLS_NAME_EMAIL);
	ck_assert(str_eq(f->names[4].value, STR("b.test")));
	ck_assert_int_le(llabs(f->earliest_not_after - (now + 20 * 86400)), 60);
	ck_assert_int_le(llabs(f->latest_not_before - (now - 86400)), 60);
	ck_assert_int_eq(c->not_after, f->earliest_not_after);
	tls_facts_unref(&f);
	X509_free(leaf);
}
END_TEST

/* The end of the chain is its shortest member's, the root's too. */
START_TEST(dates_of_the_whole_chain)
{
	X509 *leaf = certs_leaf(&(struct spec){.from = -1, .until = 300});
	struct tls_facts *f = judge(leaf, NULL, "www.test", false);

	ck_assert_uint_eq(f->nchain, 1);
	ck_assert_int_lt(f->earliest_not_after, (int64_t)time(NULL) + 31 * 86400);
	tls_facts_unref(&f);
	X509_free(leaf);
}
END_TEST

/* X509_get_key_usage() says "everything" where there is none. */
static const struct {
	struct spec spec;
	bool has_usage, has_names;
	uint32_t usage;
} leafs[] = {
	{{.cn = "none"}, false, true, 0},
	{{.key_usage = "critical,digitalSignature"}, true, true, KU_DIGITAL_SIGNATURE},
	{{.key_usage = "keyAgreement,keyCertSign", .san = ""}, true, false,
	    KU_KEY_AGREEMENT | KU_KEY_CERT_SIGN},
	{{.key_usage = "decipherOnly"}, true, true, KU_DECIPHER_ONLY},
	{{.raw_san = "\x30\0", .raw_san_len = 2}, false, true, 0},
};

START_TEST(what_a_leaf_carries)
{
	X509 *leaf = certs_leaf(&leafs[_i].spec);
	struct tls_facts *f = judge(leaf, NULL, "www.test", false);

	ck_assert_int_eq(f->has_key_usage, leafs[_i].has_usage);
	ck_assert_uint_eq(f->key_usage, leafs[_i].usage);
	ck_assert_int_eq(f->has_names, leafs[_i].has_names);
	tls_facts_unref(&f);
	X509_free(leaf);
}
END_TEST

START_TEST(a_root_was_sent)
{
	X509 *leaf = certs_leaf(&(struct spec){.cn = "r"});
	X509 *self = certs_make(&(struct spec){.cn = "me"}, NULL);
	struct tls_facts *f[3] = {judge(leaf, NULL, "www.test", false),
		judge(leaf, certs_root()->cert, "www.test", false),
		judge(self, NULL, "www.test", false)};
	int i;

	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(f[i]->last_is_self_signed, i > 0);
		tls_facts_unref(&f[i]);
	}
	X509_free(leaf);
	X509_free(self);
}
END_TEST

START_TEST(counted)
{
	X509 *leaf = certs_leaf(&(struct spec){.cn = "c"});
	struct tls_facts *f = judge(leaf, NULL, "www.test", false), *g = tls_facts_ref(f);

	tls_facts_unref(&f);
	ck_assert_uint_eq(g->refs, 1);
	tls_facts_unref(&g);
	tls_facts_unref(&g);
	tls_facts_unref(NULL);
	X509_free(leaf);
}
END_TEST

Suite *
verify_suite(void)
{
	Suite *s = suite_create("tls verify");
	TCase *t = tcase_create("verify");

	tcase_add_unchecked_fixture(t, NULL, certs_cleanup);
	tcase_add_loop_test(t, verdicts, 0, NELEM(cases));
	tcase_add_test(t, trouble_without_a_word_is_no_success);
	tcase_add_test(t, self_signed);
	tcase_add_test(t, unknown_issuer);
	tcase_add_test(t, rsa_1024);
	tcase_add_test(t, signed_with_sha1);
	tcase_add_test(t, broken_signature);
	tcase_add_test(t, explicit_curve);
	tcase_add_test(t, own_ca);
	tcase_add_test(t, own_ca_not_in_the_store);
	tcase_add_test(t, own_ca_cross_signed);
	tcase_add_test(t, own_ca_among_many);
	tcase_add_test(t, unordered_chain);
	tcase_add_loop_test(t, cross_signed_with_an_expired_way, 0, 2);
	tcase_add_test(t, hundred_certificates);
	tcase_add_loop_test(t, bad_san, 0, NELEM(bad_sans));
	tcase_add_test(t, strict_minds);
	tcase_add_test(t, facts_of_a_leaf);
	tcase_add_test(t, dates_of_the_whole_chain);
	tcase_add_loop_test(t, what_a_leaf_carries, 0, NELEM(leafs));
	tcase_add_test(t, a_root_was_sent);
	tcase_add_test(t, counted);
	suite_add_tcase(s, t);
	return s;
}
