/* SPDX-License-Identifier: ISC */
/* repeats.c - see repeats.h.  Runs in: every process. */
#include "config.h"

#include "base/repeats.h"

#include <stdio.h>

#define QUIET_US 5000000u
#define AT_LAST_US 60000000u	/* in a flood that does not end */

static struct repeated *
place_of(struct repeats *r, const void *kind)
{
	uint64_t hash = (uint64_t)(uintptr_t)kind * UINT64_C(0x9e3779b97f4a7c15);

	return &r->v[hash >> 32 & (REPEATS_KINDS - 1)];
}

static void
tell(struct repeated *k, uint64_t now_us, repeats_fn *fn)
{
	if (k->left_out == 0)
		return;
	fn(k, (now_us - k->since_us + 999999) / 1000000);
	k->left_out = 0;
}

bool
repeats_may_say(struct repeats *r, const void *kind, struct rate fresh, int level,
    const char *text, uint64_t now_us, repeats_fn *fn)
{
	struct repeated *k = place_of(r, kind);

	if (k->kind != kind) {
		tell(k, now_us, fn);
		*k = (struct repeated){.kind = kind, .rate = fresh};
	}
	if (rate_take(&k->rate, now_us)) {
		tell(k, now_us, fn);
		return true;
	}
	if (k->left_out++ == 0)
		k->since_us = now_us;
	k->last_us = now_us;
	k->level = level;
	(void)snprintf(k->text, sizeof(k->text), "%s", text);
	return false;
}

void
repeats_tell(struct repeats *r, uint64_t now_us, repeats_fn *fn)
{
	size_t i;

	for (i = 0; i < REPEATS_KINDS; i++)
		tell(&r->v[i], now_us, fn);
}

void
repeats_settle(struct repeats *r, uint64_t now_us, repeats_fn *fn)
{
	size_t i;

	for (i = 0; i < REPEATS_KINDS; i++) {
		struct repeated *k = &r->v[i];

		if (k->left_out > 0 && (now_us - k->last_us >= QUIET_US ||
		    now_us - k->since_us >= AT_LAST_US))
			tell(k, now_us, fn);
	}
}
