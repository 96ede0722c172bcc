/* SPDX-License-Identifier: ISC */
/*
 * h2_guard.h - does this peer work, or does it only make work?  Frames that cost
 * us more than the peer are paid from buckets, which fill with time and with
 * real progress (RFC 9113 10.5; CVE-2023-44487, CVE-2025-8671, CVE-2019-9512 to
 * 9518).  Plain data, no I/O.
 * Runs in: worker, tests.
 */
#ifndef MITMD_HTTP_H2_GUARD_H
#define MITMD_HTTP_H2_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

enum h2_cost {
	H2_COST_RESET_IN,	/* the peer gave up a stream */
	H2_COST_RESET_OVER,	/* ... that was over already */
	H2_COST_RESET_OUT,	/* the peer made us give up one */
	H2_COST_PING,
	H2_COST_SETTINGS,
	H2_COST_IDLE,	/* PRIORITY, WINDOW_UPDATE, unknown types, empty frames */
	H2_COST_OVER,	/* DATA for a stream that is no more */
	H2_COST_HEAD,	/* a megabyte of fields behind the size that a head may have */
	H2_COST_COUNT
};

/* Zeroed is new: all buckets are full. */
struct h2_guard {
	struct h2_bucket {
		uint64_t last_us;
		double spent;	/* negative: earned in advance */
	} bucket[H2_COST_COUNT];
};

/* NULL, or what the peer did, for which the connection is to end (ENHANCE_YOUR_CALM). */
const char *h2_guard_pay(struct h2_guard *, enum h2_cost, uint64_t mono_us) NONNULL(1);
/* A stream ended well. */
void h2_guard_stream_done(struct h2_guard *) NONNULL(1);
/* n bytes of content went by in either direction: their WINDOW_UPDATEs are no flood. */
void h2_guard_progress(struct h2_guard *, size_t n) NONNULL(1);

#endif
