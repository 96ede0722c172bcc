/* SPDX-License-Identifier: ISC */
/* tbs.c - see tbs.h.  Runs in: signer. */
#include "config.h"

#include "signer/tbs.h"

#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#define OID_ORGANIZATION "\x55\x04\x0a"
#define OID_COMMON_NAME "\x55\x04\x03"
#define OID_SUBJECT_KEY "\x55\x1d\x0e"
#define OID_KEY_USAGE "\x55\x1d\x0f"
#define OID_ALT_NAMES "\x55\x1d\x11"
#define OID_BASIC_CONSTRAINTS "\x55\x1d\x13"
#define OID_AUTHORITY_KEY "\x55\x1d\x23"
#define OID_EXT_KEY_USAGE "\x55\x1d\x25"
#define OID_TLS_FEATURE "\x2b\x06\x01\x05\x05\x07\x01\x18"
#define SERVER_AUTH "\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01"
/*
 * What nobody knows: below the enterprise number 32473, which stands for nobody
 * (RFC 5612).  An OID made of a UUID would not do: its number is too large for
 * the parsers of some clients.
 */
#define NO_PURPOSE "\x30\x0c\x06\x0a\x2b\x06\x01\x04\x01\x81\xfd\x59\x01\x01"
#define OID_NO_EXTENSION "\x2b\x06\x01\x04\x01\x81\xfd\x59\x01\x02"

int
tbs_key_init(struct tbs_key *k, EVP_PKEY *key)
{
	X509_PUBKEY *spki = NULL;
	const uint8_t *bits;
	uint8_t *out = k->spki;
	int n, bits_len, ret = ERR_SYS;

	k->rsa = EVP_PKEY_base_id(key) == EVP_PKEY_RSA;
	if (X509_PUBKEY_set(&spki, key) != 1)
		goto done;
	n = i2d_X509_PUBKEY(spki, NULL);
	if (n <= 0 || (size_t)n > sizeof(k->spki) || i2d_X509_PUBKEY(spki, &out) != n ||
	    X509_PUBKEY_get0_param(NULL, &bits, &bits_len, NULL, spki) != 1)
		goto done;
	k->spki_len = (size_t)n;
	(void)SHA1(bits, (size_t)bits_len, k->id);
	ret = 0;
done:
	X509_PUBKEY_free(spki);
	return ret;
}

int
tbs_make_serial(uint8_t serial[TBS_SERIAL_BYTES])
{
	if (RAND_bytes(serial, TBS_SERIAL_BYTES) != 1)
		return ERR_SYS;
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
	return 0;
}

/* Extension ::= SEQUENCE { extnID, critical DEFAULT FALSE, extnValue OCTET STRING } */
static size_t
extension_open(struct der *d, struct str oid, bool critical, size_t *out_value)
{
	size_t extension = der_open(d, DER_SEQUENCE);

	der_put(d, DER_OID, oid.p, oid.n);
	if (critical)
		der_put(d, DER_BOOLEAN, "\xff", 1);
	*out_value = der_open(d, DER_OCTET_STRING);
	return extension;
}

static void
extension_close(struct der *d, size_t extension, size_t value)
{
	der_close(d, value);
	der_close(d, extension);
}

static void
extension_put(struct der *d, struct str oid, bool critical, struct str content)
{
	size_t value, extension = extension_open(d, oid, critical, &value);

	der_raw(d, content.p, content.n);
	extension_close(d, extension, value);
}

static void
put_alt_names(struct der *d, const struct tbs *t)
{
	bool critical = t->cn.n == 0 && t->org.n == 0;	/* RFC 5280 4.2.1.6 */
	size_t value, list, extension, i;

	extension = extension_open(d, STR(OID_ALT_NAMES), critical, &value);
	list = der_open(d, DER_SEQUENCE);
	for (i = 0; i < t->nnames; i++)
		der_put(d, DER_CONTEXT(t->names[i].type), t->names[i].value.p,
		    t->names[i].value.n);
	der_close(d, list);
	extension_close(d, extension, value);
}

/*
 * A named bit list without trailing zeros (X.690 11.2.2).  KU_* have the first
 * eight bits as they lie in the first byte, and the ninth above them.
 */
