/* SPDX-License-Identifier: ISC */
/* keyring.c - see keyring.h.  Runs in: master, signer, worker. */
#include "config.h"

#include "shm/keyring.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "shm/seqlock.h"

#define MAGIC 0x6d6b7232u	/* the layout; change it with any change here */
#define WORDS (sizeof(struct keyring) / sizeof(uint64_t))
#define TRIES 100	/* a write takes about a microsecond */

struct shared {
	uint32_t magic, unused;
	pthread_mutex_t mutex;
	struct seqlock lock;
	seqlock_word words[WORDS];
};

_Static_assert(sizeof(struct keyring) % sizeof(uint64_t) == 0, "copied by whole words");

struct keyring_reader {
	const struct shared *shared;
};

int
keyring_create(struct segment *s, struct errmsg *err)
{
	struct shared *shared;

	if (segment_create(s, "mitmd-keys", sizeof(*shared), err) != 0)
		return -1;
	shared = s->map;
	shared->magic = MAGIC;
	robust_init(&shared->mutex);
	segment_lock(s);
	return 0;
}

static bool
read_checked(const struct shared *shared, struct keyring *out)
{
	unsigned try;

	for (try = 0; try < TRIES; try++) {
		uint32_t before = seqlock_peek(&shared->lock);

		if (before & 1)
			continue;
		seqlock_copy_out(out, shared->words, WORDS);
		if (seqlock_unchanged(&shared->lock, before))
			return true;
	}
	return false;
}

bool
keyring_replace(struct segment *s, uint32_t seen, const struct keyring *next)
{
	struct shared *shared = s->map;
	bool ours;

	/* A dead writer's odd sequence is all there is to repair: we write it whole. */
	if (robust_lock(&shared->mutex))
		robust_repaired(&shared->mutex);
	ours = seqlock_peek(&shared->lock) == seen;
	if (ours) {
		seqlock_write_begin(&shared->lock);
		seqlock_copy_in(shared->words, next, WORDS);
		seqlock_write_end(&shared->lock);
	}
	robust_unlock(&shared->mutex);
	return ours;
}

void
keyring_write(struct segment *s, const struct keyring *k)
{
	while (!keyring_replace(s, keyring_sequence_own(s), k))
		continue;
}

void
keyring_read_own(const struct segment *s, struct keyring *out)
{
	if (!read_checked(s->map, out))
		memset(out, 0, sizeof(*out));
}

uint32_t
keyring_sequence_own(const struct segment *s)
{
	const struct shared *shared = s->map;

	return seqlock_peek(&shared->lock);
}

struct keyring_reader *
keyring_reader_new(int fd, struct errmsg *err)
{
	const struct shared *shared;
	struct keyring_reader *r;
	struct stat st;

	if (fstat(fd, &st) == -1 || (size_t)st.st_size != sizeof(*shared)) {
		(void)errmsg_set(err, "the key ring is not there");
		return NULL;
	}
	shared = segment_open(fd, sizeof(*shared), err);
	if (shared == NULL)
		return NULL;
	if (shared->magic != MAGIC) {
		(void)errmsg_set(err, "the key ring has another layout");
		(void)munmap((void *)(uintptr_t)shared, sizeof(*shared));
		return NULL;
	}
	r = mem_new(struct keyring_reader);
	r->shared = shared;
	return r;
}

void
keyring_reader_free(struct keyring_reader **pr)
{
	struct keyring_reader *r = pr != NULL ? *pr : NULL;

	if (r == NULL)
		return;
	*pr = NULL;
	(void)munmap((void *)(uintptr_t)r->shared, sizeof(*r->shared));
	free(r);
}

uint32_t
keyring_sequence(const struct keyring_reader *r)
{
	return seqlock_peek(&r->shared->lock);
}

bool
keyring_read(const struct keyring_reader *r, struct keyring *out)
{
	return read_checked(r->shared, out);
}
