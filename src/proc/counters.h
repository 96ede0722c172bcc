/* SPDX-License-Identifier: ISC */
/*
 * counters.h - numbers that other processes may read, in shared memory, one
 * slot per worker.  No lock: a slot has one writer.
 * Runs in: master (make), worker (raise, sum).
 */
#ifndef MITMD_PROC_COUNTERS_H
#define MITMD_PROC_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/attr.h"

struct counters {
#define COUNTER(name, meaning) _Atomic uint64_t name;
#include "proc/counters.def"
#undef COUNTER
} __attribute__((aligned(128)));

/* One table for all slots; mapped shared before the first fork. */
struct counters *counters_create(unsigned slots);

static inline void
counter_add(_Atomic uint64_t *c, int64_t n)
{
	/* One writer: no atomic read-modify-write is needed. */
	atomic_store_explicit(c,
	    atomic_load_explicit(c, memory_order_relaxed) + (uint64_t)n, memory_order_relaxed);
}

static inline uint64_t
counter_get(const _Atomic uint64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

#endif
