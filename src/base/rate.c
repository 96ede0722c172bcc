/* SPDX-License-Identifier: ISC */
/* rate.c - see rate.h.  Runs in: every process. */
#include "config.h"

#include "base/rate.h"

bool
rate_take(struct rate *r, uint64_t now_us)
{
	if (r->filled_us == 0)
		r->tokens = r->burst;
	else if (now_us > r->filled_us)
		r->tokens += (double)(now_us - r->filled_us) * r->per_second / 1e6;
	r->tokens = MIN(r->tokens, (double)r->burst);
	r->filled_us = now_us;
	if (r->tokens < 1)
		return false;
	r->tokens -= 1;
	return true;
}
