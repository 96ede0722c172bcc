/* SPDX-License-Identifier: ISC */
/* What an origin staples, and what becomes of it. */
#include "config.h"

#include <stdlib.h>

#include <openssl/ocsp.h>

#include "base/mem.h"
#include "certs.h"
#include "curl_hello.h"
#include "peer.h"
#include "suites.h"

static struct tls_origin *origin;

static void
setup(void)
{
	struct tls_origin_conf conf = {.roots = certs_store(), .min_version = TLS1_2_VERSION};
	struct errmsg err;

	origin = tls_origin_new(&conf, &err);
	ck_assert_ptr_nonnull(origin);
}

static void
teardown(void)
{
	tls_origin_free(&origin);
}

enum signer { BY_ISSUER, BY_STRANGER, BY_DELEGATE, BY_LEAF_OF_ISSUER, BY_OTHER_DELEGATE };
#define GOOD V_OCSP_CERTSTATUS_GOOD
#define REVOKED V_OCSP_CERTSTATUS_REVOKED
#define UNKNOWN V_OCSP_CERTSTATUS_UNKNOWN

static const struct staple {
	int status;
	enum signer signer;
	int from, until;	/* minutes from now; both 0: -1 and 60 */
	bool of_other;		/* says it of another certificate */
	bool broken, cut, refused;	/* signature; bytes; no response inside */
	bool unasked, must;
	const EVP_MD *(*id)(void);	/* NULL: SHA-1, as everybody */
	enum tls_staple want;
	const char *warning;
} staples[] = {
	{.status = GOOD, .want = TLS_STAPLE_GOOD},
	{.status = REVOKED, .want = TLS_STAPLE_REVOKED},
	{.status = GOOD, .id = EVP_sha256, .want = TLS_STAPLE_GOOD},
	{.status = REVOKED, .id = EVP_sha256, .want = TLS_STAPLE_REVOKED},
	{.status = GOOD, .signer = BY_DELEGATE, .want = TLS_STAPLE_GOOD},
	{.status = REVOKED, .signer = BY_DELEGATE, .want = TLS_STAPLE_REVOKED},
	{.status = GOOD, .must = true, .want = TLS_STAPLE_GOOD},
	{.status = UNKNOWN, .want = TLS_STAPLE_UNKNOWN},
	{.status = GOOD, .signer = BY_STRANGER, .want = TLS_STAPLE_INVALID},
	{.status = REVOKED, .signer = BY_STRANGER, .want = TLS_STAPLE_INVALID},
	{.status = GOOD, .signer = BY_LEAF_OF_ISSUER, .want = TLS_STAPLE_INVALID},
	{.status = REVOKED, .signer = BY_LEAF_OF_ISSUER, .want = TLS_STAPLE_INVALID},
	{.status = GOOD, .signer = BY_OTHER_DELEGATE, .want = TLS_STAPLE_INVALID},
	{.status = REVOKED, .signer = BY_OTHER_DELEGATE, .want = TLS_STAPLE_INVALID},
	{.status = GOOD, .broken = true, .want = TLS_STAPLE_INVALID},
	{.status = REVOKED, .broken = true, .want = TLS_STAPLE_INVALID},
	{.status = GOOD, .of_other = true, .want = TLS_STAPLE_INVALID},
	{.status = REVOKED, .of_other = true, .want = TLS_STAPLE_INVALID},
	{.status = GOOD, .from = -120, .until = -60, .want = TLS_STAPLE_INVALID},
	{.status = REVOKED, .from = -120, .until = -60, .want = TLS_STAPLE_INVALID},
	{.status = GOOD, .from = 60, .until = 120, .want = TLS_STAPLE_INVALID},
	{.status = GOOD, .from = -120, .until = -2, .want = TLS_STAPLE_GOOD},	/* skew */
	{.status = GOOD, .cut = true, .want = TLS_STAPLE_INVALID},
	{.status = GOOD, .refused = true, .want = TLS_STAPLE_INVALID},
	{.status = REVOKED, .unasked = true, .want = TLS_STAPLE_NONE},
	{.status = GOOD, .unasked = true, .must = true, .want = TLS_STAPLE_NONE},
};

/* A sub issues the leaf, so that the root is not who may speak for it. */
struct scene {
	struct issuer sub, responder;
	X509 *leaf, *other;
	SSL_CTX *ctx;
	uint8_t *der;
	int n;
};

