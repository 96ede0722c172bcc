/* SPDX-License-Identifier: ISC */
/*
 * har_merge.c - mitmctl har merge, and har filter of several files: one file, in the
 * order in which the entries started.
 *
 * Our files have them in the order of their end, and others' in any; how far an entry
 * is from its place has no bound (a WebSocket lasts a day).  So the files are read twice:
 * first for when each entry started and where it stands, then in order.  That takes
 * fifty bytes an entry, which spill into an unnamed file when they are many.
 *
 * What is the same text twice, white space apart, is one entry: files that overlap.
 * Runs in: mitmctl.
 */
#include "config.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/mem.h"
#include "ctl/har_cmd.h"
#include "ctl/har_order.h"
#include "ctl/har_pages.h"
#include "har/json_read.h"
#include "har/shorten.h"

#define CHUNK (256u << 10)
#define FILES_MAX 1000		/* that are open at once */

enum { HAS_TLS_ERROR = 1, HAS_PAGE = 2, IS_CUT = 4 };

struct merge {
	const struct har_ask *ask;
	struct input **inputs;
	struct order *order;
	struct har_pages *pages;
	struct har_out *out;
	struct view view;
	bool ours;			/* this file's TLS failures stand in its entries */
	struct progress progress;
	uint64_t before;		/* bytes of the files before this one */
	EVP_MD_CTX *digest;
	struct shorten squeeze;
	struct buf text;
};

/* ---- where they stand ---- */

static int
digest_piece(void *arg, const char *p, size_t n)
{
	struct merge *m = arg;

	buf_clear(&m->text);
	shorten_feed(&m->squeeze, &m->text, p, n);
	CHECK(EVP_DigestUpdate(m->digest, buf_data(&m->text), m->text.len) == 1);
	return 0;
}

static int
digest_entry(struct merge *m, struct har_in *in, const struct har_item *item,
    uint8_t digest[16], struct errmsg *err)
{
	uint8_t all[EVP_MAX_MD_SIZE];

	shorten_init(&m->squeeze, SIZE_MAX);
	CHECK(EVP_DigestInit_ex(m->digest, EVP_sha256(), NULL) == 1);
	if (har_in_copy(in, item, digest_piece, m, err) < 0)
		return -1;
	CHECK(EVP_DigestFinal_ex(m->digest, all, NULL) == 1);
	memcpy(digest, all, 16);
	return 0;
}

static int
note_entry(struct merge *m, struct har_in *in, uint32_t file, const struct har_item *item,
    struct errmsg *err)
{
	struct order_item where = {.file = file, .at = item->at, .size = item->size,
		.number = item->number, .flags = item->cut ? IS_CUT : 0};

	if (!view_parse(&m->view, item->text))
		return errmsg_set(err, "%s:%llu: has too much in it to look at",
		    input_name(har_in_input(in)), (unsigned long long)item->number);
	if (m->ask->filter != NULL && !filter_match(m->ask->filter, &m->view))
		return 0;
	/* Without a date, it comes last. */
	where.start_us = m->view.started_us >= 0 ? m->view.started_us : INT64_MAX;
	where.flags |= m->view.tls_failed ? HAS_TLS_ERROR : 0;
	where.flags |= m->view.pageref_raw.n > 0 ? HAS_PAGE : 0;
	if (digest_entry(m, in, item, where.digest, err) < 0)
		return -1;
	return order_add(m->order, &where, err);
}

static int
note_member(struct merge *m, const struct har_item *item, struct errmsg *err)
{
	struct json_read r = json_read_from(item->text);
	struct str failure;

	if (item->text.p == NULL)
		return 0;	/* larger than anything that is kept */
	if (str_eq(item->name, STR("creator")))
		m->ours = har_cmd_is_ours(item->text);
	if (!str_eq(item->name, STR("_tlsErrors")))
		return har_pages_member(m->pages, item->name, item->text, err);
	if (m->ours || !json_read_enter(&r, '['))
		return 0;
	while (json_read_element(&r)) {
		json_read_value(&r, &failure);
		har_out_tls_error(m->out, failure);
	}
	return 0;
}

static int
note(struct merge *m, struct har_in *in, uint32_t file, const struct har_item *item,
    struct errmsg *err)
{
	switch (item->kind) {
	case HAR_IN_MEMBER:
		return note_member(m, item, err);
	case HAR_IN_ENTRY:
		return note_entry(m, in, file, item, err);
	case HAR_IN_BROKEN:
		return errmsg_set(err, "%s: %s; 'mitmctl har repair' keeps what is whole",
		    input_name(har_in_input(in)), har_in_fault(in));
	case HAR_IN_END:
		if (har_in_seen_entries(in))
			return 0;
		return errmsg_set(err, "%s: this is no HAR: it has no log.entries",
		    input_name(har_in_input(in)));
	case HAR_IN_ENTRIES:
	case HAR_IN_ENTRIES_END:
	case HAR_IN_ODD:
		break;
	}
	return 0;
}

static int
note_file(struct merge *m, struct har_in *in, uint32_t file, struct errmsg *err)
{
	struct input *input = har_in_input(in);
	struct har_item item;

	har_pages_file(m->pages);
	m->ours = false;
	do {
		if (har_in_next(in, &item, err) < 0 || note(m, in, file, &item, err) < 0)
			return -1;
		progress_at(&m->progress, m->before + input_taken(input));
	} while (item.kind != HAR_IN_END);
	m->before += input_size(input);
	return 0;
}

