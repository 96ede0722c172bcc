/* SPDX-License-Identifier: ISC */
/* client_peer.c - see client_peer.h.  Runs in: worker. */
#include "config.h"

#include "tls/client_peer.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/mem.h"
#include "tls/cert.h"

#define SECURITY_LEVEL 2
#define NAMES_MAX_BYTES 32768	/* of a list that can have 65535 (RFC 5246 7.4.4) */

struct client_peer {
	X509_STORE *ca;
	uint8_t id[32];		/* of all who may have signed */
};

static int
peer_index(void)
{
	static int index = -1;

	if (index == -1)
		index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	CHECK(index >= 0);
	return index;
}

static const struct client_peer *
peer_of(SSL *ssl)
{
	return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), peer_index());
}

/*
 * The level is said again because a leaf that mirrors a weak origin lowers that of
 * its SSL, and with it the one that OpenSSL would verify the client by.
 */
static int
on_verify(X509_STORE_CTX *ctx, void *arg)
{
	const struct client_peer *p = arg;
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);

	if (p->ca == NULL)
		return 1;
	X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
	/* Whoever is in the file may sign, be it a root or not. */
	CHECK(X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) == 1);
	return X509_verify_cert(ctx) == 1;
}

/* OpenSSL verifies nothing again, and in TLS 1.3 each ticket brings the next one. */
static bool
has_ended(SSL_SESSION *session)
{
	X509 *cert = SSL_SESSION_get0_peer(session);

	return cert != NULL && X509_cmp_current_time(X509_get0_notAfter(cert)) < 0;
}

static SSL_TICKET_RETURN
on_ticket_opened(SSL *ssl, SSL_SESSION *session, const unsigned char *name UNUSED,
    size_t name_len UNUSED, SSL_TICKET_STATUS status, void *arg UNUSED)
{
	if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	if (peer_of(ssl)->ca != NULL && has_ended(session))
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE
	    : SSL_TICKET_RETURN_USE_RENEW;
}

/* NULL: more than fits, so clients choose by themselves. */
static STACK_OF(X509_NAME) *
names_of(const STACK_OF(X509) *certs)
{
	STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
	size_t bytes = 0;
	int i;

	CHECK(names != NULL);
	for (i = 0; i < sk_X509_num(certs); i++) {
		X509_NAME *name = X509_NAME_dup(X509_get_subject_name(sk_X509_value(certs, i)));

		CHECK(name != NULL && sk_X509_NAME_push(names, name) > 0);
		bytes += 2 + (size_t)MAX(i2d_X509_NAME(name, NULL), 0);
	}
	if (bytes <= NAMES_MAX_BYTES)
		return names;
	sk_X509_NAME_pop_free(names, X509_NAME_free);
	return NULL;
}

/* A store has no order of its own, so neither has the sum over it. */
static void
add_id(struct client_peer *p, X509 *cert)
{
	uint8_t one[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	size_t i;

	CHECK(X509_digest(cert, EVP_sha256(), one, &n) == 1 && n == sizeof(p->id));
	for (i = 0; i < sizeof(p->id); i++)
		p->id[i] ^= one[i];
}

static void
set_ca(struct client_peer *p, SSL_CTX *ctx)
{
	STACK_OF(X509) *certs = X509_STORE_get1_all_certs(p->ca);
	int i;

	CHECK(certs != NULL);
	for (i = 0; i < sk_X509_num(certs); i++)
		add_id(p, sk_X509_value(certs, i));
	SSL_CTX_set0_CA_list(ctx, names_of(certs));
	sk_X509_pop_free(certs, X509_free);
	CHECK(SSL_CTX_set1_verify_cert_store(ctx, p->ca) == 1);
}

struct client_peer *
client_peer_new(const struct tls_client_conf *conf, SSL_CTX *ctx)
{
	struct client_peer *p;

	if (!conf->ask_cert)
		return NULL;
	p = mem_new(struct client_peer);
	p->ca = conf->client_ca;
	CHECK(SSL_CTX_set_ex_data(ctx, peer_index(), p) == 1);
	if (p->ca != NULL)
		set_ca(p, ctx);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, on_verify, p);
	CHECK(SSL_CTX_set_session_ticket_cb(ctx, NULL, on_ticket_opened, NULL) == 1);
	return p;
}

void
client_peer_free(struct client_peer **pp)
{
	if (pp == NULL)
		return;
	free(*pp);
	*pp = NULL;
}

void
client_peer_bind(const struct client_peer *p, const uint8_t sid_context[32], uint8_t out[32])
{
	uint8_t both[65];

	memcpy(both, sid_context, 32);
	memcpy(both + 32, p->id, 32);
	both[64] = p->ca != NULL;
	CHECK(EVP_Digest(both, sizeof(both), out, NULL, EVP_sha256(), NULL) == 1);
}

void
tls_client_peer(SSL *ssl, struct tls_peer *out)
{
	const struct client_peer *p = peer_of(ssl);
	X509 *cert = SSL_get0_peer_certificate(ssl);

	*out = (struct tls_peer){.has_cert = false};
	if (cert == NULL)
		return;
	cert_peer(cert, out);
	out->verified = p != NULL && p->ca != NULL && SSL_get_verify_result(ssl) == X509_V_OK;
}