static void
put_key_usage(struct der *d, uint32_t bits)
{
	uint8_t string[3] = {0, (uint8_t)bits, (uint8_t)(bits >> 8)};
	size_t value, extension, n = string[2] != 0 ? 3 : string[1] != 0 ? 2 : 1;

	while (n > 1 && (string[n - 1] & 1u << string[0]) == 0)
		string[0]++;	/* unused bits */
	extension = extension_open(d, STR(OID_KEY_USAGE), true, &value);
	der_put(d, DER_BIT_STRING, string, n);
	extension_close(d, extension, value);
}

static uint32_t
key_usage_of(const struct tbs *t)
{
	if (t->is_ca)
		return KU_KEY_CERT_SIGN | KU_CRL_SIGN;
	if ((t->copy & COPY_KEY_USAGE) != 0)
		return t->key_usage;
	/* keyEncipherment is for TLS 1.2 without (EC)DHE. */
	return t->key->rsa ? KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT : KU_DIGITAL_SIGNATURE;
}

static void
put_key_identifiers(struct der *d, const struct tbs *t)
{
	size_t value, sequence, extension;

	extension = extension_open(d, STR(OID_SUBJECT_KEY), false, &value);
	der_put(d, DER_OCTET_STRING, t->key->id, sizeof(t->key->id));
	extension_close(d, extension, value);
	if ((t->copy & COPY_NO_AKI) != 0)
		return;
	extension = extension_open(d, STR(OID_AUTHORITY_KEY), false, &value);
	sequence = der_open(d, DER_SEQUENCE);
	der_put(d, DER_CONTEXT(0), t->authority.p, t->authority.n);
	der_close(d, sequence);
	extension_close(d, extension, value);
}

static void
put_extensions(struct der *d, const struct tbs *t)
{
	if (t->nnames > 0)
		put_alt_names(d, t);
	/* CA:FALSE is the empty sequence (the default must not be written). */
	extension_put(d, STR(OID_BASIC_CONSTRAINTS), true,
	    t->is_ca ? STR("\x30\x03\x01\x01\xff") : STR("\x30\x00"));
	put_key_usage(d, key_usage_of(t));
	if (!t->is_ca)
		extension_put(d, STR(OID_EXT_KEY_USAGE), false,
		    (t->copy & COPY_PURPOSE) != 0 ? STR(NO_PURPOSE) : STR(SERVER_AUTH));
	put_key_identifiers(d, t);
	/* SEQUENCE OF INTEGER: status_request (RFC 7633 4.1) */
	if ((t->copy & COPY_MUST_STAPLE) != 0)
		extension_put(d, STR(OID_TLS_FEATURE), false, STR("\x30\x03\x02\x01\x05"));
	if ((t->copy & COPY_CRITICAL) != 0)
		extension_put(d, STR(OID_NO_EXTENSION), true, STR("\x05\x00"));
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

void
tbs_put_name(struct der *d, struct str org, struct str cn)
{
	size_t name = der_open(d, DER_SEQUENCE);

	put_attribute(d, OID_ORGANIZATION, org);
	put_attribute(d, OID_COMMON_NAME, cn);
	der_close(d, name);
}

void
tbs_put(struct der *d, const struct tbs *t)
{
	size_t tbs = der_open(d, DER_SEQUENCE), part, list;

	part = der_open(d, DER_CONTEXT_OF(0));	/* version 3 */
	der_put(d, DER_INTEGER, "\x02", 1);
	der_close(d, part);
	der_put(d, DER_INTEGER, t->serial, TBS_SERIAL_BYTES);
	der_raw(d, t->algorithm.p, t->algorithm.n);
	der_raw(d, t->issuer.p, t->issuer.n);
	part = der_open(d, DER_SEQUENCE);
	der_time(d, t->not_before);
	der_time(d, t->not_after);
	der_close(d, part);
	tbs_put_name(d, t->org, t->cn);
	der_raw(d, t->key->spki, t->key->spki_len);
	part = der_open(d, DER_CONTEXT_OF(3));
	list = der_open(d, DER_SEQUENCE);
	put_extensions(d, t);
	der_close(d, list);
	der_close(d, part);
	der_close(d, tbs);
}