static int
note_files(struct merge *m)
{
	struct har_in *in;
	struct errmsg err;
	int i, rc = CTL_OK;

	for (i = 0; i < m->ask->nfiles && rc == CTL_OK; i++) {
		struct input *input = input_open(m->ask->files[i], &err);

		if (input == NULL || input_keep(input, &err) < 0) {
			input_free(&input);
			return har_cmd_no_input(m->ask, &err);
		}
		in = har_in_new(&input);
		if (note_file(m, in, (uint32_t)i, &err) < 0)
			rc = har_cmd_failed(m->ask, &err);
		m->inputs[i] = har_in_take_input(in);
		har_in_free(&in);
	}
	return rc;
}

/* ---- in order ---- */

static int
copy_range(struct merge *m, const struct order_item *item, struct errmsg *err)
{
	uint64_t at = item->at, left = item->size;
	char *chunk = mem_alloc(CHUNK);
	int rc = 0;

	for (; rc == 0 && left > 0; at += CHUNK) {
		size_t n = (size_t)MIN(left, (uint64_t)CHUNK);

		rc = input_read_at(m->inputs[item->file], chunk, n, at, err);
		if (rc == 0)
			har_out_piece(m->out, chunk, n);
		left -= n;
	}
	free(chunk);
	return rc;
}

/* An entry that is looked at once more, and perhaps refers to a page of another name now. */
static int
copy_seen(struct merge *m, const struct order_item *item, struct errmsg *err)
{
	struct str page, text;
	size_t from;
	uint8_t *to;

	buf_clear(&m->text);
	to = buf_reserve(&m->text, (size_t)item->size);
	CHECK(to != NULL);
	if (input_read_at(m->inputs[item->file], to, (size_t)item->size, item->at, err) < 0)
		return -1;
	buf_commit(&m->text, (size_t)item->size);
	text = buf_str(&m->text);
	(void)view_parse(&m->view, text);
	if (m->view.tls_failed)
		har_out_tls_error(m->out, m->view.tls_error);
	page = har_pages_renamed(m->pages, item->file, m->view.pageref_raw);
	if (page.n > 0) {
		from = (size_t)(m->view.pageref_raw.p - text.p);
		har_out_piece(m->out, text.p, from);
		har_out_piece(m->out, page.p, page.n);
		text = str_from(text, from + m->view.pageref_raw.n);
	}
	har_out_piece(m->out, text.p, text.n);
	return 0;
}

static int
copy_entry(struct merge *m, const struct order_item *item, struct errmsg *err)
{
	bool page = (item->flags & HAS_PAGE) != 0 &&
	    har_pages_any_renamed(m->pages, item->file);
	bool look = page || (item->flags & HAS_TLS_ERROR) != 0;
	int rc;

	if (page && (item->flags & IS_CUT) != 0)
		return errmsg_set(err, "%s:%llu: is larger than %u MB, and its page is called "
		    "as one of another file", input_name(m->inputs[item->file]),
		    (unsigned long long)item->number, HAR_IN_WHOLE >> 20);
	har_out_entry_begin(m->out);
	rc = look && (item->flags & IS_CUT) == 0 ? copy_seen(m, item, err) :
	    copy_range(m, item, err);
	har_out_entry_end(m->out);
	return rc;
}

static int
put_all(struct merge *m, struct errmsg *err)
{
	struct order_item item;
	int rc;

	if (order_sort(m->order, err) < 0)
		return -1;
	har_pages_put(m->pages, m->out);
	har_out_entries(m->out);
	while ((rc = order_next(m->order, &item, err)) == 1 && !har_out_failed(m->out)) {
		if (copy_entry(m, &item, err) < 0)
			return -1;
		m->before += item.size;
		progress_at(&m->progress, m->before);
	}
	progress_clear(&m->progress);
	return rc < 0 ? -1 : har_out_end(m->out, err);
}

static int
merge(struct merge *m)
{
	struct errmsg err;
	int rc;

	m->out = har_out_new(m->ask->out, &err);
	if (m->out == NULL)
		return har_cmd_failed(m->ask, &err);
	rc = note_files(m);
	if (rc != CTL_OK)
		return rc;
	if (put_all(m, &err) < 0)
		return har_cmd_failed(m->ask, &err);
	if (order_dropped(m->order) > 0)
		ctl_error("har %s: %llu entries were there more than once, and are now once",
		    m->ask->command, (unsigned long long)order_dropped(m->order));
	return CTL_OK;
}

int
har_merge(const struct har_ask *ask)
{
	struct merge m = {.ask = ask};
	int i, rc;

	if (ask->nfiles > FILES_MAX) {
		ctl_error("har %s: more than %d files; merge some of them first", ask->command,
		    FILES_MAX);
		return CTL_USAGE;
	}
	m.inputs = mem_zalloc((size_t)ask->nfiles * sizeof(struct input *));
	m.order = order_new(0);
	m.pages = har_pages_new();
	m.digest = EVP_MD_CTX_new();
	CHECK(m.digest != NULL);
	progress_begin(&m.progress, 2 * har_cmd_total(ask));
	rc = merge(&m);
	progress_clear(&m.progress);
	har_cmd_tell_given_up(ask);
	for (i = 0; i < ask->nfiles; i++)
		input_free(&m.inputs[i]);
	free(m.inputs);
	har_out_free(&m.out);
	har_pages_free(&m.pages);
	order_free(&m.order);
	EVP_MD_CTX_free(m.digest);
	view_free(&m.view);
	buf_free(&m.text);
	return rc;
}
