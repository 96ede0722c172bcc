/* SPDX-License-Identifier: ISC */
/*
 * work.h - how much all decoders of this process may make: what came over the wire
 * pays for its like, and a little more is free each second.  Forty bytes may become
 * 16 MiB, and a hundred streams may each bring them in one read: nobody else would
 * be served while that lasts.
 * Runs in: worker, tests, fuzzers.
 */
#ifndef MITMD_HAR_WORK_H
#define MITMD_HAR_WORK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

#define WORK_EARNED 32			/* bytes made for each that came */
#define WORK_SECOND ((double)(16 << 20))	/* free */
#define WORK_BURST ((double)(64 << 20))	/* saved up at most */

void work_earn(size_t wire);
/* They were paid for, and are not made. */
void work_give_back(size_t n);
/* n bytes were made; false: that is more than there was to spend. */
bool work_spend(size_t n) MUSTCHECK;

#endif
