/* SPDX-License-Identifier: ISC */
/*
 * har_in.c - see har_in.h.
 *
 * Bytes are read into a window, in which the text that is wanted lies in one piece
 * from its mark on.  A text that outgrows the window goes on, shortened, in a buffer
 * beside it; its bytes can be read again, or are put aside in an unnamed file.
 * Runs in: mitmctl, tests.
 */
#include "config.h"

#include "ctl/har_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "har/shorten.h"
#include "har/split.h"

#define CHUNK (256u << 10)

struct har_in {
	struct input *input;
	struct split split;
	struct buf window;
	size_t seen;		/* bytes of the window that the splitter has */
	size_t mark;		/* where the text begins in it */
	uint64_t base;		/* the window's first byte, in the file */
	bool marked, at_end, ended;
	uint64_t entries;

	bool cutting;		/* the text is too long for the window */
	uint64_t text_at;	/* where it began in the file */
	struct shorten shorten;
	struct buf cut;
	int aside;		/* its bytes; -1: they can be read again */
	char fault[160];
};

struct har_in *
har_in_new(struct input **input)
{
	struct har_in *in = mem_new(struct har_in);

	in->input = *input;
	*input = NULL;
	in->aside = -1;
	split_init(&in->split);
	return in;
}

void
har_in_free(struct har_in **inp)
{
	struct har_in *in = *inp;

	*inp = NULL;
	if (in == NULL)
		return;
	input_free(&in->input);
	buf_free(&in->window);
	buf_free(&in->cut);
	fd_close(&in->aside);
	free(in);
}

struct input *
har_in_input(struct har_in *in)
{
	return in->input;
}

struct input *
har_in_take_input(struct har_in *in)
{
	struct input *input = in->input;

	in->input = NULL;
	return input;
}

const char *
har_in_fault(const struct har_in *in)
{
	return in->fault;
}

bool
har_in_torn_entry(const struct har_in *in)
{
	return in->split.in_entry;
}

bool
har_in_seen_log(const struct har_in *in)
{
	return in->split.seen_log;
}

bool
har_in_seen_entries(const struct har_in *in)
{
	return in->split.seen_entries;
}

/* ---- the window ---- */

static void
drop(struct har_in *in, size_t n)
{
	buf_consume(&in->window, n);
	in->base += n;
	in->seen -= n;
	in->mark -= MIN(in->mark, n);
}

static int
put_aside(struct har_in *in, const char *p, size_t n, struct errmsg *err)
{
	if (in->aside == -1 || n == 0)
		return 0;
	if (fd_write_all(in->aside, p, n) == 0)
		return 0;
	return errmsg_sys(err, "the temporary file for an entry of %s",
	    input_name(in->input));
}

static int
begin_cutting(struct har_in *in, struct errmsg *err)
{
	if (!input_again(in->input)) {
		if (in->aside == -1)
			in->aside = input_scratch(err);
		if (in->aside == -1)
			return -1;
		if (ftruncate(in->aside, 0) == -1 || lseek(in->aside, 0, SEEK_SET) == -1)
			return errmsg_sys(err, "a temporary file");
	}
	in->cutting = true;
	in->text_at = in->base + in->mark;
	buf_clear(&in->cut);
	shorten_init(&in->shorten, HAR_IN_STRING);
	return 0;
}

/* Move what the splitter has seen of the text out of the window. */
static int
cut_seen(struct har_in *in, struct errmsg *err)
{
	const char *p = (const char *)buf_data(&in->window) + in->mark;
	size_t n = in->seen - in->mark;

	if (put_aside(in, p, n, err) < 0)
		return -1;
	/* Where even the shortened text is too much, there is none. */
	if (in->cut.len <= HAR_IN_WHOLE)
		shorten_feed(&in->shorten, &in->cut, p, n);
	drop(in, in->seen);
	in->mark = 0;
	return 0;
}

static int
read_more(struct har_in *in, struct errmsg *err)
{
	uint8_t *to;
	ssize_t got;

	if (!in->marked)
		drop(in, in->seen);
	else if (!in->cutting && in->seen - in->mark >= HAR_IN_WHOLE &&
	    begin_cutting(in, err) < 0)
		return -1;
	if (in->cutting && cut_seen(in, err) < 0)
		return -1;
	if (in->mark > 0)
		drop(in, in->mark);
	to = buf_reserve(&in->window, CHUNK);
	CHECK(to != NULL);
	got = input_read(in->input, to, CHUNK, err);
	if (got < 0)
		return -1;
	buf_commit(&in->window, (size_t)got);
	in->at_end = got == 0;
	return 0;
}

/* ---- items ---- */

static void
set_mark(struct har_in *in, size_t at)
{
	in->mark = at;
	in->marked = true;
	in->cutting = false;
}

