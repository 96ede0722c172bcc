/* SPDX-License-Identifier: ISC */
/* retired.c - see retired.h.  Runs in: signer, mitmctl. */
#include "config.h"

#include "signer/retired.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "signer/export.h"
#include "tls/roots.h"

#define FILE_MAX (1u << 20)

static int
read_certs(struct retired *r, BIO *bio, const char *dir, struct errmsg *err)
{
	X509 *cert;

	ERR_clear_error();
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (r->n == RETIRED_MAX) {
			X509_free(cert);
			return errmsg_set(err, "%s/%s has more than %d certificates: remove the "
			    "expired ones", dir, RETIRED_FILE, RETIRED_MAX);
		}
		r->v[r->n++] = cert;
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE || r->n == 0)
		return errmsg_set(err, "%s/%s: certificate %zu in it cannot be read: mend the "
		    "file, so that no retired CA is forgotten", dir, RETIRED_FILE, r->n + 1);
	ERR_clear_error();
	return 0;
}

int
retired_load(struct retired *r, struct files *f, struct errmsg *err)
{
	size_t n;
	char *text;
	BIO *bio;
	int ret;

	*r = (struct retired){.n = 0};
	ret = files_read(f, RETIRED_FILE, FILE_MAX, &text, &n, err);
	if (ret != 1)
		return ret;
	text[n] = '\0';
	if (strstr(text, "PRIVATE KEY") != NULL) {
		free(text);
		return errmsg_set(err, "%s/%s has a private key in it, and everybody can read "
		    "it: only certificates belong there", f->path, RETIRED_FILE);
	}
	bio = BIO_new_mem_buf(text, (int)n);
	CHECK(bio != NULL);
	ret = read_certs(r, bio, f->path, err);
	(void)BIO_free(bio);
	free(text);
	ERR_clear_error();
	if (ret != 0)
		retired_free(r);
	return ret;
}

void
retired_free(struct retired *r)
{
	while (r->n > 0)
		X509_free(r->v[--r->n]);
}

bool
retired_has(const struct retired *r, X509 *cert)
{
	uint8_t spki[32], other[32];
	size_t i;

	tls_spki_sha256(cert, spki);
	for (i = 0; i < r->n; i++) {
		tls_spki_sha256(r->v[i], other);
		if (memcmp(spki, other, sizeof(spki)) == 0)
			return true;
	}
	return false;
}

int
retired_add(struct retired *r, struct files *f, X509 *cert, struct errmsg *err)
{
	struct buf text = {0};
	size_t i;
	int ret;

	if (retired_has(r, cert))
		return 0;
	if (r->n == RETIRED_MAX)
		return errmsg_set(err, "%s/%s has %d certificates already: remove the expired "
		    "ones first", f->path, RETIRED_FILE, RETIRED_MAX);
	CHECK(X509_up_ref(cert) == 1);
	r->v[r->n++] = cert;
	for (i = 0; i < r->n; i++)
		export_pem(r->v[i], &text);
	ret = files_replace(f, RETIRED_FILE, 0644, buf_str(&text), err);
	buf_free(&text);
	return ret == 0 ? 0 : -1;
}
