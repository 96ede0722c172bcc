/* SPDX-License-Identifier: ISC */
/*
 * roots.c - loads the trust store; see roots.h.  No X509_LOOKUP is ever
 * attached: it would open files at verification time, inside the sandbox.
 * Runs in: master.
 */
#include "config.h"

#include "tls/roots.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/mem.h"

struct loading {
	X509_STORE *store;
	const uint8_t (*own)[32];
	size_t nown;
	struct errmsg *err;
};

void
tls_library_init(void)
{
	CHECK(OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1);
}

void
tls_spki_sha256(X509 *cert, uint8_t out[32])
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

	CHECK(n > 0);
	CHECK(EVP_Digest(der, (size_t)n, out, NULL, EVP_sha256(), NULL) == 1);
	OPENSSL_free(der);
}

bool
tls_spki_among(X509 *cert, const uint8_t (*keys)[32], size_t n)
{
	uint8_t spki[32];
	size_t i;

	if (n == 0)
		return false;
	tls_spki_sha256(cert, spki);
	for (i = 0; i < n; i++)
		if (memcmp(keys[i], spki, sizeof(spki)) == 0)
			return true;
	return false;
}

static const char *
last_error(char *out, size_t n)
{
	ERR_error_string_n(ERR_peek_last_error(), out, n);
	return out;
}

/* The number of certificates in a PEM file, or -1 with a reason. */
static int
load_bio(struct loading *l, BIO *bio, const char *path)
{
	char why[200];
	X509 *cert;
	int found = 0;

	ERR_clear_error();
	while ((cert = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL)) != NULL) {
		bool ok = tls_spki_among(cert, l->own, l->nown) ||
		    X509_STORE_add_cert(l->store, cert) == 1;

		X509_free(cert);
		found++;
		if (!ok)
			return errmsg_set(l->err, "%s: certificate %d cannot be used: %s", path,
			    found, last_error(why, sizeof(why)));
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return errmsg_set(l->err, "%s: certificate %d is broken: %s", path, found + 1,
		    last_error(why, sizeof(why)));
	ERR_clear_error();
	return found;
}

static int
load_file(struct loading *l, const char *path)
{
	FILE *f = fopen(path, "re");
	BIO *bio;
	int found;

	if (f == NULL)
		return errmsg_sys(l->err, "cannot read %s", path);
	bio = BIO_new_fp(f, BIO_CLOSE);
	CHECK(bio != NULL);
	found = load_bio(l, bio, path);
	BIO_free(bio);
	return found;
}

/* Of a directory's entry; devices and the like are nobody's roots. */
static int
load_entry(struct loading *l, const char *path)
{
	struct stat st;

	/* A link to nowhere too: a root somebody counts on would be missing. */
	if (stat(path, &st) == -1)
		return errmsg_sys(l->err, "cannot read %s", path);
	return S_ISREG(st.st_mode) ? load_file(l, path) : 0;
}

/*
 * Whatever lies in a directory, names of hashes or not: a file without
 * certificates is somebody's note, a broken certificate is an error.  The same
 * certificate twice, as behind the links of a hashed directory, is one.
 */
static int
load_dir(struct loading *l, const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int found = 0;

	if (d == NULL)
		return errmsg_sys(l->err, "cannot read the directory %s", path);
	while (found >= 0 && (e = readdir(d)) != NULL) {
		char *file;
		int n;

		if (e->d_name[0] == '.')
			continue;
		file = mem_printf("%s/%s", path, e->d_name);
		n = load_entry(l, file);
		found = n < 0 ? -1 : found + n;
		free(file);
	}
	(void)closedir(d);
	return found;
}

static int
load_extra(struct loading *l, const char *path)
{
	struct stat st;
	int found;

	if (stat(path, &st) == -1)
		return errmsg_sys(l->err, "cannot read %s", path);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return errmsg_set(l->err, "%s is neither a file nor a directory", path);
	found = S_ISDIR(st.st_mode) ? load_dir(l, path) : load_file(l, path);
	if (found == 0)
		return errmsg_set(l->err, "%s: there is no PEM certificate in it", path);
	return found;
}

static int
load_system(struct loading *l, bool required)
{
	static const char *const paths[] = {
		"/etc/ssl/certs/ca-certificates.crt",	/* Debian and its children */
		"/etc/pki/tls/certs/ca-bundle.crt",	/* Red Hat and its children */
		"/etc/ssl/cert.pem",			/* Alpine */
	};
	struct stat st;
	size_t i;

	for (i = 0; i < NELEM(paths); i++)
		if (stat(paths[i], &st) == 0)
			return required ? load_extra(l, paths[i]) : load_file(l, paths[i]);
	if (!required)
		return 0;
	return errmsg_set(l->err, "there is no %s: install ca-certificates, or name the "
	    "roots of origins in origin.ca", paths[0]);
}

X509_STORE *
tls_roots_load(char *const *extra, size_t nextra, const uint8_t (*own_spki)[32], size_t nown,
    struct errmsg *err)
{
	struct loading l = {.own = own_spki, .nown = nown, .err = err};
	size_t i;
	int rc;

	tls_library_init();
	l.store = X509_STORE_new();
	CHECK(l.store != NULL);
	rc = load_system(&l, nextra == 0);
	for (i = 0; rc >= 0 && i < nextra; i++)
		rc = load_extra(&l, extra[i]);
	if (rc >= 0)
		return l.store;
	X509_STORE_free(l.store);
	return NULL;
}

X509_STORE *
tls_store_load(const char *path, struct errmsg *err)
{
	struct loading l = {.err = err};

	tls_library_init();
	l.store = X509_STORE_new();
	CHECK(l.store != NULL);
	if (load_extra(&l, path) > 0)
		return l.store;
	X509_STORE_free(l.store);
	return NULL;
}
