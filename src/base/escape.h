/* SPDX-License-Identifier: ISC */
/*
 * escape.h - text for people's eyes, whatever bytes strangers put into it: nothing
 * that moves a cursor, begins a line, turns the writing direction or hides stays
 * as it is.  Everything else that is UTF-8 does.
 */
#ifndef MITMD_BASE_ESCAPE_H
#define MITMD_BASE_ESCAPE_H

#include <stddef.h>

#include "base/str.h"

enum escape_as {
	ESCAPE_TEXT,	/* \x1b, \u202e; bytes that are not UTF-8 as \xff */
	ESCAPE_JSON,	/* inside of quotes; bytes that are not UTF-8 as \\xff */
};

/* As much as fits, with a NUL; how long it is. size is at least 16. */
size_t escape(char *out, size_t size, struct str, enum escape_as) NONNULL(1);

#endif
