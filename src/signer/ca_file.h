/* SPDX-License-Identifier: ISC */
/*
 * ca_file.h - the file with the CA's key: where it is and whether it may be
 * trusted to hold one.
 * Runs in: signer, mitmctl.
 */
#ifndef MITMD_SIGNER_CA_FILE_H
#define MITMD_SIGNER_CA_FILE_H

#include <sys/stat.h>

#include "base/err.h"
#include "base/str.h"
#include "signer/files.h"

#define CA_FILE "mitmd-ca.pem"
#define CA_CERT_FILE "mitmd-ca-cert.pem"

/* Text that may hold a key: in OpenSSL's secure memory where there is some. */
struct ca_text {
	char *p;
	size_t n;
	char *path;
	bool credential;	/* not ours: systemd keeps it */
};

/*
 * The text of $CREDENTIALS_DIRECTORY/mitmd-ca.pem, or else of the one in the
 * directory. 1: read, 0: there is none, -1: there is, and it must not be used.
 */
int ca_file_read(struct ca_text *, struct files *, struct errmsg *) NONNULL(1, 2, 3) MUSTCHECK;
void ca_text_free(struct ca_text *) NONNULL(1);	/* wiped */

/* May this file hold our key? path is for the message. uid: whom we serve as. */
int ca_file_acceptable(const struct stat *, uid_t uid, const char *path, struct errmsg *)
    NONNULL(1, 3, 4) MUSTCHECK;
/* systemd lets a service's user read by an ACL, which looks like the group's right. */
int ca_credential_acceptable(const struct stat *, uid_t uid, const char *path,
    struct errmsg *) NONNULL(1, 3, 4) MUSTCHECK;

#endif
