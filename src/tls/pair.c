/* SPDX-License-Identifier: ISC */
/*
 * pair.c - one file with a key and its certificate; see shelf.h.  What people
 * have in such files differs by the tool that made it: order, forms of keys,
 * text between the blocks, parameters of curves.
 * Runs in: master, mitmctl, tests.
 */
#include "config.h"

#include "tls/shelf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/fd.h"
#include "base/mem.h"
#include "tls/cert.h"
#include "tls/roots.h"

#define FILE_MAX_BYTES ((size_t)256 << 10)
#define CERTS_MAX 16	/* more is a bundle of roots, sent in every handshake */

struct reading {
	const char *path;
	struct errmsg *err;
	EVP_PKEY *key;
	STACK_OF(X509) *certs;	/* as they stand */
};

static int
take_key(struct reading *r, const unsigned char *der, long n)
{
	EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &der, n);
	int type;

	if (key == NULL)
		return errmsg_set(r->err, "%s: the private key cannot be read", r->path);
	if (r->key != NULL) {
		EVP_PKEY_free(key);
		return errmsg_set(r->err, "%s: there are several private keys in it: leave the "
		    "one of the certificate", r->path);
	}
	r->key = key;
	type = EVP_PKEY_get_base_id(key);
	if (type == EVP_PKEY_RSA || type == EVP_PKEY_EC || type == EVP_PKEY_ED25519 ||
	    type == EVP_PKEY_ED448 || type == EVP_PKEY_RSA_PSS)
		return 0;
	return errmsg_set(r->err, "%s: TLS has no use for this kind of key: it takes EC, RSA "
	    "and Ed25519", r->path);
}

static int
take_cert(struct reading *r, const unsigned char *der, long n)
{
	X509 *cert = d2i_X509(NULL, &der, n);

	if (cert == NULL)
		return errmsg_set(r->err, "%s: certificate %d cannot be read", r->path,
		    sk_X509_num(r->certs) + 1);
	CHECK(sk_X509_push(r->certs, cert) > 0);
	if (sk_X509_num(r->certs) > CERTS_MAX)
		return errmsg_set(r->err, "%s: there are more than %d certificates in it: "
		    "leave the one of the key and its issuers", r->path, CERTS_MAX);
	return 0;
}

/* The header is what RFC 1421 has for encryption. */
static int
take_block(struct reading *r, const char *name, const char *header, const unsigned char *der,
    long n)
{
	if (strcmp(name, "CERTIFICATE") == 0 || strcmp(name, "X509 CERTIFICATE") == 0)
		return take_cert(r, der, n);
	if (strcmp(name, "PRIVATE KEY") != 0 && !str_ends(str_z(name), STR(" PRIVATE KEY")))
		return 0;
	if (strcmp(name, "ENCRYPTED PRIVATE KEY") == 0 || strstr(header, "ENCRYPTED") != NULL)
		return errmsg_set(r->err, "%s: the key is encrypted, and nobody is there to "
		    "ask: write it without a passphrase (openssl pkey -in %s)", r->path,
		    r->path);
	return take_key(r, der, n);
}

static int
read_blocks(struct reading *r, struct str text)
{
	BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	long n;
	int rc = 0, blocks = 0;

	CHECK(bio != NULL);
	ERR_clear_error();
	while (rc == 0 && PEM_read_bio(bio, &name, &header, &der, &n) == 1) {
		rc = take_block(r, name, header, der, n);
		blocks++;
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t)n);
	}
	BIO_free(bio);
	if (rc == 0 && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		rc = errmsg_set(r->err, "%s: block %d is broken", r->path, blocks + 1);
	if (rc == 0 && blocks == 0)
		rc = errmsg_set(r->err, "%s: there is nothing in PEM form in it "
		    "(-----BEGIN ...)", r->path);
	ERR_clear_error();
	return rc;
}

/* The certificate of the key, taken out of the others. */
static X509 *
matching(struct reading *r)
{
	X509 *found = NULL;
	int i;

	for (i = 0; found == NULL && i < sk_X509_num(r->certs); i++)
		if (X509_check_private_key(sk_X509_value(r->certs, i), r->key) == 1)
			found = sk_X509_delete(r->certs, i);
	ERR_clear_error();
	return found;
}

static struct tls_leaf *
make_leaf(struct reading *r)
{
	struct tls_leaf *leaf;
	X509 *cert;

	if (r->key == NULL || sk_X509_num(r->certs) == 0) {
		(void)errmsg_set(r->err, "%s: there is no %s in it: key, certificate and chain "
		    "belong into one file", r->path,
		    r->key == NULL ? "private key" : "certificate");
		return NULL;
	}
	cert = matching(r);
	if (cert == NULL) {
		(void)errmsg_set(r->err, "%s: the key is not that of %s", r->path,
		    sk_X509_num(r->certs) == 1 ? "the certificate"
		    : "any certificate in it");
		return NULL;
	}
	leaf = tls_leaf_new(cert, r->key, r->certs);
	leaf->refresh_at = INT64_MAX;
	r->key = NULL;
	return leaf;
}

struct tls_leaf *
tls_pair_load(const char *path, struct errmsg *err)
{
	struct reading r = {.path = path, .err = err};
	struct tls_leaf *leaf = NULL;
	size_t n;
	char *text;

	tls_library_init();
	text = fd_read_file(path, FILE_MAX_BYTES, &n);
	if (text == NULL) {
		if (errno == EFBIG)
			(void)errmsg_set(err, "%s: larger than %zu KiB", path,
			    FILE_MAX_BYTES >> 10);
		else
			(void)errmsg_sys(err, "cannot read %s", path);
		return NULL;
	}
	r.certs = sk_X509_new_null();
	CHECK(r.certs != NULL);
	if (read_blocks(&r, str_of(text, n)) == 0)
		leaf = make_leaf(&r);
	mem_wipe(text, n);
	free(text);
	EVP_PKEY_free(r.key);
	sk_X509_pop_free(r.certs, X509_free);
	return leaf;
}

int
tls_pair_check(const struct tls_leaf *leaf, const char *path, struct errmsg *err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	const char *why;
	int rc = 0;

	CHECK(ctx != NULL);
	SSL_CTX_set_security_level(ctx, 2);
	ERR_clear_error();
	if (SSL_CTX_use_certificate(ctx, leaf->cert) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, leaf->key) != 1 ||
	    SSL_CTX_set1_chain(ctx, leaf->chain) != 1) {
		why = ERR_reason_error_string(ERR_peek_last_error());
		rc = errmsg_set(err, "%s: no TLS with this certificate: %s (RSA keys have 2048 "
		    "bits at least, signatures SHA-256)", path, why != NULL ? why : "refused");
	}
	ERR_clear_error();
	SSL_CTX_free(ctx);
	return rc;
}

int64_t
tls_pair_left(const struct tls_leaf *leaf, int64_t now)
{
	struct tls_cert c;
	int64_t end;
	int i;

	cert_dates(leaf->cert, &c);
	end = c.not_after;
	for (i = 0; i < sk_X509_num(leaf->chain); i++) {
		cert_dates(sk_X509_value(leaf->chain, i), &c);
		end = MIN(end, c.not_after);
	}
	return end - now;
}