static struct issuer
responder_for(const struct scene *sc, enum signer signer)
{
	const struct spec spec = {.cn = "Responder", .san = "",
	    .eku = signer == BY_LEAF_OF_ISSUER ? "serverAuth" : "OCSPSigning",
	    .key_type = "P-256 responder"};

	if (signer == BY_ISSUER || signer == BY_STRANGER) {
		struct issuer by = signer == BY_ISSUER ? sc->sub : *certs_stranger();

		X509_up_ref(by.cert);
		return by;
	}
	return (struct issuer){certs_make(&spec,
	    signer == BY_OTHER_DELEGATE ? certs_root() : &sc->sub), certs_key_of(spec.key_type)};
}

static OCSP_BASICRESP *
basic_of(struct scene *sc, const struct staple *s)
{
	OCSP_BASICRESP *b = OCSP_BASICRESP_new();
	OCSP_CERTID *id = OCSP_cert_to_id(s->id != NULL ? s->id() : EVP_sha1(),
	    s->of_other ? sc->other : sc->leaf, sc->sub.cert);
	bool dated = s->from != 0;
	ASN1_TIME *from = X509_gmtime_adj(NULL, (dated ? s->from : -1) * 60L);
	ASN1_TIME *until = X509_gmtime_adj(NULL, (dated ? s->until : 60) * 60L);

	ck_assert_ptr_nonnull(OCSP_basic_add1_status(b, id, s->status,
	    OCSP_REVOKED_STATUS_KEYCOMPROMISE, from, from, until));
	ck_assert_int_eq(OCSP_basic_sign(b, sc->responder.cert, sc->responder.key, EVP_sha256(),
	    NULL, 0), 1);
	if (s->broken)
		((uint8_t *)(uintptr_t)ASN1_STRING_get0_data(OCSP_resp_get0_signature(b)))[20] ^= 1;
	OCSP_CERTID_free(id);
	ASN1_TIME_free(from);
	ASN1_TIME_free(until);
	return b;
}

