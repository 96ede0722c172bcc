/* SPDX-License-Identifier: ISC */
/*
 * worker.c - see worker.h: accepts, keeps the parts of a worker together, drains
 * and stops.
 * Runs in: worker.
 */
#include "config.h"

#include "worker/worker.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "proc/counters.h"
#include "proc/room.h"
#include "proc/sandbox.h"
#include "shm/open_flows.h"
#include "shm/ring.h"
#include "tls/roots.h"
#include "worker/access.h"
#include "worker/capture.h"
#include "worker/conn.h"
#include "worker/conns_list.h"
#include "worker/dial.h"
#include "worker/flow_pool.h"
#include "worker/front.h"
#include "worker/front_state.h"
#include "worker/handover.h"
#include "worker/leaf.h"
#include "worker/memory.h"
#include "worker/reserve.h"
#include "worker/tell.h"
#include "worker/trust_told.h"
#include "worker/worker_state.h"

#define ACCEPT_PAUSE_SECONDS 0.1
#define QUEUED_MAX 1024
#define KEPT_BYTES (16 << 20)	/* free memory that is not given back at once */
#define LAST_BYTES_MS 1000 /* to go out after the cut; the master kills after two seconds */

struct listening {
	struct worker *worker;
	ev_io io;
};

struct grave {
	void *p;
	void (*destroy)(void *);
};

/* What only this file needs. */
struct worker_main {
	struct worker w;
	struct listening *listening;
	bool accepting, paused;
	bool cut;			/* all flows were, at the deadline */
	ev_timer accept_again;
	ev_timer deadline;
	ev_idle recoding;
	const struct counters *table;
	struct reserve reserve;
};

static struct worker_main *
main_of(struct worker *w)
{
	return (struct worker_main *)w;
}

void
worker_bury(struct worker *w, void *p, void (*destroy)(void *))
{
	if (w->ngraves == w->graves_cap) {
		w->graves_cap = w->graves_cap == 0 ? 64 : w->graves_cap * 2;
		w->graves = mem_grow(w->graves, w->graves_cap, sizeof(*w->graves));
	}
	w->graves[w->ngraves++] = (struct grave){.p = p, .destroy = destroy};
}

/* ---- accepting ---- */

static void
set_accepting(struct worker_main *m, bool on)
{
	size_t i;

	if (m->accepting == on)
		return;
	m->accepting = on;
	for (i = 0; i < m->w.proc->nlisteners; i++) {
		if (on)
			ev_io_start(m->w.loop, &m->listening[i].io);
		else
			ev_io_stop(m->w.loop, &m->listening[i].io);
	}
}

static uint64_t
connections_of(const struct worker_main *m, unsigned slot)
{
	return counter_get(&m->table[slot].connections_open[SIDE_CLIENT]);
}

/* The limit holds over all workers, those that drain too. */
static bool
are_too_many(const struct worker_main *m)
{
	unsigned i, used = (unsigned)counter_get(&m->table[SLOT_MASTER].slots_used);
	uint64_t sum = 0;

	for (i = 0; i < used; i++)
		sum += connections_of(m, i);
	return sum >= m->w.conf->limits.connections;
}

/* Client connections of this generation's workers. */
static uint64_t
all_connections(const struct worker_main *m)
{
	const struct proc *p = m->w.proc;
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < p->npeers; i++)
		sum += connections_of(m, p->peer_slots[i]);
	return sum;
}

/*
 * One descriptor serves all workers, so a quick one could take everything: who
 * has more than 1.25 times the mean and 8 leaves the next ones to the others.
 */
static bool
may_accept(const struct worker_main *m)
{
	uint64_t sum = all_connections(m), n = m->w.proc->npeers;

	return !are_too_many(m) &&
	    (uint64_t)m->w.nfronts * n * 4 <= sum * 5 + n * 32;
}

static void
pause_accepting(struct worker_main *m)
{
	set_accepting(m, false);
	m->paused = true;
	ev_timer_stop(m->w.loop, &m->accept_again);
	ev_timer_set(&m->accept_again, ACCEPT_PAUSE_SECONDS, 0);
	ev_timer_start(m->w.loop, &m->accept_again);
}

static void
on_accept_again(struct ev_loop *loop UNUSED, ev_timer *t, int events UNUSED)
{
	struct worker_main *m = t->data;

	m->paused = false;
	if (m->w.draining || m->w.stopping)
		return;
	if (may_accept(m))
		set_accepting(m, true);
	else
		pause_accepting(m);
}

