/* SPDX-License-Identifier: ISC */
/* tags.c - see tags.h.  Runs in: recorder. */
#include "config.h"

#include "recorder/tags.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define KEEP_BYTES (1u << 20)	/* memory a tag may keep between batches */

static struct tag_bucket *
bucket_of(struct tags *tags, struct str name)
{
	uint32_t h = 2166136261u;	/* FNV-1a; tags are bounded by what waits or is open */
	size_t i;

	for (i = 0; i < name.n; i++)
		h = (h ^ (uint8_t)name.p[i]) * 16777619u;
	return &tags->buckets[h % TAGS_BUCKETS];
}

void
tags_init(struct tags *tags)
{
	memset(tags, 0, sizeof(*tags));
	TAILQ_INIT(&tags->open);
	TAILQ_INIT(&tags->waiting);
}

static void
forget(struct tag *t)
{
	LIST_REMOVE(t, bucket);
	buf_free(&t->text);
	free(t);
}

void
tags_free(struct tags *tags)
{
	struct tag *t;
	size_t i;

	for (i = 0; i < TAGS_BUCKETS; i++)
		while ((t = LIST_FIRST(&tags->buckets[i])) != NULL) {
			har_file_close(&t->file);
			forget(t);
		}
}

struct tag *
tags_find(struct tags *tags, struct str name)
{
	struct tag *t;

	LIST_FOREACH(t, bucket_of(tags, name), bucket)
		if (str_eq(str_z(t->name), name))
			return t;
	return NULL;
}

struct tag *
tags_get(struct tags *tags, struct str name)
{
	struct tag *t = tags_find(tags, name);

	if (t != NULL)
		return t;
	CHECK(ring_tag_ok(name));
	t = mem_new(struct tag);
	memcpy(t->name, name.p, name.n);
	t->file.fd = t->file.dir = -1;
	buf_init(&t->text, 0);
	LIST_INSERT_HEAD(bucket_of(tags, name), t, bucket);
	return t;
}

void
tags_drop_if_unused(struct tag *t)
{
	if (!t->open && !t->waiting)
		forget(t);
}

void
tags_opened(struct tags *tags, struct tag *t)
{
	t->open = true;
	TAILQ_INSERT_TAIL(&tags->open, t, use);
	tags->nopen++;
}

void
tags_closed(struct tags *tags, struct tag *t)
{
	t->open = false;
	t->locked_us = 0;
	TAILQ_REMOVE(&tags->open, t, use);
	tags->nopen--;
}

void
tags_used(struct tags *tags, struct tag *t)
{
	TAILQ_REMOVE(&tags->open, t, use);
	TAILQ_INSERT_TAIL(&tags->open, t, use);
}

void
tags_add(struct tags *tags, struct tag *t, size_t bytes)
{
	if (!t->waiting) {
		t->waiting = true;
		TAILQ_INSERT_TAIL(&tags->waiting, t, wait);
		tags->nwaiting++;
	}
	t->count++;
	tags->bytes += bytes;
}

void
tags_clear(struct tags *tags, struct tag *t)
{
	t->waiting = false;
	TAILQ_REMOVE(&tags->waiting, t, wait);
	tags->nwaiting--;
	tags->bytes -= t->text.len;
	t->count = 0;
	if (t->text.cap > KEEP_BYTES)
		buf_free(&t->text);
	else
		buf_clear(&t->text);
}
