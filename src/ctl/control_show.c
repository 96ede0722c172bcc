/* SPDX-License-Identifier: ISC */
/*
 * control_show.c - rows for people, or for programs; see control.h.
 * Runs in: mitmctl.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/control.h"
#include "ctl/tsv.h"

const char *
control_cell(const struct control_table *t, size_t row, const char *name)
{
	size_t i;

	for (i = 0; i < t->ncolumns; i++)
		if (strcmp(t->cells[i], name) == 0)
			return t->cells[row * t->ncolumns + i];
	return "";
}

void
control_json_string(const char *s)
{
	(void)putchar('"');
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			(void)printf("\\%c", c);
		else if (c < ' ' || c == 0x7f)
			(void)printf("\\u%04x", c);
		else
			(void)putchar(c);
	}
	(void)putchar('"');
}

static void
show_json(const struct control_table *t, const struct control_column *columns, size_t n)
{
	size_t row, i;

	(void)putchar('[');
	for (row = 1; row < t->nrows; row++) {
		(void)fputs(row > 1 ? ",\n {" : "{", stdout);
		for (i = 0; i < n; i++) {
			const char *value = control_cell(t, row, columns[i].name);

			(void)fputs(i > 0 ? ", " : "", stdout);
			control_json_string(columns[i].name);
			(void)fputs(": ", stdout);
			if (value[0] == '\0')
				(void)fputs("null", stdout);
			else if (columns[i].kind == CONTROL_NUMBER)
				(void)printf("%lld", strtoll(value, NULL, 10));
			else
				control_json_string(value);
		}
		(void)putchar('}');
	}
	(void)fputs("]\n", stdout);
}

static void
show_tsv(const struct control_table *t, const struct control_column *columns, size_t n)
{
	struct str cells[CONTROL_COLUMNS];
	struct buf out = {0};
	size_t row, i;

	CHECK(n <= CONTROL_COLUMNS);
	for (i = 0; i < n; i++)
		cells[i] = str_z(columns[i].name);
	tsv_row(&out, cells, n);
	for (row = 1; row < t->nrows; row++) {
		for (i = 0; i < n; i++)
			cells[i] = str_z(control_cell(t, row, columns[i].name));
		tsv_row(&out, cells, n);
	}
	tsv_print(&out);
}

static const char *
shown(const struct control_table *t, size_t row, const struct control_column *c)
{
	const char *value = control_cell(t, row, c->name);

	if (row == 0)
		return c->title;
	return value[0] != '\0' ? value : c->empty;
}

/* A terminal obeys control bytes. */
static void
put_text(const char *s)
{
	for (; *s != '\0'; s++)
		(void)putchar((unsigned char)*s < ' ' || *s == 0x7f ? '?' : *s);
}

static void
show_text(const struct control_table *t, const struct control_column *columns, size_t n)
{
	size_t row, i, width[CONTROL_COLUMNS] = {0}, written;

	CHECK(n <= CONTROL_COLUMNS);
	for (row = 0; row < t->nrows; row++)
		for (i = 0; i < n; i++)
			if (columns[i].title != NULL)
				width[i] = MAX(width[i], strlen(shown(t, row, &columns[i])));
	for (row = 0; row < t->nrows; row++) {
		for (i = 0, written = 0; i < n; i++) {
			if (columns[i].title == NULL)
				continue;
			if (written > 0)
				(void)printf("%*s", (int)written, "");
			put_text(shown(t, row, &columns[i]));
			written = width[i] + 2 - strlen(shown(t, row, &columns[i]));
		}
		(void)putchar('\n');
	}
}

void
control_show(const struct ctl *ctl, const struct control_table *t,
    const struct control_column *columns, size_t ncolumns)
{
	if (ctl->output == CTL_JSON)
		show_json(t, columns, ncolumns);
	else if (ctl->output == CTL_TSV)
		show_tsv(t, columns, ncolumns);
	else if (t->nrows > 1)
		show_text(t, columns, ncolumns);
}
