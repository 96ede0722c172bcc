/* SPDX-License-Identifier: ISC */
/*
 * cert.c - what of a certificate is recorded, judged and copied; see cert.h.
 * All of it was chosen by a stranger: text is escaped and cut.
 * Runs in: worker, tests.
 */
#include "config.h"

#include "tls/cert.h"

#include <time.h>

#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/mem.h"

#define TEXT_MAX 2048		/* of a subject or issuer */
#define NAME_PART_MAX 256	/* of the CN and O to copy; RFC 5280 allows 64 */
/* Control bytes escaped, UTF-8 kept: "CN = x, O = y". */
#define NAME_FLAGS ((XN_FLAG_ONELINE | ASN1_STRFLGS_UTF8_CONVERT) & ~ASN1_STRFLGS_ESC_MSB)
#define VALUE_FLAGS (ASN1_STRFLGS_RFC2253 & ~ASN1_STRFLGS_ESC_MSB & ~ASN1_STRFLGS_ESC_2253)

static bool
utf8_ok(const char *p, size_t n)
{
	const unsigned char *at = (const unsigned char *)p;
	unsigned long c;

	while (n > 0) {
		int used = UTF8_getc(at, n > 6 ? 6 : (int)n, &c);

		if (used <= 0 || used > 4 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
			return false;
		at += used;
		n -= (size_t)used;
	}
	return true;
}

/* What was printed, cut between characters; NULL when it is no UTF-8. */
static char *
text_of(BIO *bio)
{
	char *p = NULL;
	long n = BIO_get_mem_data(bio, &p);
	size_t keep;

	if (n <= 0)
		return mem_strdup("");
	if (!utf8_ok(p, (size_t)n))
		return NULL;
	keep = MIN((size_t)n, (size_t)TEXT_MAX);
	while (keep > 0 && keep < (size_t)n && ((unsigned char)p[keep] & 0xc0) == 0x80)
		keep--;
	return mem_strndup(p, keep);
}

static char *
print_name(const X509_NAME *name, unsigned long flags)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *out;

	CHECK(bio != NULL);
	out = X509_NAME_print_ex(bio, name, 0, flags) >= 0 ? text_of(bio) : NULL;
	BIO_free(bio);
	return out;
}

static char *
name_text(const X509_NAME *name)
{
	char *out = print_name(name, NAME_FLAGS);

	/* Declared as UTF-8 and none: every high byte escaped, nothing converted. */
	if (out == NULL)
		out = print_name(name, (XN_FLAG_ONELINE | ASN1_STRFLGS_ESC_MSB) &
		    ~(unsigned long)ASN1_STRFLGS_UTF8_CONVERT);
	return out != NULL ? out : mem_strdup("?");
}

/* The last one counts where there are several, as in curl. */
static const ASN1_STRING *
name_part(const X509_NAME *name, int nid)
{
	int at = -1, next;

	while ((next = X509_NAME_get_index_by_NID(name, nid, at)) >= 0)
		at = next;
	return at < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
}

static char *
part_text(const X509_NAME *name, int nid)
{
	const ASN1_STRING *s = name_part(name, nid);
	BIO *bio;
	char *out;

	if (s == NULL)
		return mem_strdup("");
	bio = BIO_new(BIO_s_mem());
	CHECK(bio != NULL);
	out = ASN1_STRING_print_ex(bio, s, VALUE_FLAGS) >= 0 ? text_of(bio) : NULL;
	BIO_free(bio);
	return out != NULL ? out : mem_strdup("?");
}

/* As UTF-8, for a leaf of ours; none when it could not be in one. */
static struct str
part_utf8(const X509_NAME *name, int nid)
{
	const ASN1_STRING *s = name_part(name, nid);
	unsigned char *utf8 = NULL;
	struct str out = STR_NONE;
	int n;

	if (s == NULL)
		return STR_NONE;
	n = ASN1_STRING_to_UTF8(&utf8, s);
	if (n > 0 && n <= NAME_PART_MAX && utf8_ok((const char *)utf8, (size_t)n))
		out = str_of(mem_dup(utf8, (size_t)n), (size_t)n);
	OPENSSL_free(utf8);
	return out;
}

static int64_t
seconds_of(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static void
serial_hex(const ASN1_INTEGER *serial, char *out, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *p = ASN1_STRING_get0_data(serial);
	int i, n = ASN1_STRING_length(serial);
	size_t at = 0;

	if ((ASN1_STRING_type(serial) & V_ASN1_NEG) != 0)
		out[at++] = '-';
	for (i = 0; i < n && at + 2 < size; i++) {
		out[at++] = hex[p[i] >> 4];
		out[at++] = hex[p[i] & 15];
	}
	out[at] = '\0';
}

void
cert_dates(X509 *x, struct tls_cert *out)
{
	out->not_before = seconds_of(X509_get0_notBefore(x));
	out->not_after = seconds_of(X509_get0_notAfter(x));
}

char *
cert_subject(X509 *x)
{
	return name_text(X509_get_subject_name(x));
}

void
cert_read(X509 *x, struct tls_cert *out)
{
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der);	/* the bytes as they came: X509 keeps them */

	CHECK(n > 0);
	*out = (struct tls_cert){.der = str_of(mem_dup(der, (size_t)n), (size_t)n)};
	OPENSSL_free(der);
	CHECK(EVP_Digest(out->der.p, out->der.n, out->sha256, NULL, EVP_sha256(), NULL) == 1);
	out->subject = name_text(X509_get_subject_name(x));
	out->issuer = name_text(X509_get_issuer_name(x));
	out->subject_cn = part_text(X509_get_subject_name(x), NID_commonName);
	out->issuer_cn = part_text(X509_get_issuer_name(x), NID_commonName);
	cert_dates(x, out);
	serial_hex(X509_get0_serialNumber(x), out->serial, sizeof(out->serial));
}

