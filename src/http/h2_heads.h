/* SPDX-License-Identifier: ISC */
/*
 * h2_heads.h - finds the heads of frames among the bytes of an HTTP/2 connection
 * (RFC 9113 4.1) before the library sees them.  It reads over DATA whose stream is
 * gone and tells nobody, so they are counted here; and a head that ends content can
 * be changed.  Sans I/O, any cut of the bytes.
 * Runs in: worker, tests, fuzzers.
 */
#ifndef MITMD_HTTP_H2_HEADS_H
#define MITMD_HTTP_H2_HEADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define H2_HEAD 9

struct h2_heads {
	uint64_t skip;		/* bytes before the next head */
	uint8_t head[H2_HEAD];	/* one that was cut, or that ends content */
	uint8_t have;
	bool in_data;		/* what is skipped is content of a DATA frame */
	uint64_t ndata;		/* heads of DATA frames */
};

/* with_preface: they begin with a client's 24 bytes. */
void h2_heads_init(struct h2_heads *, bool with_preface) NONNULL(1);
/* How many of the bytes may pass as they are; then comes h2_heads_take(), or no more. */
size_t h2_heads_pass(struct h2_heads *, const uint8_t *p, size_t n) NONNULL(1);
/*
 * A head that ends content, or is cut, is kept in ->head: how many bytes that took.
 * With ->have == H2_HEAD it is whole: pass it on, and h2_heads_taken().
 */
size_t h2_heads_take(struct h2_heads *, const uint8_t *p, size_t n) NONNULL(1);
void h2_heads_taken(struct h2_heads *) NONNULL(1);
/* DATA frames that came whole. */
uint64_t h2_heads_whole(const struct h2_heads *) NONNULL(1);

/* Of the head that is kept. */
static inline uint32_t
h2_heads_length(const struct h2_heads *h)
{
	return (uint32_t)h->head[0] << 16 | (uint32_t)h->head[1] << 8 | h->head[2];
}

#endif
