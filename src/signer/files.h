/* SPDX-License-Identifier: ISC */
/*
 * files.h - whole files in one directory, complete or not there at all.
 * Runs in: signer, before it lets go of the file system.
 */
#ifndef MITMD_SIGNER_FILES_H
#define MITMD_SIGNER_FILES_H

#include <sys/stat.h>

#include "base/err.h"
#include "base/str.h"

struct files {
	int dir;
	const char *path;	/* of the directory, for messages */
	uid_t uid;		/* who is to own what we make; (uid_t)-1: leave it */
	gid_t gid;
};

/* Open the directory; made, 0755, when it is missing (its parent is not). */
int files_open(struct files *, const char *path, uid_t uid, gid_t gid, struct errmsg *)
    NONNULL(1, 2, 5) MUSTCHECK;
void files_close(struct files *) NONNULL(1);
/*
 * A new file of that name: synced, never half-written, never over an old one
 * (ERR_EXISTS). ERR_SYS with a sentence.
 */
int files_create(struct files *, const char *name, mode_t, struct str, struct errmsg *)
    NONNULL(1, 2, 5) MUSTCHECK;
/* The file holds these bytes afterwards; not touched when it does already. */
int files_update(struct files *, const char *name, mode_t, struct str, struct errmsg *)
    NONNULL(1, 2, 5) MUSTCHECK;

#endif
