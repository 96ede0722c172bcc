/* SPDX-License-Identifier: ISC */
/*
 * har_check.c - mitmctl har check: the rules' complaints, a line each, the first few of
 * every kind.
 * Runs in: mitmctl.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "ctl/control.h"
#include "ctl/har_cmd.h"
#include "ctl/har_rules.h"
#include "ctl/term.h"
#include "ctl/tsv.h"

#define SHOWN 5			/* of each rule, per file */
#define RULES_MAX 64

struct broken_rule {
	const char *rule;
	bool warning;
	uint64_t times;
};

struct check {
	const struct har_ask *ask;
	struct progress progress;
	uint64_t before;	/* bytes of the files before this one */
	const char *name;	/* of this file */
	struct broken_rule rules[RULES_MAX];
	size_t nrules;
	uint64_t errors, warnings, entries;
	bool any;		/* JSON: something stands before */
};

static struct broken_rule *
rule_of(struct check *c, const char *rule, bool warning)
{
	size_t i;

	for (i = 0; i < c->nrules; i++)
		if (c->rules[i].rule == rule && c->rules[i].warning == warning)
			return &c->rules[i];
	CHECK(c->nrules < RULES_MAX);
	c->rules[c->nrules] = (struct broken_rule){rule, warning, 0};
	return &c->rules[c->nrules++];
}

/* For programs. */
static void
print_json(struct check *c, bool warning, uint64_t entry, const char *path, const char *text)
{
	(void)printf("%s\n    {\"severity\": \"%s\", ", c->any ? "," : "",
	    warning ? "warning" : "error");
	if (entry > 0)
		(void)printf("\"entry\": %" PRIu64 ", ", entry);
	if (path != NULL) {
		(void)fputs("\"path\": ", stdout);
		control_json_string(path);
		(void)fputs(", ", stdout);
	}
	(void)fputs("\"message\": ", stdout);
	control_json_string(text);
	(void)fputs("}", stdout);
	c->any = true;
}

/* For people: FILE:ENTRY: path message. */
static void
print_line(struct check *c, bool warning, uint64_t entry, const char *path, const char *text)
{
	struct buf line;

	progress_clear(&c->progress);
	buf_init(&line, 0);
	buf_printf(&line, "%s:", c->name);
	if (entry > 0)
		buf_printf(&line, "%" PRIu64 ":", entry);
	buf_printf(&line, " %s", warning ? "warning: " : "");
	if (path != NULL) {
		(void)term_put(&line, str_z(path), 0);	/* names in it are anybody's */
		buf_putc(&line, ' ');
	}
	buf_printf(&line, "%s\n", text);
	(void)fwrite(buf_data(&line), 1, line.len, stdout);
	buf_free(&line);
}

static void
print_row(const struct check *c, bool warning, uint64_t entry, const char *path,
    const char *text)
{
	char number[TSV_NUMBER];
	struct str cells[] = {
		str_z(c->name), tsv_number(entry > 0 ? (int64_t)entry : -1, number),
		warning ? STR("warning") : STR("error"), str_z(path), str_z(text)};
	struct buf out = {0};

	tsv_row(&out, cells, NELEM(cells));
	tsv_print(&out);
}

static void
print_names(void)
{
	static const char *const names[] = {"file", "entry", "severity", "path", "message"};
	struct buf out = {0};

	tsv_names(&out, names, NELEM(names));
	tsv_print(&out);
}

static void
print(struct check *c, bool warning, uint64_t entry, const char *path, const char *text)
{
	if (c->ask->output == CTL_JSON)
		print_json(c, warning, entry, path, text);
	else if (c->ask->output == CTL_TSV)
		print_row(c, warning, entry, path, text);
	else
		print_line(c, warning, entry, path, text);
}

static void
tell(void *arg, bool warning, uint64_t entry, const char *path, const char *rule)
{
	struct check *c = arg;

	if (warning)
		c->warnings++;
	else
		c->errors++;
	if (rule_of(c, rule, warning)->times++ < SHOWN || c->ask->output != CTL_TABLE)
		print(c, warning, entry, path, rule);
}

static void
tell_broken(struct check *c, uint64_t entry, const char *fault)
{
	c->errors++;
	print(c, false, entry, NULL, fault);
}

