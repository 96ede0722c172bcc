/* SPDX-License-Identifier: ISC */
/* ocsp.c - see ocsp.h.  Runs in: signer. */
#include "config.h"

#include "signer/ocsp.h"

#include <openssl/sha.h>

#define OID_OCSP_BASIC "\x2b\x06\x01\x05\x05\x07\x30\x01\x01"
/* SHA-1 only names the issuer here (RFC 5019 2.1.1); the signature is SHA-256. */
#define SHA1_ALGORITHM "\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00"

void
ocsp_issuer_init(struct ocsp_issuer *o, X509 *ca, struct str name)
{
	unsigned n = 0;

	o->name = name;
	(void)SHA1((const uint8_t *)name.p, name.n, o->name_hash);
	CHECK(X509_pubkey_digest(ca, EVP_sha1(), o->key_hash, &n) == 1);
	CHECK(n == sizeof(o->key_hash));
}

static void
put_cert_id(struct der *d, const struct ocsp_issuer *o, const uint8_t *serial)
{
	size_t id = der_open(d, DER_SEQUENCE);

	der_raw(d, SHA1_ALGORITHM, sizeof(SHA1_ALGORITHM) - 1);
	der_put(d, DER_OCTET_STRING, o->name_hash, sizeof(o->name_hash));
	der_put(d, DER_OCTET_STRING, o->key_hash, sizeof(o->key_hash));
	der_put(d, DER_INTEGER, serial, TBS_SERIAL_BYTES);
	der_close(d, id);
}

static void
put_status(struct der *d, bool revoked, int64_t when)
{
	size_t info, reason;

	if (!revoked) {
		der_put(d, DER_CONTEXT(0), NULL, 0);
		return;
	}
	info = der_open(d, DER_CONTEXT_OF(1));
	der_generalized_time(d, when);
	reason = der_open(d, DER_CONTEXT_OF(0));
	der_put(d, DER_ENUMERATED, "\0", 1);	/* unspecified */
	der_close(d, reason);
	der_close(d, info);
}

static void
put_response_data(struct der *d, const struct ocsp_issuer *o, const uint8_t *serial,
    bool revoked, int64_t this_update, int64_t next_update)
{
	size_t data = der_open(d, DER_SEQUENCE), part, list, single;

	/* responderID: byName; GnuTLS finds no responder by its key among its roots. */
	part = der_open(d, DER_CONTEXT_OF(1));
	der_raw(d, o->name.p, o->name.n);
	der_close(d, part);
	der_generalized_time(d, this_update);	/* producedAt */
	list = der_open(d, DER_SEQUENCE);
	single = der_open(d, DER_SEQUENCE);
	put_cert_id(d, o, serial);
	put_status(d, revoked, this_update);
	der_generalized_time(d, this_update);
	part = der_open(d, DER_CONTEXT_OF(0));
	der_generalized_time(d, next_update);
	der_close(d, part);
	der_close(d, single);
	der_close(d, list);
	der_close(d, data);
}

int
ocsp_put(struct der *d, const struct ocsp_issuer *o, const struct seal *seal,
    const uint8_t serial[TBS_SERIAL_BYTES], bool revoked, int64_t this_update,
    int64_t next_update)
{
	size_t response = der_open(d, DER_SEQUENCE), outer, bytes, octets, basic, start;

	der_put(d, DER_ENUMERATED, "\0", 1);	/* successful */
	outer = der_open(d, DER_CONTEXT_OF(0));
	bytes = der_open(d, DER_SEQUENCE);
	der_put(d, DER_OID, OID_OCSP_BASIC, sizeof(OID_OCSP_BASIC) - 1);
	octets = der_open(d, DER_OCTET_STRING);
	basic = der_open(d, DER_SEQUENCE);
	start = d->n;
	put_response_data(d, o, serial, revoked, this_update, next_update);
	CHECK(!d->full);
	if (seal_put(seal, d, str_of(d->p + start, d->n - start)) != 0)
		return ERR_SYS;
	der_close(d, basic);
	der_close(d, octets);
	der_close(d, bytes);
	der_close(d, outer);
	der_close(d, response);
	CHECK(!d->full);
	return 0;
}
