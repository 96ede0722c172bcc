/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "certs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include "base/attr.h"

static struct {
	EVP_PKEY *ec, *rsa1024, *rsa2048;
	struct {
		const char *type;
		EVP_PKEY *key;
	} others[16];
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

static EVP_PKEY *
make_dsa(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
	EVP_PKEY *params = NULL, *key = NULL;

	CHECK(EVP_PKEY_paramgen_init(ctx) == 1);
	CHECK(EVP_PKEY_CTX_set_dsa_paramgen_bits(ctx, 2048) == 1);
	CHECK(EVP_PKEY_paramgen(ctx, &params) == 1);
	EVP_PKEY_CTX_free(ctx);
	ctx = EVP_PKEY_CTX_new(params, NULL);
	CHECK(EVP_PKEY_keygen_init(ctx) == 1 && EVP_PKEY_keygen(ctx, &key) == 1);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(params);
	return key;
}

static EVP_PKEY *
make_key(const char *type)
{
	EVP_PKEY *key;

	if (strncmp(type, "RSA-", 4) == 0)
		return EVP_RSA_gen((size_t)atoi(type + 4));
	if (strcmp(type, "ED25519") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (strcmp(type, "DSA") == 0)
		return make_dsa();
	if (strcmp(type, "explicit") != 0) {
		char curve[16] = "";

		memcpy(curve, type, strcspn(type, " "));
		return EVP_EC_gen(curve);
	}
	key = EVP_EC_gen("P-256");
	CHECK(EVP_PKEY_set_utf8_string_param(key, "encoding", "explicit") == 1);
	return key;
}

EVP_PKEY *
certs_key_of(const char *type)
{
	size_t i;

	for (i = 0; made.others[i].type != NULL; i++) {
		CHECK(i + 1 < NELEM(made.others));
		if (strcmp(made.others[i].type, type) == 0)
			return made.others[i].key;
	}
	made.others[i].type = type;
	made.others[i].key = make_key(type);
	CHECK(made.others[i].key != NULL);
	return made.others[i].key;
}

static EVP_PKEY *
key_for(const struct spec *s)
{
	if (s->key != NULL)
		return s->key;
	return s->key_type != NULL ? certs_key_of(s->key_type) : certs_key();
}

static const EVP_MD *
digest_for(const struct spec *s, EVP_PKEY *signer)
{
	if (EVP_PKEY_is_a(signer, "ED25519") == 1)
		return NULL;
	if (s->digest != NULL)
		return EVP_get_digestbyname(s->digest);
	return s->md != NULL ? s->md : EVP_sha256();
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
add_unknown(X509 *x, const char *value)
{
	ASN1_OBJECT *oid = OBJ_txt2obj("1.2.3.4.5.6", 1);
	bool critical = strncmp(value, "critical,", 9) == 0;
	ASN1_OCTET_STRING *text = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e;

	CHECK(ASN1_OCTET_STRING_set(text, (const unsigned char *)value, -1) == 1);
	e = X509_EXTENSION_create_by_OBJ(NULL, oid, critical, text);
	CHECK(e != NULL && X509_add_ext(x, e, -1) == 1);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(text);
	ASN1_OBJECT_free(oid);
}

static void
add_thousand_names(X509 *x, X509 *issuer)
{
	char text[32000] = "DNS:www.test";
	size_t n = strlen(text);
	int i;

	for (i = 0; i < 1000; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ",DNS:host%d.many.test", i);
	add_ext(x, issuer, NID_subject_alt_name, text);
}

/* What it says, what a good one has, or nothing. */
static void
add_either(X509 *x, X509 *issuer, int nid, const char *said, const char *usual)
{
	const char *value = said != NULL ? said : usual;

	if (value[0] != '\0')
		add_ext(x, issuer, nid, value);
}

static void
add_extensions(X509 *x, X509 *issuer, const struct spec *s)
{
	add_either(x, issuer, NID_basic_constraints, s->constraints,
	    s->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	add_either(x, issuer, NID_subject_key_identifier, s->ski, "hash");
	add_either(x, issuer, NID_authority_key_identifier, s->aki,
	    issuer != x && X509_get_ext_by_NID(issuer, NID_subject_key_identifier, -1) >= 0 ?
	    "keyid" : "");
	add_either(x, issuer, NID_key_usage, s->key_usage,
	    s->ca ? "critical,keyCertSign,cRLSign" : "");
	if (s->raw_san != NULL)
		add_raw_san(x, s);
	else if (s->sans)
		add_thousand_names(x, issuer);
	else
		add_either(x, issuer, NID_subject_alt_name, s->san, s->ca ? "" : "DNS:www.test");
	add_either(x, issuer, NID_ext_key_usage, s->eku, s->ca ? "" : "serverAuth");
	add_either(x, issuer, NID_ext_key_usage, s->again, "");
	add_either(x, issuer, NID_tlsfeature, s->tls_feature, "");
	add_either(x, issuer, NID_name_constraints, s->names_allowed, "");
	if (s->extra != NULL)
		add_unknown(x, s->extra);
}

static void
set_serial(X509 *x, const char *hex)
{
	BIGNUM *n = NULL;

	if (hex == NULL) {
		CHECK(ASN1_INTEGER_set(X509_get_serialNumber(x), 4096 + ++made.serial) == 1);
		return;
	}
	CHECK(BN_hex2bn(&n, hex) > 0);
	CHECK(BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL);
	BN_free(n);
}

static void
set_dates(X509 *x, const struct spec *s)
{
	bool dated = s->from != 0 || s->until != 0 || s->in_seconds;
	long unit = s->in_seconds ? 1 : 86400;

	X509_gmtime_adj(X509_getm_notBefore(x), (dated ? s->from : -1) * unit);
	X509_gmtime_adj(X509_getm_notAfter(x), (dated ? s->until : 30) * unit);
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
	EVP_PKEY *key = key_for(s), *signer = by != NULL ? by->key : key;
	X509_NAME *name = X509_get_subject_name(x);
	const char *cn = s->cn != NULL ? s->cn : "www.test";

	CHECK(X509_set_version(x, s->v1 ? X509_VERSION_1 : X509_VERSION_3) == 1);
	set_serial(x, s->serial);
	set_dates(x, s);
	CHECK(X509_set_pubkey(x, key) == 1);
	if (!s->no_subject)
		CHECK(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		    (const unsigned char *)cn, -1, -1, 0) == 1);
	if (s->org != NULL)
		CHECK(X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
		    (const unsigned char *)s->org, -1, -1, 0) == 1);
	CHECK(X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1);
	if (!s->v1)
		add_extensions(x, issuer, s);
	CHECK(X509_sign(x, signer, digest_for(s, signer)) > 0);
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
	size_t i;

	EVP_PKEY_free(made.ec);
	for (i = 0; i < NELEM(made.others); i++)
		EVP_PKEY_free(made.others[i].key);
	EVP_PKEY_free(made.rsa1024);
	EVP_PKEY_free(made.rsa2048);
	X509_free(made.root.cert);
	EVP_PKEY_free(made.root.key);
	X509_free(made.stranger.cert);
	EVP_PKEY_free(made.stranger.key);
	X509_STORE_free(made.store);
	memset(&made, 0, sizeof(made));
}
