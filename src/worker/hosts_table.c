/* SPDX-License-Identifier: ISC */
/* hosts_table.c - see hosts_table.h.  Runs in: worker. */
#include "config.h"

#include "worker/hosts_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct line {
	struct addr addr;
	const char *name;	/* in text, lower case */
};

struct hosts_table {
	char *text;
	struct line *lines;
	size_t n;
};

/* Names are in text one behind the other: where one lies is its place in the file. */
static int
compare(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int names = strcmp(x->name, y->name);

	return names != 0 ? names : x->name < y->name ? -1 : x->name > y->name;
}

static void
add_line(struct hosts_table *t, char *text)
{
	char *save, *word = strtok_r(text, " \t\r", &save), *c;
	struct addr a;

	if (word == NULL || !addr_parse_ip(str_z(word), 0, &a))
		return;
	while ((word = strtok_r(NULL, " \t\r", &save)) != NULL) {
		for (c = word; *c != '\0'; c++)
			*c = ascii_lower(*c);
		if ((t->n & (t->n - 1)) == 0)
			t->lines = mem_grow(t->lines, t->n == 0 ? 1 : t->n * 2,
			    sizeof(*t->lines));
		t->lines[t->n++] = (struct line){.addr = a, .name = word};
	}
}

struct hosts_table *
hosts_table_new(struct str text)
{
	struct hosts_table *t = mem_new(struct hosts_table);
	char *line, *save;

	t->text = str_dup(text);
	for (line = strtok_r(t->text, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save)) {
		line[strcspn(line, "#")] = '\0';
		add_line(t, line);
	}
	if (t->n > 1)
		qsort(t->lines, t->n, sizeof(*t->lines), compare);
	return t;
}

void
hosts_table_free(struct hosts_table **pt)
{
	struct hosts_table *t = *pt;

	*pt = NULL;
	if (t == NULL)
		return;
	free(t->lines);
	free(t->text);
	free(t);
}

size_t
hosts_table_find(const struct hosts_table *t, const char *name, struct addr *out, size_t max)
{
	size_t lo = 0, hi = t->n, n = 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(t->lines[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < t->n && strcmp(t->lines[lo].name, name) == 0 && n < max; lo++)
		out[n++] = t->lines[lo].addr;
	return n;
}
