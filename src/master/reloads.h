/* SPDX-License-Identifier: ISC */
/*
 * reloads.h - what became of each reload, and who waits to hear it.  A reload that
 * is asked for while one is under way comes after it: it alone is sure to have read
 * the asker's edit, so its outcome is the asker's.
 * Runs in: master.
 */
#ifndef MITMD_MASTER_RELOADS_H
#define MITMD_MASTER_RELOADS_H

#include "base/err.h"
#include "master/control.h"

struct reloads;

struct reload_seen {
	unsigned done, failed;	/* since the start */
	bool under_way;
	/* The last one; at 0: there was none. */
	int64_t at;		/* seconds since 1970 */
	bool ok;
	char reason[sizeof(((struct errmsg *)0)->text)];	/* when it failed */
};

struct reloads *reloads_new(void);
void reloads_free(struct reloads **);
const struct reload_seen *reloads_seen(const struct reloads *) NONNULL(1);

/* The next reload's outcome will answer this call. False: too many wait; it has failed. */
bool reloads_wait(struct reloads *, struct control_call *) NONNULL(1, 2) MUSTCHECK;

/* ---- from those who reload, in this order ---- */
void reloads_begin(struct reloads *) NONNULL(1);	/* the file is about to be read */
/* It is over: the one before goes on. code: as in control.h. */
void reloads_failed(struct reloads *, const char *code, const char *reason) NONNULL(1, 2, 3);
void reloads_serves(struct reloads *) NONNULL(1);	/* the new generation does */
/* ... and those before accept no more: who waited is answered. */
void reloads_let_go(struct reloads *, unsigned generation) NONNULL(1);
/* mitmd stops: nothing will come of what is under way. */
void reloads_stop(struct reloads *) NONNULL(1);

#endif
