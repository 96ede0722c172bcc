/* SPDX-License-Identifier: ISC */
/*
 * body.h - one captured body: fed as it streams by, content-decoded (gzip,
 * deflate, br, zstd; output, ratio and window bounded), kept as JSON string
 * text: escaped UTF-8 where it is that, else base64 (field rules of HAR).
 * Memory is bounded whatever the size: what is more than BODY_MEMORY goes to
 * the spill.  Capture never fails a flow: what cannot be kept is counted and
 * marked.
 * Runs in: worker, tests, fuzzers.
 */
#ifndef MITMD_HAR_BODY_H
#define MITMD_HAR_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "har/spill.h"

#define BODY_MEMORY (256u << 10)	/* decoded bytes kept in memory before spilling */

struct body;

struct body_conf {
	uint64_t max_body;	/* decoded bytes kept */
	size_t memory;		/* decoded bytes kept in memory; 0: BODY_MEMORY */
	size_t expected;	/* so many will come: there is room for them from the start */
	struct spill *spill;	/* NULL: nothing beyond memory is kept */
};

/* content_type and content_encoding as the message's fields have them (copied). */
struct body *body_new(const struct body_conf *, struct str content_type,
    struct str content_encoding) NONNULL(1) MUSTCHECK;
void body_free(struct body **);
void body_feed(struct body *, const uint8_t *p, size_t n) NONNULL(1);
/*
 * No more bytes will come (whole: the message ended as framed).  0, or
 * ERR_AGAIN: a large text turned out to be binary and is being recoded; call
 * body_step() from an idle moment until it returns 0.
 */
int body_end(struct body *, bool whole) NONNULL(1);
int body_step(struct body *) NONNULL(1);
size_t body_held(const struct body *);	/* of memory; NULL: 0 */

/* After the end. */
uint64_t body_wire_bytes(const struct body *) NONNULL(1);	/* fed */
uint64_t body_size(const struct body *) NONNULL(1);	/* decoded, also beyond max_body */
/* False: the coding was broken, or decoding was given up (bomb); there was more. */
bool body_size_known(const struct body *) NONNULL(1);
uint64_t body_kept(const struct body *) NONNULL(1);	/* decoded bytes in the text */
bool body_truncated(const struct body *) NONNULL(1);
bool body_is_base64(const struct body *) NONNULL(1);
/* The bytes kept are still content-encoded: unknown coding, or it was broken. */
bool body_still_encoded(const struct body *) NONNULL(1);
const char *body_note(const struct body *) NONNULL(1);	/* why, for "comment"; "" if nothing */
/*
 * The JSON text between the quotes: first memory, then the run (which may be
 * empty). body_take_run() hands the run to the caller, who releases it.
 */
struct str body_text(struct body *) NONNULL(1);
/* The same memory part, made in place: cheaper than body_text() and a copy. */
void body_put_text(const struct body *, struct buf *out) NONNULL(1, 2);
bool body_has_run(const struct body *) NONNULL(1);
void body_take_run(struct body *, struct spill_run *out) NONNULL(1, 2);
/* Decoded bytes as long as all of them are in memory (form parsing); else STR_NONE. */
struct str body_raw(const struct body *) NONNULL(1);

#endif
