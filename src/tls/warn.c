/* SPDX-License-Identifier: ISC */
/*
 * warn.c - see warn.h.  A sentence says what is there and who minds.
 * Runs in: worker, tests.
 */
#include "config.h"

#include "tls/warn.h"

#include <stdarg.h>
#include <stdlib.h>

#include <openssl/x509v3.h>

#include "base/mem.h"

#define DAY 86400
#define SERIAL_MAX 20	/* octets, RFC 5280 4.1.2.2 */
#define PUBLIC_DAYS_MAX 398	/* browsers, for certificates issued from this day on: */
#define PUBLIC_SINCE INT64_C(1598918400)	/* 2020-09-01 */

static void
add(struct tls_facts *f, char *text)
{
	size_t i;

	for (i = 0; i < f->nwarnings; i++)
		if (strcmp(f->warnings[i], text) == 0)
			break;
	if (i == f->nwarnings && i < NELEM(f->warnings))
		f->warnings[f->nwarnings++] = text;
	else
		free(text);
}

/*
 * What check_extensions() and check_purpose() of OpenSSL 3.0 ask only with the
 * flag, the last two not always.  (90 and 91
 * it never comes to say: there such an extension is unknown, and critical.)
 */
static const struct {
	int code;
	const char *what;
} strict_only[] = {
	{X509_V_ERR_SIGNATURE_ALGORITHM_INCONSISTENCY,
	    "names two different signature algorithms"},
	{X509_V_ERR_PATHLEN_INVALID_FOR_NON_CA, "has a path length and is no CA"},
	{X509_V_ERR_PATHLEN_WITHOUT_KU_KEY_CERT_SIGN,
	    "has a path length and a key usage without keyCertSign"},
	{X509_V_ERR_KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA,
	    "has keyCertSign in its key usage and is no CA"},
	{X509_V_ERR_ISSUER_NAME_EMPTY, "has an empty issuer"},
	{X509_V_ERR_SUBJECT_NAME_EMPTY, "has an empty subject"},
	{X509_V_ERR_MISSING_AUTHORITY_KEY_IDENTIFIER, "has no authority key identifier"},
	{X509_V_ERR_MISSING_SUBJECT_KEY_IDENTIFIER, "is a CA without subject key identifier"},
	{X509_V_ERR_EMPTY_SUBJECT_ALT_NAME, "has an empty subjectAltName"},
	{X509_V_ERR_EMPTY_SUBJECT_SAN_NOT_CRITICAL,
	    "has an empty subject and a subjectAltName that is not critical"},
	{X509_V_ERR_CA_BCONS_NOT_CRITICAL, "is a CA by basicConstraints that are not critical"},
	{X509_V_ERR_AUTHORITY_KEY_IDENTIFIER_CRITICAL,
	    "has a critical authority key identifier"},
	{X509_V_ERR_SUBJECT_KEY_IDENTIFIER_CRITICAL, "has a critical subject key identifier"},
	{X509_V_ERR_CA_CERT_MISSING_KEY_USAGE, "is a CA without key usage"},
	{X509_V_ERR_EXTENSIONS_REQUIRE_VERSION_3, "has extensions and is not of version 3"},
	{X509_V_ERR_INVALID_CA, "is a CA in a way of before RFC 5280"},
	{X509_V_ERR_INVALID_PURPOSE, "has an extension twice, or one that cannot be read"},
};

/*
 * A CA by other signs than basicConstraints (version 1, key usage) is an error
 * as an intermediate always, as a leaf or root with the flag alone.
 */
static bool
is_strict_ca(X509_STORE_CTX *ctx, int depth)
{
	int last = sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) - 1;

	return depth == 0 ||
	    (depth == last && X509_check_ca(X509_STORE_CTX_get_current_cert(ctx)) != 0);
}

bool
warn_is_strict(X509_STORE_CTX *ctx)
{
	int code = X509_STORE_CTX_get_error(ctx), depth = X509_STORE_CTX_get_error_depth(ctx);
	size_t i;

	if (code == X509_V_ERR_INVALID_CA)
		return is_strict_ca(ctx, depth);
	/* Without the flag it is enough not to know (-1). */
	if (code == X509_V_ERR_INVALID_PURPOSE)
		return X509_check_purpose(X509_STORE_CTX_get_current_cert(ctx),
		    X509_PURPOSE_SSL_SERVER, depth > 0) < 0;
	for (i = 0; i < NELEM(strict_only); i++)
		if (strict_only[i].code == code)
			return true;
	return false;
}

