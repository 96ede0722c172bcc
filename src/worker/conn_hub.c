/* SPDX-License-Identifier: ISC */
/*
 * conn_hub.c - all connections of a worker: who has something to send or is to
 * be offered what it holds when the loop's turn ends, deadlines, the graveyard.
 * Runs in: worker.
 */
#include "config.h"

#include "worker/conn_state.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"

#define SWEEP_SECONDS 0.25
#define TRIM_SECONDS 0.5	/* quiet for that long: idle */
#define ROUNDS_MAX 4		/* of ready connections before the loop polls again */

/* ---- lists ---- */

void
conn_mark_dirty(struct conn *c)
{
	if (c->lists & LIST_DIRTY)
		return;
	c->lists |= LIST_DIRTY;
	TAILQ_INSERT_TAIL(&c->hub->dirty, c, dirty_link);
}

void
conn_mark_ready(struct conn *c)
{
	if (c->lists & LIST_READY)
		return;
	c->lists |= LIST_READY;
	TAILQ_INSERT_TAIL(&c->hub->ready, c, ready_link);
}

/* Everything but the memory, which later code of this turn may still look at. */
void
conn_bury(struct conn *c)
{
	struct conn_hub *hub = c->hub;

	if (c->freed)
		return;
	c->freed = true;
	c->ops = NULL;
	c->count = NULL;
	counter_add(&hub->worker->counters->connections_open[c->side], -1);
	if (hub->corked == c) {
		hub->corked = NULL;
		hub->cork_len = 0;
	}
	ev_io_stop(hub->loop, &c->reader);
	ev_io_stop(hub->loop, &c->writer);
	if (c->lists & LIST_DIRTY)
		TAILQ_REMOVE(&hub->dirty, c, dirty_link);
	if (c->lists & LIST_READY)
		TAILQ_REMOVE(&hub->ready, c, ready_link);
	c->lists = LIST_NONE;
	fd_close(&c->fd);
	LIST_REMOVE(c, link);
	LIST_INSERT_HEAD(&hub->graveyard, c, link);
	if (--hub->count == 0)
		ev_timer_stop(hub->loop, &hub->sweep);
}

static void
conn_free(struct conn *c)
{
	if (c->ssl != NULL)
		c->ssl_stop(&c->ssl);
	buf_free(&c->held);
	buf_free(&c->cipher);
	conn_give_out_buffer(c);
	free(c);
}

/* ---- the end of a loop turn ---- */

static void
flush_dirty(struct conn_hub *hub)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&hub->dirty)) != NULL) {
		if (c->wants_fill) {
			c->wants_fill = false;
			if (c->ops != NULL && c->ops->fill != NULL)
				c->ops->fill(c->owner, c);
			if (c->freed)
				continue;	/* burying has taken it off the list */
		}
		TAILQ_REMOVE(&hub->dirty, c, dirty_link);
		c->lists &= ~(unsigned)LIST_DIRTY;
		conn_flush(c);
		if (!c->freed)
			conn_tell_writable(c);
		if (c->wants_fill && !c->freed)
			conn_mark_dirty(c);	/* again, from within its `fill` */
	}
}

static void
deliver_ready(struct conn_hub *hub)
{
	struct conn_list now = TAILQ_HEAD_INITIALIZER(now);
	struct conn *c;
	size_t n = 0;

	TAILQ_FOREACH(c, &hub->ready, ready_link)
		n++;
	while (n-- > 0 && (c = TAILQ_FIRST(&hub->ready)) != NULL) {
		TAILQ_REMOVE(&hub->ready, c, ready_link);
		c->lists &= ~(unsigned)LIST_READY;
		conn_deliver(c);
	}
}

static void
on_turn(struct ev_loop *loop, ev_prepare *w, int events UNUSED)
{
	struct conn_hub *hub = w->data;
	struct conn *c;
	int rounds = 0;

	do {
		deliver_ready(hub);
		flush_dirty(hub);
	} while (++rounds < ROUNDS_MAX && !TAILQ_EMPTY(&hub->ready));
	/* Others get their turn, but the loop must not sleep. */
	if (TAILQ_EMPTY(&hub->ready))
		ev_idle_stop(loop, &hub->busy);
	else
		ev_idle_start(loop, &hub->busy);
	worker_turn(hub->worker);
	while ((c = LIST_FIRST(&hub->graveyard)) != NULL) {
		LIST_REMOVE(c, link);
		conn_free(c);
	}
}

