/* SPDX-License-Identifier: ISC */
/*
 * base64.h - base64 (RFC 4648 4) of a stream of pieces of any size, and back.
 * Runs in: worker, mitmctl (back), tests, fuzzers.
 */
#ifndef MITMD_HAR_BASE64_H
#define MITMD_HAR_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Zero is a fresh start. */
struct base64 {
	uint8_t carry[2];
	uint8_t n;		/* bytes waiting for a group of three */
};

/* Most that base64_feed() and base64_end() together write for n bytes. */
#define BASE64_ROOM(n) (((n) + 2) / 3 * 4 + 4)

/* Whole groups go to out; their length comes back. */
size_t base64_feed(struct base64 *, char *out, const uint8_t *p, size_t n) NONNULL(1, 2);
size_t base64_end(struct base64 *, char *out) NONNULL(1, 2);	/* the rest, padded */

/* The bytes that text stands for, at the end of out. false: it is broken, from some byte on. */
bool base64_decode(struct buf *out, struct str text) NONNULL(1);

#endif
