/* SPDX-License-Identifier: ISC */
/*
 * coding.h - content codings (RFC 9110 8.4) taken off a stream: gzip,
 * deflate, br, zstd, and several of them one over the other.
 * Runs in: worker, tests, fuzzers.
 */
#ifndef MITMD_HAR_CODING_H
#define MITMD_HAR_CODING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define CODING_DEPTH 3	/* codings over each other */

enum coding_id { CODING_IDENTITY, CODING_GZIP, CODING_DEFLATE, CODING_BR, CODING_ZSTD };

/* What a Content-Encoding field asks for, in the order it was applied; identity left out. */
struct coding_list {
	enum coding_id v[CODING_DEPTH];
	uint8_t n;
};

/* 0, ERR_UNSUPPORTED (a name nobody knows) or ERR_LIMIT (too many). */
int coding_parse(struct str content_encoding, struct coding_list *out) NONNULL(2) MUSTCHECK;

struct coding;

struct coding_sink {
	/* Decoded bytes; not 0 ends coding_feed() with that. */
	int (*put)(void *arg, const uint8_t *p, size_t n);
	/* Any stage made n bytes; not 0 ends coding_feed() with that. */
	int (*work)(void *arg, size_t n);
	void *arg;
};

struct coding *coding_new(const struct coding_list *, struct coding_sink) NONNULL(1) MUSTCHECK;
void coding_free(struct coding **) NONNULL(1);
/*
 * 0, ERR_SYNTAX (the coding is broken here), ERR_UNAVAILABLE (no more memory, see
 * coding_memory(), or time, see work.h), or what the sink said.
 */
int coding_feed(struct coding *, const uint8_t *p, size_t n) NONNULL(1) MUSTCHECK;
/* Every stage has seen its end (nothing fed counts as that). */
bool coding_complete(const struct coding *) NONNULL(1);
/*
 * A few bytes make a decoder want 16 MiB: all decoders of this process may hold max
 * bytes together; who comes then decodes nothing.  Until it is said there is no bound.
 */
void coding_memory(size_t max);
size_t coding_held(const struct coding *);	/* bytes of this one; NULL: 0 */

#endif