static int
give_staple(SSL *ssl, void *arg)
{
	struct scene *sc = arg;

	if (sc->der == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_tlsext_status_ocsp_resp(ssl, OPENSSL_memdup(sc->der, (size_t)sc->n), sc->n);
	return SSL_TLSEXT_ERR_OK;
}

static void
scene_set(struct scene *sc, const struct staple *s, int version)
{
	const struct spec leaf = {.cn = "st",
	    .tls_feature = s->must ? "status_request" : NULL};

	sc->sub = (struct issuer){certs_make(&(struct spec){.cn = "Sub", .ca = true,
		.key_type = "P-256 sub"}, certs_root()), certs_key_of("P-256 sub")};
	sc->leaf = certs_make(&leaf, &sc->sub);
	sc->other = certs_make(&(struct spec){.cn = "other"}, &sc->sub);
	sc->responder = responder_for(sc, s->signer);
	X509_up_ref(sc->leaf);
	sc->ctx = peer_serve(sc->leaf, certs_key(), version);
	ck_assert_int_eq((int)SSL_CTX_add1_chain_cert(sc->ctx, sc->sub.cert), 1);
	SSL_CTX_set_tlsext_status_cb(sc->ctx, give_staple);
	SSL_CTX_set_tlsext_status_arg(sc->ctx, sc);
}

static void
scene_staple(struct scene *sc, const struct staple *s)
{
	OCSP_BASICRESP *b = s->refused ? NULL : basic_of(sc, s);
	OCSP_RESPONSE *r = OCSP_response_create(s->refused ? OCSP_RESPONSE_STATUS_TRYLATER :
	    OCSP_RESPONSE_STATUS_SUCCESSFUL, b);

	sc->n = i2d_OCSP_RESPONSE(r, &sc->der);
	ck_assert_int_gt(sc->n, 0);
	if (s->cut)
		sc->n -= 9;
	OCSP_BASICRESP_free(b);
	OCSP_RESPONSE_free(r);
}

static void
scene_end(struct scene *sc)
{
	SSL_CTX_free(sc->ctx);
	X509_free(sc->sub.cert);
	X509_free(sc->responder.cert);
	X509_free(sc->leaf);
	X509_free(sc->other);
	OPENSSL_free(sc->der);
}

static struct outcome
talk(struct scene *sc, bool asked)
{
	struct tls_origin_ask ask = peer_ask("www.test");
	struct tls_hello h;

	ck_assert_int_eq(tls_hello_parse(curl_hello, sizeof(curl_hello), &h), 0);
	h.status_request = asked;
	ask.hello = &h;
	return peer_talk(origin, sc->ctx, &ask);
}

static int
version_of(int i)
{
	return i % 2 == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

static bool
warned(const struct tls_facts *f, const char *part)
{
	size_t i;

	for (i = 0; i < f->nwarnings; i++)
		if (strstr(f->warnings[i], part) != NULL)
			return true;
	return false;
}

START_TEST(staple)
{
	const struct staple *s = &staples[_i / 2];
	struct scene sc = {.n = 0};
	bool revoked = s->want == TLS_STAPLE_REVOKED;
	struct outcome o, again;

	scene_set(&sc, s, version_of(_i));
	scene_staple(&sc, s);
	o = talk(&sc, !s->unasked);
	ck_assert(o.shaken);
	ck_assert_int_eq(o.facts->staple, s->want);
	ck_assert_int_eq(o.facts->verified, !revoked);
	ck_assert_str_eq(o.facts->reason,
	    revoked ? "certificate revoked (depth 0, CN = st)" : "");
	ck_assert_int_eq(warned(o.facts, "response is not valid"),
	    s->want == TLS_STAPLE_INVALID);
	ck_assert(!warned(o.facts, "demands"));
	again = talk(&sc, !s->unasked);
	ck_assert_int_eq(again.resumed, !revoked);	/* a revoked one never is */
	if (!revoked)
		ck_assert_ptr_eq(again.facts, o.facts);
	tls_facts_unref(&o.facts);
	tls_facts_unref(&again.facts);
	scene_end(&sc);
}
END_TEST

/* A chain found good without a staple does not answer for one that comes. */
START_TEST(revoked_later)
{
	const struct staple s = {.status = REVOKED};
	struct scene sc = {.n = 0};
	struct outcome o;
	bool asked = _i < 2;

	scene_set(&sc, &s, version_of(_i));
	(void)SSL_CTX_set_num_tickets(sc.ctx, 0);
	(void)SSL_CTX_set_options(sc.ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(sc.ctx, SSL_SESS_CACHE_OFF);
	o = talk(&sc, asked);
	ck_assert(o.facts->verified && !o.resumed);
	tls_facts_unref(&o.facts);
	scene_staple(&sc, &s);
	o = talk(&sc, true);
	ck_assert(!o.resumed && !o.facts->verified);
	ck_assert_int_eq(o.facts->staple, TLS_STAPLE_REVOKED);
	tls_facts_unref(&o.facts);
	o = talk(&sc, false);	/* who does not ask is not told, as when alone */
	ck_assert(o.facts->verified);
	tls_facts_unref(&o.facts);
	scene_end(&sc);
}
END_TEST

/* Said to who asked, whatever those before and after ask. */
START_TEST(demanded_and_missing)
{
	const struct staple s = {.must = true};
	struct scene sc = {.n = 0};
	int i;

	scene_set(&sc, &s, version_of(_i));
	for (i = 0; i < 4; i++) {
		bool asked = (i + _i / 2) % 2 == 0;
		struct outcome o = talk(&sc, asked);

		ck_assert(o.facts->verified && o.facts->must_staple);
		ck_assert_int_eq(warned(o.facts, "demands a stapled"), asked);
		ck_assert_uint_eq(o.facts->nwarnings, asked);
		tls_facts_unref(&o.facts);
	}
	scene_end(&sc);
}
END_TEST

/* An untrusted issuer may say what it likes; revoked beside another defect is both. */
START_TEST(beside_other_verdicts)
{
	const struct staple s = {.status = REVOKED};
	struct tls_origin_ask ask = peer_ask("other.test");
	struct scene sc = {.n = 0};
	struct tls_hello h;
	struct outcome o;

	scene_set(&sc, &s, version_of(_i));
	scene_staple(&sc, &s);
	ck_assert_int_eq(tls_hello_parse(curl_hello, sizeof(curl_hello), &h), 0);
	h.status_request = true;
	ask.hello = &h;
	o = peer_talk(origin, sc.ctx, &ask);
	ck_assert_uint_eq(o.facts->nverdicts, 2);
	ck_assert_str_eq(o.facts->reason, "certificate is not for other.test (depth 0, CN = st); "
	    "certificate revoked (depth 0, CN = st)");
	tls_facts_unref(&o.facts);
	scene_end(&sc);
}
END_TEST

Suite *
staple_suite(void)
{
	Suite *s = suite_create("tls staple");
	TCase *t = tcase_create("staple");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, NULL, certs_cleanup);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, staple, 0, 2 * NELEM(staples));
	tcase_add_loop_test(t, revoked_later, 0, 4);
	tcase_add_loop_test(t, demanded_and_missing, 0, 4);
	tcase_add_loop_test(t, beside_other_verdicts, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
