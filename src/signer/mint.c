/* SPDX-License-Identifier: ISC */
/* mint.c - see mint.h.  Runs in: signer. */
#include "config.h"

#include "signer/mint.h"

#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "signer/der.h"
#include "tls/name.h"

#define SIGNATURE_MAX 1024	/* RSA-8192 */

/* What certificates of one leaf key have in common. */
struct template {
	uint8_t spki[512], extensions[256];
	size_t spki_len, extensions_len;
};

struct minter {
	EVP_PKEY_CTX *sign;
	int64_t not_after, lifetime;
	struct str algorithm;
	uint8_t *issuer;
	size_t issuer_len;
	uint8_t authority[64];	/* the CA's subject key identifier */
	size_t authority_len;
	struct template ec, rsa;
};

/* RFC 5758 3.2: ecdsa-with-SHA256 has no parameters; RFC 4055 5: RSA's are NULL. */
#define ECDSA_SHA256 "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define RSA_SHA256 "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00"

static void
take_authority(struct minter *m, X509 *ca)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(ca);
	unsigned n = 0;

	/* A byte copy, never computed anew: OpenSSL compares bytes (RFC 5280 4.2.1.1). */
	if (id != NULL && (size_t)ASN1_STRING_length(id) <= sizeof(m->authority)) {
		m->authority_len = (size_t)ASN1_STRING_length(id);
		memcpy(m->authority, ASN1_STRING_get0_data(id), m->authority_len);
		return;
	}
	CHECK(X509_pubkey_digest(ca, EVP_sha1(), m->authority, &n) == 1);
	m->authority_len = n;
}

struct minter *
minter_new(X509 *ca, EVP_PKEY *ca_key, int64_t not_after, int64_t lifetime)
{
	struct minter *m = mem_new(struct minter);
	bool ec = EVP_PKEY_base_id(ca_key) == EVP_PKEY_EC;
	int n;

	m->not_after = not_after;
	m->lifetime = lifetime;
	m->algorithm = ec ? STR(ECDSA_SHA256) : STR(RSA_SHA256);
	m->sign = EVP_PKEY_CTX_new(ca_key, NULL);
	CHECK(m->sign != NULL && EVP_PKEY_sign_init(m->sign) == 1);
	if (!ec)
		CHECK(EVP_PKEY_CTX_set_rsa_padding(m->sign, RSA_PKCS1_PADDING) == 1);
	CHECK(EVP_PKEY_CTX_set_signature_md(m->sign, EVP_sha256()) == 1);
	CHECK((size_t)EVP_PKEY_get_size(ca_key) <= SIGNATURE_MAX);
	n = i2d_X509_NAME(X509_get_subject_name(ca), &m->issuer);
	CHECK(n > 0);
	m->issuer_len = (size_t)n;
	take_authority(m, ca);
	return m;
}

void
minter_free(struct minter **pm)
{
	struct minter *m = pm != NULL ? *pm : NULL;

	if (m == NULL)
		return;
	*pm = NULL;
	EVP_PKEY_CTX_free(m->sign);
	OPENSSL_free(m->issuer);
	free(m);
}

/* Extension ::= SEQUENCE { extnID, critical DEFAULT FALSE, extnValue OCTET STRING } */
static size_t
extension_open(struct der *d, const char oid[3], bool critical, size_t *out_value)
{
	size_t extension = der_open(d, DER_SEQUENCE);

	der_put(d, DER_OID, oid, 3);
	if (critical)
		der_put(d, DER_BOOLEAN, "\xff", 1);
	*out_value = der_open(d, DER_OCTET_STRING);
	return extension;
}

static void
extension_put(struct der *d, const char oid[3], bool critical, struct str value)
{
	size_t inner, extension = extension_open(d, oid, critical, &inner);

	der_raw(d, value.p, value.n);
	der_close(d, inner);
	der_close(d, extension);
}

static void
put_key_identifiers(struct der *d, const struct minter *m, const uint8_t id[20])
{
	size_t value, sequence, extension;

	extension = extension_open(d, "\x55\x1d\x0e", false, &value);
	der_put(d, DER_OCTET_STRING, id, 20);
	der_close(d, value);
	der_close(d, extension);

	extension = extension_open(d, "\x55\x1d\x23", false, &value);
	sequence = der_open(d, DER_SEQUENCE);
	der_put(d, DER_CONTEXT(0), m->authority, m->authority_len);
	der_close(d, sequence);
	der_close(d, value);
	der_close(d, extension);
}

/* Everything but the subjectAltName. */
static void
encode_extensions(struct template *t, const struct minter *m, bool rsa, const uint8_t id[20])
{
	struct der d = der_into(t->extensions, sizeof(t->extensions));

	/* CA:FALSE is the empty sequence (the default must not be written). */
	extension_put(&d, "\x55\x1d\x13", true, STR("\x30\x00"));
	/* digitalSignature; with RSA keyEncipherment, for TLS 1.2 without (EC)DHE. */
	extension_put(&d, "\x55\x1d\x0f", true,
	    rsa ? STR("\x03\x02\x05\xa0") : STR("\x03\x02\x07\x80"));
	/* serverAuth, 1.3.6.1.5.5.7.3.1 */
	extension_put(&d, "\x55\x1d\x25", false,
	    STR("\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01"));
	put_key_identifiers(&d, m, id);
	CHECK(!d.full);
	t->extensions_len = d.n;
}

