/* SPDX-License-Identifier: ISC */
/* ca_make.c - see ca_make.h.  Runs in: signer. */
#include "config.h"

#include "signer/ca_make.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "signer/ask.h"

#define HOST_MAX 32	/* of the host's name in ours: a CN has 64 bytes */

EVP_PKEY *
ca_make_key(bool rsa)
{
	return rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
}

static void
add_text(X509_NAME *name, int nid, const char *text)
{
	CHECK(X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8,
	    (const unsigned char *)text, -1, -1, 0) == 1);
}

/* Unique by the key, so that people can tell two installations apart. */
static void
set_subject(X509 *cert, EVP_PKEY *key, const char *host)
{
	X509_NAME *name = X509_get_subject_name(cert);
	uint8_t *spki = NULL, hash[SHA256_DIGEST_LENGTH];
	char text[HOST_MAX + 32], safe[HOST_MAX + 1];
	int n = i2d_PUBKEY(key, &spki);
	size_t i;

	CHECK(n > 0);
	(void)SHA256(spki, (size_t)n, hash);
	OPENSSL_free(spki);
	for (i = 0; i < HOST_MAX && host[i] > ' ' && host[i] < 0x7f && host[i] != '.'; i++)
		safe[i] = host[i];
	safe[i] = '\0';
	(void)snprintf(text, sizeof(text), "mitmd CA %s%s%02x%02x%02x%02x", safe,
	    i > 0 ? " " : "", hash[0], hash[1], hash[2], hash[3]);
	add_text(name, NID_commonName, text);
	add_text(name, NID_organizationName, "mitmd");
}

static void
set_serial(X509 *cert)
{
	uint8_t bytes[16];
	BIGNUM *n;

	CHECK(RAND_bytes(bytes, sizeof(bytes)) == 1);
	bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40);
	n = BN_bin2bn(bytes, sizeof(bytes), NULL);
	CHECK(n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)) != NULL);
	BN_free(n);
}

static void
add_extension(X509 *cert, X509V3_CTX *ctx, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, ctx, nid, value);

	CHECK(e != NULL && X509_add_ext(cert, e, -1) == 1);
	X509_EXTENSION_free(e);
}

static void
add_constraints(X509 *cert, const struct permit *permit)
{
	NAME_CONSTRAINTS *nc;

	if (permit_any(permit))
		return;
	nc = permit_constraints(permit);
	CHECK(X509_add1_ext_i2d(cert, NID_name_constraints, nc, 1, X509V3_ADD_DEFAULT) == 1);
	NAME_CONSTRAINTS_free(nc);
}

X509 *
ca_make_cert(EVP_PKEY *key, const struct ca_new *want, int64_t now)
{
	X509 *cert = X509_new();
	X509V3_CTX ctx;

	CHECK(cert != NULL && X509_set_version(cert, X509_VERSION_3) == 1);
	set_serial(cert);
	CHECK(X509_set_pubkey(cert, key) == 1);
	set_subject(cert, key, want->host);
	CHECK(X509_set_issuer_name(cert, X509_get_subject_name(cert)) == 1);
	CHECK(ASN1_TIME_adj(X509_getm_notBefore(cert), (time_t)now, 0,
	    -ASK_BACKDATE_SECONDS) != NULL);
	CHECK(ASN1_TIME_adj(X509_getm_notAfter(cert), (time_t)now, 0,
	    CA_LIFETIME_SECONDS) != NULL);
	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	add_extension(cert, &ctx, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
	add_extension(cert, &ctx, NID_key_usage, "critical,keyCertSign,cRLSign");
	add_extension(cert, &ctx, NID_ext_key_usage, "serverAuth");
	add_extension(cert, &ctx, NID_subject_key_identifier, "hash");
	add_constraints(cert, want->permit);
	CHECK(X509_sign(cert, key, EVP_sha256()) > 0);
	return cert;
}
