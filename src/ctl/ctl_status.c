/* SPDX-License-Identifier: ISC */
/*
 * ctl_status.c - mitmctl status: how the running mitmd is.  The rows of the answer
 * are told in master/commands_status.c.
 * Runs in: mitmctl.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ctl/control.h"
#include "ctl/human.h"
#include "ctl/term.h"
#include "ctl/tsv.h"
#include "har/json.h"

#define LINE_COLUMNS 45	/* a line is full when it has so many */

/* Those that there is one of; the others are lists. */
static const char *const singles[] = {"mitmd", "reload", "spool", "counters"};

static bool
is_single(const char *section)
{
	size_t i;

	for (i = 0; i < NELEM(singles); i++)
		if (strcmp(section, singles[i]) == 0)
			return true;
	return false;
}

static bool
same(const struct control_table *t, size_t a, size_t b, const char *column)
{
	return strcmp(control_cell(t, a, column), control_cell(t, b, column)) == 0;
}

/* The first row of that thing; 0: there is none. */
static size_t
find_item(const struct control_table *t, const char *section, unsigned item)
{
	char number[16];
	size_t row;

	(void)snprintf(number, sizeof(number), "%u", item);
	for (row = 1; row < t->nrows; row++)
		if (strcmp(control_cell(t, row, "section"), section) == 0 &&
		    strcmp(control_cell(t, row, "item"), number) == 0)
			return row;
	return 0;
}

/* A value of the thing whose first row is given; "" when it has none. */
static const char *
value(const struct control_table *t, size_t first, const char *name)
{
	size_t row;

	for (row = first; row > 0 && row < t->nrows && same(t, first, row, "section") &&
	    same(t, first, row, "item"); row++)
		if (strcmp(control_cell(t, row, "name"), name) == 0)
			return control_cell(t, row, "value");
	return "";
}

static const char *
single(const struct control_table *t, const char *section, const char *name)
{
	return value(t, find_item(t, section, 0), name);
}

static uint64_t
number(const char *text)
{
	return strtoull(text, NULL, 10);
}

/* ---- for programs ---- */

static void
json_value(struct buf *out, const struct control_table *t, size_t row)
{
	const char *name = control_cell(t, row, "name"), *type = control_cell(t, row, "type");
	const char *v = control_cell(t, row, "value");

	if (strcmp(type, "number") == 0)
		json_member_int(out, name, (int64_t)number(v));
	else if (strcmp(type, "flag") == 0)
		json_member_bool(out, name, v[0] == '1');
	else
		json_member(out, name, str_z(v));
}

/* All rows of a thing; returns the first one behind. */
static size_t
json_item(struct buf *out, const struct control_table *t, size_t first)
{
	size_t row;

	buf_putc(out, '{');
	for (row = first; row < t->nrows && same(t, first, row, "section") &&
	    same(t, first, row, "item"); row++)
		json_value(out, t, row);
	buf_putc(out, '}');
	return row;
}

static size_t
json_section(struct buf *out, const struct control_table *t, size_t first)
{
	size_t row = first;

	json_name(out, control_cell(t, first, "section"));
	if (is_single(control_cell(t, first, "section")))
		return json_item(out, t, first);
	buf_putc(out, '[');
	while (row < t->nrows && same(t, first, row, "section")) {
		json_comma(out);
		row = json_item(out, t, row);
	}
	buf_putc(out, ']');
	return row;
}

static void
show_json(const struct control_table *t, bool healthy)
{
	struct buf out = {0};
	size_t row;

	buf_putc(&out, '{');
	json_member_bool(&out, "healthy", healthy);
	for (row = 1; row < t->nrows; )
		row = json_section(&out, t, row);
	if (healthy) {
		json_name(&out, "problems");
		buf_putz(&out, "[]");
	}
	buf_putz(&out, "}\n");
	(void)fwrite(buf_data(&out), 1, out.len, stdout);
	buf_free(&out);
}

/* The rows as they came, and whether all is well. */
static void
show_tsv(const struct control_table *t, bool healthy)
{
	static const char *const names[] = {"section", "item", "name", "value"};
	struct str cells[] = {STR("mitmd"), STR("0"), STR("healthy"), STR("1")};
	struct buf out = {0};
	size_t row, i;

	if (!healthy)
		cells[3] = STR("0");
	tsv_names(&out, names, NELEM(names));
	tsv_row(&out, cells, NELEM(cells));
	for (row = 1; row < t->nrows; row++) {
		for (i = 0; i < NELEM(names); i++)
			cells[i] = str_z(control_cell(t, row, names[i]));
		tsv_row(&out, cells, NELEM(cells));
	}
	tsv_print(&out);
}

/* ---- for people ---- */

