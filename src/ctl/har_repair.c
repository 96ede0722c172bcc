/* SPDX-License-Identifier: ISC */
/*
 * har_repair.c - mitmctl har repair: a file that is torn (a crash, a full disk, a copy
 * that was cut off) becomes one with every entry that is whole.
 *
 * It is read as what it should be, as far as that goes.  Behind the break, lines that are
 * one whole entry are kept, as the recorder does it with its own.
 * Runs in: mitmctl.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ctl/har_cmd.h"
#include "har/lines.h"

#define CHUNK (256u << 10)
#define LOOK (64u << 10)	/* of a line, to see whether it is an entry */

#define OUR_CREATOR "{\"name\":\"mitmd\",\"version\":\"" PACKAGE_VERSION "\"}"

struct repair {
	const struct har_ask *ask;
	struct har_in *in;
	struct har_out *out;
	struct view view;
	struct progress progress;
	bool ours;
	bool version, creator, pages;	/* were there */
	bool ended;			/* the array was whole */
	uint64_t good;			/* bytes of the file that are whole */
	uint64_t dropped;		/* pieces of entries */
	struct buf line;
	struct errmsg err;
};

static int
take_member(struct repair *r, const struct har_item *item)
{
	if (str_eq(item->name, STR("creator"))) {
		r->ours = har_cmd_is_ours(item->text);
		r->creator = true;
	}
	r->version = r->version || str_eq(item->name, STR("version"));
	r->pages = r->pages || str_eq(item->name, STR("pages"));
	if (r->ours && str_starts(item->name, STR("_tlsErrors")))
		return 0;
	return har_out_copy_member(r->out, r->in, item, &r->err);
}

/* What readers want to see in front of the entries, where it was torn off. */
static void
put_missing(struct repair *r, struct str started)
{
	struct buf page;

	if (!r->version)
		har_out_member(r->out, STR("version"), STR("\"1.2\""));
	if (!r->creator)
		har_out_member(r->out, STR("creator"), STR(OUR_CREATOR));
	if (!r->pages && started.n > 0) {
		buf_init(&page, 0);
		buf_printf(&page, "[{\"startedDateTime\":\"%.*s\",\"id\":\"page_1\",\"title\":"
		    "\"repaired\",\"pageTimings\":{}}]", STR_ARG(started));
		har_out_member(r->out, STR("pages"), buf_str(&page));
		buf_free(&page);
	}
	r->version = r->creator = r->pages = true;
}

static int
take_entry(struct repair *r, const struct har_item *item)
{
	(void)view_parse(&r->view, item->text);
	if (r->ours && r->view.tls_failed)
		har_out_tls_error(r->out, r->view.tls_error);
	r->good = item->at + item->size;
	return har_out_copy_entry(r->out, r->in, item, &r->err);
}

/* As far as the file is what it should be. 0, or -1. */
static int
take(struct repair *r, const struct har_item *item)
{
	switch (item->kind) {
	case HAR_IN_MEMBER:
		return take_member(r, item);
	case HAR_IN_ENTRIES:
		har_out_entries(r->out);
		break;
	case HAR_IN_ENTRIES_END:
		r->ended = true;
		har_out_entries_end(r->out);
		break;
	case HAR_IN_ENTRY:
		return take_entry(r, item);
	case HAR_IN_ODD:
		r->dropped++;
		break;
	case HAR_IN_END:
	case HAR_IN_BROKEN:
		break;
	}
	return 0;
}

/* ---- behind the break ---- */

/* A line that is an object: an entry, unless it is something else of the file. */
static int
take_line(void *arg, uint64_t from, uint64_t to, bool comma UNUSED)
{
	struct repair *r = arg;
	struct input *input = har_in_input(r->in);
	size_t n = (size_t)MIN(to - from, (uint64_t)HAR_IN_WHOLE), look;
	uint8_t *text;

	buf_clear(&r->line);
	text = buf_reserve(&r->line, n);
	CHECK(text != NULL);
	if (input_read_at(input, text, n, from, &r->err) < 0)
		return -1;
	buf_commit(&r->line, n);
	look = MIN(n, (size_t)LOOK);
	if (memmem(text, look, "\"request\"", 9) == NULL)
		return 0;
	(void)view_parse(&r->view, buf_str(&r->line));
	put_missing(r, r->view.started);
	if (r->view.tls_failed)
		har_out_tls_error(r->out, r->view.tls_error);
	har_out_entry_begin(r->out);
	while (true) {
		har_out_piece(r->out, (const char *)text, n);
		from += n;
		if (from == to)
			break;
		n = (size_t)MIN(to - from, (uint64_t)HAR_IN_WHOLE);
		if (input_read_at(input, text, n, from, &r->err) < 0)
			return -1;
	}
	har_out_entry_end(r->out);
	return 0;
}

/* Lines that begin as an entry does, whole or not. */
struct begun {
	uint64_t n;
	bool line_begins;
};

