/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tls/origin.h"

#include <stdlib.h>

#include <openssl/err.h>

#include "base/mem.h"
#include "certs.h"
#include "curl_hello.h"
#include "pair.h"
#include "peer.h"
#include "suites.h"
#include "tls/client.h"

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
	ck_assert_ptr_null(origin);
}

START_TEST(both_versions)
{
	int version = _i == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
	SSL_CTX *ctx = peer_serve(certs_leaf(&(struct spec){.cn = "v"}), certs_key(), version);
	struct tls_origin_ask ask = peer_ask("www.test");
	struct outcome o = peer_talk(origin, ctx, &ask);

	ck_assert(o.shaken && o.facts->verified);
	ck_assert_str_eq(o.leg.protocol, _i == 0 ? "TLS 1.2" : "TLS 1.3");
	ck_assert_str_eq(o.leg.cipher, _i == 0 ? "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" :
	    "TLS_AES_128_GCM_SHA256");
	ck_assert_str_eq(o.leg.group, "X25519");
	ck_assert_str_eq(o.leg.sigalg, "ecdsa_secp256r1_sha256");
	ck_assert_str_eq(o.leg.alpn, "http/1.1");
	ck_assert_str_eq(o.leg.sni, "www.test");
	tls_facts_unref(&o.facts);
	SSL_CTX_free(ctx);
}
END_TEST

/* Bad certificates are told of; the handshake ends well all the same. */
START_TEST(bad_ones_complete)
{
	const struct spec specs[] = {
		{.from = -9, .until = -1},
		{.san = "DNS:other.test"},
		{.eku = "clientAuth"},
		{.key = certs_rsa(1024)},
		{.md = EVP_sha1()},
		{.from = -9, .until = -1, .san = "DNS:other.test"},
		{.cn = "self"},
	};
	const size_t verdicts[] = {1, 1, 1, 1, 1, 2, 1};
	const struct spec *s = &specs[_i / 2];
	X509 *leaf = _i / 2 == 6 ? certs_make(s, NULL) : certs_leaf(s);
	SSL_CTX *ctx = peer_serve(leaf, s->key != NULL ? s->key : certs_key(),
	    _i % 2 == 0 ? TLS1_2_VERSION : TLS1_3_VERSION);
	struct tls_origin_ask ask = peer_ask("www.test");
	struct outcome o = peer_talk(origin, ctx, &ask);

	ck_assert(o.shaken);
	ck_assert(!o.facts->verified);
	ck_assert_uint_eq(o.facts->nverdicts, verdicts[_i / 2]);
	tls_facts_unref(&o.facts);
	o = peer_talk(origin, ctx, &ask);
	ck_assert(o.shaken && !o.resumed);	/* never a session for such a one */
	tls_facts_unref(&o.facts);
	SSL_CTX_free(ctx);
}
END_TEST

static bool
subset(const uint16_t *some, size_t n, const uint16_t *all, size_t nall)
{
	size_t i, k;

	for (i = 0; i < n; i++) {
		for (k = 0; k < nall && all[k] != some[i]; k++)
			;
		if (k == nall)
			return false;
	}
	return n > 0;
}

static struct tls_hello
offer_for(const struct tls_hello *hello)
{
	struct tls_origin_ask ask = peer_ask("www.test");
	struct tls_hello sent;
	SSL *ssl;

	ask.hello = hello;
	ssl = tls_origin_start(origin, &ask);
	ck_assert_ptr_nonnull(ssl);
	sent = pair_hello(ssl);
	tls_origin_stop(&ssl);
	return sent;
}