/* false: nobody waits, or nobody can be taken. */
static bool
accept_one(struct worker_main *m, int listener)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr client;
	int fd;

	fd = accept4(listener, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			counter_add(&m->w.counters->opened[SIDE_CLIENT][OPENED_ERROR], 1);
			log_warning("cannot accept: %s", strerror(errno));
			if (reserve_shed(&m->reserve, listener))
				return true;
			pause_accepting(m);
		}
		return false;
	}
	client = addr_from_sockaddr((struct sockaddr *)&ss, len);
	if (client.len == 0) {
		fd_close(&fd);
	} else if (!access_enter(m->w.access, &client)) {
		counter_add(&m->w.counters->opened[SIDE_CLIENT][OPENED_LIMIT], 1);
		fd_close(&fd);
	} else {
		front_accept(&m->w, fd, &client);
	}
	return true;
}

static void
on_acceptable(struct ev_loop *loop UNUSED, ev_io *io, int events UNUSED)
{
	struct listening *l = io->data;
	struct worker_main *m = main_of(l->worker);

	if (may_accept(m))
		(void)accept_one(m, io->fd);
	else
		pause_accepting(m);
}

void
worker_front_new(struct worker *w)
{
	w->nfronts++;
	counter_add(&w->counters->opened[SIDE_CLIENT][OPENED_OK], 1);
}

/* ---- the loop's turns ---- */

static void
on_recoding(struct ev_loop *loop UNUSED, ev_idle *idle UNUSED, int events UNUSED)
{
}

/* Not before the last byte is out: closed connections linger until it is. */
static void
quit_if_done(struct worker *w)
{
	if ((w->draining || w->stopping) && w->nfronts == 0 && conn_hub_count(w->conns) == 0 &&
	    handover_idle(w->handover))
		proc_quit(w->proc);
}

void
worker_turn(struct worker *w)
{
	struct worker_main *m = main_of(w);
	size_t i;

	for (i = 0; i < w->ngraves; i++)
		w->graves[i].destroy(w->graves[i].p);
	w->ngraves = 0;
	if (flow_pool_turn(w->flows))
		ev_idle_start(w->loop, &m->recoding);
	else
		ev_idle_stop(w->loop, &m->recoding);
	handover_turn(w->handover);
	tells_turn(w->tells);
	memory_turn(w->memory);
	quit_if_done(w);
}

void
worker_sweep(struct worker *w)
{
	struct front *fr, *next;

	capture_sweep(w);
	if (!worker_lets_go(w))
		return;
	for (fr = TAILQ_FIRST(&w->fronts); fr != NULL; fr = next) {
		next = front_next(fr);
		front_sweep(fr);
	}
}

/* ---- draining and stopping ---- */

void
worker_front_gone(struct worker *w)
{
	w->nfronts--;
}

static void
cut_all(struct worker *w, const char *error)
{
	struct front *fr;

	while ((fr = TAILQ_FIRST(&w->fronts)) != NULL) {
		front_cut(fr, error);
		CHECK(TAILQ_FIRST(&w->fronts) != fr);
	}
}

static void
arm_deadline(struct worker_main *m, uint64_t ms)
{
	ev_timer_stop(m->w.loop, &m->deadline);
	ev_timer_set(&m->deadline, (double)ms / 1000, 0);
	ev_timer_start(m->w.loop, &m->deadline);
}

static void
on_deadline(struct ev_loop *loop UNUSED, ev_timer *t, int events UNUSED)
{
	struct worker_main *m = t->data;

	if (m->cut) {
		proc_quit(m->w.proc);	/* who has not read our last bytes by now never will */
		return;
	}
	m->cut = true;
	cut_all(&m->w, m->w.stopping ? "stopped" : "drain");
	arm_deadline(m, LAST_BYTES_MS);
}

static void
let_go(struct worker_main *m)
{
	size_t i;

	set_accepting(m, false);
	ev_timer_stop(m->w.loop, &m->accept_again);
	counter_set(&m->w.counters->up, 0);
	m->w.draining = true;
	for (i = 0; i < m->w.proc->nlisteners; i++)
		(void)close(m->w.proc->listeners[i].fd);
	m->w.proc->nlisteners = 0;
	worker_sweep(&m->w);
}

