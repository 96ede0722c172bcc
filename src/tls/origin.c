/* SPDX-License-Identifier: ISC */
/*
 * origin.c - TLS towards origins; see origin.h.  What belongs to one SSL (the
 * ask, the facts) hangs on it as ex_data and dies with it.
 * Runs in: worker.
 */
#include "config.h"

#include "tls/origin.h"

#include <stdlib.h>

#include <openssl/err.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tls/client.h"
#include "tls/offer.h"
#include "tls/roots.h"
#include "tls/sessions.h"
#include "tls/staple.h"
#include "tls/verdicts.h"
#include "tls/verify.h"
#include "tls/warn.h"

#define SESSION_LIFE_US (UINT64_C(3600) * 1000000u)

struct tls_origin {
	SSL_CTX *ctx;
	struct tls_origin_conf conf;
	struct offer_suites suites;
	struct sessions *sessions;
	struct verdicts *verdicts;
};

struct ask {
	struct tls_origin *origin;
	uint8_t key[32];	/* of the session */
	char *name;
	size_t name_len;
	bool name_is_ip, verify_off, strict;
	struct tls_leaf *client_cert;
	struct tls_facts *facts;	/* of the offered session, until a chain is seen */
	uint64_t until_us;	/* when the facts must have been found anew */
	bool fresh;		/* the facts are of this handshake */
	bool shared;		/* ... and of others: not to be written to */
	bool cert_asked;
};

static void
ask_free(void *parent UNUSED, void *p, CRYPTO_EX_DATA *ad UNUSED, int index UNUSED,
    long argl UNUSED, void *argp UNUSED)
{
	struct ask *ask = p;

	if (ask == NULL)
		return;
	free(ask->name);
	tls_leaf_unref(&ask->client_cert);
	tls_facts_unref(&ask->facts);
	free(ask);
}

static int
ask_index(void)
{
	static int index = -1;

	if (index == -1)
		index = SSL_get_ex_new_index(0, NULL, NULL, NULL, ask_free);
	CHECK(index >= 0);
	return index;
}

static struct ask *
ask_of(SSL *ssl)
{
	struct ask *ask = SSL_get_ex_data(ssl, ask_index());

	CHECK(ask != NULL);
	return ask;
}

/*
 * Neither a staple nor its absence will add to the facts (TLS 1.2 sends it
 * after the chain): they are those of every handshake with this chain.
 */
static bool
has_no_staple(SSL *ssl, X509_STORE_CTX *ctx)
{
	const unsigned char *der;

	if (SSL_get_tlsext_status_type(ssl) != TLSEXT_STATUSTYPE_ocsp)
		return true;
	return SSL_version(ssl) >= TLS1_3_VERSION &&
	    SSL_get_tlsext_status_ocsp_resp(ssl, &der) <= 0 &&
	    X509_get_ext_by_NID(X509_STORE_CTX_get0_cert(ctx), NID_tlsfeature, -1) < 0;
}

static struct tls_facts *
judge(struct tls_origin *o, struct ask *ask, SSL *ssl, X509_STORE_CTX *ctx)
{
	struct tls_facts *f;
	uint8_t key[32];

	ask->shared = has_no_staple(ssl, ctx);
	if (!ask->shared)
		return verify_run(ctx, &o->conf, str_z(ask->name), ask->strict);
	verdicts_key(ctx, str_of(ask->name, ask->name_len), ask->name_is_ip, ask->strict, key);
	f = verdicts_find(o->verdicts, key);
	if (f != NULL) {
		X509_STORE_CTX_set_error(ctx, X509_V_OK);
		return f;
	}
	f = verify_run(ctx, &o->conf, str_z(ask->name), ask->strict);
	verdicts_keep(o->verdicts, key, f);
	return f;
}

