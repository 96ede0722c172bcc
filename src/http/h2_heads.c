/* SPDX-License-Identifier: ISC */
/* h2_heads.c - see h2_heads.h.  Runs in: worker, tests. */
#include "config.h"

#include "http/h2_heads.h"

#define PREFACE 24
#define HEAD 9	/* of which the first four are looked at */
#define TYPE_DATA 0

void
h2_heads_init(struct h2_heads *h, bool with_preface)
{
	*h = (struct h2_heads){.skip = with_preface ? PREFACE : 0};
}

static void
begin(struct h2_heads *h)
{
	h->have = 0;
	h->skip = HEAD - sizeof(h->head) +
	    ((uint64_t)h->head[0] << 16 | (uint64_t)h->head[1] << 8 | h->head[2]);
	h->in_data = h->head[3] == TYPE_DATA;
	h->ndata += h->in_data;
}

void
h2_heads_feed(struct h2_heads *h, const uint8_t *p, size_t n)
{
	size_t k;

	while (n > 0) {
		if (h->skip > 0) {
			k = h->skip < n ? (size_t)h->skip : n;
			h->skip -= k;
			p += k;
			n -= k;
			continue;
		}
		h->in_data = false;
		h->head[h->have++] = *p++;
		n--;
		if (h->have == sizeof(h->head))
			begin(h);
	}
}

uint64_t
h2_heads_whole(const struct h2_heads *h)
{
	return h->ndata - (h->in_data && h->skip > 0);
}
