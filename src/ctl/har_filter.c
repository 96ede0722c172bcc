/* SPDX-License-Identifier: ISC */
/*
 * har_filter.c - mitmctl har filter: of one file the entries that match, in the order
 * they have; all else that stands in "log" stays.
 * Runs in: mitmctl.
 */
#include "config.h"

#include "ctl/har_cmd.h"

struct filtering {
	const struct har_ask *ask;
	struct har_in *in;
	struct har_out *out;
	struct view view;
	struct progress progress;
	bool ours;		/* its list of TLS failures is made of the entries' */
};

static int
take_member(struct filtering *f, const struct har_item *item, struct errmsg *err)
{
	if (str_eq(item->name, STR("creator")))
		f->ours = har_cmd_is_ours(item->text);
	if (f->ours && str_starts(item->name, STR("_tlsErrors")))
		return 0;
	return har_out_copy_member(f->out, f->in, item, err);
}

static int
take_entry(struct filtering *f, const struct har_item *item, struct errmsg *err)
{
	if (!view_parse(&f->view, item->text))
		ctl_error("har %s: %s:%llu: has too much in it to look at, and is left out",
		    f->ask->command, input_name(har_in_input(f->in)),
		    (unsigned long long)item->number);
	else if (filter_match(f->ask->filter, &f->view)) {
		if (f->ours && f->view.tls_failed)
			har_out_tls_error(f->out, f->view.tls_error);
		return har_out_copy_entry(f->out, f->in, item, err);
	}
	return 0;
}

static int
take(struct filtering *f, const struct har_item *item, struct errmsg *err)
{
	switch (item->kind) {
	case HAR_IN_MEMBER:
		return take_member(f, item, err);
	case HAR_IN_ENTRY:
		return take_entry(f, item, err);
	case HAR_IN_ENTRIES:
		har_out_entries(f->out);
		break;
	case HAR_IN_ENTRIES_END:
		har_out_entries_end(f->out);
		break;
	case HAR_IN_ODD:
	case HAR_IN_END:
	case HAR_IN_BROKEN:
		break;
	}
	return 0;
}

/* CTL_OK: it was whole, and so is what was written. */
static int
go_through(struct filtering *f)
{
	struct input *input = har_in_input(f->in);
	struct har_item item;
	struct errmsg err;

	do {
		if (har_in_next(f->in, &item, &err) < 0)
			return har_cmd_no_input(f->ask, &err);
		if (take(f, &item, &err) < 0)
			return har_cmd_failed(f->ask, &err);
		progress_at(&f->progress, input_taken(input));
	} while (item.kind != HAR_IN_END && item.kind != HAR_IN_BROKEN &&
	    !har_out_failed(f->out));
	progress_clear(&f->progress);
	if (item.kind == HAR_IN_BROKEN) {
		/* What went to a pipe already shall be good for something. */
		if (f->ask->out == NULL && har_out_end(f->out, &err) < 0)
			return har_cmd_failed(f->ask, &err);
		(void)errmsg_set(&err, "%s: %s; 'mitmctl har repair' keeps what is whole",
		    input_name(input), har_in_fault(f->in));
		return har_cmd_failed(f->ask, &err);
	}
	if (!har_in_seen_entries(f->in) && !har_out_failed(f->out)) {
		(void)errmsg_set(&err, "%s: this is no HAR: it has no log.entries",
		    input_name(input));
		return har_cmd_failed(f->ask, &err);
	}
	return har_out_end(f->out, &err) == 0 ? CTL_OK : har_cmd_failed(f->ask, &err);
}

static int
filter_one(const struct har_ask *ask)
{
	struct filtering f = {.ask = ask};
	struct errmsg err;
	int rc = CTL_OK;

	f.in = har_cmd_open(ask, ask->files[0], &rc);
	if (f.in == NULL)
		return rc;
	f.out = har_out_new(ask->out, &err);
	if (f.out == NULL) {
		rc = har_cmd_failed(ask, &err);
	} else {
		progress_begin(&f.progress, har_cmd_total(ask));
		rc = go_through(&f);
	}
	har_out_free(&f.out);
	har_in_free(&f.in);
	view_free(&f.view);
	har_cmd_tell_given_up(ask);
	return rc;
}

int
har_filter(const struct har_ask *ask)
{
	/* Of several, one is made, in order. */
	return ask->nfiles == 1 ? filter_one(ask) : har_merge(ask);
}
