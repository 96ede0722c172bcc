/* SPDX-License-Identifier: ISC */
/* intake.c - see intake.h.  Runs in: recorder. */
#include "config.h"

#include "recorder/intake.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "har/entry.h"
#include "recorder/aborted.h"
#include "recorder/large.h"
#include "recorder/slot.h"

#define BATCH_S 0.1		/* an entry waits no longer */
#define LOCKED_S 0.02		/* look again whether the reader is through */
#define SLICE_ENTRIES 128	/* of a slot before the next one has its turn */
#define SLICE_BYTES (256u << 10)
#define TURN_BYTES (4u << 20)	/* before the loop looks at other things */
#define ENTRY_MAX (4ull << 30)

struct intake {
	struct ev_loop *loop;
	struct spool *spool;
	struct receipts *receipts;
	struct tails *tails;
	struct intake_ops ops;
	void *arg;
	ev_idle work;
	ev_timer batch;
	uint64_t max;
	struct slot *slots[RING_SLOTS];
	unsigned nslots, next;	/* slots below nslots may be in use; whose turn it is */
	bool blocked;		/* a reader has a file that is to be written */
	struct large large;
	struct slot *large_slot;
};

/* ---- committing ---- */

static bool
is_behind(const struct slot *s)
{
	return s != NULL && slot_behind(s);
}

/* What the loop's timer is for: an entry waits, or a receipt. */
static bool
something_waits(const struct intake *i)
{
	unsigned n;

	for (n = 0; n < i->nslots; n++)
		if (is_behind(i->slots[n]))
			return true;
	return false;
}

static void
release(struct intake *i, struct slot *s)
{
	i->slots[s->no] = NULL;
	ev_io_stop(i->loop, &s->wake);
	slot_free(&s);
}

static void
release_drained(struct intake *i)
{
	unsigned n, no;

	for (n = 0; n < i->nslots; n++) {
		struct slot *s = i->slots[n];

		if (s == NULL || !s->ended || s->ready || is_behind(s))
			continue;
		slot_log_bad(s);
		slot_log_lost(s);
		no = s->no;
		release(i, s);
		i->ops.drained(i->arg, no);
	}
}

/* The spool could not take what was read: all of it again, once it can. */
static void
rewind_all(struct intake *i)
{
	unsigned n;

	for (n = 0; n < i->nslots; n++)
		if (is_behind(i->slots[n]))
			slot_rewind(i->slots[n]);
	ev_timer_stop(i->loop, &i->batch);
	i->blocked = false;
}

/* except: that slot only up to `before`: its last entry is not among those that wait. */
static bool
commit_before(struct intake *i, bool patient, const struct slot *except, uint64_t before)
{
	struct spool_pos pos[RING_SLOTS];
	size_t n = 0;
	unsigned k;
	int rc;

	for (k = 0; k < i->nslots; k++)
		if (is_behind(i->slots[k]))
			pos[n++] = (struct spool_pos){k, i->slots[k] == except ? before :
			    ring_reader_pos(i->slots[k]->reader), i->slots[k]->aborted};
	if (n == 0)
		return true;
	rc = spool_commit(i->spool, pos, n, clock_mono_us(), patient);
	if (rc == ERR_UNAVAILABLE) {
		rewind_all(i);
		return true;
	}
	if (rc != 0)
		return false;
	while (n-- > 0) {
		spool_bad(i->spool, slot_taken(i->slots[pos[n].slot], pos[n].pos));
		i->slots[pos[n].slot]->aborted_receipt = pos[n].aborted;
	}
	ev_timer_stop(i->loop, &i->batch);
	i->blocked = false;
	return true;
}

static bool
commit(struct intake *i, bool patient)
{
	return commit_before(i, patient, NULL, 0);
}

static void
start_timer(struct intake *i, double seconds)
{
	if (ev_is_active(&i->batch))
		return;
	ev_timer_set(&i->batch, seconds, 0.);
	ev_timer_start(i->loop, &i->batch);
}

static void
wait_for_reader(struct intake *i)
{
	i->blocked = true;
	ev_timer_stop(i->loop, &i->batch);
	start_timer(i, LOCKED_S);
}

static void
after_work(struct intake *i)
{
	release_drained(i);
	i->ops.progress(i->arg);
}

