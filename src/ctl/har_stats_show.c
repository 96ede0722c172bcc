/* SPDX-License-Identifier: ISC */
/*
 * har_stats_show.c - see har_stats.h: tables for people, JSON for programs.
 * Runs in: mitmctl.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "ctl/har_stats.h"
#include "ctl/human.h"
#include "ctl/term.h"
#include "har/json.h"

#define ROWS 20			/* of each table, for people */
#define NAME_COLUMNS 40

static const struct {
	const char *title, *json;
} tables[STATS_TALLIES] = {
	[STATS_HOSTS] = {"HOST", "hosts"},
	[STATS_TAGS] = {"TAG", "tags"},
	[STATS_STATUS] = {"STATUS", "status"},
	[STATS_TYPES] = {"TYPE", "types"},
	[STATS_ERRORS] = {"ERROR", "errors"},
};

/* ---- for people ---- */

static const char *
time_text(int64_t us, char out[HUMAN_SIZE])
{
	return us < 0 ? "-" : human_us((uint64_t)us, out);
}

static void
print_name(struct str name)
{
	struct buf b;
	unsigned n;

	buf_init(&b, 0);
	n = term_put(&b, name, NAME_COLUMNS);
	for (; n < NAME_COLUMNS; n++)
		buf_putc(&b, ' ');
	(void)fwrite(buf_data(&b), 1, b.len, stdout);
	buf_free(&b);
}

static void
print_row(const struct tally_row *r)
{
	char sent[HUMAN_SIZE], received[HUMAN_SIZE], p50[HUMAN_SIZE], p95[HUMAN_SIZE];
	char max[HUMAN_SIZE], wait[HUMAN_SIZE];

	print_name(r->name);
	(void)printf(" %8" PRIu64 " %6" PRIu64 " %7s %7s %8s %8s %8s %8s\n", r->entries,
	    r->failed, human_bytes(r->sent, sent), human_bytes(r->received, received),
	    time_text(spread_part(r->time, 0.5), p50),
	    time_text(spread_part(r->time, 0.95), p95), time_text(spread_max(r->time), max),
	    time_text(spread_part(r->wait, 0.95), wait));
}

static void
print_table(const struct stats *s, int which)
{
	const struct tally_row *rows;
	size_t n, i;

	rows = tally_rows(s->tallies[which], &n);
	if (n == 0 || (which == STATS_TAGS && n == 1 && str_eq(rows[0].name, STR("-"))))
		return;
	(void)printf("\n%-*s %8s %6s %7s %7s %8s %8s %8s %8s\n", NAME_COLUMNS,
	    tables[which].title, "ENTRIES", "FAILED", "SENT", "RECEIVED", "P50", "P95", "MAX",
	    "WAIT P95");
	for (i = 0; i < MIN(n, (size_t)ROWS); i++)
		print_row(&rows[i]);
	if (n > ROWS)
		(void)printf("... and %zu more%s (all of them: --output json)\n", n - ROWS,
		    tally_has_others(s->tallies[which]) ? " or more" : "");
}

static void
print_top(const struct stats_top *top, const char *title, bool time)
{
	struct buf b;
	char text[HUMAN_SIZE];
	int i;

	if (top[0].value == 0)
		return;
	(void)printf("\n%s\n", title);
	buf_init(&b, 0);
	for (i = 0; i < STATS_TOP && top[i].value > 0; i++) {
		buf_printf(&b, "%8s %3" PRId64 " ", time ? time_text(top[i].value, text) :
		    human_bytes((uint64_t)top[i].value, text), MAX(top[i].status, (int64_t)0));
		(void)term_put(&b, str_z(top[i].method), 16);
		buf_putc(&b, ' ');
		(void)term_put(&b, str_z(top[i].url), 100);
		buf_printf(&b, "  (%s:%" PRIu64 ")\n", top[i].file, top[i].number);
	}
	(void)fwrite(buf_data(&b), 1, b.len, stdout);
	buf_free(&b);
}

