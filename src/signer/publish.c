/* SPDX-License-Identifier: ISC */
/*
 * publish.c - what the master does in the CA's directory for a signer, which can do so no
 * more.  The public files of the CA, what clients install, are written when a
 * generation serves and not before: a reload that fails must not leave people
 * with the certificate of a CA that signs nothing; nor with the CA itself.
 * Runs in: master.
 */
#include "config.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include "base/log.h"
#include "signer/ca.h"
#include "signer/export.h"
#include "signer/signer.h"

/* As in msg_ready.ca_chain: the CA, then those above it. NULL: out of memory. */
static STACK_OF(X509) *
read_chain(struct str packed)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	const uint8_t *p = (const uint8_t *)packed.p, *end = p + packed.n;

	while (chain != NULL && end - p > 4) {
		size_t n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
		const uint8_t *der = p += 4;
		X509 *cert;

		if (n > (size_t)(end - p))
			break;
		cert = d2i_X509(NULL, &der, (long)n);
		if (cert == NULL || sk_X509_push(chain, cert) <= 0) {
			X509_free(cert);
			break;
		}
		p += n;
	}
	ERR_clear_error();
	return chain;
}

static int
write_files(const struct conf *conf, X509 *ca, STACK_OF(X509) *above, struct errmsg *err)
{
	struct files files;
	struct user_ids ids = users_of(conf, ROLE_SIGNER);
	int rc;

	if (files_open(&files, conf->ca.dir, ids.uid, ids.gid, err) != 0)
		return -1;
	rc = export_files(ca, above, &files, EXPORT_SYSTEM_ROOTS, err);
	files_close(&files);
	return rc;
}

void
signer_withdraw(const struct conf *conf, const struct msg_ca_made *made)
{
	struct files files;
	struct errmsg err;

	if ((made->made == 0 && !made->dir) || files_look(&files, conf->ca.dir, &err) != 0)
		return;
	ca_unmake(&files, made->made, made->dir);
	files_close(&files);
}

void
signer_publish(const struct conf *conf, struct str ca_chain)
{
	STACK_OF(X509) *above = read_chain(ca_chain);
	X509 *ca = above != NULL ? sk_X509_shift(above) : NULL;
	struct errmsg err;

	/* A CA on a read-only mount can still sign. */
	if (ca != NULL && write_files(conf, ca, above, &err) != 0)
		log_warning("%s: clients cannot fetch the CA certificate there", err.text);
	X509_free(ca);
	sk_X509_pop_free(above, X509_free);
}
