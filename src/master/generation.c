/* SPDX-License-Identifier: ISC */
/*
 * generation.c - one configuration and the processes that live by it: prepared
 * completely, and only then put in the place of the one before, which drains.
 * Runs in: master.
 *
 *	SIGNER   sockets bound, signer started; its CA is known when it is ready
 *	WORKERS  trust store loaded; workers started, not accepting yet
 *	SPOOL    all were ready; the recorder goes over to the new spool
 *	SERVING  they accept, the generation before drains
 *	DRAINING no new connections; ends with its last worker
 *
 * Up to SPOOL nothing that is in use is touched, and behind it nothing can fail.
 */
#include "config.h"

#include <openssl/err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "master/control.h"
#include "master/nofile.h"
#include "master/pinning.h"
#include "master/reloads.h"
#include "master/roles.h"
#include "master/state.h"
#include "proc/counters.h"
#include "tls/roots.h"

#define DRAINING_MAX 4

static void
child_init(struct child *c, struct generation *gen, enum role role, unsigned index)
{
	*c = (struct child){
	    .master = gen->master, .gen = gen, .role = role, .index = index, .pid = -1,
	    .news = {.burst = 400, .per_second = 100}};
}

static int
blame(const struct conf *conf, const char *key, struct errmsg *err)
{
	return conf_blame(conf, key, conf_place(conf, key), err);
}

/* Whatever can be known to fail without a process. */
static int
prepare(struct generation *gen, struct errmsg *err)
{
	struct master *m = gen->master;
	const struct conf *conf = gen->conf;
	const struct conf_listen *l;

	if (users_check(conf, err) == -1)
		return blame(conf, "user", err);
	if (conf_make_dirs(conf, err) == -1)
		return -1;
	if (identities_load(&gen->identities, conf, err) == -1)
		return -1;
	if (control_prepare(m->control, conf->control, err) == -1)
		return blame(conf, "control", err);
	if (listen_prepare(m, gen, err) == 0)
		return 0;
	l = &conf->listen[gen->nlisteners];	/* those before are there */
	return conf_blame(conf, "listen", (struct conf_place){l->line, l->col}, err);
}

