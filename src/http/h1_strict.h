/* SPDX-License-Identifier: ISC */
/*
 * h1_strict.h - the strict layer in front of the parser library: one line of
 * a head or of a trailer section is checked and becomes part of the message
 * (RFC 9112 2 to 5).  Sans-I/O; only h1_read.c uses it.
 * Runs in: worker, tests, fuzzers.
 */
#ifndef MITMD_HTTP_H1_STRICT_H
#define MITMD_HTTP_H1_STRICT_H

#include "http/h1_read.h"

struct h1_strict {
	enum h1_role role;
	struct h1_limits limits;
	bool relaxed;		/* asked for, and this side reads responses */
	struct message *m;
	struct fields *into;	/* the message's fields, then its trailers */
	/*
	 * The bytes may be shown to the parser as they came.  If not (folded
	 * lines, extension methods, what relaxed tolerates) it is shown a head
	 * of our own with the same framing.
	 */
	bool plain;
	bool dropped;		/* the last line was left out, so are its folded ones */
	bool keep_alive;	/* of a response, should it have no content */
	struct h1_error error;
};

void h1_strict_init(struct h1_strict *, enum h1_role, const struct h1_limits *)
    NONNULL(1, 3);
void h1_strict_next(struct h1_strict *, struct message *m) NONNULL(1, 2);
void h1_strict_trailers(struct h1_strict *) NONNULL(1);
/* Lines without their line end. 0, ERR_SYNTAX or ERR_LIMIT with ->error. */
int h1_strict_start_line(struct h1_strict *, struct str line) NONNULL(1) MUSTCHECK;
int h1_strict_field_line(struct h1_strict *, struct str line) NONNULL(1) MUSTCHECK;
/* Sets ->error and returns ERR_LIMIT for 414 and 431, else ERR_SYNTAX. */
int h1_strict_fail(struct h1_strict *, unsigned status, const char *text) NONNULL(1, 3);

#endif
