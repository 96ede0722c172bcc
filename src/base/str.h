/* SPDX-License-Identifier: ISC */
/*
 * str.h - length-counted views of bytes that somebody else owns.  A struct
 * str may hold NUL bytes and need not end with one.
 */
#ifndef MITMD_BASE_STR_H
#define MITMD_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "base/attr.h"

struct str {
	const char *p;
	size_t n;
};

#define STR(lit) ((struct str){"" lit, sizeof(lit) - 1})
#define STR_NONE ((struct str){NULL, 0})
/* For "%.*s". */
#define STR_ARG(s) (int)(s).n, ((s).p != NULL ? (s).p : "")

static inline struct str
str_of(const void *p, size_t n)
{
	return (struct str){(const char *)p, n};
}

static inline struct str
str_z(const char *z)	/* NULL gives the empty view */
{
	return (struct str){z, z != NULL ? strlen(z) : 0};
}

static inline bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_ieq(struct str a, struct str b);	/* ASCII case folded */
bool str_starts(struct str s, struct str prefix);
bool str_istarts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_iends(struct str s, struct str suffix);
/* Offset of the first c, or -1. */
ssize_t str_chr(struct str s, char c);
ssize_t str_rchr(struct str s, char c);
struct str str_sub(struct str s, size_t from, size_t n);	/* clipped to s */
struct str str_from(struct str s, size_t from);
struct str str_trim(struct str s);	/* SP and HTAB at both ends (RFC 9110 5.6.3 OWS) */
/*
 * Take the part before the next sep off *rest into *out_part; false when
 * nothing is left (*rest is then STR_NONE).  "a,,b" has three parts, "" one.
 */
bool str_split(struct str *rest, char sep, struct str *out_part) NONNULL(1, 3);
/*
 * The next element of a comma-separated list field (RFC 9110 5.6.1), trimmed,
 * empty ones skipped.  Quoted strings are not looked into.
 */
bool str_list_next(struct str *rest, struct str *out_part) NONNULL(1, 2);
bool str_list_has(struct str list, struct str token);	/* case folded */
/* Decimal without sign, spaces or leading zeros; false on anything else or above max. */
bool str_u64(struct str s, uint64_t max, uint64_t *out) NONNULL(3);
char *str_dup(struct str s) MUSTCHECK;	/* NUL-terminated, on the heap */

static inline char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

#endif
