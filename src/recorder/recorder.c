/* SPDX-License-Identifier: ISC */
/*
 * recorder.c - see recorder.h.  Runs in: recorder.
 * What the master says, and what has to be done before it gets its answer.
 * It outlives reloads: the spool's configuration comes by message.
 */
#include "config.h"

#include "recorder/recorder.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "recorder/intake.h"
#include "proc/sandbox.h"
#include "recorder/listing.h"
#include "recorder/room.h"

#define TICK_S 0.25
#define FLUSHES_MAX 1024

/* STOP is one, too: it ends the process instead of being answered. */
struct flush {
	TAILQ_ENTRY(flush) link;
	uint32_t id;
	char tag[RING_TAG_MAX + 1];	/* "": all */
	bool stop;
	bool syncing;			/* else: what is in the rings comes first */
	uint64_t wait_for;		/* jobs of the helper thread */
	uint32_t files;
};

struct recorder {
	struct proc *self;
	struct room room;
	struct finish *finish;
	struct spool *spool;
	struct tails *tails;
	struct intake *intake;
	ev_timer tick, deadline;
	TAILQ_HEAD(, flush) flushes;
	unsigned nflushes;
};

struct answer {
	struct recorder *recorder;
	uint32_t id;
};

/* That the master is gone is told by the channel's end, not by each message. */
#define TELL(r, NAME, payload, ...)                                                       \
	do {                                                                              \
		struct msg_##payload m_ = {__VA_ARGS__};                                  \
                                                                                          \
		(void)CHANNEL_TELL((r)->self->master, NAME, payload, &m_);                \
	} while (0)

/* ---- flushing ---- */

static void
finish_flush(struct recorder *r, struct flush *f)
{
	TAILQ_REMOVE(&r->flushes, f, link);
	r->nflushes--;
	if (f->stop)
		proc_quit(r->self);
	else
		TELL(r, FLUSHED, flushed, .id = f->id, .files = f->files);
	free(f);
}

static void
check_synced(struct recorder *r)
{
	uint64_t done = finish_done(r->finish);
	struct flush *f, *next;

	TAILQ_FOREACH_SAFE(f, &r->flushes, link, next)
		if (f->syncing && done >= f->wait_for &&
		    (f->stop || !finish_recovering(r->finish)))
			finish_flush(r, f);
}

static void
check_drained(struct recorder *r)
{
	struct flush *f;

	if (TAILQ_EMPTY(&r->flushes) || !intake_reached(r->intake))
		return;
	TAILQ_FOREACH(f, &r->flushes, link) {
		if (f->syncing)
			continue;
		intake_commit(r->intake);
		f->files = spool_flush(r->spool, str_z(f->tag));
		f->wait_for = finish_asked(r->finish);
		f->syncing = true;
	}
	check_synced(r);
}

static void
add_flush(struct recorder *r, uint32_t id, struct str tag, bool stop)
{
	struct flush *f = mem_new(struct flush);

	f->id = id;
	memcpy(f->tag, tag.p != NULL ? tag.p : "", tag.n);
	f->stop = stop;
	TAILQ_INSERT_TAIL(&r->flushes, f, link);
	r->nflushes++;
	intake_mark(r->intake);
}

static int
on_flush(struct recorder *r, struct str body)
{
	struct msg_flush m;

	if (msg_unpack_flush(body, &m) != 0)
		return -1;
	/* No file has such a tag; and a master that asks so often has lost its mind. */
	if ((m.tag.n > 0 && !ring_tag_ok(m.tag)) || r->nflushes >= FLUSHES_MAX)
		TELL(r, FLUSHED, flushed, .id = m.id);
	else
		add_flush(r, m.id, m.tag, false);
	return 0;
}

/* ---- the master's other words ---- */

static void
answer_set(struct recorder *r, uint32_t id, bool ok, const char *reason)
{
	TELL(r, SPOOL_IS, spool_is, .id = id, .ok = ok, .reason = str_z(reason));
}