/* curl's real offer, then with more and more taken from it. */
START_TEST(never_more_than_the_client)
{
	struct tls_hello h, sent;

	ck_assert_int_eq(tls_hello_parse(curl_hello, sizeof(curl_hello), &h), 0);
	if (_i == 1) {	/* TLS 1.2 alone */
		h.versions[0] = 0x0303;
		h.nversions = 1;
	}
	if (_i == 2)	/* TLS 1.3 alone, one suite */
		h.nversions = h.nciphers = 1;
	if (_i == 3)
		h.nsigalgs = 1;
	if (_i == 4) {	/* once more each: doubles, and values nobody knows */
		memcpy(h.ciphers + h.nciphers, h.ciphers, h.nciphers * 2);
		memcpy(h.sigalgs + h.nsigalgs, h.sigalgs, h.nsigalgs * 2);
		h.nciphers *= 2;
		h.nsigalgs *= 2;
		h.ciphers[h.nciphers++] = 0x9999;
		h.sigalgs[h.nsigalgs++] = 0x9999;
		h.status_request = h.fallback_scsv = true;
	}
	sent = offer_for(&h);
	if (_i == 1)	/* without supported_versions, all below 1.2 are implied */
		ck_assert_uint_eq(sent.versions[0], 0x0303);
	else
		ck_assert(subset(sent.versions, sent.nversions, h.versions, h.nversions));
	ck_assert(subset(sent.ciphers, sent.nciphers, h.ciphers, h.nciphers));
	ck_assert(subset(sent.sigalgs, sent.nsigalgs, h.sigalgs, h.nsigalgs));
	ck_assert_uint_eq(sent.alpn_len, h.alpn_len);
	ck_assert_mem_eq(sent.alpn, h.alpn, h.alpn_len);
	ck_assert_int_eq(sent.status_request, h.status_request);
	ck_assert_int_eq(sent.fallback_scsv, h.fallback_scsv);
	ck_assert_uint_eq(sent.ngroups, 3);
	ck_assert_str_eq(sent.sni, "www.test");
}
END_TEST

/* The client's order is kept: it decides where origins follow it. */
START_TEST(client_order)
{
	struct tls_hello h = {.nversions = 2, .versions = {0x0304, 0x0303}, .nciphers = 6,
		.ciphers = {0x1303, 0x1301, 0xcca8, 0xc02f, 0x0005, 0x009e}, .nsigalgs = 3,
		.sigalgs = {0x0401, 0x0201, 0x0804}};
	struct tls_hello sent = offer_for(&h);

	/* neither RC4 nor DHE, no SHA-1 */
	ck_assert_uint_eq(sent.nciphers, 4);
	ck_assert_mem_eq(sent.ciphers, h.ciphers, 4 * sizeof(h.ciphers[0]));
	ck_assert_uint_eq(sent.nsigalgs, 2);
	ck_assert_uint_eq(sent.sigalgs[0], 0x0401);
	ck_assert(!sent.has_alpn && !sent.status_request);
}
END_TEST

START_TEST(nothing_left)
{
	static const struct tls_hello none[] = {
		{.nversions = 1, .versions = {0x0302}, .nciphers = 1, .ciphers = {0xc02f}},
		{.nversions = 1, .versions = {0x0303}, .nciphers = 2,
		    .ciphers = {0x0005, 0x009e}},
		{.nversions = 1, .versions = {0x0304}, .nciphers = 1, .ciphers = {0xc02f}},
		{.nversions = 1, .versions = {0x0303}, .nciphers = 1, .ciphers = {0xc02f},
		    .nsigalgs = 1, .sigalgs = {0x0201}},
	};
	struct tls_origin_ask ask = peer_ask("www.test");

	ask.hello = &none[_i];
	ck_assert_ptr_null(tls_origin_start(origin, &ask));
}
END_TEST

START_TEST(only_13_left)
{
	struct tls_hello h = {.nversions = 2, .versions = {0x0304, 0x0303}, .nciphers = 2,
		.ciphers = {0x1301, 0x0005}, .nsigalgs = 1, .sigalgs = {0x0403}};
	struct tls_hello sent = offer_for(&h);

	ck_assert_uint_eq(sent.nversions, 1);
	ck_assert_uint_eq(sent.versions[0], 0x0304);
	ck_assert_uint_eq(sent.nciphers, 1);
}
END_TEST

START_TEST(floor_of_13)
{
	struct tls_origin_conf conf = {.roots = certs_store(), .min_version = TLS1_3_VERSION};
	struct tls_hello h;
	struct errmsg err;

	tls_origin_free(&origin);
	origin = tls_origin_new(&conf, &err);
	ck_assert_int_eq(tls_hello_parse(curl_hello, sizeof(curl_hello), &h), 0);
	h = offer_for(&h);
	ck_assert_uint_eq(h.nversions, 1);
	ck_assert_uint_eq(h.versions[0], 0x0304);
}
END_TEST

START_TEST(own_profile)
{
	struct tls_hello sent = offer_for(NULL);

	ck_assert_uint_eq(sent.alpn_len, 9);
	ck_assert_mem_eq(sent.alpn, "\x08http/1.1", 9);
	ck_assert_uint_eq(sent.nversions, 2);
	ck_assert_uint_eq(sent.nciphers, 9);
	ck_assert(sent.status_request && !sent.has_session);
}
END_TEST

