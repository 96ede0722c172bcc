/* SPDX-License-Identifier: ISC */
/*
 * har_stats.c - mitmctl har stats: what is in these files, counted; how it is shown is
 * in har_stats_show.c.
 * Runs in: mitmctl.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ctl/har_cmd.h"
#include "ctl/har_stats.h"

static void
stats_free(struct stats *s)
{
	int i;

	for (i = 0; i < STATS_TALLIES; i++)
		tally_free(&s->tallies[i]);
	free(s->time);
	free(s->wait);
	for (i = 0; i < STATS_TOP; i++) {
		free(s->slowest[i].file);
		free(s->slowest[i].url);
		free(s->slowest[i].method);
		free(s->biggest[i].file);
		free(s->biggest[i].url);
		free(s->biggest[i].method);
	}
	free(s);
}

static struct stats *
stats_new(void)
{
	struct stats *s = mem_new(struct stats);
	int i;

	for (i = 0; i < STATS_TALLIES; i++)
		s->tallies[i] = tally_new();
	s->time = spread_new();
	s->wait = spread_new();
	s->first_us = INT64_MAX;
	s->last_us = -1;
	return s;
}

/* "Text/HTML; charset=utf-8" is text/html. */
static struct str
essence(struct str type, char out[64])
{
	struct str name;
	size_t i;

	if (!str_split(&type, ';', &name))
		return STR("-");
	name = str_trim(name);
	for (i = 0; i < name.n && i < 64; i++)
		out[i] = ascii_lower(name.p[i]);
	return i > 0 ? str_of(out, i) : STR("-");
}

static struct str
status_name(int64_t status, char out[24])
{
	if (status <= 0)
		return STR("none");
	(void)snprintf(out, 24, "%lld", (long long)status);
	return str_z(out);
}

static struct str
or_dash(struct str s)
{
	return s.n > 0 ? s : STR("-");
}

/* In order; the least falls out. */
static void
note_top(struct stats_top *top, int64_t value, const struct view *v, const char *file,
    uint64_t number)
{
	int i = STATS_TOP - 1;

	if (value <= 0 || top[i].value >= value)
		return;
	free(top[i].file);
	free(top[i].url);
	free(top[i].method);
	for (; i > 0 && top[i - 1].value < value; i--)
		top[i] = top[i - 1];
	top[i] = (struct stats_top){value, mem_strdup(file), number, v->status,
		str_dup(str_sub(v->method, 0, STATS_TEXT_MAX)),
		str_dup(str_sub(v->url, 0, STATS_TEXT_MAX))};
}

static void
count(struct stats *s, const struct view *v, const char *file, uint64_t number)
{
	struct tally_entry e = {v->error.n > 0 || !view_answered(v), v->sent, v->received,
		v->time_us, v->wait_us};
	char type[64], status[24];

	s->entries++;
	s->failed += e.failed;
	s->tunnels += v->tunnel.n > 0;
	s->websockets += v->websocket;
	s->sent += (uint64_t)MAX(v->sent, 0);
	s->received += (uint64_t)MAX(v->received, 0);
	if (v->started_us >= 0) {
		s->first_us = MIN(s->first_us, v->started_us);
		s->last_us = MAX(s->last_us, v->started_us);
	}
	spread_add(s->time, v->time_us);
	spread_add(s->wait, v->wait_us);
	tally_add(s->tallies[STATS_HOSTS], or_dash(v->host), &e);
	tally_add(s->tallies[STATS_TAGS], or_dash(v->tag), &e);
	tally_add(s->tallies[STATS_STATUS], status_name(v->status, status), &e);
	tally_add(s->tallies[STATS_TYPES], essence(v->response_type, type), &e);
	if (v->error.n > 0)
		tally_add(s->tallies[STATS_ERRORS], v->error, &e);
	note_top(s->slowest, v->time_us, v, file, number);
	note_top(s->biggest, v->received, v, file, number);
}

struct reading {
	const struct har_ask *ask;
	struct stats *stats;
	struct view view;
	struct progress progress;
	uint64_t before;
};

static void
take_entry(struct reading *r, const struct har_item *item, const char *file)
{
	if (!view_parse(&r->view, item->text))
		ctl_error("har stats: %s:%llu: has too much in it to look at, and is left out",
		    file, (unsigned long long)item->number);
	else if (r->ask->filter == NULL || filter_match(r->ask->filter, &r->view))
		count(r->stats, &r->view, file, item->number);
}

static int
read_file(struct reading *r, struct har_in *in)
{
	struct input *input = har_in_input(in);
	struct har_item item;
	struct errmsg err;

	do {
		if (har_in_next(in, &item, &err) < 0)
			return har_cmd_no_input(r->ask, &err);
		if (item.kind == HAR_IN_ENTRY)
			take_entry(r, &item, input_name(input));
		progress_at(&r->progress, r->before + input_taken(input));
	} while (item.kind != HAR_IN_END && item.kind != HAR_IN_BROKEN);
	progress_clear(&r->progress);
	r->before += input_size(input);
	if (item.kind != HAR_IN_BROKEN && har_in_seen_entries(in)) {
		r->stats->files++;
		return CTL_OK;
	}
	(void)errmsg_set(&err, "%s: %s", input_name(input), item.kind == HAR_IN_BROKEN ?
	    har_in_fault(in) : "this is no HAR: it has no log.entries");
	return har_cmd_failed(r->ask, &err);
}

int
har_stats(const struct har_ask *ask)
{
	struct reading r = {.ask = ask, .stats = stats_new()};
	struct har_in *in;
	int i, rc, worst = CTL_OK;

	progress_begin(&r.progress, har_cmd_total(ask));
	for (i = 0; i < ask->nfiles; i++) {
		rc = CTL_OK;
		in = har_cmd_open(ask, ask->files[i], &rc);
		if (in != NULL)
			rc = read_file(&r, in);
		worst = MAX(worst, rc);
		har_in_free(&in);
	}
	if (ask->output == CTL_JSON)
		stats_show_json(r.stats);
	else if (ask->output == CTL_TSV)
		stats_show_tsv(r.stats);
	else
		stats_show_text(r.stats);
	har_cmd_tell_given_up(ask);
	view_free(&r.view);
	stats_free(r.stats);
	return worst;
}
