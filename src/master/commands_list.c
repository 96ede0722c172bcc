/* SPDX-License-Identifier: ISC */
/*
 * commands_list.c - tags and conns: rows that other processes know, put together.
 * Runs in: master.
 */
#include "config.h"

#include "master/commands.h"

#include <stdlib.h>

#include "base/mem.h"
#include "master/polls.h"

#define PATIENCE 5.0
#define ROWS_MAX (8u << 20)	/* bytes of an answer; mitmctl takes twice as many */

/* What a process sends as its first line; who it was stands in front in the answer. */
static const char tags_columns[] = "tag\tfile\tentries\tbytes\tlast";
static const char conns_columns[] = "client\ttag\tkind\thost\tport\tstate\tseconds\trequests\t"
    "received\tsent";

struct list {
	struct control_call *call;
	struct poll *poll;
	struct str columns;
	size_t size;
	unsigned left_out;	/* rows */
};

static void
on_gone(void *arg)
{
	struct list *l = arg;

	poll_free(&l->poll);
	free(l);
}

/* As many columns, and nothing in them that could be taken for a border. */
static bool
is_row(const struct list *l, struct str line)
{
	size_t i, tabs = 0, want = 0;

	for (i = 0; i < l->columns.n; i++)
		want += l->columns.p[i] == '\t';
	for (i = 0; i < line.n; i++) {
		tabs += line.p[i] == '\t';
		if ((unsigned char)line.p[i] <= ' ' && line.p[i] != '\t')
			return false;
	}
	return tabs == want;
}

static void
put_row(struct list *l, const struct child *c, struct str line)
{
	struct buf row = {0};

	if (c->gen != NULL)
		buf_printf(&row, "%u\t%d\t", c->gen->number, (int)c->pid);
	buf_puts(&row, line);
	l->size += row.len + 1;
	if (l->size > ROWS_MAX)
		l->left_out++;
	else
		control_line(l->call, buf_str(&row));
	buf_free(&row);
}

static void
on_rows(void *arg, const struct child *c, struct str rows, uint32_t number UNUSED)
{
	struct list *l = arg;
	struct str line;

	while (str_split(&rows, '\n', &line))
		if (is_row(l, line) && !str_eq(line, l->columns))
			put_row(l, c, line);
}

static void
on_done(void *arg, unsigned missing)
{
	struct list *l = arg;
	struct control_call *call = l->call;

	if (l->left_out > 0)
		log_warning("control: %u rows were left out of an answer", l->left_out);
	if (missing > 0)
		log_warning("control: %u processes did not say what they have", missing);
	l->poll = NULL;
	on_gone(l);
	control_done(call);
}

static struct list *
begin(struct master *m, struct control_call *call, const char *columns)
{
	static const struct poll_ops ops = {.answer = on_rows, .done = on_done};
	struct list *l = mem_new(struct list);

	if (!control_later(call, on_gone, l)) {
		free(l);
		return NULL;
	}
	l->call = call;
	l->columns = str_z(columns);
	l->poll = poll_new(m, &ops, PATIENCE, l);
	return l;
}

static bool
no_words(struct control_call *call, int nwords, char **words)
{
	if (nwords > 0)
		control_fail(call, "usage", "'%s' is too much", words[0]);
	return nwords == 0;
}

void
commands_tags(void *arg, struct control_call *call, int nwords, char **words)
{
	struct master *m = arg;
	struct list *l;

	if (!no_words(call, nwords, words))
		return;
	if (!m->recorder.ready) {
		control_fail(call, "busy", "the recorder is being started");
		return;
	}
	l = begin(m, call, tags_columns);
	if (l == NULL)
		return;
	control_line(call, l->columns);
	poll_ask(l->poll, &m->recorder, MSG_LIST, STR_NONE);
	poll_begin(l->poll);
}

void
commands_conns(void *arg, struct control_call *call, int nwords, char **words)
{
	struct master *m = arg;
	struct generation *gen;
	struct buf header = {0};
	struct list *l;
	unsigned i;

	if (!no_words(call, nwords, words))
		return;
	l = begin(m, call, conns_columns);
	if (l == NULL)
		return;
	buf_printf(&header, "generation\tpid\t%s", conns_columns);
	control_line(call, buf_str(&header));
	buf_free(&header);
	TAILQ_FOREACH(gen, &m->generations, link)
		for (i = 0; i < gen->nworkers; i++)
			if (gen->workers[i].ready)
				poll_ask(l->poll, &gen->workers[i], MSG_LIST, STR_NONE);
	poll_begin(l->poll);
}
