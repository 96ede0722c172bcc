/* SPDX-License-Identifier: ISC */
/*
 * json.h - JSON text (RFC 8259) into a buffer, and a checker that accepts
 * exactly one object on one line.
 * Runs in: worker (write), recorder (check), tests, fuzzers.
 */
#ifndef MITMD_HAR_JSON_H
#define MITMD_HAR_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* "..." with quotes. Bytes that are not UTF-8 are taken as ISO-8859-1. */
void json_string(struct buf *, struct str) NONNULL(1);
/* "name":"value", with a comma in front unless the last byte is { or [. */
void json_member(struct buf *, const char *name, struct str value) NONNULL(1, 2);
void json_member_int(struct buf *, const char *name, int64_t) NONNULL(1, 2);
void json_member_bool(struct buf *, const char *name, bool) NONNULL(1, 2);
/* Microseconds as milliseconds with at most three decimals, no exponent. */
void json_member_ms(struct buf *, const char *name, int64_t us) NONNULL(1, 2);
/* "name": with a comma in front where one belongs; a value follows. */
void json_name(struct buf *, const char *name) NONNULL(1, 2);
/* A comma unless the last byte is { or [ (array elements). */
void json_comma(struct buf *) NONNULL(1);
/* Escaped text without quotes; p must be valid UTF-8. Worst case 6 * n bytes. */
size_t json_escape(char *out, const uint8_t *p, size_t n) NONNULL(1);

/*
 * A streaming check of one line: feed pieces, then ask.  Full grammar, depth
 * limited, no raw control bytes, UTF-8 checked.
 */
struct json_check {
	uint32_t depth, state;
	uint64_t objects;	/* bit per depth: 1 object, 0 array */
	uint32_t utf8, literal;
	uint8_t flags;
	char lit[8];
};
void json_check_init(struct json_check *) NONNULL(1);
bool json_check_feed(struct json_check *, const void *p, size_t n) NONNULL(1);
bool json_check_end(const struct json_check *) NONNULL(1);	/* one whole object was read */

#endif
