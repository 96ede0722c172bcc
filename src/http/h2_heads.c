/* SPDX-License-Identifier: ISC */
/* h2_heads.c - see h2_heads.h.  Runs in: worker, tests, fuzzers. */
#include "config.h"

#include "http/h2_heads.h"

#include <string.h>

#include "base/str.h"

#define PREFACE 24
#define TYPE_DATA 0
#define END_STREAM 1

void
h2_heads_init(struct h2_heads *h, bool with_preface)
{
	*h = (struct h2_heads){.skip = with_preface ? PREFACE : 0};
}

/* What follows this head. */
static void
begin(struct h2_heads *h, const uint8_t *head)
{
	h->skip = (uint64_t)head[0] << 16 | (uint64_t)head[1] << 8 | head[2];
	h->in_data = head[3] == TYPE_DATA;
	h->ndata += h->in_data;
}

size_t
h2_heads_pass(struct h2_heads *h, const uint8_t *p, size_t n)
{
	size_t at = 0, k;

	if (h->have > 0)
		return 0;
	for (;;) {
		k = MIN(h->skip, (uint64_t)(n - at));
		h->skip -= k;
		at += k;
		if (n - at < H2_HEAD || (p[at + 3] == TYPE_DATA && (p[at + 4] & END_STREAM) != 0))
			return at;
		begin(h, p + at);
		at += H2_HEAD;
	}
}

size_t
h2_heads_take(struct h2_heads *h, const uint8_t *p, size_t n)
{
	size_t k = MIN(n, (size_t)(H2_HEAD - h->have));

	memcpy(h->head + h->have, p, k);
	h->have += (uint8_t)k;
	return k;
}

void
h2_heads_taken(struct h2_heads *h)
{
	begin(h, h->head);
	h->have = 0;
}

uint64_t
h2_heads_whole(const struct h2_heads *h)
{
	return h->ndata - (h->in_data && h->skip > 0);
}