static int
on_spool_set(struct recorder *r, struct str body, int *fds, size_t nfds)
{
	struct spool_conf conf = {0};
	struct msg_spool_set m;
	struct errmsg err;
	int fd = nfds == 1 ? fds[0] : -1;

	if (nfds > 1 || msg_unpack_spool_set(body, &m) != 0)
		return -1;
	conf.rotate_size = m.rotate_size;
	conf.rotate_age_us = m.rotate_age_ms * 1000;
	conf.rotate_idle_us = m.rotate_idle_ms * 1000;
	conf.quota.keep_size = m.keep_size;
	conf.quota.keep_age_us = m.keep_age_ms * 1000;
	conf.quota.min_free = m.min_free;
	conf.block = m.when_full == CONF_FULL_BLOCK;
	intake_settle(r->intake);
	if (spool_set(r->spool, m.dir, fd, m.instance, &conf, &err) != 0) {
		answer_set(r, m.id, false, r->room.found ? err.text : r->room.err.text);
		return 0;
	}
	intake_set_max(r->intake, m.spill_max);
	intake_make_spills(r->intake);
	intake_mark(r->intake);		/* rings that came before the spool */
	answer_set(r, m.id, true, "");
	return 0;
}

static int
on_ring_add(struct recorder *r, struct str body, int *fds, size_t nfds)
{
	struct msg_ring_add m;
	struct errmsg err;

	if (nfds < 2 || nfds > 3 || msg_unpack_ring_add(body, &m) != 0)
		return -1;
	if (intake_add(r->intake, m.slot, m.pid, fds[0], fds[1], nfds == 3 ? fds[2] : -1,
	    &err) != 0)
		log_error("cannot take the ring of worker %u: %s", m.pid, err.text);
	return 0;
}

static void
on_rows(void *arg, struct str rows, bool last)
{
	const struct answer *a = arg;

	TELL(a->recorder, LISTED, listed, .id = a->id, .last = last, .rows = rows);
}

static int
on_list(struct recorder *r, struct str body)
{
	struct answer a = {.recorder = r};
	struct msg_list m;

	if (msg_unpack_list(body, &m) != 0)
		return -1;
	a.id = m.id;
	listing(r->spool, on_rows, &a);
	return 0;
}

static int
on_tail(struct recorder *r, int *fds, size_t nfds)
{
	if (nfds != 1)
		return -1;
	if (tails_add(r->tails, fds[0]) != 0)
		log_warning("nobody else can follow the entries: %d do", TAILS_MAX);
	return 0;
}

static int
on_log(struct str body)
{
	struct msg_log m;

	if (msg_unpack_log(body, &m) != 0 || m.level > LOG_LEVEL_DEBUG ||
	    m.format > LOG_FORMAT_JSON)
		return -1;
	log_init((enum log_level)m.level, (enum log_format)m.format);
	return 0;
}

static int
on_message(void *arg, enum msg_type type, struct str body, int *fds, size_t nfds)
{
	struct recorder *r = arg;
	struct msg_ring_slot slot;
	bool fds_taken = false;
	int rc = -1;

	switch (type) {
	case MSG_RING_ADD:
		rc = on_ring_add(r, body, fds, nfds);
		fds_taken = rc == 0;
		break;
	case MSG_RING_END:
		rc = msg_unpack_ring_slot(body, &slot);
		if (rc == 0)
			intake_end(r->intake, slot.slot);
		break;
	case MSG_SPOOL_SET:
		rc = on_spool_set(r, body, fds, nfds);
		fds_taken = rc == 0;
		break;
	case MSG_LOG:
		rc = on_log(body);
		break;
	case MSG_FLUSH:
		rc = on_flush(r, body);
		break;
	case MSG_LIST:
		rc = on_list(r, body);
		break;
	case MSG_TAIL:
		rc = on_tail(r, fds, nfds);
		fds_taken = rc == 0;
		break;
	default:
		break;
	}
	while (!fds_taken && nfds > 0)
		fd_close(&fds[--nfds]);
	return rc == 0 ? 0 : -1;
}

static void
on_stop(void *arg, uint64_t timeout_ms)
{
	struct recorder *r = arg;

	if (ev_is_active(&r->deadline))
		return;
	ev_timer_set(&r->deadline, (double)timeout_ms / 1000., 0.);
	ev_timer_start(r->self->loop, &r->deadline);
	/* Workers end before the recorder is told to, or are killed with their master. */
	intake_end_all(r->intake);
	spool_last_try(r->spool);
	add_flush(r, 0, STR_NONE, true);
}

/* ---- events ---- */

