/* SPDX-License-Identifier: ISC */
/*
 * recording.c - the one recorder, the rings that lead to it, and its spool.
 * A ring outlives its worker until it is empty, and the recorder's life: the
 * master keeps every descriptor and hands them to the next one.
 * Runs in: master.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "master/state.h"

static void
slot_free(struct slot *s)
{
	fd_close(&s->ring_fd);
	fd_close(&s->wake_fd);
	fd_close(&s->spill_fd);
	s->worker = NULL;
	s->serves = false;
	s->state = SLOT_FREE;
}

int
recording_slot_new(struct master *m, struct child *worker, struct errmsg *err)
{
	unsigned i;
	struct slot *s;

	for (i = 0; i < RING_SLOTS && m->slots[i].state != SLOT_FREE; i++)
		;
	if (i == RING_SLOTS)
		return errmsg_set(err, "no free ring: %u workers are not drained yet", i);
	s = &m->slots[i];
	s->ring_fd = ring_create(i, err);
	if (s->ring_fd == -1)
		return -1;
	s->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (s->wake_fd == -1) {
		fd_close(&s->ring_fd);
		return errmsg_sys(err, "cannot make an eventfd");
	}
	receipts_reset(m->receipts, i);
	s->state = SLOT_LIVE;
	s->worker = worker;
	worker->slot = i;
	if (worker->gen != NULL)
		worker->gen->worker_slots[worker->index] = i;
	return 0;
}

void
recording_slot_drop(struct master *m, unsigned slot)
{
	slot_free(&m->slots[slot]);
}

static void
tell_add(struct master *m, unsigned slot)
{
	struct slot *s = &m->slots[slot];
	struct msg_ring_add add = {.slot = slot,
	    .pid = s->worker != NULL ? (uint32_t)s->worker->pid : 0};
	int fds[3] = {s->ring_fd, s->wake_fd, s->spill_fd};

	if (!m->recorder.ready)
		return;		/* it gets all rings when it is */
	(void)CHANNEL_TELL_FDS(m->recorder.channel, RING_ADD, ring_add, &add, fds,
	    s->spill_fd != -1 ? 3 : 2);
}

static void
tell_end(struct master *m, unsigned slot)
{
	struct msg_ring_slot end = {.slot = slot};

	if (m->recorder.channel != NULL)
		(void)CHANNEL_TELL(m->recorder.channel, RING_END, ring_slot, &end);
}

static void
begin_to_serve(struct master *m, unsigned slot)
{
	m->slots[slot].serves = true;
	tell_add(m, slot);
}

void
recording_slot_live(struct master *m, struct child *worker)
{
	/*
	 * Not before its generation serves: its file for large bodies is to lie in the
	 * spool of that generation, and has nothing to hold before.
	 */
	if (worker->gen->state >= GEN_SERVING)
		begin_to_serve(m, worker->slot);
}

void
recording_serve(struct master *m, struct generation *gen)
{
	unsigned i;

	for (i = 0; i < gen->nworkers; i++)
		if (gen->workers[i].pid > 0)
			begin_to_serve(m, gen->workers[i].slot);
}

void
recording_log(struct master *m, const struct conf *conf)
{
	struct msg_log log = {.level = (uint8_t)conf->log.level,
	    .format = (uint8_t)conf->log.format};

	if (m->recorder.channel != NULL)
		(void)CHANNEL_TELL(m->recorder.channel, LOG, log, &log);
}

void
recording_slot_end(struct master *m, unsigned slot)
{
	struct slot *s = &m->slots[slot];

	if (s->state != SLOT_LIVE)
		return;
	s->worker = NULL;
	s->state = SLOT_ENDED;
	if (!s->serves)
		slot_free(s);	/* nobody knows of it */
	else if (m->recorder.ready)
		tell_end(m, slot);
}

bool
recording_any_slot(const struct master *m)
{
	unsigned i;

	for (i = 0; i < RING_SLOTS; i++)
		if (m->slots[i].state != SLOT_FREE)
			return true;
	return false;
}

/* As root the recorder, which is somebody else, could not make this itself. */
void
recording_make_dir(const struct conf *conf)
{
	struct user_ids ids = users_of(conf, ROLE_RECORDER);

	/* While it is ours: later it takes a capability to change its mode. */
	if (ids.become && mkdir(conf->spool.dir, 02750) == 0 &&
	    (chmod(conf->spool.dir, 02750) == -1 ||
	    chown(conf->spool.dir, ids.uid, ids.gid) == -1))
		log_warning("%s: %s", conf->spool.dir, err_text(ERR_SYS));
}

void
recording_prepare(struct master *m)
{
	recording_make_dir(m->spool_conf);
	free(m->room.dir);
	m->room.dir = mem_strdup(m->spool_conf->spool.dir);
	m->room.sandbox = m->spool_conf->sandbox;
	m->room.user = users_of(m->spool_conf, ROLE_RECORDER);
}

bool
recording_moves(const struct master *m, const struct conf *conf)
{
	return m->recorder.pid > 0 && strcmp(m->room.dir, conf->spool.dir) != 0;
}

/* A sandbox lasts as long as its process, and a recorder's is made for one directory. */
static bool
needs_another(const struct master *m, const struct conf *conf)
{
	struct user_ids user = users_of(conf, ROLE_RECORDER);

	return recording_moves(m, conf) || (m->recorder.pid > 0 &&
	    (m->room.sandbox != conf->sandbox || m->room.user.own != user.own ||
	    m->room.user.uid != user.uid || m->room.user.gid != user.gid));
}

