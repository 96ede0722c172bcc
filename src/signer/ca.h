/* SPDX-License-Identifier: ISC */
/*
 * ca.h - the certificate authority: made on first start, or the operator's own
 * mitmd-ca.pem (key, certificate, chain).  Never silently replaced.
 * Runs in: signer, mitmctl (init).
 */
#ifndef MITMD_SIGNER_CA_H
#define MITMD_SIGNER_CA_H

#include <openssl/x509.h>

#include "base/buf.h"
#include "signer/ca_file.h"
#include "signer/files.h"
#include "tls/permit.h"

#define CA_NAME_MAX 4096	/* its subject, DER */
#define CA_WARN_SECONDS (60 * 86400)

struct ca {
	EVP_PKEY *key;
	X509 *cert;
	STACK_OF(X509) *chain;	/* the certificates above, if any were in the file */
	int64_t not_after;	/* the earliest end of all of them; seconds since 1970 */
	uint8_t id[32];		/* SHA-256 of the certificate */
	bool credential;	/* the key is not in the CA's directory */
	uint64_t made;		/* by ca_open(): for ca_unmake(); else 0 */
};

struct ca_new {
	bool rsa;
	const char *host;		/* for the name people see */
	const struct permit *permit;
};

/*
 * Load it (the systemd credential, else the file in the directory), or make it
 * there. -1 with a sentence that helps.
 */
int ca_open(struct ca *, struct files *, const struct ca_new *, int64_t now, struct errmsg *)
    NONNULL(1, 2, 3, 5) MUSTCHECK;
/* The same in two halves. 1: loaded, 0: there is none, and one may be made; -1. */
int ca_load(struct ca *, struct files *, int64_t now, struct errmsg *)
    NONNULL(1, 2, 4) MUSTCHECK;
int ca_make(struct files *, const struct ca_new *, int64_t now, struct errmsg *)
    NONNULL(1, 2, 4) MUSTCHECK;
void ca_free(struct ca *) NONNULL(1);
/*
 * Take away what ca_open() has made, unless somebody has changed it since or serves with
 * it; and the directory if that is empty then.
 */
void ca_unmake(struct files *, uint64_t made, bool dir) NONNULL(1);
/* Permit only what it and those above it may sign for. */
int ca_narrow(const struct ca *, struct permit *, struct errmsg *) NONNULL(1, 2, 3) MUSTCHECK;
/* What msg_ready.ca_chain holds. */
void ca_pack_chain(const struct ca *, struct buf *out) NONNULL(1, 2);

/* May this pair sign? */
int ca_acceptable(X509 *, EVP_PKEY *, int64_t now, const char *path, struct errmsg *)
    NONNULL(1, 2, 4, 5) MUSTCHECK;
/* Parse and check the text of a CA file. */
int ca_parse(struct ca *, struct str text, int64_t now, const char *path, struct errmsg *)
    NONNULL(1, 4, 5) MUSTCHECK;

#endif
