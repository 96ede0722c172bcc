/* SPDX-License-Identifier: ISC */
/*
 * files.h - whole files in one directory, complete or not there at all.
 * Runs in: signer, before it lets go of the file system; mitmctl.
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
	bool made;		/* by files_open() */
};

/*
 * Open the directory; made, 0755, when it is missing (its parent is not). Refused
 * when somebody else could replace files in it.
 */
int files_open(struct files *, const char *path, uid_t uid, gid_t gid, struct errmsg *)
    NONNULL(1, 2, 5) MUSTCHECK;
/* Only to look: it must be there, and its owner's files are believed. */
int files_look(struct files *, const char *path, struct errmsg *)
    NONNULL(1, 2, 3) MUSTCHECK;
/* Whom the files are for; who else may own them: root, and we ourselves. */
uid_t files_uid(const struct files *) NONNULL(1);
bool files_trust(uid_t owner, uid_t uid);
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
/* The same, always written, and on disk when it returns 0. */
int files_replace(struct files *, const char *name, mode_t, struct str, struct errmsg *)
    NONNULL(1, 2, 5) MUSTCHECK;
/*
 * 1: all of it, on the heap, with room for a NUL; 0: there is none; -1 with a
 * reason: a link, not a file, larger than that, or of somebody who has no say here.
 */
int files_read(struct files *, const char *name, size_t max, char **out, size_t *out_n,
    struct errmsg *) NONNULL(1, 2, 4, 5, 6) MUSTCHECK;
/* Gone for good when it returns 0; it need not have been there. */
int files_remove(struct files *, const char *name, struct errmsg *)
    NONNULL(1, 2, 3) MUSTCHECK;

#endif
