/* SPDX-License-Identifier: ISC */
/*
 * tags.h - what the spool knows of each tag: entries that wait for the next
 * transaction, and the file that grows.  A tag with neither is forgotten.
 * Runs in: recorder.
 */
#ifndef MITMD_RECORDER_TAGS_H
#define MITMD_RECORDER_TAGS_H

#include "base/list.h"
#include "recorder/har_file.h"
#include "shm/ring.h"

struct tag {
	LIST_ENTRY(tag) bucket;
	TAILQ_ENTRY(tag) use;		/* of those with a file, least recently used first */
	TAILQ_ENTRY(tag) wait;
	char name[RING_TAG_MAX + 1];
	bool open, waiting;
	struct har_file file;
	struct buf text;		/* entries that wait, each with ",\n" in front */
	uint64_t count;
	uint64_t locked_us;		/* since when a reader has been in the way */
};

LIST_HEAD(tag_bucket, tag);
TAILQ_HEAD(tag_list, tag);

#define TAGS_BUCKETS 256

struct tags {
	struct tag_bucket buckets[TAGS_BUCKETS];
	struct tag_list open, waiting;
	unsigned nopen, nwaiting;
	size_t bytes;			/* that wait */
};

void tags_init(struct tags *) NONNULL(1);
void tags_free(struct tags *) NONNULL(1);	/* growing files are closed as they are */
struct tag *tags_find(struct tags *, struct str name) NONNULL(1);
struct tag *tags_get(struct tags *, struct str name) NONNULL(1);	/* or a new one */
void tags_drop_if_unused(struct tag *) NONNULL(1);
void tags_opened(struct tags *, struct tag *) NONNULL(1, 2);
void tags_closed(struct tags *, struct tag *) NONNULL(1, 2);
void tags_used(struct tags *, struct tag *) NONNULL(1, 2);
/* One more entry waits; none does any more. */
void tags_add(struct tags *, struct tag *, size_t bytes) NONNULL(1, 2);
void tags_clear(struct tags *, struct tag *) NONNULL(1, 2);

#endif