static void
on_batch(struct ev_loop *loop UNUSED, ev_timer *w, int events UNUSED)
{
	struct intake *i = w->data;

	/* The position of a large entry is taken when all of it is in its file. */
	if (i->large.active)
		return;
	if (!commit(i, true))
		wait_for_reader(i);
	after_work(i);
}

/* ---- entries ---- */

static bool
append_checked(struct pieces *p, struct buf *out)
{
	struct json_check check;
	ssize_t got;

	json_check_init(&check);
	for (;;) {
		uint8_t *to = buf_reserve(out, (size_t)p->total + 1);

		got = pieces_read(p, to, (size_t)p->total + 1);
		if (got == 0)
			return json_check_end(&check);
		if (got < 0 || !json_check_feed(&check, to, (size_t)got))
			return false;
		buf_commit(out, (size_t)got);
	}
}

static void
take_small(struct intake *i, struct slot *s, const struct ring_entry *e, struct pieces *p)
{
	struct buf *out = spool_text(i->spool, e->tag);
	size_t before = out->len;

	buf_puts(out, STR(HAR_SEPARATOR));
	if (append_checked(p, out)) {
		spool_added(i->spool, e->tag, out->len - before);
	} else {
		spool_refused(i->spool, e->tag, before);
		slot_bad(s);
	}
}

/* Whatever becomes of the spool: this one is counted, and not read again. */
static void
take_lost(struct intake *i, struct slot *s)
{
	receipts_take(i->receipts, s->no, ring_reader_pos(s->reader));
	spool_bad(i->spool, slot_taken(s, ring_reader_pos(s->reader)));
}

/*
 * Everything before it is written first, so that order stays; then nobody's
 * entries are taken until it is through.
 */
static void
take_large(struct intake *i, struct slot *s, const struct ring_entry *e, uint64_t before)
{
	struct spool_pos pos = {s->no, ring_reader_pos(s->reader), s->aborted};
	int rc;

	CHECK(commit_before(i, false, s, before));
	if (spool_waits(i->spool))
		return;
	rc = large_begin(&i->large, i->spool, e, s->spill_fd, i->max, pos);
	if (rc == 0)
		i->large_slot = s;
	else if (rc == ERR_AGAIN)
		rewind_all(i);
	else
		take_lost(i, s);
}

static void
take(struct intake *i, struct slot *s, const struct ring_entry *e, uint64_t before)
{
	struct pieces p;

	if (tails_any(i->tails) && before >= s->told)
		tails_put(i->tails, e);
	s->told = MAX(s->told, ring_reader_pos(s->reader));
	if (!spool_takes(i->spool))
		spool_lost(i->spool);
	else if ((e->ninserts > 0 && s->spill_fd == -1) ||
	    pieces_init(&p, e, s->spill_fd, i->max) != 0)
		slot_bad(s);
	else if (p.total > SPOOL_LARGE)
		take_large(i, s, e, before);
	else
		take_small(i, s, e, &p);
}

/* ---- turns ---- */

/* While a reader is waited for, entries go on being taken until memory is full. */
static bool
must_commit(const struct intake *i)
{
	return spool_full(i->spool) || (spool_due(i->spool) && !i->blocked);
}

/*
 * The worker is dead and its ring is empty: what it was in the middle of comes
 * now. Positions go by the row, so that a recorder that dies meanwhile has neither
 * missed one nor to write one twice.  False: that was all.
 */
static bool
take_aborted(struct intake *i, struct slot *s)
{
	uint64_t taken = ring_reader_pos(s->reader);
	unsigned n, used = open_flows_used(s->open);
	struct buf text = {0};
	struct open_flow flow;

	for (n = 0; s->aborted < used && n < SLICE_ENTRIES && !must_commit(i); s->aborted++) {
		struct ring_entry e = {.tag = STR_NONE};

		if (!open_flows_lost(s->open, s->aborted, taken, &flow))
			continue;
		buf_clear(&text);
		if (!aborted_entry(&flow, clock_wall_us(), clock_mono_us(), &text))
			continue;
		e.tag = str_of(flow.tag, flow.tag_len);
		e.text = buf_str(&text);
		take(i, s, &e, taken);
		if (s->aborted >= s->counted)
			s->nlost++;
		s->counted = MAX(s->counted, s->aborted + 1);
		n++;
	}
	buf_free(&text);
	return s->aborted < used;
}

