/* SPDX-License-Identifier: ISC */
/*
 * json_read.h - JSON text read in place, from front to back, without a tree.
 * The text should be what json_check lets through; of anything else the reader
 * makes something, but it never leaves it.
 *
 *	if (json_read_enter(&r, '{'))
 *		while (json_read_member(&r, &name))
 *			if (str_eq(name, STR("url")))
 *				json_read_string(&r, &url);
 *			else
 *				json_read_value(&r, &rest);
 *
 * A name or a string that is called raw is what stands between its quotes.
 * Runs in: mitmctl, tests, fuzzers.
 */
#ifndef MITMD_HAR_JSON_READ_H
#define MITMD_HAR_JSON_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct json_read {
	const char *p, *end;
};

static inline struct json_read
json_read_from(struct str text)
{
	return (struct json_read){text.p, text.n > 0 ? text.p + text.n : text.p};
}

/* The first byte of what comes next, without taking it; 0 at the end. */
char json_read_peek(struct json_read *) NONNULL(1);
/* Take the bracket; false: something else is next, and stays there. */
bool json_read_enter(struct json_read *, char bracket) NONNULL(1);
/*
 * Inside: a member's value, or an element, is next. false: it was the last one, and the
 * bracket that closes was taken.
 */
bool json_read_member(struct json_read *, struct str *name) NONNULL(1, 2);
bool json_read_element(struct json_read *) NONNULL(1);
/* Take the next value: all of its text ... */
void json_read_value(struct json_read *, struct str *text) NONNULL(1, 2);
/* ... or what a string has between its quotes. false: it was no string, and is taken. */
bool json_read_string(struct json_read *, struct str *raw) NONNULL(1, 2);

/* Raw text as UTF-8, at the end of out. Halves of surrogate pairs become U+FFFD. */
void json_read_decode(struct buf *out, struct str raw) NONNULL(1);
/* The text of a number; false: it is none. */
bool json_read_number(struct str text, double *out) NONNULL(2);

#endif
