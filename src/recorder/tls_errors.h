/* SPDX-License-Identifier: ISC */
/*
 * tls_errors.h - the TLS failures among the entries of a file, which its tail
 * tells once more, as log._tlsErrors.  Only where they lie is kept.
 * Runs in: recorder (loop: look; helper thread: all).
 */
#ifndef MITMD_RECORDER_TLS_ERRORS_H
#define MITMD_RECORDER_TLS_ERRORS_H

#include <stdint.h>

#include "base/buf.h"
#include "har/entry.h"

/* What the list of one file may have; the entries have theirs in any case. */
#define TLS_ERRORS_MAX 1000
#define TLS_ERRORS_BYTES (256u << 10)
/* So much of an entry's end is looked at. */
#define TLS_ERRORS_WINDOW (sizeof(HAR_TLS_ERROR) + HAR_TLS_ERROR_MAX)

struct tls_error_at {
	uint64_t offset;	/* in the file, of a JSON object */
	uint32_t len;
};

/* Zeros: none. */
struct tls_errors {
	struct tls_error_at *v;
	uint32_t n, room;
	uint64_t bytes;
	uint64_t left_out;
};

void tls_errors_free(struct tls_errors *) NONNULL(1);	/* none again */
/* The end of an entry, or all of it; `to` is the offset in the file behind it. */
void tls_errors_look(struct tls_errors *, struct str end_of_entry, uint64_t to) NONNULL(1);
/* Entries with ",\n" between, of which the first begins at that offset. */
void tls_errors_look_at_all(struct tls_errors *, struct str entries, uint64_t from)
    NONNULL(1);
/* Append the tail of a finished file; HAR_TAIL when there are none. */
void tls_errors_put_tail(const struct tls_errors *, int fd, struct buf *out) NONNULL(1, 3);

#endif