static void
give_up_ring(struct intake *i, struct slot *s)
{
	slot_give_up(s);
	ev_io_stop(i->loop, &s->wake);
}

/* Bytes taken. */
static uint64_t
take_slice(struct intake *i, struct slot *s)
{
	uint64_t from = ring_reader_pos(s->reader), before;
	struct ring_entry e;
	unsigned n;
	int rc;

	for (n = 0; n < SLICE_ENTRIES && !i->large.active && !spool_waits(i->spool); n++) {
		before = ring_reader_pos(s->reader);
		if (before - from >= SLICE_BYTES || must_commit(i))
			break;
		rc = s->broken ? ERR_AGAIN : ring_next(s->reader, &e);
		if (rc == 0)
			take(i, s, &e, before);
		else if (rc == ERR_AGAIN)
			s->ready = s->ended && take_aborted(i, s);
		else
			give_up_ring(i, s);
		if (rc != 0)
			break;
	}
	return ring_reader_pos(s->reader) - MIN(from, ring_reader_pos(s->reader));
}

static void
commit_if_due(struct intake *i)
{
	if (i->large.active || !must_commit(i))
		return;
	if (!commit(i, !spool_full(i->spool)))
		wait_for_reader(i);
}

static bool
any_ready(const struct intake *i)
{
	unsigned n;

	for (n = 0; n < i->nslots; n++)
		if (i->slots[n] != NULL && i->slots[n]->ready)
			return true;
	return false;
}

static void
step_large(struct intake *i)
{
	struct slot *s = i->large_slot;
	struct spool_pos pos = i->large.pos;

	switch (large_step(&i->large, clock_mono_us())) {
	case LARGE_MORE:
		return;
	case LARGE_DONE:
		spool_bad(i->spool, slot_taken(s, pos.pos));
		break;
	case LARGE_BAD:
		slot_bad(s);
		break;
	case LARGE_LOST:
		take_lost(i, s);
		break;
	case LARGE_AGAIN:
		rewind_all(i);
		break;
	}
	i->large_slot = NULL;
}

static void
take_round(struct intake *i)
{
	uint64_t taken = 0;
	unsigned n, start = i->next;

	for (n = 0; n < i->nslots && taken < TURN_BYTES && !i->large.active; n++) {
		struct slot *s;

		i->next = (start + n) % i->nslots;
		s = i->slots[i->next];
		if (s == NULL || !s->ready)
			continue;
		taken += take_slice(i, s);
		commit_if_due(i);
	}
	if (i->nslots > 0)
		i->next = (i->next + 1) % i->nslots;
}

bool
intake_turn(struct intake *i)
{
	if (spool_waits(i->spool) && !i->large.active)
		return false;
	if (i->large.active)
		step_large(i);
	else
		take_round(i);
	if (!i->large.active && something_waits(i))
		start_timer(i, BATCH_S);
	after_work(i);
	return i->large.active || (any_ready(i) && !spool_waits(i->spool));
}

static void
on_work(struct ev_loop *loop UNUSED, ev_idle *w, int events UNUSED)
{
	struct intake *i = w->data;

	if (!intake_turn(i))
		ev_idle_stop(i->loop, &i->work);
}

static void
on_wake(struct ev_loop *loop UNUSED, ev_io *w, int events UNUSED)
{
	struct slot *s = w->data;
	struct intake *i = s->intake;
	uint64_t count;

	(void)!read(s->wake_fd, &count, sizeof(count));
	s->ready = true;
	ev_idle_start(i->loop, &i->work);
}

/* ---- slots ---- */

static void
make_spill(struct intake *i, struct slot *s)
{
	if (s->spill_fd == -1 && spool_is_set(i->spool))
		s->spill_fd = spool_dir_spill(spool_where(i->spool));
	if (s->spill_fd == -1 || s->spill_told)
		return;
	s->spill_told = true;
	i->ops.spill(i->arg, s->no, s->spill_fd);
}

void
intake_end_all(struct intake *i)
{
	unsigned n;

	for (n = 0; n < i->nslots; n++)
		intake_end(i, n);
}