void
warn_strict(struct tls_facts *f, int code, int depth)
{
	size_t i;

	for (i = 0; strict_only[i].code != code; i++)
		CHECK(i + 1 < NELEM(strict_only));
	if (depth == 0)
		add(f, mem_printf("the certificate %s: refused by clients that verify "
		    "strictly (Python 3.13)", strict_only[i].what));
	else
		add(f, mem_printf("the issuer at depth %d %s: refused by clients that verify "
		    "strictly (Python 3.13)", depth, strict_only[i].what));
}

void
warn_odd_names(struct tls_facts *f)
{
	add(f, mem_strdup("the subjectAltName has something that is no name: its names are "
	    "good for some, refused by clients that verify strictly (GnuTLS and Go)"));
}

static void
warn_serial(struct tls_facts *f, X509 *leaf)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(leaf);
	const unsigned char *p = ASN1_STRING_get0_data(serial);
	int n = ASN1_STRING_length(serial);

	if ((ASN1_STRING_type(serial) & V_ASN1_NEG) != 0)
		add(f, mem_strdup("the serial number is negative: refused by Go since 1.23"));
	else if (n > SERIAL_MAX || (n == SERIAL_MAX && p[0] >= 0x80))
		add(f, mem_strdup("the serial number is longer than 20 octets: refused by "
		    "some clients"));
	else if (n == 0 || (n == 1 && p[0] == 0))
		add(f, mem_strdup("the serial number is zero: refused by some clients"));
}

static void
warn_life(struct tls_facts *f, const struct tls_cert *leaf)
{
	int64_t life = leaf->not_after - leaf->not_before;

	if (leaf->not_before >= PUBLIC_SINCE && life > (int64_t)PUBLIC_DAYS_MAX * DAY)
		add(f, mem_printf("the certificate is valid for %lld days: from a public CA "
		    "browsers accept at most %d, a private one is not concerned",
		    (long long)((life + DAY - 1) / DAY), PUBLIC_DAYS_MAX));
}

static void
warn_key(struct tls_facts *f)
{
	if (f->key_is_rsa && f->key_bits >= 1024 && f->key_bits < 2048)
		add(f, mem_printf("the RSA key has %d bits: refused by OpenSSL at its usual "
		    "level, accepted by Node, Go, Java and Chromium", f->key_bits));
	if (f->has_key_usage && (f->key_usage & KU_DIGITAL_SIGNATURE) == 0)
		add(f, mem_strdup("the key usage lacks digitalSignature: refused by some "
		    "clients with ECDHE and TLS 1.3"));
}

static bool
is_partial_wildcard(const struct tls_name *name)
{
	ssize_t star = name->type == TLS_NAME_DNS ? str_chr(name->value, '*') : -1;

	return star > 0 || (star == 0 && name->value.n > 1 && name->value.p[1] != '.');
}

static void
warn_names(struct tls_facts *f)
{
	size_t i;

	if (!f->has_names)
		add(f, mem_strdup("there is no subjectAltName: refused by browsers and Go, "
		    "while others take the common name"));
	for (i = 0; i < f->nnames; i++)
		if (is_partial_wildcard(&f->names[i]))
			break;
	if (i < f->nnames)
		add(f, mem_strdup("a name has a wildcard within a label: taken by Java alone"));
}

void
warn_leaf(struct tls_facts *f, X509 *leaf)
{
	warn_names(f);
	warn_key(f);
	warn_serial(f, leaf);
	if (f->nchain > 0)
		warn_life(f, &f->chain[0]);
	if ((X509_get_extended_key_usage(leaf) & (XKU_ANYEKU | XKU_SSL_SERVER)) == XKU_ANYEKU &&
	    X509_get_ext_by_NID(leaf, NID_ext_key_usage, -1) >= 0)
		add(f, mem_strdup("the certificate is for any purpose, servers not named: "
		    "refused by OpenSSL, accepted by Go"));
	if (X509_check_ca(leaf) == 1)
		add(f, mem_strdup("the certificate is one of a CA: accepted, but its key could "
		    "issue others"));
}

void
warn_staple(struct tls_facts *f)
{
	if (f->staple == TLS_STAPLE_INVALID)
		add(f, mem_strdup("the stapled OCSP response is not valid: refused by GnuTLS "
		    "and curl --cert-status"));
	else if (f->staple == TLS_STAPLE_NONE && f->must_staple)
		add(f, mem_strdup("the certificate demands a stapled OCSP response and there "
		    "is none: refused by GnuTLS among others"));
}