START_TEST(no_sni)
{
	struct tls_origin_ask ask = peer_ask(_i == 0 ? "www.test" : "192.0.2.7");
	struct tls_hello sent;
	SSL *ssl;

	ask.send_sni = _i != 0;
	ask.name_is_ip = _i != 0;
	ssl = tls_origin_start(origin, &ask);
	/* Our own parser would not tell of an address. */
	ck_assert_ptr_null(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
	sent = pair_hello(ssl);
	ck_assert_uint_eq(sent.sni_len, 0);
	tls_origin_stop(&ssl);
}
END_TEST

START_TEST(alpn_mirrored)
{
	struct tls_hello h;
	SSL_CTX *ctx = peer_serve(certs_leaf(&(struct spec){.cn = "a"}), certs_key(),
	    TLS1_3_VERSION);
	struct tls_origin_ask ask = peer_ask("www.test");
	struct outcome o;

	ck_assert_int_eq(tls_hello_parse(curl_hello, sizeof(curl_hello), &h), 0);
	ask.hello = &h;
	o = peer_talk(origin, ctx, &ask);
	ck_assert_str_eq(o.leg.alpn, "h2");
	tls_facts_unref(&o.facts);
	SSL_CTX_free(ctx);
}
END_TEST

START_TEST(resumed)
{
	int version = _i == 0 ? TLS1_2_VERSION : TLS1_3_VERSION, i;
	SSL_CTX *ctx = peer_serve(certs_leaf(&(struct spec){.cn = "r"}), certs_key(), version);
	struct tls_origin_ask ask = peer_ask("www.test");
	struct outcome first = peer_talk(origin, ctx, &ask), o;

	ck_assert(first.shaken && !first.resumed);
	for (i = 0; i < 10; i++) {
		o = peer_talk(origin, ctx, &ask);
		ck_assert(o.shaken && o.resumed);
		ck_assert_ptr_eq(o.facts, first.facts);
		ck_assert(o.facts->verified);
		ck_assert_str_eq(o.leg.sigalg, "");
		tls_facts_unref(&o.facts);
	}
	tls_facts_unref(&first.facts);
	SSL_CTX_free(ctx);
}
END_TEST

/* Whatever is another ask gets no session of this one. */
START_TEST(not_resumed_for_others)
{
	SSL_CTX *ctx = peer_serve(certs_leaf(&(struct spec){.san = "DNS:www.test,DNS:b.test"}),
	    certs_key(), _i % 2 == 0 ? TLS1_2_VERSION : TLS1_3_VERSION);
	struct tls_origin_ask ask = peer_ask("www.test");
	struct tls_hello h;
	struct outcome o = peer_talk(origin, ctx, &ask);

	tls_facts_unref(&o.facts);
	switch (_i / 2) {
	case 0:
		ask.tag = STR("eve");
		break;
	case 1:
		ask.name = STR("b.test");
		break;
	case 2:
		ask.port = 8443;
		break;
	case 3:
		ask.verify_mode = 1;
		break;
	case 4:
		ask.send_sni = false;
		break;
	default:
		ck_assert_int_eq(tls_hello_parse(curl_hello, sizeof(curl_hello), &h), 0);
		ask.hello = &h;
	}
	o = peer_talk(origin, ctx, &ask);
	ck_assert(o.shaken && !o.resumed);
	tls_facts_unref(&o.facts);
	SSL_CTX_free(ctx);
}
END_TEST

/* With verification off, and yet never beyond the end of the chain. */
START_TEST(kept_unverified_only_when_off)
{
	struct spec spec = {.cn = "self", .from = -9, .until = _i == 0 ? 9 : -1};
	SSL_CTX *ctx = peer_serve(certs_make(&spec, NULL), certs_key(), TLS1_3_VERSION);
	struct tls_origin_ask ask = peer_ask("www.test");
	struct outcome o;
	int i;

	ask.verify_off = true;
	for (i = 0; i < 2; i++) {
		o = peer_talk(origin, ctx, &ask);
		ck_assert_int_eq(o.resumed, i == 1 && _i == 0);
		ck_assert(!o.facts->verified);
		tls_facts_unref(&o.facts);
	}
	SSL_CTX_free(ctx);
}
END_TEST

/* A session of TLS 1.3 may be used once, so two asks at once get two. */
START_TEST(used_once)
{
	SSL_CTX *ctx = peer_serve(certs_leaf(&(struct spec){.cn = "u"}), certs_key(),
	    TLS1_3_VERSION);
	struct tls_origin_ask ask = peer_ask("www.test");
	struct outcome o = peer_talk(origin, ctx, &ask);
	SSL *ssl[3];
	int i;

	tls_facts_unref(&o.facts);
	for (i = 0; i < 3; i++) {
		ssl[i] = tls_origin_start(origin, &ask);
		ck_assert_int_eq(pair_hello(ssl[i]).has_session, i < 2);	/* two came */
		ck_assert_ptr_null(tls_origin_facts(origin, ssl[i]));
	}
	for (i = 0; i < 3; i++)
		tls_origin_stop(&ssl[i]);
	SSL_CTX_free(ctx);
}
END_TEST

/* Each would cost a megabyte, for as many names as a wildcard has. */
START_TEST(large_chains_are_not_remembered)
{
	int version = _i % 2 == 0 ? TLS1_2_VERSION : TLS1_3_VERSION, i, more = 15 + _i / 2;
	SSL_CTX *ctx = peer_serve(certs_leaf(&(struct spec){.cn = "l"}), certs_key(), version);
	struct tls_origin_ask ask = peer_ask("www.test");
	X509 *stray = certs_make(&(struct spec){.cn = "stray"}, certs_stranger());
	struct outcome first, o;

	for (i = 0; i < more; i++)
		ck_assert_int_eq(SSL_CTX_add1_chain_cert(ctx, stray), 1);
	first = peer_talk(origin, ctx, &ask);
	ck_assert(first.shaken && first.facts->verified);
	ck_assert_uint_eq(first.facts->nchain, (size_t)more + 1);
	o = peer_talk(origin, ctx, &ask);
	ck_assert_int_eq(o.resumed, more == 15);
	ck_assert_int_eq(o.facts == first.facts, more == 15);
	tls_facts_unref(&o.facts);
	tls_facts_unref(&first.facts);
	X509_free(stray);
	SSL_CTX_free(ctx);
}
END_TEST

/* The longest unused is pushed out. */
START_TEST(bounded)
{
	SSL_CTX *ctx = peer_serve(certs_leaf(&(struct spec){.san = "DNS:*.many.test"}), certs_key(),
	    TLS1_2_VERSION);
	struct tls_origin_ask ask;
	struct outcome o;
	char name[32];
	int i;

	for (i = 0; i < 1026; i++) {
		(void)snprintf(name, sizeof(name), "h%d.many.test", i);
		ask = peer_ask(name);
		o = peer_talk(origin, ctx, &ask);
		tls_facts_unref(&o.facts);
	}
	ask = peer_ask("h0.many.test");
	o = peer_talk(origin, ctx, &ask);
	ck_assert(!o.resumed);
	tls_facts_unref(&o.facts);
	ask = peer_ask("h1000.many.test");
	o = peer_talk(origin, ctx, &ask);
	ck_assert(o.resumed);
	tls_facts_unref(&o.facts);
	SSL_CTX_free(ctx);
}
END_TEST

/* The leaf and key a client shows where it is asked. */
static const struct {
	bool asked, has_one, self_signed, verify_off, rsa_only;
	enum tls_cert_asked want;
} shown[] = {
	{.asked = true, .has_one = true, .want = TLS_CERT_SHOWN},
	{.asked = true, .has_one = false, .want = TLS_CERT_ASKED},
	{.asked = false, .has_one = true, .want = TLS_CERT_NOT_ASKED},
	{.asked = true, .has_one = true, .self_signed = true, .want = TLS_CERT_ASKED},
	{.asked = true, .has_one = true, .self_signed = true, .verify_off = true,
	    .want = TLS_CERT_SHOWN},
	{.asked = true, .has_one = true, .rsa_only = true, .want = TLS_CERT_ASKED},
};

START_TEST(client_certificate)
{
	size_t i = (size_t)_i / 2;
	const struct spec spec = {.cn = "s"};
	X509 *leaf = shown[i].self_signed ? certs_make(&spec, NULL) : certs_leaf(&spec);
	SSL_CTX *ctx = peer_serve(leaf, certs_key(),
	    _i % 2 == 0 ? TLS1_2_VERSION : TLS1_3_VERSION);
	X509 *own = certs_leaf(&(struct spec){.cn = "ben", .eku = "clientAuth"});
	struct tls_origin_ask ask = peer_ask("www.test");
	SSL *ssl, *server = SSL_new(ctx);

	SSL_set_verify(server, shown[i].asked ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	if (shown[i].rsa_only)
		ck_assert_int_eq(SSL_set1_client_sigalgs_list(server,
		    "rsa_pss_rsae_sha256"), 1);
	ck_assert_int_eq(SSL_set1_verify_cert_store(server, certs_store()), 1);
	SSL_set_accept_state(server);
	EVP_PKEY_up_ref(certs_key());
	ask.client_cert = tls_leaf_new(own, certs_key(), NULL);
	ask.verify_off = shown[i].verify_off;
	if (!shown[i].has_one)
		tls_leaf_unref(&ask.client_cert);
	ssl = tls_origin_start(origin, &ask);
	tls_leaf_unref(&ask.client_cert);
	ck_assert(pair_shake(ssl, server));
	ck_assert_int_eq(SSL_get0_peer_certificate(server) != NULL,
	    shown[i].want == TLS_CERT_SHOWN);
	ck_assert_int_eq(tls_origin_cert_asked(ssl), shown[i].want);
	tls_origin_stop(&ssl);
	SSL_free(server);
	SSL_CTX_free(ctx);
}
END_TEST

/* Strict or not, sessions and kept verdicts of the one are not the other's. */
START_TEST(strict_is_of_the_key)
{
	SSL_CTX *ctx = peer_serve(certs_leaf(&(struct spec){.cn = "k", .aki = ""}), certs_key(),
	    _i % 2 == 0 ? TLS1_2_VERSION : TLS1_3_VERSION);
	struct tls_origin_ask ask = peer_ask("www.test");
	struct outcome o;
	int i;

	if (_i >= 2)	/* nothing but verdicts are kept */
		(void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	for (i = 0; i < 4; i++) {
		ask.strict = i % 2 == 1;
		o = peer_talk(origin, ctx, &ask);
		ck_assert_int_eq(o.facts->verified, !ask.strict);
		ck_assert_uint_eq(o.facts->nwarnings, !ask.strict);
		tls_facts_unref(&o.facts);
	}
	SSL_CTX_free(ctx);
}
END_TEST

/* RFC 5746 or not: an origin that asks for another handshake gets none. */
START_TEST(no_renegotiation)
{
	SSL_CTX *ctx = peer_serve(certs_leaf(&(struct spec){.cn = "n"}), certs_key(),
	    TLS1_2_VERSION);
	struct tls_origin_ask ask = peer_ask("www.test");
	SSL *ssl = tls_origin_start(origin, &ask), *server = SSL_new(ctx);
	char c;

	SSL_set_accept_state(server);
	ck_assert(pair_shake(ssl, server));
	ck_assert_int_eq(SSL_renegotiate(server), 1);
	(void)SSL_do_handshake(server);
	ck_assert_int_le(SSL_read(ssl, &c, 1), 0);
	ck_assert_int_eq(SSL_in_init(ssl), 0);
	ck_assert_int_le(SSL_read(server, &c, 1), 0);
	ck_assert_int_eq(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_NO_RENEGOTIATION);
	ERR_clear_error();
	tls_origin_stop(&ssl);
	SSL_free(server);
	SSL_CTX_free(ctx);
}
END_TEST

Suite *
origin_suite(void)
{
	Suite *s = suite_create("tls origin");
	TCase *t = tcase_create("origin");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, NULL, certs_cleanup);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, both_versions, 0, 2);
	tcase_add_loop_test(t, bad_ones_complete, 0, 14);
	tcase_add_loop_test(t, never_more_than_the_client, 0, 5);
	tcase_add_test(t, client_order);
	tcase_add_loop_test(t, nothing_left, 0, 4);
	tcase_add_test(t, only_13_left);
	tcase_add_test(t, floor_of_13);
	tcase_add_test(t, own_profile);
	tcase_add_loop_test(t, no_sni, 0, 2);
	tcase_add_test(t, alpn_mirrored);
	tcase_add_loop_test(t, resumed, 0, 2);
	tcase_add_loop_test(t, not_resumed_for_others, 0, 12);
	tcase_add_loop_test(t, kept_unverified_only_when_off, 0, 2);
	tcase_add_test(t, used_once);
	tcase_add_loop_test(t, large_chains_are_not_remembered, 0, 4);
	tcase_add_test(t, bounded);
	tcase_add_loop_test(t, client_certificate, 0, 2 * NELEM(shown));
	tcase_add_test(t, no_renegotiation);
	tcase_add_loop_test(t, strict_is_of_the_key, 0, 4);
	suite_add_tcase(s, t);
	return s;
}