static void
on_deadline(struct ev_loop *loop UNUSED, ev_timer *w, int events UNUSED)
{
	struct recorder *r = w->data;

	log_warning("no time left to finish all files; the next start will");
	proc_quit(r->self);
}

static void
on_state(void *arg, bool ok, const char *reason)
{
	struct recorder *r = arg;

	TELL(r, SPOOL_STATE, spool_state, .ok = ok, .reason = str_z(reason));
}

/* Nothing is lost meanwhile: what comes waits in the rings for the next recorder. */
static void
move_room(struct recorder *r)
{
	if (spool_takes(r->spool) || !room_is_elsewhere(&r->room, clock_mono_us()))
		return;
	log_over(LOG_SPOOL_WORKS, "the spool %s is written again; %llu entries were lost",
	    r->room.path, (unsigned long long)spool_lost_lately(r->spool));
	on_state(r, true, "");
	proc_quit(r->self);
}

static void
on_tick(struct ev_loop *loop UNUSED, ev_timer *w, int events UNUSED)
{
	struct recorder *r = w->data;
	bool waited = spool_waits(r->spool);

	spool_tick(r->spool, clock_mono_us());
	if (waited && !spool_waits(r->spool)) {
		intake_make_spills(r->intake);
		intake_mark(r->intake);
	}
	check_drained(r);
	move_room(r);
}

static void
on_drained(void *arg, unsigned slot)
{
	struct recorder *r = arg;

	TELL(r, RING_DONE, ring_slot, .slot = slot);
}

static void
on_spill(void *arg, unsigned slot, int fd)
{
	struct recorder *r = arg;
	struct msg_ring_slot m = {.slot = slot};

	(void)CHANNEL_TELL_FDS(r->self->master, SPILL_MADE, ring_slot, &m, &fd, 1);
}

static void
on_progress(void *arg)
{
	check_drained(arg);
}

static void
on_finished(void *arg)
{
	check_synced(arg);
}

static const struct proc_ops recorder_ops = {.message = on_message, .stop = on_stop};
static const struct intake_ops recorder_intake_ops = {.drained = on_drained, .spill = on_spill,
    .progress = on_progress};

static void
recorder_init(struct recorder *r, struct proc *self)
{
	struct counters *counters = &self->counters[self->slot];

	r->self = self;
	TAILQ_INIT(&r->flushes);
	r->finish = finish_new(self->loop, counters, on_finished, r);
	r->spool = spool_new(r->finish, self->receipts, counters, on_state, r);
	r->tails = tails_new(self->loop);
	r->intake = intake_new(self->loop, r->spool, self->receipts, r->tails,
	    &recorder_intake_ops, r);
	ev_timer_init(&r->tick, on_tick, TICK_S, TICK_S);
	r->tick.data = r;
	ev_timer_start(self->loop, &r->tick);
	ev_timer_init(&r->deadline, on_deadline, 0., 0.);
	r->deadline.data = r;
}

static void
recorder_fini(struct recorder *r)
{
	struct flush *f;

	ev_timer_stop(r->self->loop, &r->deadline);
	ev_timer_stop(r->self->loop, &r->tick);
	intake_free(&r->intake);
	tails_free(&r->tails);
	spool_free(&r->spool);
	finish_free(&r->finish);
	while ((f = TAILQ_FIRST(&r->flushes)) != NULL) {
		TAILQ_REMOVE(&r->flushes, f, link);
		free(f);
	}
}

static void
enter(struct recorder *r, struct proc *self)
{
	struct errmsg err;
	int dir;

	proc_drop(self);
	dir = room_open(&r->room, self->conf->spool.dir, self->user.become);
	sandbox_fence(self, dir);
	fd_close(&dir);
	recorder_init(r, self);		/* with its thread */
	if (sandbox_enter(self, 0, &err) != 0)
		proc_fail(self, &err);
}

int
recorder_try_out(const struct conf *conf, struct errmsg *err)
{
	struct spool_dir dir;

	return spool_dir_open(&dir, str_z(conf->spool.dir), -1, 0, err);
}

int
recorder_main(struct proc *self)
{
	struct recorder r = {0};

	proc_begin(self);
	(void)umask(027);	/* directories 2750, files 0640, whatever the master's was */
	enter(&r, self);
	proc_ready(self, &recorder_ops, &r, STR_NONE, STR_NONE);
	proc_run(self);
	recorder_fini(&r);
	return proc_end(self);
}
