/* SPDX-License-Identifier: ISC */
/*
 * json.h - JSON text (RFC 8259) into a buffer, and a checker that accepts
 * exactly one object on one line.
 * Runs in: worker (write), recorder and mitmctl (check), tests, fuzzers.
 */
#ifndef MITMD_HAR_JSON_H
#define MITMD_HAR_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"

/* Text that is JSON already. Inline: most of an entry is constant pieces of a few bytes. */
static inline void
json_raw(struct buf *b, const char *p, size_t n)
{
	if (LIKELY(b->mem != NULL && n > 0 && b->cap - b->off - b->len >= n)) {
		memcpy(b->mem + b->off + b->len, p, n);
		b->len += n;
	} else {
		buf_put(b, p, n);
	}
}
#define JSON_LIT(b, lit) json_raw((b), "" lit, sizeof(lit) - 1)

/* "..." with quotes. Bytes that are not UTF-8 are taken as ISO-8859-1. */
void json_string(struct buf *, struct str) NONNULL(1);
/* "name":"value", with a comma in front unless the last byte is { or [. */
void json_member(struct buf *, const char *name, struct str value) NONNULL(1, 2);
void json_member_int(struct buf *, const char *name, int64_t) NONNULL(1, 2);
void json_member_bool(struct buf *, const char *name, bool) NONNULL(1, 2);
/* "name": with a comma in front where one belongs; a value follows. */
void json_name(struct buf *, const char *name) NONNULL(1, 2);
/* A comma unless the last byte is { or [ (array elements). */
void json_comma(struct buf *) NONNULL(1);
/* The bare values. */
void json_int(struct buf *, int64_t) NONNULL(1);
/*
 * Microseconds as milliseconds with at most three decimals, no exponent.
 * Below zero is HAR's "did not happen": -1.
 */
void json_ms(struct buf *, int64_t us) NONNULL(1);
/*
 * Escaped text without quotes; p must be valid UTF-8.  At most 6 * n bytes,
 * but out needs room for more: it is written in words.
 */
#define JSON_ESCAPE_ROOM(n) (6 * (n) + 16)
size_t json_escape(char *out, const uint8_t *p, size_t n) NONNULL(1);
/*
 * The other way, for text json_escape() made: at most n bytes go to out.
 * Bytes taken come back in *used: an escape cut at the end is left there.
 */
size_t json_unescape(uint8_t *out, const char *p, size_t n, size_t *used) NONNULL(1, 2, 4);
/* What the character after a backslash stands for (RFC 8259 7); not for u. */
char json_unshort(char c);

/*
 * A streaming check of one line: feed pieces, then ask.  Full grammar, depth
 * limited, no raw control bytes, UTF-8 checked.  The first byte is { and the
 * last one its }.
 */
#define JSON_DEPTH_MAX 64
struct json_check {
	uint64_t objects;	/* bit per depth: 1 object, 0 array */
	uint8_t depth;
	uint8_t state;
	uint8_t in_name;	/* the string is a member's name */
	uint8_t left;		/* bytes missing of a UTF-8 sequence or \uXXXX */
	uint8_t lo, hi;		/* bounds of the next UTF-8 byte */
	uint8_t lines;		/* white space is all that JSON has */
	const char *literal;	/* what must follow of true, false, null */
};
void json_check_init(struct json_check *) NONNULL(1);
bool json_check_feed(struct json_check *, const void *p, size_t n) NONNULL(1);
bool json_check_end(const struct json_check *) NONNULL(1);	/* one whole object was read */

/* The same of an object over many lines, with white space around it. */
void json_check_init_lines(struct json_check *) NONNULL(1);
/*
 * Feed up to and with the byte that leaves no more than `depth` brackets open. How many
 * bytes were good: where json_check_bad(), the one behind them is not.
 */
size_t json_check_until(struct json_check *, const void *p, size_t n, unsigned depth)
    NONNULL(1) MUSTCHECK;
bool json_check_bad(const struct json_check *) NONNULL(1);
bool json_check_in_string(const struct json_check *) NONNULL(1);	/* or in a name */
bool json_check_in_name(const struct json_check *) NONNULL(1);

#endif