/* One item; false: it was the last one. */
static bool
take(struct check *c, struct har_in *in, const struct har_item *item, struct har_rules *rules)
{
	switch (item->kind) {
	case HAR_IN_MEMBER:
		har_rules_member(rules, item->name, item->text);
		return true;
	case HAR_IN_ENTRY:
		c->entries = item->number;
		if (item->text.p != NULL)
			har_rules_entry(rules, item->number, item->text, item->cut);
		else
			tell_broken(c, item->number, "has too much in it to look at");
		return true;
	case HAR_IN_ODD:
		c->entries = item->number;
		har_rules_odd(rules, item->number);
		return true;
	case HAR_IN_BROKEN:
		tell_broken(c, item->number, har_in_fault(in));
		return false;
	case HAR_IN_END:
		har_rules_end(rules, har_in_seen_log(in), har_in_seen_entries(in));
		return false;
	case HAR_IN_ENTRIES:
	case HAR_IN_ENTRIES_END:
		break;
	}
	return true;
}

static int
go_through(struct check *c, struct har_in *in)
{
	struct har_rules *rules = har_rules_new(tell, c);
	struct har_item item;
	struct errmsg err;
	bool more = true;
	int rc;

	while ((rc = har_in_next(in, &item, &err)) == 0 &&
	    (more = take(c, in, &item, rules)))
		progress_at(&c->progress, c->before + input_taken(har_in_input(in)));
	har_rules_free(&rules);
	c->before += input_size(har_in_input(in));
	progress_clear(&c->progress);
	return rc == 0 ? CTL_OK : har_cmd_no_input(c->ask, &err);
}

static void
sum_up(struct check *c)
{
	size_t i;

	for (i = 0; i < c->nrules; i++)
		if (c->rules[i].times > SHOWN)
			(void)printf("%s: %s... %" PRIu64 " more: %s\n", c->name,
			    c->rules[i].warning ? "warning: " : "",
			    c->rules[i].times - SHOWN, c->rules[i].rule);
	if (c->errors == 0 && c->warnings == 0)
		(void)printf("%s: good, %" PRIu64 " entries\n", c->name, c->entries);
	else
		(void)printf("%s: %" PRIu64 " entries, %" PRIu64 " errors, %" PRIu64
		    " warnings\n", c->name, c->entries, c->errors, c->warnings);
}

static int
check_file(struct check *c, const char *file, bool first)
{
	struct har_in *in;
	int rc = CTL_OK;

	in = har_cmd_open(c->ask, file, &rc);
	if (in == NULL)
		return rc;
	c->name = input_name(har_in_input(in));
	c->nrules = 0;
	c->errors = c->warnings = c->entries = 0;
	c->any = false;
	if (c->ask->output == CTL_JSON) {
		(void)printf("%s\n {\"file\": ", first ? "" : ",");
		control_json_string(file);
		(void)fputs(", \"problems\": [", stdout);
	}
	rc = go_through(c, in);
	if (c->ask->output == CTL_JSON)
		(void)printf("],\n  \"entries\": %" PRIu64 ", \"errors\": %" PRIu64
		    ", \"warnings\": %" PRIu64 "}", c->entries, c->errors, c->warnings);
	else if (rc == CTL_OK && c->ask->output == CTL_TABLE)
		sum_up(c);
	har_in_free(&in);
	if (rc == CTL_OK && (c->errors > 0 || (c->ask->strict && c->warnings > 0)))
		return CTL_FAILED;
	return rc;
}

int
har_check(const struct har_ask *ask)
{
	struct check *c = mem_new(struct check);
	int i, rc, worst = CTL_OK;
	bool first = true;

	c->ask = ask;
	progress_begin(&c->progress, har_cmd_total(ask));
	if (ask->output == CTL_JSON)
		(void)fputs("[", stdout);
	else if (ask->output == CTL_TSV)
		print_names();
	for (i = 0; i < ask->nfiles; i++) {
		rc = check_file(c, ask->files[i], first);
		first = first && rc == CTL_NOINPUT;
		worst = MAX(worst, rc);
	}
	if (ask->output == CTL_JSON)
		(void)fputs("\n]\n", stdout);
	free(c);
	return worst;
}
