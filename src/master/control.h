/* SPDX-License-Identifier: ISC */
/*
 * control.h - the socket on which mitmctl is answered.  Anybody may connect;
 * only root and who runs the master are listened to, not `user:`: that is whom a
 * worker has become, perhaps a broken one.  Nobody who dawdles holds up the
 * master or the others.
 * Runs in: master.
 *
 * The protocol, one request a connection:
 *
 *	request:  words, one space between them, LF; at most CONTROL_LINE bytes
 *	answer:   "ok" LF, or "error" SP CODE SP TEXT LF; then rows, until the end:
 *	          first the names of the columns, then their values, TAB between
 *	          them and LF at the end.  It may take its time: some requests are
 *	          answered when something has happened.  "tail" alone has no rows:
 *	          what follows its "ok" are HAR entries, one a line, as they end
 *
 * In words and values, space, '%' and control bytes are %XX (base/words.h).
 * TEXT is for people, without control bytes.  CODE is one of
 *
 *	usage    no such command, or not with these words
 *	denied   this user may not
 *	config   the configuration is wrong: FILE:LINE:COL
 *	busy     not now, but soon
 *	failed   it could not be done
 */
#ifndef MITMD_MASTER_CONTROL_H
#define MITMD_MASTER_CONTROL_H

#include <ev.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

#define CONTROL_LINE 8192
#define CONTROL_WORDS 64
#define CONTROL_CLIENTS 16	/* asking or being told; for one more the slowest is cut */
#define CONTROL_GRACE 0.2	/* ... after so many seconds without a byte */
#define CONTROL_WAITING 64	/* for an answer */
#define CONTROL_PATIENCE 10.0	/* seconds for a request, and for each step of an answer */

struct control;
struct control_call;

/* One row per command; the table is in commands.c. */
struct control_command {
	const char *name, *sub;	/* "bypass", "list"; sub NULL: none */
	/*
	 * words: what follows, good until it returns. The answer is what it has put
	 * into the call by then, unless it says control_later() or control_take().
	 */
	void (*run)(void *arg, struct control_call *, int nwords, char **words);
};

/* ---- for commands ---- */
/* One row, its values ended by NULL; the first row names the columns. */
void control_row(struct control_call *, ...) NONNULL(1) __attribute__((sentinel));
/* A row that is written already: no LF at its end. */
void control_line(struct control_call *, struct str) NONNULL(1);
/* Instead of rows. code: one of those above. */
void control_fail(struct control_call *, const char *code, const char *fmt, ...)
    NONNULL(1, 2, 3) PRINTF(3, 4);
uid_t control_uid(const struct control_call *) NONNULL(1);
/*
 * The answer comes later: the call lives until control_done(), or until its client
 * goes away or the socket closes, which gone(arg) tells. False: too many wait
 * already; the call has failed.
 */
bool control_later(struct control_call *, void (*gone)(void *arg), void *arg) NONNULL(1, 2)
    MUSTCHECK;
void control_done(struct control_call *) NONNULL(1);
/* Says "ok"; the connection is the caller's, for another process. -1: its client is gone. */
int control_take(struct control_call *) NONNULL(1) MUSTCHECK;

/* ---- for the master ---- */
struct control *control_new(struct ev_loop *, const struct control_command *, size_t ncommands,
    double patience, double grace, void *arg) NONNULL(1, 2);
/* The socket's file goes too. */
void control_free(struct control **);
/*
 * The socket of the next configuration (path NULL: none). -1 when another mitmd
 * answers there or it cannot be made; the one before serves on.
 */
int control_prepare(struct control *, const char *path, struct errmsg *) NONNULL(1, 3)
    MUSTCHECK;
/* The prepared one serves, the one before goes. */
void control_commit(struct control *) NONNULL(1);
/* The prepared one goes, if there is any. */
void control_abandon(struct control *) NONNULL(1);

#endif
