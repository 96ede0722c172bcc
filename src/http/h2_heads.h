/* SPDX-License-Identifier: ISC */
/*
 * h2_heads.h - counts DATA frames among the bytes of an HTTP/2 connection (RFC
 * 9113 4.1).  The library reads over those whose stream is gone and tells nobody,
 * so that they would cost their sender nothing.  Sans I/O, any cut of the bytes.
 * Runs in: worker, tests.
 */
#ifndef MITMD_HTTP_H2_HEADS_H
#define MITMD_HTTP_H2_HEADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct h2_heads {
	uint64_t skip;		/* bytes before the next head */
	uint8_t head[4], have;	/* length and type of a head that was cut */
	bool in_data;		/* what is skipped is content of a DATA frame */
	uint64_t ndata;		/* heads of DATA frames */
};

/* with_preface: they begin with a client's 24 bytes. */
void h2_heads_init(struct h2_heads *, bool with_preface) NONNULL(1);
void h2_heads_feed(struct h2_heads *, const uint8_t *p, size_t n) NONNULL(1);
/* DATA frames that came whole. */
uint64_t h2_heads_whole(const struct h2_heads *) NONNULL(1);

#endif