/* An address may be configured no longer: closing it would reset those who wait there. */
static void
accept_queued(struct worker_main *m)
{
	size_t i;
	unsigned n;

	for (i = 0; i < m->w.proc->nlisteners; i++)
		for (n = 0; n < QUEUED_MAX && may_accept(m); n++)
			if (!accept_one(m, m->w.proc->listeners[i].fd))
				break;
}

static void
on_drain(void *arg, uint64_t timeout_ms, uint64_t idle_ms)
{
	struct worker_main *m = arg;

	if (m->w.stopping || m->w.draining)
		return;
	accept_queued(m);
	m->w.drain_idle_s = (double)idle_ms / 1000;
	arm_deadline(m, timeout_ms);
	let_go(m);
	(void)CHANNEL_TELL(m->w.proc->master, LET_GO, none, &(struct msg_none){0});
}

static void
on_stop(void *arg, uint64_t timeout_ms)
{
	struct worker_main *m = arg;

	m->w.stopping = true;
	m->w.drain_idle_s = 0;
	arm_deadline(m, timeout_ms);
	let_go(m);
}

/*
 * The host is to be emptied: no hurry, and whoever comes is still served. What was
 * told to clients until it is not any more, such as GOAWAY, stays told.
 */
static int
leave(struct worker_main *m, struct str body)
{
	struct msg_leaving leaving;

	if (msg_unpack_leaving(body, &leaving) != 0)
		return -1;
	if (!m->w.draining)
		m->w.drain_idle_s = (double)m->w.conf->drain_idle_ms / 1000;
	m->w.leaving = leaving.yes != 0;
	worker_sweep(&m->w);
	return 0;
}

/*
 * The file for large bodies is on its way; without it their ends would not be
 * recorded.  But traffic does not wait for a recorder that is not there.
 */
static void
go(struct worker_main *m)
{
	counter_set(&m->w.counters->up, 1);
	if (handover_spill_file(m->w.handover) != NULL)
		set_accepting(m, true);
	else
		pause_accepting(m);
}

static int
take_file(struct worker *w, struct str body, int *fds, size_t nfds)
{
	struct msg_file m;
	char *text;
	size_t n;

	if (nfds != 1 || msg_unpack_file(body, &m) != 0 || m.which >= FILE_COUNT)
		return -1;
	text = fd_read_memory(fds[0], FILE_TEXT_MAX, &n);
	fd_close(&fds[0]);
	if (text != NULL)
		dial_hub_file(w->dials, m.which, str_of(text, n));
	free(text);
	return 0;
}

static int
on_message(void *arg, enum msg_type type, struct str body, int *fds, size_t nfds)
{
	struct worker_main *m = arg;
	struct msg_peer peer;
	struct msg_ring_slot slot;

	switch (type) {
	case MSG_GO:
		go(m);
		return 0;
	case MSG_PEER:
		if (nfds != 1 || msg_unpack_peer(body, &peer) != 0 || peer.role != ROLE_SIGNER)
			return -1;
		leafs_signer(m->w.leafs, fds[0]);
		return 0;
	case MSG_LEAVING:
		return leave(m, body);
	case MSG_SPILL:
		if (nfds != 1 || msg_unpack_ring_slot(body, &slot) != 0)
			return -1;
		handover_spill(m->w.handover, fds[0]);
		if (m->paused)
			on_accept_again(m->w.loop, &m->accept_again, 0);
		return 0;
	case MSG_LIST:
		return nfds == 0 ? conns_list_asked(m->w.list, body) : -1;
	case MSG_TELL:
		return tells_asked(m->w.tells, body) == 0 && nfds == 0 ? 0 : -1;
	case MSG_FILE:
		return take_file(&m->w, body, fds, nfds);
	default:
		return -1;
	}
}

static const struct proc_ops ops = {.message = on_message, .stop = on_stop, .drain = on_drain};

/* ---- beginning and end ---- */

