/* SPDX-License-Identifier: ISC */
/*
 * tail_line.c - see tail_line.h.  The colours are mitmdump's.
 *
 *	TIME     TAG      METHOD URL                         STATUS  SIZE  TIME  what else
 *	14:05:01 job-12   GET    https://example.com/            200  1.2k  45ms  http/2
 * Runs in: mitmctl.
 */
#include "config.h"

#include "ctl/tail_line.h"

#include <stdio.h>
#include <time.h>

#include "ctl/human.h"
#include "ctl/term.h"
#include "ctl/tsv.h"

#define TAG_COLUMNS 12
#define METHOD_COLUMNS 7
#define NUMBERS_COLUMNS 17	/* status, size, duration */
#define URL_LEAST 24

static enum term_style
method_style(struct str method)
{
	if (str_eq(method, STR("GET")))
		return TERM_GREEN;
	return str_eq(method, STR("DELETE")) ? TERM_RED : TERM_MAGENTA;
}

static enum term_style
status_style(int64_t status)
{
	if (status >= 200 && status < 300)
		return TERM_GREEN;
	return status >= 100 && status < 400 ? TERM_MAGENTA : TERM_RED;
}

static void
pad(struct buf *out, unsigned columns)
{
	while (columns-- > 0)
		buf_putc(out, ' ');
}

/* Styled, in at least `least` columns and at most `most` (0: as long as it is). */
static void
put(const struct ctl *ctl, struct buf *out, enum term_style style, struct str text,
    unsigned least, unsigned most)
{
	unsigned used;

	if (style != TERM_PLAIN)
		buf_putz(out, term_style(ctl, style));
	used = term_put(out, text, most);
	if (style != TERM_PLAIN)
		buf_putz(out, term_style(ctl, TERM_PLAIN));
	pad(out, used < least ? least - used : 0);
}

static void
put_time(const struct ctl *ctl, const struct view *v, struct buf *out)
{
	time_t at = (time_t)(v->started_us / 1000000);
	char text[16] = "--:--:--";
	struct tm tm;

	if (v->started_us >= 0 && localtime_r(&at, &tm) != NULL)
		(void)strftime(text, sizeof(text), "%H:%M:%S", &tm);
	put(ctl, out, TERM_DIM, str_z(text), 0, 0);
	buf_putc(out, ' ');
}

static void
put_numbers(const struct ctl *ctl, const struct view *v, struct buf *out)
{
	char status[16] = "-", size[HUMAN_SIZE] = "-", took[HUMAN_SIZE] = "-", text[64];
	bool answered = view_answered(v);

	if (answered)
		(void)snprintf(status, sizeof(status), "%d", (int)v->status);
	if (v->received >= 0)
		(void)human_bytes((uint64_t)v->received, size);
	if (v->time_us >= 0)
		(void)human_ms((uint64_t)v->time_us / 1000, took);
	(void)snprintf(text, sizeof(text), " %3s", status);
	put(ctl, out, status_style(answered ? v->status : -1), str_z(text), 0, 0);
	(void)snprintf(text, sizeof(text), " %5s %6s", size, took);
	buf_putz(out, text);
}

/* What is not as usual. */
static void
put_flags(const struct ctl *ctl, const struct view *v, struct buf *out, unsigned columns)
{
	struct buf text = {0};

	if (v->tunnel.n > 0)
		buf_printf(&text, "  tunnel: %.*s", STR_ARG(v->tunnel));
	if (v->websocket)
		buf_putz(&text, "  websocket");
	if (str_istarts(v->request_version, STR("HTTP/2")))
		buf_putz(&text, "  h2");
	if (v->tls_failed)
		buf_putz(&text, "  client refused our certificate");
	if (v->error.n > 0)
		buf_printf(&text, "  %.*s", STR_ARG(v->error));
	put(ctl, out, v->error.n > 0 || v->tls_failed ? TERM_RED : TERM_DIM, buf_str(&text), 0,
	    columns);
	buf_free(&text);
}

void
tail_line(const struct ctl *ctl, const struct view *v, unsigned columns, struct buf *out)
{
	unsigned fixed = 9 + TAG_COLUMNS + 1 + METHOD_COLUMNS + 1 + NUMBERS_COLUMNS, url = 0;
	bool wide = columns > fixed + URL_LEAST + 16;

	/* A wide one has room behind the numbers; of a narrow one all but a mark is the URL's. */
	if (columns > 0)
		url = wide ? (columns - fixed) * 3 / 4 :
		    columns > fixed + URL_LEAST ? columns - fixed - 1 : URL_LEAST;
	put_time(ctl, v, out);
	put(ctl, out, TERM_CYAN, v->tag.n > 0 ? v->tag : STR("-"), TAG_COLUMNS,
	    columns > 0 ? TAG_COLUMNS : 0);
	buf_putc(out, ' ');
	put(ctl, out, method_style(v->method), v->method.n > 0 ? v->method : STR("-"),
	    METHOD_COLUMNS, columns > 0 ? METHOD_COLUMNS : 0);
	buf_putc(out, ' ');
	put(ctl, out, TERM_PLAIN, v->url, url, url);
	put_numbers(ctl, v, out);
	if (columns == 0 || wide)
		put_flags(ctl, v, out, columns == 0 ? 0 : columns - fixed - url);
	else if (v->error.n > 0)
		put(ctl, out, TERM_RED, STR("!"), 0, 0);
	buf_putc(out, '\n');
}

/* ---- for programs ---- */

void
tail_names(struct buf *out)
{
	static const char *const names[] = {
		"started", "tag", "client", "method", "url", "status", "version", "sent",
		"received", "ms", "tunnel", "websocket", "tls_refused", "error"};

	tsv_names(out, names, NELEM(names));
}

void
tail_row(const struct view *v, struct buf *out)
{
	char status[TSV_NUMBER], sent[TSV_NUMBER], received[TSV_NUMBER], ms[TSV_NUMBER];
	struct str cells[] = {
		v->started, v->tag, v->client, v->method, v->url,
		tsv_number(view_answered(v) ? v->status : -1, status), v->request_version,
		tsv_number(v->sent, sent), tsv_number(v->received, received),
		tsv_number(v->time_us < 0 ? -1 : v->time_us / 1000, ms), v->tunnel,
		v->websocket ? STR("1") : STR("0"), v->tls_failed ? STR("1") : STR("0"),
		v->error};

	tsv_row(out, cells, NELEM(cells));
}
