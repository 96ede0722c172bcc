/* SPDX-License-Identifier: ISC */
/* listing.c - see listing.h.  Runs in: recorder. */
#include "config.h"

#include "recorder/listing.h"

#include "base/clock.h"
#include "base/words.h"

#define PART_BYTES (48u << 10)	/* of a message; a row is far smaller than what is left */

struct listing {
	listing_fn *fn;
	void *arg;
	struct buf rows;
	uint64_t mono_us, wall_us;
};

/* A file's times are monotonic; people want dates. */
static void
put_date(struct listing *l, uint64_t mono_us)
{
	char text[CLOCK_ISO_SIZE];

	clock_iso(l->wall_us - MIN(l->mono_us - MIN(mono_us, l->mono_us), l->wall_us), text);
	buf_putz(&l->rows, text);
}

static void
put_row(void *arg, const char *tag, const struct har_file *f)
{
	struct listing *l = arg;

	word_put(&l->rows, str_z(tag));
	buf_putc(&l->rows, '\t');
	word_put(&l->rows, str_z(f->name));
	buf_printf(&l->rows, SPOOL_PART "\t%llu\t%llu\t", (unsigned long long)f->entries,
	    (unsigned long long)f->end);
	put_date(l, f->last_us);
	buf_putc(&l->rows, '\n');
	if (l->rows.len < PART_BYTES)
		return;
	l->fn(l->arg, buf_str(&l->rows), false);
	buf_clear(&l->rows);
}

void
listing(const struct spool *spool, listing_fn *fn, void *arg)
{
	struct listing l = {.fn = fn, .arg = arg, .mono_us = clock_mono_us(),
	    .wall_us = clock_wall_us()};

	buf_putz(&l.rows, "tag\tfile\tentries\tbytes\tlast\n");
	spool_each(spool, put_row, &l);
	fn(arg, buf_str(&l.rows), true);
	buf_free(&l.rows);
}
