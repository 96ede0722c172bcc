/* SPDX-License-Identifier: ISC */
/*
 * err.h - how failure is told.  Run-time failures are a negative enum err;
 * failures at start and reload are a sentence for a human in struct errmsg.
 */
#ifndef MITMD_BASE_ERR_H
#define MITMD_BASE_ERR_H

#include "base/attr.h"

enum err {
	ERR_OK = 0,
	ERR_AGAIN = -1,		/* not yet: more input, or an answer will come */
	ERR_SYNTAX = -2,	/* the bytes are not what they should be */
	ERR_LIMIT = -3,		/* larger than the configured or built-in maximum */
	ERR_UNAVAILABLE = -4,	/* the one asked is not there */
	ERR_DENIED = -5,	/* refused by policy */
	ERR_NOTFOUND = -6,
	ERR_SYS = -7,		/* errno has it */
	ERR_UNSUPPORTED = -8,
	ERR_CLOSED = -9,	/* the other side is gone */
	ERR_TIMEOUT = -10,
	ERR_EXISTS = -11,
};

const char *err_text(int err);

struct errmsg {
	char text[1024];
};

/* Always returns -1, so that `return errmsg_set(...)` reads well. */
int errmsg_set(struct errmsg *, const char *fmt, ...) PRINTF(2, 3) NONNULL(1, 2);
/* The same with ": " and strerror(errno) behind it. */
int errmsg_sys(struct errmsg *, const char *fmt, ...) PRINTF(2, 3) NONNULL(1, 2);

#endif
