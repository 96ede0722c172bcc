/* SPDX-License-Identifier: ISC */
/* seqlock.c - see seqlock.h.  Runs in: master, signer, worker. */
#include "config.h"

#include "shm/seqlock.h"

#include <errno.h>
#include <string.h>

void
seqlock_copy_in(seqlock_word *dst, const void *src, size_t n)
{
	const uint8_t *from = src;
	uint64_t word;
	size_t i;

	for (i = 0; i < n; i++) {
		memcpy(&word, from + i * sizeof(word), sizeof(word));
		atomic_store_explicit(&dst[i], word, memory_order_relaxed);
	}
}

void
seqlock_copy_out(void *dst, const seqlock_word *src, size_t n)
{
	uint8_t *to = dst;
	uint64_t word;
	size_t i;

	for (i = 0; i < n; i++) {
		word = atomic_load_explicit(&src[i], memory_order_relaxed);
		memcpy(to + i * sizeof(word), &word, sizeof(word));
	}
}

void
robust_init(pthread_mutex_t *m)
{
	pthread_mutexattr_t attr;

	/* In glibc these names are enumerators: an #ifdef would drop them silently. */
	CHECK(pthread_mutexattr_init(&attr) == 0);
	CHECK(pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) == 0);
	CHECK(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) == 0);
	CHECK(pthread_mutex_init(m, &attr) == 0);
	(void)pthread_mutexattr_destroy(&attr);
}

bool
robust_lock(pthread_mutex_t *m)
{
	int e = pthread_mutex_lock(m);

	CHECK(e == 0 || e == EOWNERDEAD);
	return e == EOWNERDEAD;
}

void
robust_repaired(pthread_mutex_t *m)
{
	/* Unlocked without this it would be unusable for ever. */
	CHECK(pthread_mutex_consistent(m) == 0);
}

void
robust_unlock(pthread_mutex_t *m)
{
	CHECK(pthread_mutex_unlock(m) == 0);
}
