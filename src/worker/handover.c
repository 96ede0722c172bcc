/* SPDX-License-Identifier: ISC */
/* handover.c - see handover.h.  Runs in: worker. */
#include "config.h"

#include "worker/handover.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "proc/counters.h"
#include "shm/open_flows.h"
#include "worker/capture.h"
#include "worker/worker_state.h"

#define KICK_SECONDS 0.05	/* an entry waits no longer for company */
#define RETRY_SECONDS 0.01
#define HOLD_SECONDS 5	/* for a full ring: a disk may hiccup; then entries are dropped */
#define HOLD_BYTES (16u << 20)
#define STUCK_SECONDS 1.0	/* as long as a reader of a file may hold up the recorder */

/* An entry that the ring had no room for. */
struct waiting {
	TAILQ_ENTRY(waiting) link;
	char tag[TAG_MAX + 1];
	struct buf text;
	struct har_insert inserts[RING_INSERTS_MAX];
	size_t ninserts;
	unsigned open;
	ev_tstamp since;
};

/* Extents that are free once the recorder is past pos. */
struct lent {
	TAILQ_ENTRY(lent) link;
	struct spill_run run;
	uint64_t pos;
};

struct handover {
	struct worker *worker;
	struct ring_writer *ring;
	struct open_flows *open;
	struct spill *spill;
	struct buf scratch;
	TAILQ_HEAD(, waiting) queue;
	size_t queued_bytes;
	TAILQ_HEAD(, lent) lent;
	ev_timer kick, retry;
	uint64_t taken;			/* of the ring, when it was last looked at */
	ev_tstamp moved;		/* when that had changed, or it was empty */
};

struct handover *
handover_new(struct worker *worker, struct ring_writer *ring, struct open_flows *open)
{
	struct handover *h = mem_new(struct handover);

	h->worker = worker;
	h->ring = ring;
	h->open = open;
	TAILQ_INIT(&h->queue);
	TAILQ_INIT(&h->lent);
	ev_init(&h->kick, NULL);
	ev_init(&h->retry, NULL);
	return h;
}

void
handover_spill(struct handover *h, int fd)
{
	/* After a recorder's death the same file comes again: the first one serves. */
	if (h->spill != NULL) {
		(void)close(fd);
		return;
	}
	h->spill =
	    spill_new(fd, MAX(h->worker->conf->capture.max_body * 64, (uint64_t)1 << 30));
}

struct spill *
handover_spill_file(struct handover *h)
{
	return h->spill;
}

struct open_flows *
handover_open_flows(struct handover *h)
{
	return h->open;
}

void
handover_forget(struct handover *h, unsigned open)
{
	if (open != 0)
		open_flows_end(h->open, open);
}

struct buf *
handover_scratch(struct handover *h)
{
	buf_clear(&h->scratch);
	return &h->scratch;
}

static void
drop(struct handover *h)
{
	_Atomic uint64_t *lost = &h->worker->counters->har_dropped[DROPPED_RING];

	counter_add(lost, 1);
	log_event(LOG_LEVEL_WARNING, LOG_ENTRIES_LOST, true, NULL, 0,
	    "the recorder does not keep up: %llu entries lost so far",
	    (unsigned long long)counter_get(lost));
}

static void
release_inserts(struct har_insert *inserts, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		spill_release(&inserts[i].run);
}

static void
on_kick(struct ev_loop *loop UNUSED, ev_timer *w, int events UNUSED)
{
	struct handover *h = w->data;

	ring_kick(h->ring);
}

/* Does somebody empty it? */
static void
note_progress(struct handover *h)
{
	uint64_t taken = ring_taken(h->ring);

	if (taken != h->taken || taken == ring_written(h->ring))
		h->moved = clock_mono_s();
	h->taken = taken;
}

/* 0, ERR_AGAIN, ERR_LIMIT. The runs are lent to the recorder on success. */
static int
put(struct handover *h, struct str tag, struct str text, struct har_insert *inserts, size_t n,
    unsigned open)
{
	struct ring_entry e = {.tag = tag, .text = text, .ninserts = n};
	uint64_t pos;
	size_t i;
	int err;

	CHECK(n <= RING_INSERTS_MAX);
	for (i = 0; i < n; i++) {
		e.inserts[i] = (struct ring_insert){.at = (uint32_t)inserts[i].at,
		    .nextents = (uint32_t)inserts[i].run.nextents, .len = inserts[i].run.len};
		e.extents[i] = inserts[i].run.extents;
	}
	note_progress(h);
	err = ring_put(h->ring, &e, open != 0 ? open_flows_position(h->open, open) : NULL,
	    &pos);
	if (err != 0)
		return err;
	handover_forget(h, open);
	for (i = 0; i < n; i++) {
		struct lent *l = mem_new(struct lent);

		l->run = inserts[i].run;
		l->pos = pos;
		TAILQ_INSERT_TAIL(&h->lent, l, link);
	}
	if (ring_untold(h->ring) && !ev_is_active(&h->kick)) {
		ev_timer_init(&h->kick, on_kick, KICK_SECONDS, 0);
		h->kick.data = h;
		ev_timer_start(h->worker->loop, &h->kick);
	}
	return 0;
}

