/* SPDX-License-Identifier: ISC */
/*
 * ca.h - the certificate authority: made on first start, or the operator's own
 * mitmd-ca.pem (key, certificate, chain).  Never silently replaced.
 * Runs in: signer.
 */
#ifndef MITMD_SIGNER_CA_H
#define MITMD_SIGNER_CA_H

#include <openssl/x509.h>

#include "base/buf.h"
#include "signer/files.h"
#include "tls/permit.h"

#define CA_FILE "mitmd-ca.pem"
#define CA_CERT_FILE "mitmd-ca-cert.pem"
#define CA_WARN_SECONDS (60 * 86400)

struct ca {
	EVP_PKEY *key;
	X509 *cert;
	STACK_OF(X509) *chain;	/* the certificates above, if any were in the file */
	int64_t not_after;	/* the earliest end of all of them; seconds since 1970 */
	uint8_t id[32];		/* SHA-256 of the certificate */
};

struct ca_new {
	bool rsa;
	const char *host;		/* for the name people see */
	const struct permit *permit;
};

/* Load it from the directory, or make it there. -1 with a sentence that helps. */
int ca_open(struct ca *, struct files *, const struct ca_new *, int64_t now, struct errmsg *)
    NONNULL(1, 2, 3, 5) MUSTCHECK;
void ca_free(struct ca *) NONNULL(1);
/* What msg_ready.ca_chain holds. */
void ca_pack_chain(const struct ca *, struct buf *out) NONNULL(1, 2);

/* May this file hold our key? path is for the message. uid: whom we serve as. */
int ca_file_acceptable(const struct stat *, uid_t uid, const char *path, struct errmsg *)
    NONNULL(1, 3, 4) MUSTCHECK;
/* May this pair sign? */
int ca_acceptable(X509 *, EVP_PKEY *, int64_t now, const char *path, struct errmsg *)
    NONNULL(1, 2, 4, 5) MUSTCHECK;
/* Parse and check the text of a CA file. */
int ca_parse(struct ca *, struct str text, int64_t now, const char *path, struct errmsg *)
    NONNULL(1, 4, 5) MUSTCHECK;

#endif
