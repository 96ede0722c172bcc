/* SPDX-License-Identifier: ISC */
/* ca.c - see ca.h.  Runs in: signer. */
#include "config.h"

#include "signer/ca.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

#include "signer/ca_make.h"
#include "signer/retired.h"

#define CHAIN_MAX 10
#define CERT_FILE_MAX (64u << 10)

/* Browsers take these as issuers; NULL when it is one of them. */
static const char *
why_not_key(EVP_PKEY *key)
{
	char group[64] = "";
	size_t n = 0;

	switch (EVP_PKEY_base_id(key)) {
	case EVP_PKEY_RSA:
		if (EVP_PKEY_get_bits(key) < 2048)
			return "its RSA key has less than 2048 bits";
		return EVP_PKEY_get_bits(key) > 8192 ? "its RSA key has more than 8192 bits" :
		    NULL;
	case EVP_PKEY_EC:
		if (EVP_PKEY_get_group_name(key, group, sizeof(group), &n) != 1 ||
		    (strcmp(group, "prime256v1") != 0 && strcmp(group, "secp384r1") != 0 &&
		    strcmp(group, "secp521r1") != 0))
			return "its curve is none of P-256, P-384 and P-521";
		return NULL;
	case EVP_PKEY_ED25519:
	case EVP_PKEY_ED448:
		return "browsers do not take Ed25519 or Ed448";
	default:
		return "its key is neither EC nor RSA";
	}
}