static void
on_busy(struct ev_loop *loop UNUSED, ev_idle *w UNUSED, int events UNUSED)
{
}

/* ---- deadlines ---- */

static void
tell_late(struct conn *c, enum counter_timeout late)
{
	c->deadline = c->idle_s = c->taking = c->sending = 0;
	c->late = late;
	if (c->ops == NULL) {
		conn_bury(c);
		return;
	}
	counter_add(&c->hub->worker->counters->timeouts[c->side][late], 1);
	c->ops->ended(c->owner, c, CONN_END_TIMEOUT);
}

static void
on_sweep(struct ev_loop *loop UNUSED, ev_timer *w, int events UNUSED)
{
	struct conn_hub *hub = w->data;
	double now = clock_mono_s();
	struct conn *c, *next;

	LIST_FOREACH_SAFE(c, &hub->all, link, next) {
		enum counter_timeout late = conn_look(c, now);

		if (!c->trimmed && c->ssl != NULL && !c->handshaking &&
		    now - c->active > TRIM_SECONDS)
			conn_trim(c);
		if (late == COUNT_timeout)
			continue;
		tell_late(c, late);
		if (next != NULL && next->freed)
			break;	/* the list changed under us: the rest comes in 250 ms */
	}
	worker_sweep(hub->worker);
}

struct conn_hub *
conn_hub_new(struct worker *worker, struct ev_loop *loop)
{
	struct conn_hub *hub = mem_new(struct conn_hub);

	hub->worker = worker;
	hub->loop = loop;
	hub->input = mem_alloc(CONN_INPUT_BYTES);
	hub->plain = mem_alloc(CONN_RECORD_BYTES);
	hub->bio = conn_make_bio_method();
	/* Numbers that no two workers share: a recording mixes their entries. */
	hub->last_id = ((uint64_t)worker->proc->slot + 1) * 1000000000u;
	LIST_INIT(&hub->all);
	LIST_INIT(&hub->graveyard);
	TAILQ_INIT(&hub->dirty);
	TAILQ_INIT(&hub->ready);
	ev_prepare_init(&hub->turn, on_turn);
	hub->turn.data = hub;
	ev_prepare_start(loop, &hub->turn);
	ev_idle_init(&hub->busy, on_busy);
	ev_timer_init(&hub->sweep, on_sweep, SWEEP_SECONDS, SWEEP_SECONDS);
	hub->sweep.data = hub;
	return hub;
}

void
conn_hub_free(struct conn_hub **phub)
{
	struct conn_hub *hub = *phub;
	struct conn *c;

	*phub = NULL;
	while ((c = LIST_FIRST(&hub->all)) != NULL)
		conn_bury(c);
	while ((c = LIST_FIRST(&hub->graveyard)) != NULL) {
		LIST_REMOVE(c, link);
		conn_free(c);
	}
	while (hub->pooled > 0)
		buf_free(&hub->pool[--hub->pooled]);
	ev_prepare_stop(hub->loop, &hub->turn);
	ev_idle_stop(hub->loop, &hub->busy);
	ev_timer_stop(hub->loop, &hub->sweep);
	BIO_meth_free(hub->bio);
	free(hub->input);
	free(hub->plain);
	free(hub);
}

struct conn *
conn_hub_lingering(struct conn_hub *hub, struct conn *after)
{
	struct conn *c = after != NULL ? LIST_NEXT(after, link) : LIST_FIRST(&hub->all);

	while (c != NULL && (c->ops != NULL || c->out.len == 0))
		c = LIST_NEXT(c, link);
	return c;
}

void
conn_hub_drop(struct conn **pc)
{
	conn_bury(*pc);
	*pc = NULL;
}

size_t
conn_hub_count(const struct conn_hub *hub)
{
	return hub->count;
}