/* Values that the wire has as bare numbers. */
static char *
readable(const char *name, const char *text)
{
	char out[HUMAN_SIZE];

	if (text[0] == '\0')
		return mem_strdup("-");
	if (strcmp(name, "uptime") == 0 || strcmp(name, "seconds") == 0)
		return mem_strdup(human_seconds(number(text), out));
	if (strcmp(name, "cpu_ms") == 0)
		return mem_strdup(human_ms(number(text), out));
	if (strcmp(name, "memory") == 0)
		return mem_strdup(human_bytes(number(text), out));
	if (strcmp(name, "descriptors") == 0 && number(text) == 0)
		return mem_strdup("-");	/* the kernel does not tell */
	return mem_strdup(text);
}

/* A list's things, one a row. */
static void
show_list(const struct ctl *ctl, const struct control_table *t, const char *section,
    const struct control_column *columns, size_t n)
{
	struct control_table list = {.ncolumns = n};
	unsigned item;
	size_t i, first;

	for (item = 0; item == 0 || find_item(t, section, item - 1) != 0; item++) {
		first = item > 0 ? find_item(t, section, item - 1) : 0;
		list.cells = mem_grow(list.cells, (item + 1) * n, sizeof(*list.cells));
		for (i = 0; i < n; i++)
			list.cells[item * n + i] = item == 0 ? mem_strdup(columns[i].name) :
			    readable(columns[i].name, value(t, first, columns[i].name));
		list.nrows++;
	}
	(void)putchar('\n');
	control_show(ctl, &list, columns, n);
	for (i = 0; i < list.nrows * n; i++)
		free(list.cells[i]);
	control_table_free(&list);
}

static void
put_line(const struct ctl *ctl, const char *label, enum term_style style, const char *text)
{
	struct buf line = {0};

	(void)term_put(&line, str_z(text), 0);
	(void)printf("%-14s%s%.*s%s\n", label,
	    style != TERM_PLAIN ? term_style(ctl, style) : "", STR_ARG(buf_str(&line)),
	    style != TERM_PLAIN ? term_style(ctl, TERM_PLAIN) : "");
	buf_free(&line);
}

static void
show_mitmd(const struct ctl *ctl, const struct control_table *t, bool healthy)
{
	const char *state = single(t, "mitmd", "state");
	const char *leaves_in = single(t, "mitmd", "leaves_in");
	char up[HUMAN_SIZE], *line, *left = NULL;

	if (leaves_in[0] != '\0')
		left = mem_printf(" (in %s at the latest)",
		    human_seconds(number(leaves_in), up));
	line = mem_printf("%s%s, %s", state, left != NULL ? left : "",
	    healthy ? "healthy" : "but look below");
	put_line(ctl, "state", healthy ? TERM_GREEN : TERM_RED, line);
	free(line);
	free(left);
	line = mem_printf("%s, pid %s, up %s", single(t, "mitmd", "version"),
	    single(t, "mitmd", "pid"),
	    human_seconds(number(single(t, "mitmd", "uptime")), up));
	put_line(ctl, "mitmd", TERM_PLAIN, line);
	free(line);
	put_line(ctl, "configuration", TERM_PLAIN, single(t, "mitmd", "config")[0] != '\0' ?
	    single(t, "mitmd", "config") : "the defaults");
}

static void
show_listeners(const struct ctl *ctl, const struct control_table *t)
{
	unsigned item;
	size_t first;

	for (item = 0; (first = find_item(t, "listeners", item)) != 0; item++)
		put_line(ctl, item == 0 ? "listening on" : "", TERM_PLAIN,
		    value(t, first, "address"));
}

static void
show_spool(const struct ctl *ctl, const struct control_table *t)
{
	bool ok = strcmp(single(t, "spool", "ok"), "1") == 0;
	char size[HUMAN_SIZE], left[HUMAN_SIZE], *line;

	(void)human_bytes(number(single(t, "spool", "bytes")) +
	    number(single(t, "spool", "bytes_growing")), size);
	(void)human_bytes(number(single(t, "spool", "bytes_free")), left);
	line = mem_printf("%s, %s files and %s that grow, %s; %s free",
	    single(t, "spool", "dir"), single(t, "spool", "files"),
	    single(t, "spool", "files_growing"), size, left);
	put_line(ctl, "spool", ok ? TERM_PLAIN : TERM_RED, line);
	free(line);
}

static void
show_reload(const struct ctl *ctl, const struct control_table *t)
{
	bool ok = strcmp(single(t, "reload", "ok"), "1") == 0;
	char *line;

	if (single(t, "reload", "at")[0] == '\0')
		return;
	line = mem_printf("%s, %s%s", single(t, "reload", "at"), ok ? "done" : "failed",
	    strcmp(single(t, "reload", "under_way"), "1") == 0 ? "; another is under way" : "");
	put_line(ctl, "last reload", ok ? TERM_PLAIN : TERM_RED, line);
	free(line);
}

