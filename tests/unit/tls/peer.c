/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "peer.h"

#include <check.h>

#include "pair.h"

static int
pick_alpn(SSL *ssl, const unsigned char **out, unsigned char *n, const unsigned char *in,
    unsigned in_len, void *want)
{
	(void)ssl;
	return SSL_select_next_proto((unsigned char **)(uintptr_t)out, n, want,
	    (unsigned)strlen(want), in, in_len) == OPENSSL_NPN_NEGOTIATED ?
	    SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

SSL_CTX *
peer_serve(X509 *leaf, EVP_PKEY *key, int version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	SSL_CTX_set_security_level(ctx, 0);
	ck_assert_int_eq(SSL_CTX_use_certificate(ctx, leaf), 1);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey(ctx, key), 1);
	SSL_CTX_set_max_proto_version(ctx, version);
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"s", 1);
	SSL_CTX_set_alpn_select_cb(ctx, pick_alpn, (void *)(uintptr_t)"\2h2\x08http/1.1");
	X509_free(leaf);
	return ctx;
}

struct tls_origin_ask
peer_ask(const char *name)
{
	return (struct tls_origin_ask){.name = str_z(name), .send_sni = true, .port = 443,
		.tag = STR("ben")};
}

struct outcome
peer_talk(struct tls_origin *origin, SSL_CTX *ctx, const struct tls_origin_ask *ask)
{
	SSL *ssl = tls_origin_start(origin, ask), *server = SSL_new(ctx);
	struct outcome out = {.shaken = false};

	ck_assert_ptr_nonnull(ssl);
	SSL_set_accept_state(server);
	out.shaken = pair_shake(ssl, server);
	if (out.shaken) {
		ck_assert(pair_say(server, ssl) && pair_say(ssl, server));
		out.facts = tls_origin_facts(origin, ssl);
		tls_leg_of(ssl, &out.leg);
		out.asked = tls_origin_cert_asked(ssl);
		out.resumed = out.leg.resumed;
		ck_assert_int_eq(SSL_session_reused(server), out.resumed);
	}
	tls_origin_stop(&ssl);
	ck_assert_ptr_null(ssl);
	SSL_free(server);
	return out;
}
