/* SPDX-License-Identifier: ISC */
/* polls.c - see polls.h.  Runs in: master. */
#include "config.h"

#include "master/polls.h"

#include <stdlib.h>

#include "base/mem.h"

struct poll {
	TAILQ_ENTRY(poll) link;
	struct master *master;
	const struct poll_ops *ops;
	void *arg;
	uint32_t id;
	struct child **asked;	/* who has not answered */
	size_t nasked;
	unsigned missing;
	bool begun;
	double patience;
	ev_timer timer;
};

void
poll_free(struct poll **pp)
{
	struct poll *p = *pp;

	if (p == NULL)
		return;
	*pp = NULL;
	ev_timer_stop(p->master->loop, &p->timer);
	TAILQ_REMOVE(&p->master->polls, p, link);
	free(p->asked);
	free(p);
}

static void
finish(struct poll *p)
{
	const struct poll_ops *ops = p->ops;
	unsigned missing = p->missing;
	void *arg = p->arg;

	poll_free(&p);
	ops->done(arg, missing);
}

static void
on_timer(struct ev_loop *loop UNUSED, ev_timer *t, int events UNUSED)
{
	struct poll *p = t->data;

	p->missing += (unsigned)p->nasked;
	finish(p);
}

struct poll *
poll_new(struct master *m, const struct poll_ops *ops, double patience, void *arg)
{
	struct poll *p = mem_new(struct poll);

	p->master = m;
	p->ops = ops;
	p->patience = patience;
	p->arg = arg;
	p->id = ++m->poll_id;
	ev_timer_init(&p->timer, on_timer, patience, 0);
	p->timer.data = p;
	TAILQ_INSERT_TAIL(&m->polls, p, link);
	return p;
}

static int
send_question(const struct poll *p, const struct child *c, enum msg_type type, struct str tag)
{
	struct msg_flush flush = {.id = p->id, .tag = tag};
	struct msg_list list = {.id = p->id};

	if (type == MSG_LIST)
		return CHANNEL_TELL(c->channel, LIST, list, &list);
	if (type == MSG_TELL)
		return CHANNEL_TELL(c->channel, TELL, flush, &flush);
	return CHANNEL_TELL(c->channel, FLUSH, flush, &flush);
}

void
poll_ask(struct poll *p, struct child *c, enum msg_type type, struct str tag)
{
	CHECK(!p->begun);
	if (c->channel == NULL || !c->ready || send_question(p, c, type, tag) != 0) {
		p->missing++;
		return;
	}
	p->asked = mem_grow(p->asked, p->nasked + 1, sizeof(*p->asked));
	p->asked[p->nasked++] = c;
}

void
poll_begin(struct poll *p)
{
	p->begun = true;
	if (p->nasked == 0)
		finish(p);
	else if (p->patience > 0)
		ev_timer_start(p->master->loop, &p->timer);
}

/* Its place among those who have not answered; -1: it was not asked, or has. */
static int
find(const struct poll *p, const struct child *c)
{
	size_t i;

	for (i = 0; i < p->nasked; i++)
		if (p->asked[i] == c)
			return (int)i;
	return -1;
}

static void
strike_out(struct poll *p, int i)
{
	p->asked[i] = p->asked[--p->nasked];
	if (p->nasked == 0 && p->begun)
		finish(p);
}

static void
answered(struct child *c, uint32_t id, struct str rows, uint32_t number, bool last)
{
	struct poll *p;
	int i;

	TAILQ_FOREACH(p, &c->master->polls, link)
		if (p->id == id)
			break;
	if (p == NULL || (i = find(p, c)) == -1)
		return;
	if (p->ops->answer != NULL)
		p->ops->answer(p->arg, c, rows, number);
	if (last)
		strike_out(p, i);
}

int
poll_message(struct child *c, enum msg_type type, struct str body)
{
	struct msg_flushed flushed;
	struct msg_listed listed;

	if (type == MSG_LISTED) {
		if (msg_unpack_listed(body, &listed) != 0)
			return -1;
		answered(c, listed.id, listed.rows, 0, listed.last != 0);
		return 0;
	}
	if (msg_unpack_flushed(body, &flushed) != 0)
		return -1;
	answered(c, flushed.id, STR_NONE, flushed.files, true);
	return 0;
}

void
poll_child_gone(struct child *c)
{
	struct poll *p, *next;
	int i;

	TAILQ_FOREACH_SAFE(p, &c->master->polls, link, next) {
		i = find(p, c);
		if (i == -1)
			continue;
		p->missing++;
		strike_out(p, i);
	}
}