void
generation_start(struct master *m, struct conf *conf)
{
	struct generation *gen = mem_new(struct generation);
	struct errmsg err;
	unsigned i;

	gen->master = m;
	gen->conf = conf;
	gen->number = ++m->last_number;
	gen->nworkers = conf->workers;
	gen->since_us = clock_mono_us();
	gen->workers = mem_grow(NULL, gen->nworkers, sizeof(*gen->workers));
	gen->worker_slots = mmap(NULL, gen->nworkers * sizeof(unsigned), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(gen->worker_slots != MAP_FAILED);
	child_init(&gen->signer, gen, ROLE_SIGNER, 0);
	for (i = 0; i < gen->nworkers; i++)
		child_init(&gen->workers[i], gen, ROLE_WORKER, i);
	TAILQ_INSERT_TAIL(&m->generations, gen, link);
	m->next = gen;
	walls_build(m, conf);
	nofile_look(conf);
	if (prepare(gen, &err) == -1 || spawn(&gen->signer, &err) == -1)
		generation_failed(gen, err.text);
}

static void
kill_child(struct child *c)
{
	c->leaving = true;
	if (c->pid > 0)
		(void)kill(c->pid, SIGKILL);
	ev_timer_stop(c->master->loop, &c->again);
}

static bool
any_running(const struct generation *gen)
{
	unsigned i;

	if (gen->signer.pid > 0)
		return true;
	for (i = 0; i < gen->nworkers; i++)
		if (gen->workers[i].pid > 0)
			return true;
	return false;
}

void
generation_free(struct generation *gen)
{
	struct master *m = gen->master;
	unsigned i;

	TAILQ_REMOVE(&m->generations, gen, link);
	spawn_forget(&gen->signer);
	for (i = 0; i < gen->nworkers; i++)
		spawn_forget(&gen->workers[i]);
	listen_release(m, gen);
	identities_free(&gen->identities);
	X509_STORE_free(gen->roots);
	if (m->spool_conf != gen->conf)
		conf_free(&gen->conf);
	free(gen->ca_chain);
	free(gen->own_keys);
	free(gen->workers);
	(void)munmap(gen->worker_slots, gen->nworkers * sizeof(unsigned));
	free(gen);
}

/*
 * It never serves. Its processes are killed (they hold no flow) and it is freed
 * when the last of them was reaped.
 */
void
generation_abandon(struct master *m)
{
	struct generation *gen = m->next;
	unsigned i;

	if (gen == NULL)
		return;
	m->next = NULL;
	spool_trial_drop(m);
	control_abandon(m->control);
	/* Before another one can begin, which might take it for the operator's. */
	roles[ROLE_SIGNER].withdraw(gen->conf, &gen->ca_made);
	gen->state = GEN_DRAINING;
	gen->cut = true;
	kill_child(&gen->signer);
	for (i = 0; i < gen->nworkers; i++)
		kill_child(&gen->workers[i]);
}

void
generation_failed(struct generation *gen, const char *reason)
{
	struct master *m = gen->master;

	if (m->next != gen)
		return;
	generation_abandon(m);
	if (m->current == NULL) {
		master_fail(m, reason);
		return;
	}
	log_event(LOG_LEVEL_ERROR, LOG_RELOAD_FAILED, false, NULL, 0,
	    "reload failed, the configuration before stays: %s", reason);
	counter_add(&m->counters[SLOT_MASTER].reloads[RELOAD_FAILURE], 1);
	m->spool_conf = m->current->conf;
	recording_settle(m);
	reloads_failed(m->reloads, "failed", reason);
	service_ready(m);
	if (!any_running(gen))
		generation_free(gen);
	master_reload_wanted(m);
}

/* ---- the way to serving ---- */

static int
load_roots(struct generation *gen, struct errmsg *err)
{
	if (gen->nown_keys == 0)
		return errmsg_set(err, "the signer sent no CA certificate");
	gen->roots = tls_roots_load(gen->conf->origin.ca.v, gen->conf->origin.ca.n,
	    (const uint8_t (*)[32])gen->own_keys,
	    gen->conf->ca.origin_allow ? 0 : gen->nown_keys, err);
	return gen->roots != NULL ? 0 : blame(gen->conf, "origin.ca", err);
}

static bool
same_spool(const struct conf *a, const struct conf *b)
{
	return strcmp(a->spool.dir, b->spool.dir) == 0 &&
	    strcmp(a->instance, b->instance) == 0 &&
	    strcmp(a->user, b->user) == 0 && a->sandbox == b->sandbox &&
	    a->spool.rotate_size == b->spool.rotate_size &&
	    a->spool.rotate_age_ms == b->spool.rotate_age_ms &&
	    a->spool.rotate_idle_ms == b->spool.rotate_idle_ms &&
	    a->spool.keep_size == b->spool.keep_size &&
	    a->spool.keep_age_ms == b->spool.keep_age_ms &&
	    a->spool.min_free == b->spool.min_free &&
	    a->spool.when_full == b->spool.when_full &&
	    a->capture.max_body == b->capture.max_body;
}

static void
start_workers(struct generation *gen)
{
	struct errmsg err;
	unsigned i;

	gen->state = GEN_WORKERS;
	for (i = 0; i < gen->nworkers; i++)
		if (spawn(&gen->workers[i], &err) == -1) {
			generation_failed(gen, err.text);
			return;
		}
}

/* A channel between a worker and the signer that was started again. */
static bool
wire(struct child *signer, struct child *w)
{
	struct msg_peer to_signer = {.role = ROLE_WORKER, .index = w->slot};
	struct msg_peer to_worker = {.role = ROLE_SIGNER};
	int pair[2];

	if (w->channel == NULL)
		return true;	/* the next one gets it with its start */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return false;
	(void)CHANNEL_TELL_FDS(signer->channel, PEER, peer, &to_signer, &pair[1], 1);
	(void)CHANNEL_TELL_FDS(w->channel, PEER, peer, &to_worker, &pair[0], 1);
	(void)close(pair[0]);
	(void)close(pair[1]);
	return true;
}

static void
wire_all(struct generation *gen)
{
	unsigned i;

	for (i = 0; i < gen->nworkers; i++) {
		if (wire(&gen->signer, &gen->workers[i]))
			continue;
		/* No descriptors are left.  Its end brings another try, later and later. */
		log_error("cannot make a channel to the signer: %s", err_text(ERR_SYS));
		(void)kill(gen->signer.pid, SIGKILL);
		return;
	}
}

static void
signer_ready(struct generation *gen, const struct msg_ready *ready)
{
	struct errmsg err;

	if (gen->state != GEN_SIGNER) {
		wire_all(gen);
		return;
	}
	gen->ca_chain = mem_dup(ready->ca_chain.p, ready->ca_chain.n);
	gen->ca_chain_len = ready->ca_chain.n;
	gen->nown_keys = ready->own_keys.n / sizeof(*gen->own_keys);
	gen->own_keys = mem_dup(ready->own_keys.p, gen->nown_keys * sizeof(*gen->own_keys));
	if (load_roots(gen, &err) == -1)
		generation_failed(gen, err.text);
	else
		start_workers(gen);
}

/* ---- drain ---- */

static void
cut_oldest(struct master *m)
{
	struct generation *gen, *oldest = NULL;
	unsigned i, n = 0;

	TAILQ_FOREACH(gen, &m->generations, link) {
		if (gen->state != GEN_DRAINING || gen->cut)
			continue;
		if (oldest == NULL)
			oldest = gen;
		n++;
	}
	if (n <= DRAINING_MAX)
		return;
	oldest->cut = true;
	log_warning("generation %u is cut: more than %u are draining", oldest->number,
	    DRAINING_MAX);
	for (i = 0; i < oldest->nworkers; i++) {
		struct msg_stop stop = {.timeout_ms = 0};

		if (oldest->workers[i].channel != NULL)
			(void)CHANNEL_TELL(oldest->workers[i].channel, STOP, stop, &stop);
	}
}

/*
 * Who listens where nobody accepts any more only keeps clients waiting: an address
 * that is no longer configured is closed now, however long the old ones drain.
 */
static void
let_go_if_all_did(struct generation *gen)
{
	unsigned i;

	for (i = 0; i < gen->nworkers; i++)
		if (gen->workers[i].holding)
			return;
	if (gen->state == GEN_DRAINING)
		listen_release(gen->master, gen);
}

static bool
any_worker(const struct generation *gen)
{
	unsigned i;

	for (i = 0; i < gen->nworkers; i++)
		if (gen->workers[i].pid > 0)
			return true;
	return false;
}

/* One that drains lives as long as its last worker. */
static void
end_if_empty(struct generation *gen)
{
	if (any_worker(gen))
		return;
	kill_child(&gen->signer);
	if (!any_running(gen) && !gen->master->stopping)
		generation_free(gen);
}

static void
drain(struct generation *gen)
{
	struct msg_drain m = {.timeout_ms = gen->conf->drain_timeout_ms,
	    .idle_ms = gen->conf->drain_idle_ms};
	unsigned i;

	gen->state = GEN_DRAINING;
	gen->since_us = clock_mono_us();
	for (i = 0; i < gen->nworkers; i++) {
		gen->workers[i].leaving = true;
		ev_timer_stop(gen->master->loop, &gen->workers[i].again);
		if (gen->workers[i].channel == NULL)
			continue;
		gen->workers[i].holding = true;
		(void)CHANNEL_TELL(gen->workers[i].channel, DRAIN, drain, &m);
	}
	cut_oldest(gen->master);
	let_go_if_all_did(gen);
	end_if_empty(gen);
}

/* Who reads the news expects the new configuration: not before the old ones have let go. */
static void
tell_news(struct master *m)
{
	struct generation *gen, *now = m->current;
	unsigned i;

	if (now == NULL || now->news == NULL)
		return;
	TAILQ_FOREACH(gen, &m->generations, link)
		for (i = 0; i < gen->nworkers; i++)
			if (gen->workers[i].holding)
				return;
	log_event(LOG_LEVEL_INFO, now->number == 1 ? LOG_READY : LOG_RELOADED, false, NULL, 0,
	    "%s: generation %u, %u workers, spool %s", now->news, now->number, now->nworkers,
	    now->conf->spool.dir);
	now->news = NULL;
	reloads_let_go(m->reloads, now->number);
	service_ready(m);
}

void
generation_let_go(struct child *c)
{
	c->holding = false;
	let_go_if_all_did(c->gen);
	tell_news(c->master);
}

static void
serve(struct generation *gen)
{
	struct master *m = gen->master;
	struct generation *before = m->current;
	struct msg_none go = {0};
	unsigned i;

	gen->state = GEN_SERVING;
	gen->since_us = clock_mono_us();
	m->current = gen;
	m->next = NULL;
	log_init(gen->conf->log.level, gen->conf->log.format);
	recording_log(m, gen->conf);
	roles[ROLE_SIGNER].publish(gen->conf, str_of(gen->ca_chain, gen->ca_chain_len));
	recording_serve(m, gen);
	pinning_follow(m->pinning, gen->conf, master_seconds());
	control_commit(m->control);
	identities_warn(&gen->identities, gen->conf);
	walls_tell(m, gen);
	for (i = 0; i < gen->nworkers; i++)
		if (gen->workers[i].channel != NULL)
			(void)CHANNEL_TELL(gen->workers[i].channel, GO, none, &go);
	listen_settle(m);
	gen->news = before == NULL ? "ready" : "reloaded";
	counter_set(&m->counters[SLOT_MASTER].last_reload, (uint64_t)master_seconds());
	if (before != NULL) {
		counter_add(&m->counters[SLOT_MASTER].reloads[RELOAD_SUCCESS], 1);
		reloads_serves(m->reloads);
		drain(before);
	}
	tell_news(m);
	master_reload_wanted(m);
}

/* ---- the last step that may fail ---- */

static void
use_spool(struct generation *gen)
{
	gen->master->spool_conf = gen->conf;
	recording_set_spool(gen->master, gen->conf);
}

static void
spool_tried(struct master *m, struct errmsg *why)
{
	struct generation *gen = m->next;

	if (gen == NULL || gen->state != GEN_SPOOL)
		return;
	if (why == NULL) {
		use_spool(gen);
		return;
	}
	(void)blame(gen->conf, "spool.dir", why);
	generation_failed(gen, why->text);
}

static void
try_spool(struct generation *gen)
{
	struct master *m = gen->master;
	struct errmsg err;

	gen->state = GEN_SPOOL;
	if (m->current == NULL) {
		m->spool_conf = gen->conf;
		recording_start(m);	/* it is told when it is ready */
	} else if (same_spool(m->spool_conf, gen->conf)) {
		m->spool_conf = gen->conf;
		serve(gen);
	} else if (!recording_moves(m, gen->conf)) {
		use_spool(gen);
	} else if (spool_trial_start(m, gen->conf, spool_tried, &err) == -1) {
		generation_failed(gen, err.text);
	}
}

void
generation_spool_is(struct master *m, const struct msg_spool_is *is)
{
	struct generation *gen = m->next;
	struct errmsg err;

	if (gen == NULL || gen->state != GEN_SPOOL) {
		if (!is->ok)
			log_error("spool: %.*s", STR_ARG(is->reason));
		return;
	}
	if (is->ok) {
		serve(gen);
		return;
	}
	(void)errmsg_set(&err, "%.*s", STR_ARG(is->reason));
	(void)blame(gen->conf, "spool.dir", &err);
	generation_failed(gen, err.text);
}

/* It died while it tried the new spool: the next one is not asked to try that again. */
void
generation_recorder_gone(struct master *m)
{
	if (m->next != NULL && m->next->state == GEN_SPOOL && m->current != NULL)
		generation_failed(m->next, "the recorder died when it tried the spool");
}

void
generation_child_ready(struct child *c, const struct msg_ready *ready)
{
	struct generation *gen = c->gen;
	struct msg_none go = {0};

	if (c->role == ROLE_SIGNER) {
		signer_ready(gen, ready);
		return;
	}
	if (gen->state == GEN_SERVING) {
		(void)CHANNEL_TELL(c->channel, GO, none, &go);
		return;
	}
	if (gen->state == GEN_WORKERS && ++gen->nready == gen->nworkers)
		try_spool(gen);
}

/* What a signer cannot do has to do with its directory, or with what it may sign. */
void
generation_child_failed(struct child *c, struct str reason)
{
	struct errmsg err;

	struct generation *gen = c->gen != NULL ? c->gen : c->master->next;

	if (gen == NULL)
		return;
	(void)errmsg_set(&err, "%.*s", STR_ARG(reason));
	if (str_starts(reason, STR("sandbox")))
		(void)blame(gen->conf, "sandbox", &err);
	else if (c->role == ROLE_SIGNER)
		(void)blame(gen->conf,
		    str_starts(reason, STR("ca.permit")) ? "ca.permit" : "ca.dir", &err);
	generation_failed(gen, err.text);
}

/* ---- ends ---- */

bool
generation_any_worker(const struct master *m)
{
	const struct generation *gen;

	TAILQ_FOREACH(gen, &m->generations, link)
		if (any_worker(gen))
			return true;
	return false;
}

/* c was reaped; its channel and slot are let go already. */
void
generation_child_gone(struct child *c)
{
	struct generation *gen = c->gen;
	struct master *m = c->master;
	struct errmsg err;

	generation_let_go(c);
	if (gen->state < GEN_SERVING) {
		(void)errmsg_set(&err, "the %s cannot start: %s", role_name(c->role),
		    c->last_end);
		generation_failed(gen, err.text);
		return;
	}
	if (gen->state == GEN_DRAINING) {
		if (c->role == ROLE_SIGNER && any_worker(gen) && !c->leaving) {
			supervise_again(c);
			return;
		}
		end_if_empty(gen);
		return;
	}
	if (!m->stopping)
		supervise_again(c);
}

void
generation_stop_all(struct master *m, uint64_t timeout_ms)
{
	struct msg_stop stop = {.timeout_ms = timeout_ms};
	struct generation *gen;
	unsigned i;

	TAILQ_FOREACH(gen, &m->generations, link) {
		for (i = 0; i < gen->nworkers; i++) {
			struct child *w = &gen->workers[i];

			w->leaving = true;
			ev_timer_stop(m->loop, &w->again);
			if (w->channel != NULL)
				(void)CHANNEL_TELL(w->channel, STOP, stop, &stop);
		}
	}
}
