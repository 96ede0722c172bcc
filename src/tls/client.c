/* SPDX-License-Identifier: ISC */
/*
 * client.c - TLS towards clients; see client.h.  One SSL_CTX per worker;
 * leaf, ALPN and session binding are set per SSL.
 * Runs in: worker.
 */
#include "config.h"

#include "tls/client.h"

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "tls/client_peer.h"
#include "tls/roots.h"

#define SESSION_SECONDS 7200
#define SECURITY_BITS 112	/* what level 2 asks of keys and signatures */

struct tls_client {
	SSL_CTX *ctx;
	struct tls_client_conf conf;
	struct client_peer *peer;	/* NULL: clients are not asked for a certificate */
	EVP_CIPHER *aes;	/* fetched once: looking one up costs more than a ticket */
};

struct shown {
	struct tls_leaf *leaf;
	uint8_t alpn[255];
	uint8_t alpn_len;
};

struct tls_leaf *
tls_leaf_new(X509 *cert, EVP_PKEY *key, STACK_OF(X509) *chain)
{
	struct tls_leaf *leaf = mem_new(struct tls_leaf);

	leaf->refs = 1;
	leaf->cert = cert;
	leaf->key = key;
	leaf->chain = chain != NULL ? X509_chain_up_ref(chain) : NULL;
	return leaf;
}

struct tls_leaf *
tls_leaf_ref(struct tls_leaf *leaf)
{
	leaf->refs++;
	return leaf;
}

void
tls_leaf_unref(struct tls_leaf **leafp)
{
	struct tls_leaf *leaf;

	if (leafp == NULL || *leafp == NULL)
		return;
	leaf = *leafp;
	*leafp = NULL;
	CHECK(leaf->refs > 0);
	if (--leaf->refs > 0)
		return;
	X509_free(leaf->cert);
	EVP_PKEY_free(leaf->key);
	sk_X509_pop_free(leaf->chain, X509_free);
	free(leaf->ocsp);
	free(leaf);
}

static void
shown_free(void *parent UNUSED, void *p, CRYPTO_EX_DATA *ad UNUSED, int index UNUSED,
    long argl UNUSED, void *argp UNUSED)
{
	struct shown *shown = p;

	if (shown == NULL)
		return;
	tls_leaf_unref(&shown->leaf);
	free(shown);
}

static int
shown_index(void)
{
	static int index = -1;

	if (index == -1)
		index = SSL_get_ex_new_index(0, NULL, NULL, NULL, shown_free);
	CHECK(index >= 0);
	return index;
}

/* Not among the client's names after all: no answer, as with an origin without ALPN. */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
    unsigned in_len, void *arg UNUSED)
{
	const struct shown *shown = SSL_get_ex_data(ssl, shown_index());
	unsigned i;

	for (i = 0; shown->alpn_len > 0 && i < in_len; i += 1u + in[i])
		if (in[i] == shown->alpn_len &&
		    memcmp(in + i + 1, shown->alpn, shown->alpn_len) == 0) {
			*out = in + i + 1;
			*out_len = in[i];
			return SSL_TLSEXT_ERR_OK;
		}
	return SSL_TLSEXT_ERR_NOACK;
}

/* Only where the client asked (RFC 6066 8); OpenSSL frees what it is given. */
static int
on_status(SSL *ssl, void *arg UNUSED)
{
	const struct shown *shown = SSL_get_ex_data(ssl, shown_index());
	unsigned char *copy;

	if (shown->leaf->ocsp == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	copy = OPENSSL_memdup(shown->leaf->ocsp, shown->leaf->ocsp_len);
	CHECK(copy != NULL);
	(void)SSL_set_tlsext_status_ocsp_resp(ssl, copy, shown->leaf->ocsp_len);
	return SSL_TLSEXT_ERR_OK;
}

static bool
start_mac(EVP_MAC_CTX *mac, struct tls_ticket_key *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_init(mac, key->hmac, sizeof(key->hmac), params) == 1;
}

static int
seal(const EVP_CIPHER *aes, struct tls_ticket_key *key, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	memcpy(name, key->name, sizeof(key->name));
	if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(aes)) != 1 ||
	    EVP_EncryptInit_ex(cipher, aes, NULL, key->aes, iv) != 1)
		return -1;
	return start_mac(mac, key) ? 1 : -1;
}

/*
 * In TLS 1.3 every ticket is used once, so each use must bring a new one (2):
 * with 1 every second connection would be a full handshake.  In TLS 1.2 only
 * one sealed with the previous key is replaced.
 */
static int
open_ticket(SSL *ssl, const EVP_CIPHER *aes, struct tls_ticket_keys *keys,
    const unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	struct tls_ticket_key *key = NULL;

	if (memcmp(name, keys->current.name, sizeof(keys->current.name)) == 0)
		key = &keys->current;
	else if (keys->has_previous &&
	    memcmp(name, keys->previous.name, sizeof(keys->previous.name)) == 0)
		key = &keys->previous;
	if (key == NULL)
		return 0;
	if (EVP_DecryptInit_ex(cipher, aes, NULL, key->aes, iv) != 1 || !start_mac(mac, key))
		return -1;
	return key == &keys->previous || SSL_version(ssl) == TLS1_3_VERSION ? 2 : 1;
}

static int
client_index(void)
{
	static int index = -1;

	if (index == -1)
		index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	CHECK(index >= 0);
	return index;
}

