/* SPDX-License-Identifier: ISC */
/*
 * h1_chunk.h - checks the chunk lines of a chunked body (RFC 9112 7.1) before
 * the parser library sees them: it takes any byte for the LF behind a size
 * and for both behind the data.  Data is skipped, not looked at.  Sans-I/O.
 * Runs in: worker, tests, fuzzers.
 */
#ifndef MITMD_HTTP_H1_CHUNK_H
#define MITMD_HTTP_H1_CHUNK_H

#include "http/h1_strict.h"

enum h1_chunk_state {
	H1_CHUNK_SIZE,
	H1_CHUNK_PAD,		/* relaxed: blanks behind the size */
	H1_CHUNK_EXT,
	H1_CHUNK_SIZE_LF,
	H1_CHUNK_DATA,
	H1_CHUNK_DATA_CR,
	H1_CHUNK_DATA_LF,
	H1_CHUNK_LAST,		/* the line of the last chunk is over, the trailers follow */
};

struct h1_chunk {
	enum h1_chunk_state state;
	unsigned digits;
	unsigned ext;		/* bytes of this chunk's extensions */
	unsigned ext_total;	/* and of all */
	uint64_t left;		/* size, then bytes of data to come */
};

/*
 * *out_ok bytes of p are as they should be; it stops behind the last chunk's
 * line. On failure the byte at *out_ok is the culprit, and s->error says why.
 */
int h1_chunk_check(struct h1_chunk *, struct h1_strict *s, const uint8_t *p, size_t n,
    size_t *out_ok) NONNULL(1, 2, 3, 5) MUSTCHECK;

#endif