static int
init_tls(struct worker_main *m, struct errmsg *err)
{
	const struct conf *conf = m->w.conf;
	struct tls_origin_conf origin = {.roots = m->w.proc->roots,
	    .min_version = conf->tls.origin_min};
	struct tls_client_conf client = {.min_version = conf->tls.client_min,
	    .ticket_keys = leafs_ticket_keys, .ticket_arg = m->w.leafs,
	    .ask_cert = conf->request_client_cert, .client_ca = m->w.proc->client_ca};

	if (!conf->ca.origin_allow) {
		origin.own_ca_spki = (const uint8_t (*)[32])m->w.proc->own_keys.p;
		origin.nown_ca = m->w.proc->own_keys.n / 32;
	}
	m->w.tls_origin = tls_origin_new(&origin, err);
	m->w.tls_client = m->w.tls_origin != NULL ? tls_client_new(&client, err) : NULL;
	return m->w.tls_client != NULL ? 0 : -1;
}

static int
init_ring(struct worker_main *m, struct errmsg *err)
{
	struct proc *p = m->w.proc;
	const struct receipts *receipts = receipts_open(p->receipts_fd, err);
	struct ring_writer *ring = receipts != NULL ?
	    ring_writer_new(p->ring_fd, p->wake_fd, receipts, p->slot, err) : NULL;

	struct open_flows *open = ring != NULL ? open_flows_new(p->ring_fd, err) : NULL;

	if (open == NULL)
		return -1;
	m->w.handover = handover_new(&m->w, ring, open);
	m->w.tells = tells_new(&m->w);
	m->w.list = conns_list_new(&m->w);
	return 0;
}

static int
init(struct worker_main *m, struct proc *p, struct errmsg *err)
{
	struct worker *w = &m->w;
	size_t i;

	w->proc = p;
	w->loop = p->loop;
	w->conf = p->conf;
	m->table = p->counters;
	w->counters = &p->counters[p->slot];
	TAILQ_INIT(&w->fronts);
	TAILQ_INIT(&w->talks);
	/* Large bodies come and go: their pages need not, each time. */
	(void)mallopt(M_MMAP_THRESHOLD, KEPT_BYTES / 4);
	(void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
	w->memory = memory_new(w, room_for_one_of(p->npeers));
	w->conns = conn_hub_new(w, w->loop);
	w->flows = flow_pool_new();
	w->access = access_new(w->conf, p->listeners, p->nlisteners);
	access_share(w->access, p->counters, p->slot);
	m->reserve.fd = -1;
	reserve_take(&m->reserve);
	w->leafs = leafs_new(w, err);
	w->trust = w->leafs != NULL ? trust_told_new(w, err) : NULL;
	if (w->trust == NULL || init_tls(m, err) != 0 || init_ring(m, err) != 0)
		return -1;
	w->dials = dial_hub_new(w, err);
	if (w->dials == NULL)
		return -1;
	m->listening = mem_grow(NULL, p->nlisteners, sizeof(*m->listening));
	for (i = 0; i < p->nlisteners; i++) {
		m->listening[i].worker = w;
		ev_io_init(&m->listening[i].io, on_acceptable, p->listeners[i].fd, EV_READ);
		m->listening[i].io.data = &m->listening[i];
	}
	ev_timer_init(&m->accept_again, on_accept_again, 0, 0);
	ev_timer_init(&m->deadline, on_deadline, 0, 0);
	ev_idle_init(&m->recoding, on_recoding);
	m->accept_again.data = m->deadline.data = m;
	return 0;
}

static void
fini(struct worker_main *m)
{
	struct worker *w = &m->w;

	/* Look-ups that are under way fail now, while there are flows to tell. */
	dial_hub_free(&w->dials);
	worker_turn(w);
	conn_hub_free(&w->conns);
	flow_pool_free(&w->flows);
	conns_list_free(&w->list);
	tells_free(&w->tells);
	handover_free(&w->handover);
	tls_client_free(&w->tls_client);
	tls_origin_free(&w->tls_origin);
	leafs_free(&w->leafs);
	trust_told_free(&w->trust);
	access_free(&w->access);
	memory_free(&w->memory);
	free(w->graves);
	buf_free(&w->scratch);
	reserve_free(&m->reserve);
	free(m->listening);
}

int
worker_main(struct proc *p)
{
	struct worker_main m = {0};
	struct errmsg err;

	proc_begin(p);
	proc_drop(p);
	if (init(&m, p, &err) != 0)
		proc_fail(p, &err);
	sandbox_fence(p, -1);
	if (sandbox_enter(p, 0, &err) != 0)
		proc_fail(p, &err);
	proc_ready(p, &ops, &m, STR_NONE, STR_NONE);
	proc_run(p);
	fini(&m);
	return proc_end(p);
}
