/* SPDX-License-Identifier: ISC */
/*
 * ctl_lists.c - mitmctl tags and conns: what is being recorded, and for whom.
 * Runs in: mitmctl.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ctl/control.h"
#include "ctl/human.h"

/* For people: the cells of a column become what format makes of their numbers. */
struct shape {
	const char *column;
	char *(*format)(uint64_t, char[HUMAN_SIZE]);
};

static int
column_of(const struct control_table *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->ncolumns; i++)
		if (strcmp(t->cells[i], name) == 0)
			return (int)i;
	return -1;
}

/* Into `room`, which has HUMAN_SIZE bytes for each row. */
static void
reshape(struct control_table *t, const struct shape *shape, char *room)
{
	int column = column_of(t, shape->column);
	size_t row;

	for (row = 1; column != -1 && row < t->nrows; row++) {
		char **cell = &t->cells[row * t->ncolumns + (size_t)column];

		*cell = shape->format(strtoull(*cell, NULL, 10), room + row * HUMAN_SIZE);
	}
}

static int
show(const struct ctl *ctl, int argc, char **argv, const struct control_column *columns,
    size_t ncolumns, const struct shape *shapes, size_t nshapes)
{
	const char *words[] = {argv[0]};
	char *room[8] = {NULL};
	struct control_table t;
	size_t i;
	int code;

	CHECK(nshapes <= NELEM(room));
	if (argc > 1) {
		ctl_error("%s: '%s' is too much", argv[0], argv[1]);
		return CTL_USAGE;
	}
	code = control_ask(ctl, words, 1, &t);
	if (code != CTL_OK)
		return code;
	for (i = 0; ctl->output == CTL_TABLE && i < nshapes; i++) {
		room[i] = mem_alloc((t.nrows + 1) * HUMAN_SIZE);
		reshape(&t, &shapes[i], room[i]);
	}
	control_show(ctl, &t, columns, ncolumns);
	for (i = 0; i < NELEM(room); i++)
		free(room[i]);
	control_table_free(&t);
	return CTL_OK;
}

int
ctl_tags(const struct ctl *ctl, int argc, char **argv)
{
	static const struct control_column columns[] = {
		{"tag", "TAG", CONTROL_TEXT, "?"},
		{"entries", "ENTRIES", CONTROL_NUMBER, "0"},
		{"bytes", "SIZE", CONTROL_NUMBER, "0"},
		{"last", "LAST", CONTROL_TEXT, "-"},
		{"file", "FILE", CONTROL_TEXT, "-"},
	};
	static const struct shape shapes[] = {{"bytes", human_bytes}};

	return show(ctl, argc, argv, columns, NELEM(columns), shapes, NELEM(shapes));
}

int
ctl_conns(const struct ctl *ctl, int argc, char **argv)
{
	static const struct control_column columns[] = {
		{"client", "CLIENT", CONTROL_TEXT, "?"},
		{"tag", "TAG", CONTROL_TEXT, "-"},
		{"kind", "KIND", CONTROL_TEXT, "-"},
		{"host", "HOST", CONTROL_TEXT, "-"},
		{"port", "PORT", CONTROL_NUMBER, "-"},
		{"state", "STATE", CONTROL_TEXT, "-"},
		{"seconds", "OPEN", CONTROL_NUMBER, "-"},
		{"requests", "REQUESTS", CONTROL_NUMBER, "-"},
		{"received", "IN", CONTROL_NUMBER, "-"},
		{"sent", "OUT", CONTROL_NUMBER, "-"},
		{"generation", "GENERATION", CONTROL_NUMBER, "-"},
		{"pid", "WORKER", CONTROL_NUMBER, "-"},
	};
	static const struct shape shapes[] = {
		{"seconds", human_seconds}, {"received", human_bytes}, {"sent", human_bytes}};

	return show(ctl, argc, argv, columns, NELEM(columns), shapes, NELEM(shapes));
}