static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int enc)
{
	struct tls_client *c = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), client_index());
	struct tls_ticket_keys keys;
	int rc;

	c->conf.ticket_keys(c->conf.ticket_arg, &keys);
	if (enc)
		rc = seal(c->aes, &keys.current, name, iv, cipher, mac);
	else
		rc = open_ticket(ssl, c->aes, &keys, name, iv, cipher, mac);
	mem_wipe(&keys, sizeof(keys));
	return rc;
}

static void
set_up_context(struct tls_client *c)
{
	SSL_CTX *ctx = c->ctx;

	SSL_CTX_set_security_level(ctx, 2);
	CHECK(SSL_CTX_set_min_proto_version(ctx, c->conf.min_version) == 1);
	CHECK(SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1);
	CHECK(SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384:P-521") == 1);
	/* Our order, but for clients that put ChaCha first: those have no AES in hardware. */
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_timeout(ctx, SESSION_SECONDS);
	/* Two, because clients open connections in pairs and use each ticket once. */
	CHECK(SSL_CTX_set_num_tickets(ctx, 2) == 1);
	CHECK(SSL_CTX_set_max_early_data(ctx, 0) == 1);
	CHECK(SSL_CTX_set_ex_data(ctx, client_index(), c) == 1);
	CHECK(SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket) == 1);
	SSL_CTX_set_tlsext_status_cb(ctx, on_status);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
}

struct tls_client *
tls_client_new(const struct tls_client_conf *conf, struct errmsg *err)
{
	struct tls_client *c;
	SSL_CTX *ctx;

	tls_library_init();
	ctx = SSL_CTX_new(TLS_server_method());
	if (ctx == NULL) {
		(void)errmsg_set(err, "OpenSSL cannot make a TLS server");
		return NULL;
	}
	c = mem_new(struct tls_client);
	c->ctx = ctx;
	c->conf = *conf;
	c->aes = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	CHECK(c->aes != NULL);
	set_up_context(c);
	c->peer = client_peer_new(conf, ctx);
	return c;
}

void
tls_client_free(struct tls_client **cp)
{
	if (cp == NULL || *cp == NULL)
		return;
	SSL_CTX_free((*cp)->ctx);
	EVP_CIPHER_free((*cp)->aes);
	client_peer_free(&(*cp)->peer);
	free(*cp);
	*cp = NULL;
}

static bool
is_weak_cert(X509 *cert)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	int bits = 0;

	if (key == NULL || EVP_PKEY_get_security_bits(key) < SECURITY_BITS)
		return true;
	/* Nobody looks at a root's own signature, OpenSSL neither. */
	if ((X509_get_extension_flags(cert) & EXFLAG_SS) != 0)
		return false;
	return X509_get_signature_info(cert, NULL, NULL, &bits, NULL) != 1 ||
	    bits < SECURITY_BITS;
}

/*
 * What is refused by OpenSSL at our own level: leafs that mirror a weak origin, and
 * whatever chains people have in `certs`.  The client is to judge.
 */
static bool
is_weak(const struct tls_leaf *leaf)
{
	int i;

	for (i = 0; i < sk_X509_num(leaf->chain); i++)
		if (is_weak_cert(sk_X509_value(leaf->chain, i)))
			return true;
	return is_weak_cert(leaf->cert);
}

static bool
is_for_key(const struct tls_leaf *leaf)
{
	EVP_PKEY *public = X509_get0_pubkey(leaf->cert);

	return public != NULL &&
	    EVP_PKEY_get_base_id(public) == EVP_PKEY_get_base_id(leaf->key);
}

static bool
show(SSL *ssl, struct tls_leaf *leaf)
{
	if (is_weak(leaf))
		SSL_set_security_level(ssl, 0);
	/* OpenSSL compares keys of one type; another type would fill another slot. */
	return is_for_key(leaf) && SSL_use_certificate(ssl, leaf->cert) == 1 &&
	    SSL_use_PrivateKey(ssl, leaf->key) == 1 && SSL_set1_chain(ssl, leaf->chain) == 1;
}

SSL *
tls_client_start(struct tls_client *c, struct tls_leaf *leaf, struct str alpn,
    const uint8_t sid_context[32])
{
	SSL *ssl = SSL_new(c->ctx);
	struct shown *shown = mem_new(struct shown);
	uint8_t bound[32];

	CHECK(ssl != NULL);
	CHECK(alpn.n <= sizeof(shown->alpn));
	shown->leaf = tls_leaf_ref(leaf);
	shown->alpn_len = (uint8_t)alpn.n;
	if (alpn.n > 0)
		memcpy(shown->alpn, alpn.p, alpn.n);
	CHECK(SSL_set_ex_data(ssl, shown_index(), shown) == 1);
	if (c->peer != NULL)
		client_peer_bind(c->peer, sid_context, bound);
	CHECK(SSL_set_session_id_context(ssl, c->peer != NULL ? bound : sid_context, 32) == 1);
	if (!show(ssl, leaf)) {
		SSL_free(ssl);
		ERR_clear_error();
		return NULL;
	}
	SSL_set_accept_state(ssl);
	return ssl;
}

void
tls_client_stop(SSL **sslp)
{
	if (sslp == NULL || *sslp == NULL)
		return;
	SSL_free(*sslp);
	*sslp = NULL;
}
