/* SPDX-License-Identifier: ISC */
/* work.c - see work.h.  Runs in: worker, tests, fuzzers. */
#include "config.h"

#include "har/work.h"

#include "base/clock.h"

static double left = WORK_BURST;	/* bytes */
static double looked;			/* loop time; 0: not yet */

void
work_earn(size_t wire)
{
	left = MIN(left + (double)wire * WORK_EARNED, WORK_BURST);
}

void
work_give_back(size_t n)
{
	left = MIN(left + (double)n, WORK_BURST);
}

/* The clock is asked only when it is needed. */
bool
work_spend(size_t n)
{
	double now;

	left -= (double)n;
	if (left >= 0)
		return true;
	now = clock_mono_s();
	left = MIN(left + (now - looked) * WORK_SECOND, WORK_BURST);
	looked = now;
	if (left >= 0)
		return true;
	left = 0;	/* what was made too much is not owed */
	return false;
}
