/* SPDX-License-Identifier: ISC */
/*
 * rate.h - a token bucket: so many at once, and so many a second from then on.
 * A zeroed one with burst and per_second set is full.
 */
#ifndef MITMD_BASE_RATE_H
#define MITMD_BASE_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct rate {
	unsigned burst;
	double per_second;
	uint64_t filled_us;	/* monotonic, up to which tokens were given; 0: never used */
	double tokens;
};

/* Take one token, if there is any. */
bool rate_take(struct rate *, uint64_t now_us) NONNULL(1);

#endif
