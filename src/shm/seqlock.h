/* SPDX-License-Identifier: ISC */
/*
 * seqlock.h - data in shared memory that one process at a time writes and any
 * number copies without a lock.  Writers take turns by a robust mutex; readers
 * need no write access: an odd or changed sequence makes their copy void.
 * Runs in: master (init), signer (write), worker (read).
 */
#ifndef MITMD_SHM_SEQLOCK_H
#define MITMD_SHM_SEQLOCK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/* The sequence is odd while somebody writes, or has died writing. */
struct seqlock {
	_Atomic uint32_t sequence;
	uint32_t unused;
};

typedef _Atomic uint64_t seqlock_word;

static inline uint32_t
seqlock_peek(const struct seqlock *s)
{
	return atomic_load_explicit(&s->sequence, memory_order_acquire);
}

/* Did nothing change since seqlock_peek() gave `before` (which must be even)? */
static inline bool
seqlock_unchanged(const struct seqlock *s, uint32_t before)
{
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&s->sequence, memory_order_relaxed) == before;
}

/* Under the mutex. Begin works on an odd sequence too (a dead writer's). */
static inline void
seqlock_write_begin(struct seqlock *s)
{
	uint32_t now = atomic_load_explicit(&s->sequence, memory_order_relaxed);

	atomic_store_explicit(&s->sequence, now | 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

static inline void
seqlock_write_end(struct seqlock *s)
{
	uint32_t now = atomic_load_explicit(&s->sequence, memory_order_relaxed);

	atomic_store_explicit(&s->sequence, now + 1, memory_order_release);
}

/*
 * Whole words, one relaxed access each, so that a racing copy is stale or
 * mixed but never undefined.  n is a number of words.
 */
void seqlock_copy_in(seqlock_word *dst, const void *src, size_t n) NONNULL(1, 2);
void seqlock_copy_out(void *dst, const seqlock_word *src, size_t n) NONNULL(1, 2);

/* A mutex between processes that survives the death of its owner. */
void robust_init(pthread_mutex_t *) NONNULL(1);
/* true: the previous owner died holding it; repair the data, then go on. */
bool robust_lock(pthread_mutex_t *) NONNULL(1) MUSTCHECK;
void robust_repaired(pthread_mutex_t *) NONNULL(1);
void robust_unlock(pthread_mutex_t *) NONNULL(1);

#endif