void
intake_make_spills(struct intake *i)
{
	unsigned n;

	for (n = 0; n < i->nslots; n++)
		if (i->slots[n] != NULL)
			make_spill(i, i->slots[n]);
}

int
intake_add(struct intake *i, unsigned slot, unsigned pid, int ring_fd, int wake_fd,
    int spill_fd, struct errmsg *err)
{
	const struct open_flows_map *open = NULL;
	struct ring_reader *reader = NULL;
	struct slot *s;

	if (slot >= RING_SLOTS || i->slots[slot] != NULL)
		(void)errmsg_set(err, "slot %u is not free", slot);
	else
		reader = ring_reader_new(ring_fd, i->receipts, slot, err);
	if (reader != NULL)
		open = open_flows_map(ring_fd, err);
	fd_close(&ring_fd);
	if (open == NULL || fd_nonblock(wake_fd) == -1) {
		ring_reader_free(&reader);
		open_flows_unmap(&open);
		fd_close(&wake_fd);
		fd_close(&spill_fd);
		return -1;
	}
	s = slot_new(slot, pid, reader, wake_fd, spill_fd);
	s->intake = i;
	s->open = open;
	s->aborted = s->aborted_receipt = receipts_aborted(i->receipts, slot);
	ev_io_init(&s->wake, on_wake, wake_fd, EV_READ);
	s->wake.data = s;
	ev_io_start(i->loop, &s->wake);
	i->slots[slot] = s;
	i->nslots = MAX(i->nslots, slot + 1);
	make_spill(i, s);
	/* A killed recorder may have left entries that nobody will tell of again. */
	s->ready = true;
	ev_idle_start(i->loop, &i->work);
	return 0;
}

void
intake_end(struct intake *i, unsigned slot)
{
	struct slot *s = slot < RING_SLOTS ? i->slots[slot] : NULL;

	if (s == NULL)
		return;
	s->ended = s->ready = true;
	ev_idle_start(i->loop, &i->work);
}

/* ---- for flush and stop ---- */

void
intake_mark(struct intake *i)
{
	unsigned n;

	for (n = 0; n < i->nslots; n++) {
		struct slot *s = i->slots[n];
		uint64_t written;

		if (s == NULL || s->broken)
			continue;
		written = ring_reader_written(s->reader);
		if (written - ring_reader_pos(s->reader) <= RING_BYTES)
			s->mark = written;
		s->ready = true;
	}
	ev_idle_start(i->loop, &i->work);
}

bool
intake_reached(const struct intake *i)
{
	unsigned n;

	if (i->large.active)
		return false;
	for (n = 0; n < i->nslots && !spool_waits(i->spool); n++) {
		const struct slot *s = i->slots[n];

		if (s != NULL && s->ready && (s->ended || ring_reader_pos(s->reader) < s->mark))
			return false;
	}
	return true;
}

void
intake_commit(struct intake *i)
{
	if (i->large.active)
		return;
	CHECK(commit(i, false));
	release_drained(i);
}

void
intake_settle(struct intake *i)
{
	while (i->large.active)
		step_large(i);
	intake_commit(i);
}

void
intake_set_max(struct intake *i, uint64_t entry_bytes)
{
	i->max = entry_bytes > 0 ? entry_bytes : ENTRY_MAX;
}

struct intake *
intake_new(struct ev_loop *loop, struct spool *spool, struct receipts *receipts,
    struct tails *tails, const struct intake_ops *ops, void *arg)
{
	struct intake *i = mem_new(struct intake);

	i->loop = loop;
	i->spool = spool;
	i->receipts = receipts;
	i->tails = tails;
	i->ops = *ops;
	i->arg = arg;
	i->max = ENTRY_MAX;
	ev_idle_init(&i->work, on_work);
	i->work.data = i;
	ev_timer_init(&i->batch, on_batch, BATCH_S, 0.);
	i->batch.data = i;
	return i;
}

void
intake_free(struct intake **ip)
{
	struct intake *i = *ip;
	unsigned n;

	*ip = NULL;
	if (i == NULL)
		return;
	large_free(&i->large);
	for (n = 0; n < i->nslots; n++)
		if (i->slots[n] != NULL)
			release(i, i->slots[n]);
	ev_idle_stop(i->loop, &i->work);
	ev_timer_stop(i->loop, &i->batch);
	free(i);
}