/* At most size bytes with the final NUL, never half a character. */
static void
cut_text(char *out, size_t size, const char *text)
{
	size_t n = strlen(text);

	if (n >= size) {
		n = size - 1;
		while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
	}
	memcpy(out, text, n);
	out[n] = '\0';
}

void
cert_peer(X509 *x, struct tls_peer *out)
{
	char *subject = cert_subject(x);
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned n = 0, i;

	*out = (struct tls_peer){.has_cert = true};
	CHECK(X509_digest(x, EVP_sha256(), sum, &n) == 1);
	for (i = 0; i < n && 2 * i + 2 < sizeof(out->sha256); i++)
		(void)snprintf(out->sha256 + 2 * i, 3, "%02x", sum[i]);
	cut_text(out->subject, sizeof(out->subject), subject);
	free(subject);
}

/* NUL, control bytes, spaces and 8-bit bytes: no name, and dangerous as text. */
static bool
visible_ascii(struct str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f)
			return false;
	return s.n > 0;
}

/* False: a kind we have no use for. */
static bool
general_name(const GENERAL_NAME *g, struct tls_name *out)
{
	const ASN1_STRING *s;

	switch (g->type) {
	case GEN_EMAIL:
	case GEN_DNS:
	case GEN_URI:
		s = g->d.ia5;
		break;
	case GEN_IPADD:
		s = g->d.iPAddress;
		break;
	default:
		return false;
	}
	out->type = (uint8_t)g->type;
	out->value = str_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
	return true;
}

static bool
name_ok(const struct tls_name *n)
{
	if (n->type == TLS_NAME_IP)
		return n->value.n == 4 || n->value.n == 16;
	return visible_ascii(n->value);
}

static bool
copy_names(const GENERAL_NAMES *from, struct tls_facts *out)
{
	int i, n = sk_GENERAL_NAME_num(from);
	struct buf text;
	size_t at = 0;
	bool ok = true;

	buf_init(&text, 0);
	out->names = mem_grow(NULL, (size_t)n, sizeof(out->names[0]));
	for (i = 0; i < n; i++) {
		struct tls_name *name = &out->names[out->nnames];

		if (!general_name(sk_GENERAL_NAME_value(from, i), name))
			continue;
		ok = ok && name_ok(name);
		buf_puts(&text, name->value);
		out->nnames++;
	}
	out->names_text = (char *)text.mem;
	for (i = 0; i < (int)out->nnames; i++) {
		struct str *value = &out->names[i].value;

		*value = str_sub(buf_str(&text), at, value->n);
		at += value->n;
	}
	return ok;
}

static bool
read_names(X509 *leaf, struct tls_facts *out)
{
	int at = X509_get_ext_by_NID(leaf, NID_subject_alt_name, -1);
	const ASN1_OCTET_STRING *value;
	const unsigned char *p, *end;
	GENERAL_NAMES *names;
	bool ok;

	out->has_names = at >= 0;
	if (!out->has_names)
		return true;
	value = X509_EXTENSION_get_data(X509_get_ext(leaf, at));
	p = ASN1_STRING_get0_data(value);
	end = p + ASN1_STRING_length(value);
	names = d2i_GENERAL_NAMES(NULL, &p, end - p);
	if (names == NULL)
		return false;
	/* Once (RFC 5280 4.2), and nothing behind it. */
	ok = copy_names(names, out) && p == end &&
	    X509_get_ext_by_NID(leaf, NID_subject_alt_name, at) < 0;
	GENERAL_NAMES_free(names);
	return ok;
}

static uint32_t
key_usage_of(X509 *leaf)
{
	uint32_t bits = X509_get_key_usage(leaf);

	return bits != UINT32_MAX ? bits : 0;
}

bool
cert_read_leaf(X509 *leaf, struct tls_facts *out)
{
	EVP_PKEY *key = X509_get0_pubkey(leaf);

	out->cn = part_utf8(X509_get_subject_name(leaf), NID_commonName);
	out->org = part_utf8(X509_get_subject_name(leaf), NID_organizationName);
	out->has_aki = X509_get_ext_by_NID(leaf, NID_authority_key_identifier, -1) >= 0;
	out->must_staple = X509_get_ext_by_NID(leaf, NID_tlsfeature, -1) >= 0;
	out->is_ca = (X509_get_extension_flags(leaf) & EXFLAG_CA) != 0;
	out->serves = (X509_get_extended_key_usage(leaf) & (XKU_SSL_SERVER | XKU_SGC)) != 0;
	out->has_key_usage = X509_get_ext_by_NID(leaf, NID_key_usage, -1) >= 0;
	/* Without the extension OpenSSL says "everything"; a broken one says nothing. */
	if (out->has_key_usage)
		out->key_usage = key_usage_of(leaf);
	out->key_is_rsa = key != NULL && EVP_PKEY_is_a(key, "RSA") == 1;
	out->key_bits = key != NULL ? EVP_PKEY_get_bits(key) : 0;
	return read_names(leaf, out);
}
