/* SPDX-License-Identifier: ISC */
/* pieces.c - see pieces.h.  Runs in: recorder. */
#include "config.h"

#include "recorder/pieces.h"

#include <unistd.h>

#include "har/spill.h"

int
pieces_init(struct pieces *p, const struct ring_entry *e, int spill, uint64_t max)
{
	uint64_t total = e->text.n;
	size_t i;

	for (i = 0; i < e->ninserts; i++) {
		uint64_t space = (uint64_t)e->inserts[i].nextents * SPILL_EXTENT;

		if (e->inserts[i].len > space || space - e->inserts[i].len >= SPILL_EXTENT)
			return ERR_SYNTAX;
		total += e->inserts[i].len;
	}
	if (total > max)
		return ERR_LIMIT;
	*p = (struct pieces){.entry = e, .spill = spill, .total = total};
	return 0;
}

static ssize_t
read_text(struct pieces *p, void *out, size_t n)
{
	const struct ring_entry *e = p->entry;
	size_t no = p->part / 2;
	size_t from = no > 0 ? e->inserts[no - 1].at : 0;
	size_t to = no < e->ninserts ? e->inserts[no].at : e->text.n;

	n = MIN(n, to - from - (size_t)p->offset);
	memcpy(out, e->text.p + from + p->offset, n);
	return (ssize_t)n;
}

static ssize_t
read_insert(struct pieces *p, void *out, size_t n)
{
	const struct ring_entry *e = p->entry;
	size_t no = p->part / 2;
	uint64_t left = e->inserts[no].len - p->offset, inside = p->offset % SPILL_EXTENT, at;
	ssize_t got;

	if (left == 0)
		return 0;
	at = (uint64_t)e->extents[no][p->offset / SPILL_EXTENT] * SPILL_EXTENT + inside;
	n = (size_t)MIN(MIN((uint64_t)n, left), SPILL_EXTENT - inside);
	got = pread(p->spill, out, n, (off_t)at);
	return got > 0 ? got : -1;
}

ssize_t
pieces_read(struct pieces *p, void *out, size_t n)
{
	while (p->part <= 2 * p->entry->ninserts) {
		ssize_t got = p->part % 2 == 0 ? read_text(p, out, n) : read_insert(p, out, n);

		if (got != 0) {
			p->offset += got > 0 ? (uint64_t)got : 0;
			return got;
		}
		p->part++;
		p->offset = 0;
	}
	return 0;
}