static int
fill_template(struct template *t, const struct minter *m, const struct keyring_private *k,
    bool rsa)
{
	const uint8_t *p = k->der, *bits;
	EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &p, k->der_len);
	X509_PUBKEY *spki = NULL;
	uint8_t id[20], *out = t->spki;
	int bits_len, n, ret = -1;

	if (key == NULL || X509_PUBKEY_set(&spki, key) != 1)
		goto done;
	n = i2d_X509_PUBKEY(spki, NULL);
	if (n <= 0 || (size_t)n > sizeof(t->spki) || i2d_X509_PUBKEY(spki, &out) != n ||
	    X509_PUBKEY_get0_param(NULL, &bits, &bits_len, NULL, spki) != 1)
		goto done;
	t->spki_len = (size_t)n;
	(void)SHA1(bits, (size_t)bits_len, id);
	encode_extensions(t, m, rsa, id);
	ret = 0;
done:
	X509_PUBKEY_free(spki);
	EVP_PKEY_free(key);
	return ret;
}

int
minter_take_keys(struct minter *m, const struct keyring *k)
{
	if (fill_template(&m->ec, m, &k->keys[KEYRING_EC], false) != 0)
		return -1;
	return fill_template(&m->rsa, m, &k->keys[KEYRING_RSA], true);
}

static void
put_attribute(struct der *d, const char oid[3], struct str value)
{
	size_t set, pair;

	if (value.n == 0)
		return;
	set = der_open(d, DER_SET);
	pair = der_open(d, DER_SEQUENCE);
	der_put(d, DER_OID, oid, 3);
	der_put(d, DER_UTF8_STRING, value.p, value.n);
	der_close(d, pair);
	der_close(d, set);
}

static void
put_alt_names(struct der *d, const struct ask *ask)
{
	bool critical = ask->cn.n == 0 && ask->org.n == 0;	/* RFC 5280 4.2.1.6 */
	size_t value, names, extension, i;

	extension = extension_open(d, "\x55\x1d\x11", critical, &value);
	names = der_open(d, DER_SEQUENCE);
	for (i = 0; i < ask->nnames; i++)
		der_put(d, DER_CONTEXT(ask->names[i].type), ask->names[i].value.p,
		    ask->names[i].value.n);
	der_close(d, names);
	der_close(d, value);
	der_close(d, extension);
}

static void
put_tbs(struct der *d, const struct minter *m, const struct ask *ask,
    const uint8_t serial[MINT_SERIAL_BYTES], int64_t not_before, int64_t not_after)
{
	const struct template *t = ask->rsa ? &m->rsa : &m->ec;
	size_t tbs = der_open(d, DER_SEQUENCE), part, list;

	part = der_open(d, DER_CONTEXT_OF(0));	/* version 3 */
	der_put(d, DER_INTEGER, "\x02", 1);
	der_close(d, part);
	der_put(d, DER_INTEGER, serial, MINT_SERIAL_BYTES);
	der_raw(d, m->algorithm.p, m->algorithm.n);
	der_raw(d, m->issuer, m->issuer_len);
	part = der_open(d, DER_SEQUENCE);
	der_time(d, not_before);
	der_time(d, not_after);
	der_close(d, part);
	part = der_open(d, DER_SEQUENCE);
	put_attribute(d, "\x55\x04\x0a", ask->org);
	put_attribute(d, "\x55\x04\x03", ask->cn);
	der_close(d, part);
	der_raw(d, t->spki, t->spki_len);
	part = der_open(d, DER_CONTEXT_OF(3));
	list = der_open(d, DER_SEQUENCE);
	put_alt_names(d, ask);
	der_raw(d, t->extensions, t->extensions_len);
	der_close(d, list);
	der_close(d, part);
	der_close(d, tbs);
}

static int
put_signature(struct der *d, const struct minter *m, struct str tbs)
{
	uint8_t hash[SHA256_DIGEST_LENGTH], bits[1 + SIGNATURE_MAX];
	size_t n = SIGNATURE_MAX;

	(void)SHA256((const uint8_t *)tbs.p, tbs.n, hash);
	bits[0] = 0;	/* unused bits */
	if (EVP_PKEY_sign(m->sign, bits + 1, &n, hash, sizeof(hash)) != 1)
		return ERR_SYS;
	der_raw(d, m->algorithm.p, m->algorithm.n);
	der_put(d, DER_BIT_STRING, bits, 1 + n);
	return 0;
}

/* Positive, of fixed length and without leading zeros: 126 random bits. */
static int
make_serial(uint8_t serial[MINT_SERIAL_BYTES])
{
	if (RAND_bytes(serial, MINT_SERIAL_BYTES) != 1)
		return ERR_SYS;
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
	return 0;
}

int
mint_leaf(struct minter *m, const struct ask *ask, int64_t now, struct minted *out)
{
	struct der d = der_into(out->der, sizeof(out->der));
	int64_t not_after = MIN(now + m->lifetime, m->not_after);
	size_t certificate, start;

	if (ask->not_after != 0)
		not_after = MIN(not_after, ask->not_after);
	if (not_after <= now)
		return ERR_DENIED;
	if (make_serial(out->serial) != 0)
		return ERR_SYS;
	certificate = der_open(&d, DER_SEQUENCE);
	start = d.n;
	put_tbs(&d, m, ask, out->serial, now - ASK_BACKDATE_SECONDS, not_after);
	CHECK(!d.full);	/* a checked request always fits */
	if (put_signature(&d, m, str_of(d.p + start, d.n - start)) != 0)
		return ERR_SYS;
	der_close(&d, certificate);
	CHECK(!d.full);
	out->n = d.n;
	out->refresh_at = now + (not_after - now) / 2;
	return 0;
}