static void
count_begun(struct begun *b, const char *p, size_t n)
{
	const char *nl;

	while (n > 0) {
		if (b->line_begins && p[0] == '{' && !str_starts(str_of(p, n), STR("{\"log\"")))
			b->n++;
		nl = memchr(p, '\n', n);
		b->line_begins = nl != NULL;
		if (nl == NULL)
			return;
		n -= (size_t)(nl + 1 - p);
		p = nl + 1;
	}
}

static int
take_lines(struct repair *r)
{
	struct input *input = har_in_input(r->in);
	uint64_t at = r->good, written = har_out_written(r->out);
	struct begun begun = {.n = 0, .line_begins = at == 0};
	char *chunk = mem_alloc(CHUNK);
	struct lines lines;
	int rc = 0;

	lines_init(&lines, at, take_line, r);
	while (rc == 0 && at < input_size(input)) {
		size_t n = (size_t)MIN(input_size(input) - at, (uint64_t)CHUNK);

		rc = input_read_at(input, chunk, n, at, &r->err);
		if (rc != 0)
			break;
		count_begun(&begun, chunk, n);
		rc = lines_feed(&lines, chunk, n);
		at += n;
	}
	if (rc == 0)
		rc = lines_end(&lines);
	free(chunk);
	written = har_out_written(r->out) - written;
	if (begun.n > written)
		r->dropped += begun.n - written;
	else
		r->dropped += har_in_torn_entry(r->in);	/* laid out in another way */
	return rc;
}

/* ---- the whole ---- */

/* CTL_OK: all that is whole was written, and *broken says whether that was not all. */
static int
go_through(struct repair *r, bool *broken)
{
	struct input *input = har_in_input(r->in);
	struct har_item item;

	do {
		if (har_in_next(r->in, &item, &r->err) < 0)
			return har_cmd_no_input(r->ask, &r->err);
		if (take(r, &item) < 0)
			return har_cmd_failed(r->ask, &r->err);
		progress_at(&r->progress, input_taken(input));
	} while (item.kind != HAR_IN_END && item.kind != HAR_IN_BROKEN);
	*broken = item.kind == HAR_IN_BROKEN || r->dropped > 0;
	if (item.kind == HAR_IN_BROKEN && !r->ended && take_lines(r) < 0)
		return har_cmd_failed(r->ask, &r->err);
	if (!har_in_seen_entries(r->in) && har_out_written(r->out) == 0) {
		(void)errmsg_set(&r->err, "%s: nothing of an entry is in it; it was left as it "
		    "is", input_name(input));
		return har_cmd_failed(r->ask, &r->err);
	}
	return CTL_OK;
}

static void
sum_up(const struct repair *r, const char *name, bool broken)
{
	if (!broken) {
		(void)fprintf(stderr, "%s: is whole, %" PRIu64 " entries\n", name,
		    har_out_written(r->out));
		return;
	}
	(void)fprintf(stderr, "%s: %s\n", name, har_in_fault(r->in)[0] != '\0' ?
	    har_in_fault(r->in) : "has something else among the entries");
	(void)fprintf(stderr, "%s: %" PRIu64 " entries kept, %" PRIu64 " dropped that were not "
	    "whole\n", name, har_out_written(r->out), r->dropped);
}

static int
repair(struct repair *r, bool in_place)
{
	const char *name = input_name(har_in_input(r->in));
	bool broken = false;
	int rc = go_through(r, &broken);

	progress_clear(&r->progress);
	if (rc != CTL_OK)
		return rc;
	put_missing(r, STR_NONE);
	if (in_place && broken)
		har_out_like(r->out, r->ask->files[0]);
	/* A file that is whole is not touched. */
	if ((broken || !in_place) && har_out_end(r->out, &r->err) < 0)
		return har_cmd_failed(r->ask, &r->err);
	sum_up(r, name, broken);
	return CTL_OK;
}

static int
open_both(struct repair *r, bool in_place)
{
	struct input *input = input_open(r->ask->files[0], &r->err);

	if (input == NULL)
		return har_cmd_no_input(r->ask, &r->err);
	if (in_place && !input_again(input)) {
		(void)errmsg_set(&r->err, "%s: is no plain file; -o names another one",
		    input_name(input));
		input_free(&input);
		return har_cmd_failed(r->ask, &r->err);
	}
	if (input_keep(input, &r->err) < 0) {
		input_free(&input);
		return har_cmd_no_input(r->ask, &r->err);
	}
	progress_begin(&r->progress, input_size(input));
	r->in = har_in_new(&input);
	r->out = har_out_new(in_place ? r->ask->files[0] : r->ask->out, &r->err);
	return r->out != NULL ? CTL_OK : har_cmd_failed(r->ask, &r->err);
}

int
har_repair(const struct har_ask *ask)
{
	struct repair r = {.ask = ask};
	bool in_place = ask->out == NULL && strcmp(ask->files[0], "-") != 0;
	int rc = open_both(&r, in_place);

	if (rc == CTL_OK)
		rc = repair(&r, in_place);
	har_out_free(&r.out);
	har_in_free(&r.in);
	view_free(&r.view);
	buf_free(&r.line);
	return rc;
}
