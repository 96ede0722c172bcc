/* SPDX-License-Identifier: ISC */
/*
 * store.h - decoded bytes kept as the text of a JSON string: escaped while
 * they are text, else base64; in memory while they are few, else in the spill.
 * Runs in: worker, tests, fuzzers.
 */
#ifndef MITMD_HAR_STORE_H
#define MITMD_HAR_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "har/base64.h"
#include "har/spill.h"

enum store_state {
	STORE_MEMORY,	/* decoded bytes in raw; the form is chosen at the end */
	STORE_TEXT,	/* escaped text goes to run */
	STORE_BASE64,	/* base64 goes to run */
	STORE_TURNED,	/* run holds text, tail the bytes since they stopped being that */
	STORE_DONE
};

struct store {
	uint64_t max;		/* decoded bytes kept at most */
	size_t memory;		/* of these, in memory */
	size_t staged;		/* text for the spill that is written at once */
	struct spill *spill;
	enum store_state state;
	bool text_allowed;	/* the charset is one that JSON shares */
	bool base64;		/* the form, once chosen */
	bool full;		/* nothing more is kept */
	bool failed;		/* the spill took no more: what was staged is lost */
	const char *why;	/* a constant: why it is full, or lost something */
	uint64_t kept;		/* decoded bytes that are safe */
	uint64_t pending;	/* decoded bytes in stage */
	struct buf raw;
	struct buf stage;	/* what goes to the spill next */
	struct base64 b64;
	uint8_t carry[4];	/* start of a UTF-8 sequence */
	uint8_t ncarry;
	struct spill_run run, tail, recoded;
	uint64_t turned_at;	/* decoded bytes in run when it turned */
	uint64_t at;		/* of run and then of tail: recoded so far */
};

void store_init(struct store *, uint64_t max, size_t memory, struct spill *, bool text_allowed)
    NONNULL(1);
void store_free(struct store *) NONNULL(1);
void store_put(struct store *, const uint8_t *p, size_t n) NONNULL(1);
/*
 * cut: more would have come, so half a UTF-8 sequence at the end is not held
 * against the rest.  0, or ERR_AGAIN: call store_step() until it says 0.
 */
int store_end(struct store *, bool cut) NONNULL(1) MUSTCHECK;
int store_step(struct store *) NONNULL(1) MUSTCHECK;
/* After the end: what lies in memory, as JSON text. */
void store_put_text(const struct store *, struct buf *out) NONNULL(1, 2);

#endif