/* Instead of libssl's verification, so that nothing can end the handshake here. */
static int
on_chain(X509_STORE_CTX *ctx, void *arg)
{
	struct tls_origin *o = arg;
	SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct ask *ask = ask_of(ssl);

	tls_facts_unref(&ask->facts);
	/* What is left in the error queue, SSL_get_error() takes for a failure. */
	(void)ERR_set_mark();
	ask->facts = judge(o, ask, ssl, ctx);
	(void)ERR_pop_to_mark();
	ask->fresh = true;
	ask->until_us = clock_mono_us() + SESSION_LIFE_US;
	return 1;
}

/* Called without a staple too; runs before the handshake ends. */
static int
on_staple(SSL *ssl, void *arg)
{
	struct tls_origin *o = arg;
	struct ask *ask = ask_of(ssl);

	if (!ask->fresh || ask->shared)
		return 1;
	(void)ERR_set_mark();
	ask->facts->staple = staple_read(ssl, o->conf.roots);
	(void)ERR_pop_to_mark();
	if (ask->facts->staple == TLS_STAPLE_REVOKED)
		verify_revoked(ask->facts);
	warn_staple(ask->facts);
	return 1;
}

static bool
is_trusted(const struct ask *ask)
{
	return ask->facts != NULL && (ask->facts->verified || ask->verify_off);
}

/* TLS 1.3 sends tickets behind the handshake: any read may lead here. */
static int
on_session(SSL *ssl, SSL_SESSION *session)
{
	struct ask *ask = ask_of(ssl);

	if (!is_trusted(ask) || tls_facts_is_large(ask->facts))
		return 0;
	sessions_put(ask->origin->sessions, ask->key, session, ask->facts, ask->until_us);
	return 1;
}

/* The origin asks for a certificate; its own was judged before, in every version. */
static int
on_cert_request(SSL *ssl, void *arg UNUSED)
{
	struct ask *ask = ask_of(ssl);
	struct tls_leaf *c = ask->client_cert;

	ask->cert_asked = true;
	if (c == NULL || !is_trusted(ask))
		return 1;
	return SSL_use_certificate(ssl, c->cert) == 1 && SSL_use_PrivateKey(ssl, c->key) == 1 &&
	    SSL_set1_chain(ssl, c->chain) == 1;
}