static int64_t
seconds_of(const ASN1_TIME *t)
{
	struct tm tm;

	return t != NULL && ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

int
ca_acceptable(X509 *cert, EVP_PKEY *key, int64_t now, const char *path, struct errmsg *err)
{
	const char *why = why_not_key(key);
	const BASIC_CONSTRAINTS *bc;
	bool is_ca;

	if (why != NULL)
		return errmsg_set(err, "%s cannot be used as CA: %s: make one with an EC P-256 "
		    "or RSA-2048 key", path, why);
	if (X509_check_private_key(cert, key) != 1)
		return errmsg_set(err, "%s: the key does not belong to the first certificate: "
		    "put the CA's own certificate in front of its chain", path);
	if (i2d_X509_NAME(X509_get_subject_name(cert), NULL) > CA_NAME_MAX)
		return errmsg_set(err, "%s: the CA's name has more than %d bytes, and would be in "
		    "every certificate", path, CA_NAME_MAX);
	bc = X509_get_ext_d2i(cert, NID_basic_constraints, NULL, NULL);
	is_ca = bc != NULL && bc->ca;
	BASIC_CONSTRAINTS_free((BASIC_CONSTRAINTS *)(uintptr_t)bc);
	if (!is_ca)
		return errmsg_set(err, "%s: the certificate is not that of a CA (no basic "
		    "constraint CA:TRUE): clients would refuse what it signs", path);
	/* Without the extension OpenSSL says "all usages"; strict clients want it said. */
	if ((X509_get_extension_flags(cert) & EXFLAG_KUSAGE) == 0 ||
	    (X509_get_key_usage(cert) & KU_KEY_CERT_SIGN) == 0)
		return errmsg_set(err, "%s: the certificate may not sign others: it needs the "
		    "key usage keyCertSign", path);
	if ((X509_get_extension_flags(cert) & EXFLAG_XKUSAGE) != 0 &&
	    (X509_get_extended_key_usage(cert) & (XKU_SSL_SERVER | XKU_ANYEKU)) == 0)
		return errmsg_set(err, "%s: the certificate may not sign for servers: its "
		    "extended key usage lacks serverAuth", path);
	if (seconds_of(X509_get0_notAfter(cert)) <= now)
		return errmsg_set(err, "%s: the CA has expired: install a new one, or run "
		    "'mitmctl ca retire', and one is made", path);
	if (seconds_of(X509_get0_notBefore(cert)) > now)
		return errmsg_set(err, "%s: the CA is not valid yet: check this machine's "
		    "clock", path);
	return 0;
}

static int
no_password(char *buf UNUSED, int size UNUSED, int writing UNUSED, void *arg)
{
	*(bool *)arg = true;
	return -1;
}

static int
read_certs(struct ca *ca, BIO *bio, const char *path, struct errmsg *err)
{
	X509 *cert;

	ca->chain = sk_X509_new_null();
	CHECK(ca->chain != NULL);
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (ca->cert == NULL) {
			ca->cert = cert;
			continue;
		}
		CHECK(sk_X509_push(ca->chain, cert) > 0);
		if (sk_X509_num(ca->chain) > CHAIN_MAX)
			return errmsg_set(err, "%s has more than %d certificates", path,
			    CHAIN_MAX + 1);
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return errmsg_set(err, "%s: a certificate in it cannot be read", path);
	ERR_clear_error();
	return ca->cert != NULL ? 0 : errmsg_set(err, "%s has no certificate: put the CA's "
	    "certificate behind its key", path);
}

static int
read_key(struct ca *ca, BIO *bio, const char *path, struct errmsg *err)
{
	bool encrypted = false;

	ca->key = PEM_read_bio_PrivateKey(bio, NULL, no_password, &encrypted);
	ERR_clear_error();
	if (ca->key != NULL)
		return 0;
	if (encrypted)
		return errmsg_set(err, "%s: the key is encrypted, and nobody is there to ask: "
		    "write it without a passphrase (openssl pkey -in FILE)", path);
	return errmsg_set(err, "%s has no private key that can be read", path);
}

static void
note_facts(struct ca *ca)
{
	unsigned n = 0;
	int i;

	ca->not_after = seconds_of(X509_get0_notAfter(ca->cert));
	for (i = 0; i < sk_X509_num(ca->chain); i++)
		ca->not_after = MIN(ca->not_after,
		    seconds_of(X509_get0_notAfter(sk_X509_value(ca->chain, i))));
	CHECK(X509_digest(ca->cert, EVP_sha256(), ca->id, &n) == 1 && n == sizeof(ca->id));
}

/* Clients get the chain as it is: each certificate has to issue the one before. */
static int
check_chain(const struct ca *ca, int64_t now, const char *path, struct errmsg *err)
{
	X509 *below = ca->cert;
	int i;

	for (i = 0; i < sk_X509_num(ca->chain); i++) {
		X509 *above = sk_X509_value(ca->chain, i);
		long pathlen = X509_get_pathlen(above);

		if (X509_check_issued(above, below) != X509_V_OK ||
		    X509_verify(below, X509_get0_pubkey(above)) != 1)
			return errmsg_set(err, "%s: certificate %d does not issue certificate "
			    "%d: put them in order, the CA first", path, i + 2, i + 1);
		if (X509_check_ca(above) == 0)
			return errmsg_set(err, "%s: certificate %d is not that of a CA", path,
			    i + 2);
		/* The CA itself counts: it stands between this one and the leafs. */
		if (pathlen != -1 && pathlen <= i)
			return errmsg_set(err, "%s: certificate %d allows no CA that far below "
			    "it (path length %ld): clients would refuse what it signs", path,
			    i + 2, pathlen);
		if (seconds_of(X509_get0_notAfter(above)) <= now)
			return errmsg_set(err, "%s: a certificate of the CA's chain has "
			    "expired", path);
		below = above;
	}
	return 0;
}

/* What it and those above it permit has to be known before anything is signed. */
static int
check_constraints(const struct ca *ca, const char *path, struct errmsg *err)
{
	struct errmsg why;
	struct permit *all = permit_new(NULL, 0, &why);
	int ret = ca_narrow(ca, all, &why);

	permit_free(&all);
	return ret == 0 ? 0 : errmsg_set(err, "%s: %s", path, why.text);
}

int
ca_narrow(const struct ca *ca, struct permit *permit, struct errmsg *err)
{
	int i, ret = permit_narrow(permit, ca->cert, err);

	for (i = 0; ret == 0 && i < sk_X509_num(ca->chain); i++)
		ret = permit_narrow(permit, sk_X509_value(ca->chain, i), err);
	return ret;
}

int
ca_parse(struct ca *ca, struct str text, int64_t now, const char *path, struct errmsg *err)
{
	BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
	int ret;

	*ca = (struct ca){.key = NULL};
	CHECK(bio != NULL);
	ERR_clear_error();
	ret = read_key(ca, bio, path, err);
	(void)BIO_free(bio);
	bio = BIO_new_mem_buf(text.p, (int)text.n);
	CHECK(bio != NULL);
	if (ret == 0)
		ret = read_certs(ca, bio, path, err);
	(void)BIO_free(bio);
	ERR_clear_error();
	if (ret == 0)
		ret = ca_acceptable(ca->cert, ca->key, now, path, err);
	if (ret == 0)
		ret = check_chain(ca, now, path, err);
	if (ret == 0)
		ret = check_constraints(ca, path, err);
	if (ret == 0)
		note_facts(ca);
	if (ret != 0)
		ca_free(ca);
	return ret;
}

void
ca_free(struct ca *ca)
{
	EVP_PKEY_free(ca->key);
	X509_free(ca->cert);
	sk_X509_pop_free(ca->chain, X509_free);
	*ca = (struct ca){.key = NULL};
}

static void
pack_one(struct buf *out, X509 *cert)
{
	uint8_t *der = NULL, length[4];
	int n = i2d_X509(cert, &der);

	CHECK(n > 0);
	length[0] = (uint8_t)(n >> 24);
	length[1] = (uint8_t)(n >> 16);
	length[2] = (uint8_t)(n >> 8);
	length[3] = (uint8_t)n;
	buf_put(out, length, sizeof(length));
	buf_put(out, der, (size_t)n);
	OPENSSL_free(der);
}

void
ca_pack_chain(const struct ca *ca, struct buf *out)
{
	int i;

	pack_one(out, ca->cert);
	for (i = 0; i < sk_X509_num(ca->chain); i++)
		pack_one(out, sk_X509_value(ca->chain, i));
}

static int
load_text(struct ca *ca, struct ca_text *text, int64_t now, struct errmsg *err)
{
	int ret = ca_parse(ca, str_of(text->p, text->n), now, text->path, err);

	if (ret == 0)
		ca->credential = text->credential;
	return ret == 0 ? 1 : -1;
}

/* Is the certificate that is left one that was retired? */
static int
was_retired(struct files *f, const char *text, size_t n, bool *out, struct errmsg *err)
{
	BIO *bio = BIO_new_mem_buf(text, (int)n);
	struct retired retired;
	X509 *cert;

	CHECK(bio != NULL);
	cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	(void)BIO_free(bio);
	ERR_clear_error();
	if (retired_load(&retired, f, err) != 0) {
		X509_free(cert);
		return -1;
	}
	*out = cert != NULL && retired_has(&retired, cert);
	retired_free(&retired);
	X509_free(cert);
	return 0;
}

/* There is no key: 0 when one may be made. */
static int
why_no_key(struct files *f, struct errmsg *err)
{
	bool retired;
	size_t n;
	char *text;
	int ret = files_read(f, CA_CERT_FILE, CERT_FILE_MAX, &text, &n, err);

	if (ret != 1)
		return ret;
	ret = was_retired(f, text, n, &retired, err);
	free(text);
	if (ret != 0 || retired)
		return ret;
	return errmsg_set(err, "%s/%s is gone, but its certificate %s is there, and clients may "
	    "trust it: put the key back (a systemd credential " CA_FILE " will do), or run "
	    "'mitmctl ca retire', and a new CA is made", f->path, CA_FILE, CA_CERT_FILE);
}

int
ca_load(struct ca *ca, struct files *f, int64_t now, struct errmsg *err)
{
	struct ca_text text;
	int ret = ca_file_read(&text, f, err);

	*ca = (struct ca){.key = NULL};
	if (ret == 0)
		return why_no_key(f, err);
	if (ret == 1)
		ret = load_text(ca, &text, now, err);
	ca_text_free(&text);
	return ret;
}

static int
make(struct files *f, const struct ca_new *want, int64_t now, struct errmsg *err)
{
	EVP_PKEY *key = ca_make_key(want->rsa);
	BIO *bio = BIO_new(BIO_s_secmem());
	X509 *cert;
	char *text;
	long n;
	int ret;

	CHECK(key != NULL && bio != NULL);
	cert = ca_make_cert(key, want, now);
	CHECK(PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
	CHECK(PEM_write_bio_X509(bio, cert) == 1);
	n = BIO_get_mem_data(bio, &text);
	ret = files_create(f, CA_FILE, 0600, str_of(text, (size_t)n), err);
	(void)BIO_free(bio);	/* secure memory: wiped */
	X509_free(cert);
	EVP_PKEY_free(key);
	return ret;
}

int
ca_make(struct files *f, const struct ca_new *want, int64_t now, struct errmsg *err)
{
	int ret = make(f, want, now, err);

	/* Another signer was quicker: its CA is as good as ours. */
	return ret == ERR_EXISTS ? 0 : ret;
}

static uint64_t
nanoseconds(struct timespec t)
{
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Another one there has another mark, and so has this one when it holds something else. */
static uint64_t
mark_of(const struct stat *st)
{
	uint64_t mark = nanoseconds(st->st_ctim) * UINT64_C(0x9e3779b97f4a7c15) + st->st_ino;

	return mark != 0 ? mark : 1;
}

static uint64_t
mark_now(const struct files *f)
{
	struct stat st;

	return fstatat(f->dir, CA_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0 ? mark_of(&st) : 0;
}

/* Its certificate is there for people, so another mitmd serves with it. */
static bool
is_served(const struct files *f, const struct stat *ca)
{
	struct stat st;

	return fstatat(f->dir, CA_CERT_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    nanoseconds(st.st_mtim) >= nanoseconds(ca->st_ctim);
}

int
ca_open(struct ca *ca, struct files *f, const struct ca_new *want, int64_t now,
    struct errmsg *err)
{
	int got = ca_load(ca, f, now, err), made;

	if (got != 0)
		return got == 1 ? 0 : -1;
	made = make(f, want, now, err);
	if (made != 0 && made != ERR_EXISTS)
		return -1;
	got = ca_load(ca, f, now, err);
	if (got == 0)
		(void)errmsg_set(err, "%s/%s has vanished", f->path, CA_FILE);
	ca->made = made == 0 ? mark_now(f) : 0;
	return got == 1 ? 0 : -1;
}

void
ca_unmake(struct files *f, uint64_t made, bool dir)
{
	struct stat st;

	if (made != 0 && fstatat(f->dir, CA_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    mark_of(&st) == made && !is_served(f, &st))
		(void)unlinkat(f->dir, CA_FILE, 0);
	if (dir)
		(void)rmdir(f->path);
}