void
stats_show_text(const struct stats *s)
{
	char first[CLOCK_ISO_SIZE], last[CLOCK_ISO_SIZE];
	char a[HUMAN_SIZE], b[HUMAN_SIZE], c[HUMAN_SIZE];
	int i;

	(void)printf("%" PRIu64 " entries in %" PRIu64 " files: %" PRIu64 " failed, %" PRIu64
	    " tunnels, %" PRIu64 " WebSockets\n", s->entries, s->files, s->failed, s->tunnels,
	    s->websockets);
	if (s->last_us >= 0) {
		clock_iso((uint64_t)s->first_us, first);
		clock_iso((uint64_t)s->last_us, last);
		(void)printf("from %s to %s\n", first, last);
	}
	(void)printf("bytes: %s sent, %s received\n", human_bytes(s->sent, a),
	    human_bytes(s->received, b));
	(void)printf("time:  p50 %s, p95 %s, max %s\n", time_text(spread_part(s->time, 0.5), a),
	    time_text(spread_part(s->time, 0.95), b), time_text(spread_max(s->time), c));
	(void)printf("wait:  p50 %s, p95 %s, max %s\n", time_text(spread_part(s->wait, 0.5), a),
	    time_text(spread_part(s->wait, 0.95), b), time_text(spread_max(s->wait), c));
	for (i = 0; i < STATS_TALLIES; i++)
		print_table(s, i);
	print_top(s->slowest, "SLOWEST", true);
	print_top(s->biggest, "BIGGEST", false);
}

/* ---- for programs ---- */

/* Milliseconds, as in HARs; null where nothing is known. */
static void
put_ms(struct buf *b, const char *name, int64_t us)
{
	json_name(b, name);
	if (us < 0)
		JSON_LIT(b, "null");
	else
		json_ms(b, us);
}

static void
put_spread(struct buf *b, const char *name, const struct spread *s)
{
	json_name(b, name);
	JSON_LIT(b, "{");
	put_ms(b, "p50", spread_part(s, 0.5));
	put_ms(b, "p95", spread_part(s, 0.95));
	put_ms(b, "max", spread_max(s));
	JSON_LIT(b, "}");
}

static void
put_table(struct buf *b, const struct stats *s, int which)
{
	const struct tally_row *rows;
	size_t n, i;

	rows = tally_rows(s->tallies[which], &n);
	json_name(b, tables[which].json);
	JSON_LIT(b, "[");
	for (i = 0; i < n; i++) {
		json_comma(b);
		JSON_LIT(b, "\n  {");
		json_member(b, "name", rows[i].name);
		json_member_int(b, "entries", (int64_t)rows[i].entries);
		json_member_int(b, "failed", (int64_t)rows[i].failed);
		json_member_int(b, "sent", (int64_t)rows[i].sent);
		json_member_int(b, "received", (int64_t)rows[i].received);
		put_spread(b, "time", rows[i].time);
		put_spread(b, "wait", rows[i].wait);
		JSON_LIT(b, "}");
	}
	JSON_LIT(b, "]");
}

static void
put_top(struct buf *b, const char *name, const struct stats_top *top, bool time)
{
	int i;

	json_name(b, name);
	JSON_LIT(b, "[");
	for (i = 0; i < STATS_TOP && top[i].value > 0; i++) {
		json_comma(b);
		JSON_LIT(b, "\n  {");
		json_member(b, "file", str_z(top[i].file));
		json_member_int(b, "entry", (int64_t)top[i].number);
		if (time)
			put_ms(b, "time", top[i].value);
		else
			json_member_int(b, "received", top[i].value);
		json_member_int(b, "status", top[i].status);
		json_member(b, "method", str_z(top[i].method));
		json_member(b, "url", str_z(top[i].url));
		JSON_LIT(b, "}");
	}
	JSON_LIT(b, "]");
}

static void
put_date(struct buf *b, const char *name, const struct stats *s, int64_t us)
{
	char iso[CLOCK_ISO_SIZE];

	json_name(b, name);
	if (s->last_us < 0) {
		JSON_LIT(b, "null");
		return;
	}
	clock_iso((uint64_t)us, iso);
	json_string(b, str_z(iso));
}

void
stats_show_json(const struct stats *s)
{
	struct buf b;
	int i;

	buf_init(&b, 0);
	JSON_LIT(&b, "{");
	json_member_int(&b, "files", (int64_t)s->files);
	json_member_int(&b, "entries", (int64_t)s->entries);
	json_member_int(&b, "failed", (int64_t)s->failed);
	json_member_int(&b, "tunnels", (int64_t)s->tunnels);
	json_member_int(&b, "webSockets", (int64_t)s->websockets);
	json_member_int(&b, "sent", (int64_t)s->sent);
	json_member_int(&b, "received", (int64_t)s->received);
	put_date(&b, "first", s, s->first_us);
	put_date(&b, "last", s, s->last_us);
	put_spread(&b, "time", s->time);
	put_spread(&b, "wait", s->wait);
	for (i = 0; i < STATS_TALLIES; i++)
		put_table(&b, s, i);
	put_top(&b, "slowest", s->slowest, true);
	put_top(&b, "biggest", s->biggest, false);
	JSON_LIT(&b, "}\n");
	(void)fwrite(buf_data(&b), 1, b.len, stdout);
	buf_free(&b);
}