/* It finishes what it has; what comes meanwhile waits in the rings. */
static void
exchange(struct master *m)
{
	struct msg_stop stop = {.timeout_ms = RECORDER_FINISH_MS};

	m->exchanging = true;
	if (!m->recorder.leaving && m->recorder.channel != NULL) {
		m->recorder.leaving = true;
		(void)CHANNEL_TELL(m->recorder.channel, STOP, stop, &stop);
	}
}

void
recording_settle(struct master *m)
{
	if (needs_another(m, m->spool_conf))
		exchange(m);
}

void
recording_set_spool(struct master *m, struct conf *conf)
{
	struct msg_spool_set set = {
	    .id = ++m->spool_id,
	    .rotate_size = conf->spool.rotate_size,
	    .rotate_age_ms = conf->spool.rotate_age_ms,
	    .rotate_idle_ms = conf->spool.rotate_idle_ms,
	    .keep_size = conf->spool.keep_size,
	    .keep_age_ms = conf->spool.keep_age_ms,
	    .min_free = conf->spool.min_free,
	    .when_full = (uint8_t)conf->spool.when_full,
	    .spill_max = conf->capture.max_body * 64,
	    .dir = str_z(conf->spool.dir),
	    .instance = str_z(conf->instance),
	};

	if (needs_another(m, conf))
		exchange(m);		/* the next one is told when it is ready */
	else if (m->recorder.channel != NULL)
		(void)CHANNEL_TELL(m->recorder.channel, SPOOL_SET, spool_set, &set);
}

void
recording_start(struct master *m)
{
	struct errmsg err;

	m->recorder.master = m;
	m->recorder.role = ROLE_RECORDER;
	if (spawn(&m->recorder, &err) == -1)
		master_fail(m, err.text);
}

/* A new recorder: everything that the last one knew. */
void
recording_ready(struct master *m)
{
	unsigned i;

	recording_set_spool(m, m->spool_conf);
	for (i = 0; i < RING_SLOTS; i++) {
		if (m->slots[i].state == SLOT_FREE || !m->slots[i].serves)
			continue;
		tell_add(m, i);
		if (m->slots[i].state == SLOT_ENDED)
			tell_end(m, i);
	}
}

void
recording_gone(struct master *m)
{
	struct errmsg err;

	if (m->exchanging) {
		m->exchanging = false;
		if (m->stopping && !recording_any_slot(m))
			return;
		if (spawn(&m->recorder, &err) == 0)
			return;
		log_error("%s", err.text);
	}
	if (m->stopping && (m->recorder.leaving || !recording_any_slot(m)))
		return;
	generation_recorder_gone(m);
	supervise_again(&m->recorder);
}

static int
on_spill_made(struct master *m, struct str body, int *fds, size_t nfds)
{
	struct msg_ring_slot made;
	struct slot *s;

	if (msg_unpack_ring_slot(body, &made) != 0 || made.slot >= RING_SLOTS || nfds != 1)
		return -1;
	s = &m->slots[made.slot];
	if (s->state == SLOT_FREE) {
		fd_close(&fds[0]);
		return 0;
	}
	fd_close(&s->spill_fd);
	s->spill_fd = fds[0];
	if (s->worker != NULL && s->worker->channel != NULL)
		(void)CHANNEL_TELL_FDS(s->worker->channel, SPILL, ring_slot, &made, fds, 1);
	return 0;
}

static void
note_state(struct master *m, bool ok, struct str reason)
{
	struct spool_state *s = &m->spool_state;

	if (s->ok != ok || s->since == 0)
		s->since = ev_time();
	s->ok = ok;
	(void)snprintf(s->reason, sizeof(s->reason), "%.*s", ok ? 0 : (int)reason.n,
	    reason.n > 0 ? reason.p : "");
	if (m->stopping)
		master_step_stop(m);
}

/* Whose predecessor could not, and died before it could say that it can: it knows nothing. */
static void
note_works(struct master *m)
{
	bool could = m->spool_state.ok || m->spool_state.since == 0;

	note_state(m, true, STR_NONE);
	if (!could)
		log_over(LOG_SPOOL_WORKS, "the spool %s is written again, by another recorder",
		    m->spool_conf->spool.dir);
}

int
recording_message(struct master *m, enum msg_type type, struct str body, int *fds, size_t nfds)
{
	struct msg_ring_slot done;
	struct msg_spool_is is;
	struct msg_spool_state state;

	switch (type) {
	case MSG_SPILL_MADE:
		return on_spill_made(m, body, fds, nfds);
	case MSG_RING_DONE:
		if (msg_unpack_ring_slot(body, &done) != 0 || done.slot >= RING_SLOTS)
			return -1;
		if (m->slots[done.slot].state == SLOT_ENDED)
			slot_free(&m->slots[done.slot]);
		if (m->stopping)
			master_step_stop(m);
		return 0;
	case MSG_SPOOL_IS:
		if (msg_unpack_spool_is(body, &is) != 0)
			return -1;
		if (is.ok)
			note_works(m);
		if (is.id == m->spool_id)
			generation_spool_is(m, &is);	/* else of a question before */
		return 0;
	case MSG_SPOOL_STATE:
		if (msg_unpack_spool_state(body, &state) != 0)
			return -1;
		note_state(m, state.ok, state.reason);
		return 0;
	default:
		return -1;
	}
}
