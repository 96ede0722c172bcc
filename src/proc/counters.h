/* SPDX-License-Identifier: ISC */
/*
 * counters.h - numbers that other processes may read, in shared memory: one slot
 * per process, and no process but the master can write another's.  No lock: a
 * slot has one writer.
 * Runs in: master (make, sum), every role (raise its own, read all).
 */
#ifndef MITMD_PROC_COUNTERS_H
#define MITMD_PROC_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "shm/ring.h"

/* Workers have the slots of their rings, the others those behind them. */
enum {
	SLOT_MASTER = RING_SLOTS,
	SLOT_RECORDER,
	SLOT_SIGNERS,		/* any that is free: one for each generation */
	SLOT_NSIGNERS = 8,
	SLOT_COUNT = SLOT_SIGNERS + SLOT_NSIGNERS
};

/* A page of its own, so that it can be one process's alone. */
struct counters {
#define COUNTER(name, meaning) _Atomic uint64_t name;
#define GAUGE(name, meaning) _Atomic uint64_t name;
#include "proc/counters.def"
#undef COUNTER
#undef GAUGE
} __attribute__((aligned(4096)));

/* SLOT_COUNT of them, mapped shared before the first fork. NULL with a reason. */
struct counters *counters_create(int *out_fd, struct errmsg *) NONNULL(1, 2);
/*
 * In a child, before anything else: all slots but this one are read-only from
 * now on, for good. Its gauges start from zero. fd is not needed afterwards.
 */
void counters_confine(struct counters *, int fd, unsigned slot) NONNULL(1);
/* In the master: the process of that slot is gone, and its gauges with it. */
void counters_left(struct counters *, unsigned slot) NONNULL(1);

static inline void
counter_add(_Atomic uint64_t *c, int64_t n)
{
	/* One writer: no atomic read-modify-write is needed. */
	atomic_store_explicit(c,
	    atomic_load_explicit(c, memory_order_relaxed) + (uint64_t)n, memory_order_relaxed);
}

/* Gauges. */
static inline void
counter_set(_Atomic uint64_t *c, uint64_t value)
{
	atomic_store_explicit(c, value, memory_order_relaxed);
}

static inline uint64_t
counter_get(const _Atomic uint64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

#endif
