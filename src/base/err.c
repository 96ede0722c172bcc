/* SPDX-License-Identifier: ISC */
/* err.c - see err.h.  Runs in: every process. */
#include "config.h"

#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

void
check_failed(const char *cond, const char *file, int line)
{
	log_error("bug: %s:%d: %s", file, line, cond);
	abort();
}

const char *
err_text(int err)
{
	switch (err) {
	case ERR_OK: return "no error";
	case ERR_AGAIN: return "not yet";
	case ERR_SYNTAX: return "malformed";
	case ERR_LIMIT: return "too large";
	case ERR_UNAVAILABLE: return "not available";
	case ERR_DENIED: return "denied";
	case ERR_NOTFOUND: return "not found";
	case ERR_SYS: return strerror(errno);
	case ERR_UNSUPPORTED: return "not supported";
	case ERR_CLOSED: return "closed by the other side";
	case ERR_TIMEOUT: return "timed out";
	case ERR_EXISTS: return "exists already";
	}
	return "unknown error";
}

int
errmsg_set(struct errmsg *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -1;
}

int
errmsg_sys(struct errmsg *e, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	n = strlen(e->text);
	(void)snprintf(e->text + n, sizeof(e->text) - n, ": %s", strerror(saved));
	return -1;
}
