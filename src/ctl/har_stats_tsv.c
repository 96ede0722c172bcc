/* SPDX-License-Identifier: ISC */
/*
 * har_stats_tsv.c - see har_stats.h: one table for programs.  What a row has no use for is
 * empty in it.
 * Runs in: mitmctl.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "ctl/har_stats.h"
#include "ctl/tsv.h"

enum column {
	TABLE, NAME, ENTRIES, FAILED, SENT, RECEIVED, TIME_P50, TIME_P95, TIME_MAX, WAIT_P50,
	WAIT_P95, WAIT_MAX, FIRST, LAST, METHOD, STATUS, FILE_NAME, ENTRY, COLUMNS
};

struct row {
	struct str cells[COLUMNS];
	char room[COLUMNS][CLOCK_ISO_SIZE];	/* for numbers and dates */
};

static void
set_number(struct row *r, enum column c, int64_t n)
{
	_Static_assert(CLOCK_ISO_SIZE >= TSV_NUMBER, "room for either");

	r->cells[c] = tsv_number(n, r->room[c]);
}

/* Milliseconds, as in HARs. */
static void
set_ms(struct row *r, enum column c, int64_t us)
{
	if (us < 0)
		return;
	(void)snprintf(r->room[c], sizeof(r->room[c]), "%" PRId64 ".%03" PRId64, us / 1000,
	    us % 1000);
	r->cells[c] = str_z(r->room[c]);
}

static void
set_date(struct row *r, enum column c, int64_t us)
{
	clock_iso((uint64_t)us, r->room[c]);
	r->cells[c] = str_z(r->room[c]);
}

static void
set_spreads(struct row *r, const struct spread *time, const struct spread *wait)
{
	set_ms(r, TIME_P50, spread_part(time, 0.5));
	set_ms(r, TIME_P95, spread_part(time, 0.95));
	set_ms(r, TIME_MAX, spread_max(time));
	set_ms(r, WAIT_P50, spread_part(wait, 0.5));
	set_ms(r, WAIT_P95, spread_part(wait, 0.95));
	set_ms(r, WAIT_MAX, spread_max(wait));
}

static void
put_all(struct buf *out, const struct stats *s)
{
	struct row r = {.cells = {[TABLE] = STR("all")}};

	set_number(&r, ENTRIES, (int64_t)s->entries);
	set_number(&r, FAILED, (int64_t)s->failed);
	set_number(&r, SENT, (int64_t)s->sent);
	set_number(&r, RECEIVED, (int64_t)s->received);
	set_spreads(&r, s->time, s->wait);
	if (s->last_us >= 0) {
		set_date(&r, FIRST, s->first_us);
		set_date(&r, LAST, s->last_us);
	}
	tsv_row(out, r.cells, COLUMNS);
}

static void
put_kind(struct buf *out, const char *name, uint64_t entries)
{
	struct row r = {.cells = {[TABLE] = STR("kinds"), [NAME] = str_z(name)}};

	set_number(&r, ENTRIES, (int64_t)entries);
	tsv_row(out, r.cells, COLUMNS);
}

static void
put_tally(struct buf *out, const char *table, const struct tally_row *from)
{
	struct row r = {.cells = {[TABLE] = str_z(table), [NAME] = from->name}};

	set_number(&r, ENTRIES, (int64_t)from->entries);
	set_number(&r, FAILED, (int64_t)from->failed);
	set_number(&r, SENT, (int64_t)from->sent);
	set_number(&r, RECEIVED, (int64_t)from->received);
	set_spreads(&r, from->time, from->wait);
	tsv_row(out, r.cells, COLUMNS);
}

static void
put_top(struct buf *out, const char *table, const struct stats_top *top, bool time)
{
	int i;

	for (i = 0; i < STATS_TOP && top[i].value > 0; i++) {
		struct row r = {.cells = {[TABLE] = str_z(table), [NAME] = str_z(top[i].url),
		    [METHOD] = str_z(top[i].method), [FILE_NAME] = str_z(top[i].file)}};

		if (time)
			set_ms(&r, TIME_MAX, top[i].value);
		else
			set_number(&r, RECEIVED, top[i].value);
		set_number(&r, STATUS, top[i].status > 0 ? top[i].status : -1);
		set_number(&r, ENTRY, (int64_t)top[i].number);
		tsv_row(out, r.cells, COLUMNS);
	}
}

void
stats_show_tsv(const struct stats *s)
{
	static const char *const names[COLUMNS] = {
		"table", "name", "entries", "failed", "sent", "received", "time_p50",
		"time_p95", "time_max", "wait_p50", "wait_p95", "wait_max", "first", "last",
		"method", "status", "file", "entry"};
	static const char *const tables[STATS_TALLIES] = {
		[STATS_HOSTS] = "hosts", [STATS_TAGS] = "tags", [STATS_STATUS] = "status",
		[STATS_TYPES] = "types", [STATS_ERRORS] = "errors"};
	const struct tally_row *rows;
	struct buf out = {0};
	size_t n, j;
	int i;

	tsv_names(&out, names, COLUMNS);
	put_all(&out, s);
	put_kind(&out, "tunnel", s->tunnels);
	put_kind(&out, "websocket", s->websockets);
	for (i = 0; i < STATS_TALLIES; i++) {
		rows = tally_rows(s->tallies[i], &n);
		for (j = 0; j < n; j++)
			put_tally(&out, tables[i], &rows[j]);
	}
	put_top(&out, "slowest", s->slowest, true);
	put_top(&out, "biggest", s->biggest, false);
	tsv_print(&out);
}
