/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "certs.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include "base/attr.h"

static struct {
	EVP_PKEY *ec, *rsa1024, *rsa2048;
	struct issuer root, stranger;
	X509_STORE *store;
	long serial;
} made;

EVP_PKEY *
certs_key(void)
{
	if (made.ec == NULL)
		made.ec = EVP_EC_gen("P-256");
	CHECK(made.ec != NULL);
	return made.ec;
}

EVP_PKEY *
certs_rsa(int bits)
{
	EVP_PKEY **key = bits == 1024 ? &made.rsa1024 : &made.rsa2048;

	if (*key == NULL)
		*key = EVP_RSA_gen((size_t)bits);
	CHECK(*key != NULL);
	return *key;
}

static void
add_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	CHECK(e != NULL);
	CHECK(X509_add_ext(x, e, -1) == 1);
	X509_EXTENSION_free(e);
}

static void
add_raw_san(X509 *x, const struct spec *s)
{
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e;

	CHECK(ASN1_OCTET_STRING_set(value, s->raw_san, (int)s->raw_san_len) == 1);
	e = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, value);
	CHECK(e != NULL && X509_add_ext(x, e, -1) == 1);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(value);
}

static void
add_extensions(X509 *x, X509 *issuer, const struct spec *s)
{
	const char *san = s->san != NULL ? s->san : s->ca ? "" : "DNS:www.test";
	const char *eku = s->eku != NULL ? s->eku : s->ca ? "" : "serverAuth";

	add_ext(x, issuer, NID_basic_constraints,
	    s->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	add_ext(x, issuer, NID_subject_key_identifier, "hash");
	if (issuer != x)
		add_ext(x, issuer, NID_authority_key_identifier, "keyid");
	if (s->key_usage != NULL)
		add_ext(x, issuer, NID_key_usage, s->key_usage);
	else if (s->ca)
		add_ext(x, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
	if (s->raw_san != NULL)
		add_raw_san(x, s);
	else if (san[0] != '\0')
		add_ext(x, issuer, NID_subject_alt_name, san);
	if (eku[0] != '\0')
		add_ext(x, issuer, NID_ext_key_usage, eku);
	if (s->tls_feature != NULL)
		add_ext(x, issuer, NID_tlsfeature, s->tls_feature);
}

/* As it would come from the network: nothing of how it was built is left. */
static X509 *
reread(X509 *x)
{
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der);
	const unsigned char *at = der;
	X509 *out = d2i_X509(NULL, &at, n);

	CHECK(out != NULL);
	OPENSSL_free(der);
	X509_free(x);
	return out;
}

X509 *
certs_make(const struct spec *s, const struct issuer *by)
{
	X509 *x = X509_new(), *issuer = by != NULL ? by->cert : x;
	EVP_PKEY *key = s->key != NULL ? s->key : certs_key();
	bool dated = s->from != 0 || s->until != 0;
	X509_NAME *name = X509_get_subject_name(x);
	const char *cn = s->cn != NULL ? s->cn : "www.test";
	const EVP_MD *md = s->md != NULL ? s->md : EVP_sha256();

	CHECK(X509_set_version(x, X509_VERSION_3) == 1);
	CHECK(ASN1_INTEGER_set(X509_get_serialNumber(x), 4096 + ++made.serial) == 1);
	X509_gmtime_adj(X509_getm_notBefore(x), (dated ? s->from : -1) * 86400L);
	X509_gmtime_adj(X509_getm_notAfter(x), (dated ? s->until : 30) * 86400L);
	CHECK(X509_set_pubkey(x, key) == 1);
	CHECK(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cn,
	    -1, -1, 0) == 1);
	if (s->org != NULL)
		CHECK(X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
		    (const unsigned char *)s->org, -1, -1, 0) == 1);
	CHECK(X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1);
	add_extensions(x, issuer, s);
	CHECK(X509_sign(x, by != NULL ? by->key : key, md) > 0);
	return reread(x);
}

static const struct issuer *
make_ca(struct issuer *ca, const char *cn)
{
	if (ca->cert == NULL) {
		ca->key = EVP_EC_gen("P-256");
		CHECK(ca->key != NULL);
		ca->cert = certs_make(&(struct spec){.cn = cn, .ca = true, .key = ca->key}, NULL);
	}
	return ca;
}

const struct issuer *
certs_root(void)
{
	return make_ca(&made.root, "Root of the tests");
}

const struct issuer *
certs_stranger(void)
{
	return make_ca(&made.stranger, "Stranger");
}

X509_STORE *
certs_store(void)
{
	if (made.store == NULL) {
		made.store = X509_STORE_new();
		CHECK(X509_STORE_add_cert(made.store, certs_root()->cert) == 1);
	}
	return made.store;
}

X509 *
certs_leaf(const struct spec *s)
{
	return certs_make(s, certs_root());
}

void
certs_spki(X509 *x, uint8_t out[32])
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(X509_get0_pubkey(x), &der);

	CHECK(n > 0);
	SHA256(der, (size_t)n, out);
	OPENSSL_free(der);
}

STACK_OF(X509) *
certs_chain(X509 *leaf, X509 *second)
{
	STACK_OF(X509) *chain = sk_X509_new_null();

	CHECK(X509_add_cert(chain, leaf, X509_ADD_FLAG_UP_REF) == 1);
	if (second != NULL)
		CHECK(X509_add_cert(chain, second, X509_ADD_FLAG_UP_REF) == 1);
	return chain;
}

void
certs_cleanup(void)
{
	EVP_PKEY_free(made.ec);
	EVP_PKEY_free(made.rsa1024);
	EVP_PKEY_free(made.rsa2048);
	X509_free(made.root.cert);
	EVP_PKEY_free(made.root.key);
	X509_free(made.stranger.cert);
	EVP_PKEY_free(made.stranger.key);
	X509_STORE_free(made.store);
	memset(&made, 0, sizeof(made));
}