/* The text that ends before that place of the window. */
static int
take_text(struct har_in *in, size_t end, struct har_item *item, struct errmsg *err)
{
	in->marked = false;
	item->cut = in->cutting;
	if (!in->cutting) {
		item->at = in->base + in->mark;
		item->size = end - in->mark;
		item->text = str_sub(buf_str(&in->window), in->mark, item->size);
		return 0;
	}
	item->at = in->text_at;
	item->size = in->base + end - in->text_at;
	shorten_feed(&in->shorten, &in->cut, (const char *)buf_data(&in->window) + in->mark,
	    end - in->mark);
	item->text = in->cut.len <= HAR_IN_WHOLE ? buf_str(&in->cut) : STR_NONE;
	return put_aside(in, (const char *)buf_data(&in->window) + in->mark, end - in->mark,
	    err);
}

static struct str
trim(struct str s)
{
	while (s.n > 0 && memchr(" \t\r\n", s.p[0], 4) != NULL)
		s = str_from(s, 1);
	while (s.n > 0 && memchr(" \t\r\n", s.p[s.n - 1], 4) != NULL)
		s.n--;
	return s;
}

static int
take_entry(struct har_in *in, struct har_item *item, struct errmsg *err)
{
	item->kind = HAR_IN_ENTRY;
	item->number = ++in->entries;
	return take_text(in, in->seen, item, err);
}

static int
take_member(struct har_in *in, struct har_item *item, struct errmsg *err)
{
	int rc;

	item->kind = HAR_IN_MEMBER;
	item->name = split_name(&in->split);
	rc = take_text(in, in->seen - 1, item, err);
	item->text = trim(item->text);
	return rc;
}

static void
take_fault(struct har_in *in, struct har_item *item, const char *what)
{
	uint64_t at = in->base + in->seen;

	item->kind = HAR_IN_BROKEN;
	item->number = in->entries + (in->split.in_entry ? 1 : 0);
	(void)snprintf(in->fault, sizeof(in->fault), "%s at byte %llu%s", what,
	    (unsigned long long)at, in->split.in_entry ? ", inside an entry" : "");
	in->ended = true;
}

/* 1: it is an item. */
static int
take(struct har_in *in, enum split_event event, struct har_item *item, struct errmsg *err)
{
	switch (event) {
	case SPLIT_VALUE:
		set_mark(in, in->seen);
		return 0;
	case SPLIT_ENTRY:
		set_mark(in, in->seen - 1);
		return 0;
	case SPLIT_MEMBER:
		return take_member(in, item, err) < 0 ? -1 : 1;
	case SPLIT_ENTRY_END:
		return take_entry(in, item, err) < 0 ? -1 : 1;
	case SPLIT_ENTRIES:
		in->marked = false;
		item->kind = HAR_IN_ENTRIES;
		return 1;
	case SPLIT_ENTRIES_END:
		item->kind = HAR_IN_ENTRIES_END;
		return 1;
	case SPLIT_ODD:
		item->kind = HAR_IN_ODD;
		item->number = ++in->entries;
		return 1;
	case SPLIT_BAD:
		take_fault(in, item, "this is no JSON");
		return 1;
	case SPLIT_MORE:
		break;
	}
	return 0;
}

int
har_in_next(struct har_in *in, struct har_item *item, struct errmsg *err)
{
	enum split_event event;
	size_t used;
	int rc = 0;

	*item = (struct har_item){.kind = HAR_IN_END};
	if (in->ended)
		return 0;
	while (rc == 0) {
		if (in->seen == in->window.len && read_more(in, err) < 0)
			return -1;
		if (in->at_end) {
			in->ended = true;
			if (!split_done(&in->split))
				take_fault(in, item, "the file ends too early,");
			return 0;
		}
		event = split_next(&in->split, buf_data(&in->window) + in->seen,
		    in->window.len - in->seen, &used);
		in->seen += used;
		rc = take(in, event, item, err);
	}
	return rc < 0 ? -1 : 0;
}

int
har_in_copy(struct har_in *in, const struct har_item *item, har_in_put_fn *put, void *arg,
    struct errmsg *err)
{
	uint64_t at = item->at, left = item->size;
	char *chunk;
	int rc = 0;

	if (!item->cut)
		return put(arg, item->text.p, item->text.n);
	chunk = mem_alloc(CHUNK);
	for (; rc == 0 && left > 0; at += CHUNK) {
		size_t n = (size_t)MIN(left, (uint64_t)CHUNK);

		if (in->aside == -1)
			rc = input_read_at(in->input, chunk, n, at, err);
		else if (pread(in->aside, chunk, n, (off_t)(at - item->at)) != (ssize_t)n)
			rc = errmsg_sys(err, "a temporary file");
		if (rc == 0)
			rc = put(arg, chunk, n);
		left -= n;
	}
	free(chunk);
	return rc;
}