static void
show_problems(const struct ctl *ctl, const struct control_table *t)
{
	unsigned item;
	size_t first;

	for (item = 0; (first = find_item(t, "problems", item)) != 0; item++)
		put_line(ctl, item == 0 ? "problems" : "", TERM_RED, value(t, first, "text"));
}

/* Only what has happened, some in a line. */
static void
show_counters(const struct ctl *ctl, const struct control_table *t)
{
	size_t row, first = find_item(t, "counters", 0);
	const char *label = "counters", *count;
	struct buf line = {0};

	for (row = first; row > 0 && row < t->nrows && same(t, first, row, "section"); row++) {
		count = control_cell(t, row, "value");
		if (number(count) == 0)
			continue;
		buf_printf(&line, "%s%s %s", line.len > 0 ? ", " : "", count,
		    control_cell(t, row, "name"));
		if (line.len < LINE_COLUMNS)
			continue;
		buf_putc(&line, '\0');
		put_line(ctl, label, TERM_PLAIN, (const char *)buf_data(&line));
		buf_clear(&line);
		label = "";
	}
	buf_putc(&line, '\0');
	if (line.len > 1)
		put_line(ctl, label, TERM_PLAIN, (const char *)buf_data(&line));
	buf_free(&line);
}

/* Those of a role are alike: once for each. */
static void
show_protections(const struct ctl *ctl, const struct control_table *t)
{
	static const char *const roles[] = {"master", "recorder", "signer", "worker"};
	const char *label = "protections";
	unsigned item;
	size_t i, first;
	char *line;

	for (i = 0; i < NELEM(roles); i++) {
		for (item = 0; (first = find_item(t, "processes", item)) != 0; item++)
			if (strcmp(value(t, first, "role"), roles[i]) == 0 &&
			    value(t, first, "protections")[0] != '\0')
				break;
		if (first == 0)
			continue;
		line = mem_printf("%s: %s", roles[i], value(t, first, "protections"));
		put_line(ctl, label, TERM_PLAIN, line);
		free(line);
		label = "";
	}
}

static void
show_text(const struct ctl *ctl, const struct control_table *t, bool healthy)
{
	static const struct control_column generations[] = {
		{"number", "GENERATION", CONTROL_NUMBER, "-"},
		{"state", "STATE", CONTROL_TEXT, "-"},
		{"seconds", "FOR", CONTROL_TEXT, "-"},
		{"workers", "WORKERS", CONTROL_NUMBER, "-"},
		{"connections", "CONNECTIONS", CONTROL_NUMBER, "-"},
	};
	static const struct control_column processes[] = {
		{"role", "PROCESS", CONTROL_TEXT, "-"},
		{"index", "", CONTROL_NUMBER, "-"},
		{"generation", "GENERATION", CONTROL_NUMBER, "-"},
		{"pid", "PID", CONTROL_NUMBER, "-"},
		{"state", "STATE", CONTROL_TEXT, "-"},
		{"uptime", "UP", CONTROL_TEXT, "-"},
		{"restarts", "RESTARTS", CONTROL_NUMBER, "-"},
		{"cpu_ms", "CPU", CONTROL_TEXT, "-"},
		{"memory", "MEMORY", CONTROL_TEXT, "-"},
		{"descriptors", "FDS", CONTROL_TEXT, "-"},
		{"connections", "CONNECTIONS", CONTROL_NUMBER, "-"},
		{"sandbox", "SANDBOX", CONTROL_TEXT, "-"},
	};

	show_mitmd(ctl, t, healthy);
	show_listeners(ctl, t);
	show_spool(ctl, t);
	show_reload(ctl, t);
	show_problems(ctl, t);
	show_protections(ctl, t);
	show_counters(ctl, t);
	show_list(ctl, t, "generations", generations, NELEM(generations));
	show_list(ctl, t, "processes", processes, NELEM(processes));
}

int
ctl_status(const struct ctl *ctl, int argc, char **argv)
{
	static const char *const words[] = {"status"};
	struct control_table t;
	bool healthy;
	int code;

	if (argc > 1) {
		ctl_error("status: '%s' is too much", argv[1]);
		return CTL_USAGE;
	}
	code = control_ask(ctl, words, 1, &t);
	if (code != CTL_OK)
		return code;
	healthy = find_item(&t, "problems", 0) == 0;
	if (ctl->output == CTL_JSON)
		show_json(&t, healthy);
	else if (ctl->output == CTL_TSV)
		show_tsv(&t, healthy);
	else
		show_text(ctl, &t, healthy);
	control_table_free(&t);
	return healthy ? CTL_OK : CTL_DEGRADED;
}