static void
waiting_free(struct handover *h, struct waiting *w)
{
	TAILQ_REMOVE(&h->queue, w, link);
	h->queued_bytes -= w->text.len;
	buf_free(&w->text);
	free(w);
}

static void
on_retry(struct ev_loop *loop, ev_timer *t, int events UNUSED)
{
	struct handover *h = t->data;
	struct waiting *w;

	ring_kick(h->ring);
	while ((w = TAILQ_FIRST(&h->queue)) != NULL) {
		int err = put(h, str_z(w->tag), buf_str(&w->text), w->inserts, w->ninserts,
		    w->open);

		if (err == ERR_AGAIN && clock_mono_s() - w->since < HOLD_SECONDS)
			return;
		if (err != 0) {
			release_inserts(w->inserts, w->ninserts);
			handover_forget(h, w->open);
			drop(h);
		}
		waiting_free(h, w);
	}
	ev_timer_stop(loop, &h->retry);
}

static void
wait_for_room(struct handover *h, struct str tag, struct str text, struct har_insert *inserts,
    size_t n, unsigned open)
{
	struct waiting *w = mem_new(struct waiting);

	memcpy(w->tag, tag.p, MIN(tag.n, (size_t)TAG_MAX));
	buf_puts(&w->text, text);
	if (n > 0)
		memcpy(w->inserts, inserts, n * sizeof(*inserts));
	w->ninserts = n;
	w->open = open;
	w->since = clock_mono_s();
	TAILQ_INSERT_TAIL(&h->queue, w, link);
	h->queued_bytes += text.n;
	if (ev_is_active(&h->retry))
		return;
	ev_timer_init(&h->retry, on_retry, RETRY_SECONDS, RETRY_SECONDS);
	h->retry.data = h;
	ev_timer_start(h->worker->loop, &h->retry);
}

void
handover_put(struct handover *h, struct str tag, struct str text, struct har_insert *inserts,
    size_t n, unsigned open)
{
	int err = TAILQ_EMPTY(&h->queue) ? put(h, tag, text, inserts, n, open) : ERR_AGAIN;

	if (err == ERR_AGAIN && h->queued_bytes + text.n <= HOLD_BYTES) {
		wait_for_room(h, tag, text, inserts, n, open);
	} else if (err != 0) {
		release_inserts(inserts, n);
		handover_forget(h, open);
		drop(h);
	}
}

void
handover_turn(struct handover *h)
{
	struct lent *l;

	note_progress(h);
	while ((l = TAILQ_FIRST(&h->lent)) != NULL && l->pos <= ring_taken(h->ring)) {
		TAILQ_REMOVE(&h->lent, l, link);
		spill_release(&l->run);
		free(l);
	}
}

bool
handover_refused(const struct handover *h)
{
	uint64_t taken = ring_taken(h->ring), used = ring_written(h->ring) - taken;

	/*
	 * The rest is for the flows that are under way. A recorder that is only slow
	 * may have more of it than one that stands still.
	 */
	return ring_refused(h->ring) || used > RING_BYTES / 4 * 3 || (used > RING_BYTES / 2 &&
	    taken == h->taken && clock_mono_s() - h->moved > STUCK_SECONDS);
}

void
handover_kick(struct handover *h)
{
	ring_kick(h->ring);
}

bool
handover_idle(const struct handover *h)
{
	return TAILQ_EMPTY(&h->queue);
}

void
handover_free(struct handover **ph)
{
	struct handover *h = *ph;
	struct waiting *w;
	struct lent *l;

	*ph = NULL;
	if (h == NULL)
		return;
	ring_kick(h->ring);
	ev_timer_stop(h->worker->loop, &h->kick);
	ev_timer_stop(h->worker->loop, &h->retry);
	while ((w = TAILQ_FIRST(&h->queue)) != NULL) {
		release_inserts(w->inserts, w->ninserts);
		waiting_free(h, w);
	}
	/* The recorder reads these from its own descriptor; only our list goes. */
	while ((l = TAILQ_FIRST(&h->lent)) != NULL) {
		TAILQ_REMOVE(&h->lent, l, link);
		free(l->run.extents);
		free(l);
	}
	ring_writer_free(&h->ring);
	open_flows_free(&h->open);
	spill_free(&h->spill);
	buf_free(&h->scratch);
	free(h);
}
