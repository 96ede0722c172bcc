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
#include "proc/clients.h"
#include "shm/ring.h"

/* Workers have the slots of their rings, the others those behind them. */
enum {
	SLOT_MASTER = RING_SLOTS,
	SLOT_RECORDER,
	SLOT_SIGNERS,		/* any that is free: one for each generation */
	SLOT_NSIGNERS = 8,
	SLOT_COUNT = SLOT_SIGNERS + SLOT_NSIGNERS
};

/* The values of each label, and how many there are: COUNT_side. */
#define VALUE(symbol, text) symbol,
#define LABEL(name, shown, values) enum counter_##name { values COUNT_##name };
#include "proc/counters.def"

/* Upper ends of the buckets of every histogram: microseconds, and as they are shown. */
#define COUNTER_BUCKETS(B)                                                                \
	B(500, "0.0005") B(1000, "0.001") B(2500, "0.0025") B(5000, "0.005")              \
	B(10000, "0.01") B(25000, "0.025") B(50000, "0.05") B(100000, "0.1")              \
	B(250000, "0.25") B(500000, "0.5") B(1000000, "1.0") B(2500000, "2.5")            \
	B(5000000, "5.0") B(10000000, "10.0") B(30000000, "30.0")
#define COUNTER_ONE_MORE(us, text) +1
enum { COUNTER_NBUCKETS = 1 COUNTER_BUCKETS(COUNTER_ONE_MORE) };	/* the last has no end */

struct counter_histogram {
	_Atomic uint64_t bucket[COUNTER_NBUCKETS];	/* each without those below */
	_Atomic uint64_t sum;				/* microseconds */
};

#define BY0
#define BY1(a) [COUNT_##a]
#define BY2(a, b) [COUNT_##a][COUNT_##b]
#define BY3(a, b, c) [COUNT_##a][COUNT_##b][COUNT_##c]

/* Pages of its own, so that it can be one process's alone. */
struct counters {
#define COUNTER(name, meaning) _Atomic uint64_t name;
#define GAUGE(name, meaning) _Atomic uint64_t name;
#define SHOWN_COUNTER(name, by, shown, unit, merge, help) _Atomic uint64_t name by;
#define SHOWN_GAUGE(name, by, shown, unit, merge, help) _Atomic uint64_t name by;
#define HISTOGRAM(name, by, shown, help) struct counter_histogram name by;
#include "proc/counters.def"
	struct client_table clients;
} __attribute__((aligned(4096)));

#undef BY0
#undef BY1
#undef BY2
#undef BY3

/* SLOT_COUNT of them, mapped shared before the first fork. NULL with a reason. */
struct counters *counters_create(int *out_fd, struct errmsg *) NONNULL(1, 2);
/*
 * In a child, before anything else: all slots but this one are read-only from
 * now on, for good. Its gauges start from zero. fd is not needed afterwards.
 */
void counters_confine(struct counters *, int fd, unsigned slot) NONNULL(1);
/* In the master: a process takes that slot. */
void counters_taken(struct counters *, unsigned slot) NONNULL(1);
/* In the master: the process of that slot is gone, and its gauges with it. */
void counters_left(struct counters *, unsigned slot) NONNULL(1);
/* Whose slot that is, as a label. */
enum counter_role counters_role(unsigned slot);

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

/* One more that took so long. */
void counter_observe(struct counter_histogram *, uint64_t us) NONNULL(1);

#endif
