/* SPDX-License-Identifier: ISC */
/*
 * shorten.h - JSON text with the ends of its long strings left out, while it
 * streams by: what an entry says in little memory, whatever its bodies are.
 * Runs in: mitmctl, tests, fuzzers.
 */
#ifndef MITMD_HAR_SHORTEN_H
#define MITMD_HAR_SHORTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct shorten {
	size_t keep;		/* bytes of a string */
	size_t run;		/* of the string so far */
	uint8_t escape;		/* bytes missing of an escape */
	bool in_string, in_hex, cutting;
};

void shorten_init(struct shorten *, size_t keep) NONNULL(1);
/* Valid JSON text in pieces; it is still valid when it came out, and white space is gone. */
void shorten_feed(struct shorten *, struct buf *out, const char *p, size_t n) NONNULL(1, 2);

#endif
