/* SPDX-License-Identifier: ISC */
/* ctl.c - see ctl.h.  Runs in: mitmctl. */
#include "config.h"

#include "ctl/ctl.h"

#include <stdarg.h>
#include <stdio.h>

void
ctl_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fputs("mitmctl: ", stderr);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
}