static void
set_up_context(struct tls_origin *o)
{
	SSL_CTX *ctx = o->ctx;

	SSL_CTX_set_security_level(ctx, 2);
	CHECK(SSL_CTX_set_min_proto_version(ctx, o->conf.min_version) == 1);
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
	CHECK(SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") == 1);
	CHECK(SSL_CTX_set1_verify_cert_store(ctx, o->conf.roots) == 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, on_chain, o);
	SSL_CTX_set_cert_cb(ctx, on_cert_request, NULL);
	SSL_CTX_set_tlsext_status_cb(ctx, on_staple);
	SSL_CTX_set_tlsext_status_arg(ctx, o);
	(void)SSL_CTX_set_session_cache_mode(ctx,
	    SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
}

struct tls_origin *
tls_origin_new(const struct tls_origin_conf *conf, struct errmsg *err)
{
	struct tls_origin *o;
	SSL_CTX *ctx;

	tls_library_init();
	ctx = SSL_CTX_new(TLS_client_method());
	if (ctx == NULL) {
		(void)errmsg_set(err, "OpenSSL cannot make a TLS client");
		return NULL;
	}
	o = mem_new(struct tls_origin);
	o->ctx = ctx;
	o->conf = *conf;
	CHECK(X509_STORE_up_ref(conf->roots) == 1);
	o->sessions = sessions_new();
	o->verdicts = verdicts_new();
	set_up_context(o);
	offer_suites_init(&o->suites, ctx);
	return o;
}

void
tls_origin_free(struct tls_origin **op)
{
	if (op == NULL || *op == NULL)
		return;
	sessions_free(&(*op)->sessions);
	verdicts_free(&(*op)->verdicts);
	SSL_CTX_free((*op)->ctx);
	X509_STORE_free((*op)->conf.roots);
	free(*op);
	*op = NULL;
}

static void
hash_str(EVP_MD_CTX *md, struct str s)
{
	uint32_t n = (uint32_t)s.n;

	CHECK(EVP_DigestUpdate(md, &n, sizeof(n)) == 1);
	CHECK(EVP_DigestUpdate(md, s.p, s.n) == 1);
}

static void
session_key(const struct tls_origin_ask *a, const struct offer *offer, uint8_t out[32])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t flags[5] = {a->name_is_ip, a->send_sni, a->verify_off, a->client_cert != NULL,
	    a->strict};
	uint8_t cert[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	CHECK(md != NULL);
	CHECK(EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1);
	hash_str(md, a->name);
	hash_str(md, a->tag);
	hash_str(md, str_of(&a->port, sizeof(a->port)));
	hash_str(md, str_of(&a->verify_mode, sizeof(a->verify_mode)));
	hash_str(md, str_of(flags, sizeof(flags)));
	if (a->client_cert != NULL)
		CHECK(X509_digest(a->client_cert->cert, EVP_sha256(), cert, &n) == 1);
	hash_str(md, str_of(cert, n));
	offer_hash(offer, md);
	CHECK(EVP_DigestFinal_ex(md, out, NULL) == 1);
	EVP_MD_CTX_free(md);
}

static struct ask *
ask_new(struct tls_origin *o, const struct tls_origin_ask *a, const struct offer *offer)
{
	struct ask *ask = mem_new(struct ask);

	ask->origin = o;
	ask->name = str_dup(a->name);
	ask->name_len = a->name.n;
	ask->name_is_ip = a->name_is_ip;
	ask->verify_off = a->verify_off;
	ask->strict = a->strict;
	ask->client_cert = a->client_cert != NULL ? tls_leaf_ref(a->client_cert) : NULL;
	session_key(a, offer, ask->key);
	return ask;
}

static void
resume(struct tls_origin *o, struct ask *ask, SSL *ssl)
{
	SSL_SESSION *session = sessions_take(o->sessions, ask->key, &ask->facts,
	    &ask->until_us);

	if (session == NULL)
		return;
	(void)SSL_set_session(ssl, session);
	SSL_SESSION_free(session);
}

SSL *
tls_origin_start(struct tls_origin *o, const struct tls_origin_ask *a)
{
	struct offer offer;
	struct ask *ask;
	SSL *ssl;

	if (!offer_make(&offer, a->hello, &o->suites, o->conf.min_version))
		return NULL;
	ssl = SSL_new(o->ctx);
	CHECK(ssl != NULL);
	ask = ask_new(o, a, &offer);
	CHECK(SSL_set_ex_data(ssl, ask_index(), ask) == 1);
	if (!offer_set(&offer, ssl) || (a->send_sni && !a->name_is_ip &&
	    SSL_set_tlsext_host_name(ssl, ask->name) != 1)) {
		tls_origin_stop(&ssl);
		ERR_clear_error();
		return NULL;
	}
	verify_param(SSL_get0_param(ssl), a->name, a->name_is_ip);
	SSL_set_connect_state(ssl);
	resume(o, ask, ssl);
	return ssl;
}

struct tls_facts *
tls_origin_facts(struct tls_origin *o UNUSED, SSL *ssl)
{
	struct ask *ask = ask_of(ssl);

	if (!ask->fresh && SSL_session_reused(ssl) != 1)
		return NULL;
	return tls_facts_ref(ask->facts);
}

enum tls_cert_asked
tls_origin_cert_asked(SSL *ssl)
{
	int nid;

	if (!ask_of(ssl)->cert_asked)
		return TLS_CERT_NOT_ASKED;
	/* Only who shows a certificate signs; one that the origin cannot take is not sent. */
	return SSL_get_signature_nid(ssl, &nid) == 1 ? TLS_CERT_SHOWN : TLS_CERT_ASKED;
}

void
tls_origin_stop(SSL **sslp)
{
	if (sslp == NULL || *sslp == NULL)
		return;
	/* SSL_free() takes an unfinished shutdown for a broken session. */
	SSL_set_shutdown(*sslp, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(*sslp);
	*sslp = NULL;
}
