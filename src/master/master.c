/* SPDX-License-Identifier: ISC */
/*
 * master.c - see master.h: signals, reaping, and the two orders in which
 * everything starts and stops.
 * Runs in: master.
 */
#include "config.h"

#include "master/master.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "master/control.h"
#include "master/flushing.h"
#include "master/leaving.h"
#include "master/nofile.h"
#include "master/pinning.h"
#include "master/reloads.h"
#include "master/state.h"
#include "proc/beat.h"
#include "proc/counters.h"
#include "proc/title.h"
#include "shm/cert_cache.h"
#include "shm/keyring.h"
#include "shm/trust.h"


static void
quit(struct master *m, int code)
{
	m->exit_code = code;
	m->done = true;
	ev_break(m->loop, EVBREAK_ALL);
}

/* ---- children ---- */

static struct child *
child_by_pid(struct master *m, pid_t pid)
{
	struct generation *gen;
	unsigned i;

	if (m->recorder.pid == pid)
		return &m->recorder;
	TAILQ_FOREACH(gen, &m->generations, link) {
		if (gen->signer.pid == pid)
			return &gen->signer;
		for (i = 0; i < gen->nworkers; i++)
			if (gen->workers[i].pid == pid)
				return &gen->workers[i];
	}
	return NULL;
}

/* A child that has ended, and is not reaped by being found. */
static pid_t
next_dead(void)
{
	siginfo_t info = {.si_pid = 0};

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 ? info.si_pid : 0;
}

static void
reap(struct master *m)
{
	pid_t pid;
	int status;

	while ((pid = next_dead()) > 0) {
		struct child *c = child_by_pid(m, pid);

		/* Its last words may explain its end; c is safe while it still has a pid. */
		if (c != NULL && c->channel != NULL)
			channel_drain(c->channel);
		if (waitpid(pid, &status, 0) != pid || c == NULL)
			continue;
		supervise_ended(c, pid, status);
		spawn_forget(c);
		counters_left(m->counters, c->slot);
		if (c->role == ROLE_WORKER)
			recording_slot_end(m, c->slot);
		if (c->role == ROLE_RECORDER)
			recording_gone(m);
		else
			generation_child_gone(c);
		if (m->stopping)
			master_step_stop(m);
	}
}

int64_t
master_seconds(void)
{
	return (int64_t)(clock_wall_us() / 1000000);
}

int
master_news(struct child *c, struct str body)
{
	/* More than a worker tells, unless somebody else speaks through it. */
	if (!rate_take(&c->news, clock_mono_us()))
		return 0;
	return pinning_told(c->master->pinning, body, master_seconds());
}

/* ---- stop ---- */

static void
kill_rest(struct master *m)
{
	struct generation *gen;
	unsigned i;

	TAILQ_FOREACH(gen, &m->generations, link)
		for (i = 0; i < gen->nworkers; i++)
			if (gen->workers[i].pid > 0)
				(void)kill(gen->workers[i].pid, SIGKILL);
}

static void
on_stop_timer(struct ev_loop *loop UNUSED, ev_timer *w, int events UNUSED)
{
	struct master *m = w->data;

	if (m->stop_step == 0) {
		log_warning("workers did not end in time: killed");
		kill_rest(m);
	} else {
		log_error("the recorder did not finish in time");
		if (m->recorder.pid > 0)
			(void)kill(m->recorder.pid, SIGKILL);
		quit(m, 1);
	}
}

static void
arm_stop_timer(struct master *m, double seconds)
{
	ev_timer_stop(m->loop, &m->stop_timer);
	ev_timer_init(&m->stop_timer, on_stop_timer, seconds, 0);
	m->stop_timer.data = m;
	ev_timer_start(m->loop, &m->stop_timer);
}

static void
begin_stop(struct master *m, uint64_t timeout_ms)
{
	if (m->stopping) {
		generation_stop_all(m, 0);	/* asked twice: at once */
		return;
	}
	m->stopping = true;
	log_event(LOG_LEVEL_INFO, LOG_STOPPING, false, NULL, 0, "stopping");
	reloads_stop(m->reloads);
	leaving_end(m);
	service_stopping(m);
	generation_abandon(m);
	generation_stop_all(m, timeout_ms);
	arm_stop_timer(m, (double)timeout_ms / 1000 + 2);
	master_step_stop(m);
}

/*
 * Workers end first, then the recorder empties their rings and finishes its
 * files, then the signers have nobody left to serve.
 */
void
master_step_stop(struct master *m)
{
	struct msg_stop stop = {.timeout_ms = RECORDER_FINISH_MS};
	struct generation *gen;

	if (m->done || generation_any_worker(m))
		return;
	if (m->stop_step == 0) {
		m->stop_step = 1;
		arm_stop_timer(m, RECORDER_FINISH_MS / 1000 + 2);
	}
	/*
	 * A recorder that died meanwhile is started again: the rings are not empty. One
	 * whose spool cannot be written may wait with them, and has to be told.
	 */
	if (recording_any_slot(m) && m->spool_state.ok &&
	    (m->recorder.pid > 0 || ev_is_active(&m->recorder.again)))
		return;
	if (m->recorder.pid > 0) {
		if (!m->recorder.leaving && m->recorder.channel != NULL) {
			m->recorder.leaving = true;
			(void)CHANNEL_TELL(m->recorder.channel, STOP, stop, &stop);
		}
		return;
	}
	TAILQ_FOREACH(gen, &m->generations, link)
		if (gen->signer.pid > 0)
			(void)kill(gen->signer.pid, SIGKILL);
	log_info("stopped");
	quit(m, m->exit_code);
}

void
master_fail(struct master *m, const char *reason)
{
	if (m->failed)
		return;
	m->failed = true;
	log_error("cannot start: %s", reason);
	service_failed(m, reason);
	m->exit_code = 1;
	begin_stop(m, 0);
}

void
master_stop(struct master *m)
{
	begin_stop(m, m->current != NULL ? m->current->conf->stop_timeout_ms : 0);
}

/* ---- signals ---- */

void
master_reload(struct master *m)
{
	struct conf *conf;
	struct errmsg err;

	if (m->stopping)
		return;
	if (m->next != NULL || m->current == NULL) {
		m->reload_wanted = true;	/* any number of them become one */
		return;
	}
	reloads_begin(m->reloads);
	service_reloading(m);
	conf = conf_load(m->file, &err);
	if (conf == NULL) {
		log_event(LOG_LEVEL_ERROR, LOG_RELOAD_FAILED, false, NULL, 0,
		    "reload failed, the configuration before stays: %s", err.text);
		counter_add(&m->counters[SLOT_MASTER].reloads[RELOAD_FAILURE], 1);
		reloads_failed(m->reloads, "config", err.text);
		service_ready(m);
		return;
	}
	generation_start(m, conf);
}

void
master_reload_wanted(struct master *m)
{
	if (!m->reload_wanted || m->next != NULL || m->current == NULL)
		return;
	m->reload_wanted = false;
	master_reload(m);
}

static void
on_signal(struct ev_loop *loop UNUSED, ev_io *w, int events UNUSED)
{
	struct master *m = w->data;
	struct signalfd_siginfo si;

	while (read(m->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		switch (si.ssi_signo) {
		case SIGCHLD:
			reap(m);
			break;
		case SIGHUP:
			master_reload(m);
			break;
		case SIGUSR1:
			flushing_all(m);
			break;
		case SIGQUIT:
			begin_stop(m, 0);
			break;
		default:
			master_stop(m);
		}
	}
}

static sigset_t
wanted_signals(void)
{
	static const int wanted[] = {SIGCHLD, SIGHUP, SIGUSR1, SIGQUIT, SIGTERM, SIGINT};
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < NELEM(wanted); i++)
		sigaddset(&set, wanted[i]);
	return set;
}

void
master_hold_signals(void)
{
	sigset_t set = wanted_signals();

	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
}

static int
watch_signals(struct master *m, struct errmsg *err)
{
	sigset_t set = wanted_signals();

	(void)signal(SIGPIPE, SIG_IGN);
	m->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (m->signal_fd == -1)
		return errmsg_sys(err, "cannot watch signals");
	ev_io_init(&m->signals, on_signal, m->signal_fd, EV_READ);
	m->signals.data = m;
	ev_io_start(m->loop, &m->signals);
	return 0;
}

/* ---- start ---- */

static int
make_shared(struct master *m, struct errmsg *err)
{
	unsigned i;

	if (cert_cache_create(&m->cert_cache, CERT_CACHE_SLOTS, err) == -1 ||
	    keyring_create(&m->keyring, err) == -1 || trust_create(&m->trust, err) == -1)
		return -1;
	m->pinning = pinning_new(&m->trust);
	m->reloads = reloads_new();
	m->control = commands_new(m);
	m->receipts = receipts_create(err);
	if (m->receipts == NULL)
		return -1;
	m->counters = counters_create(&m->counters_fd, err);
	if (m->counters == NULL)
		return -1;
	m->slots = mem_grow(NULL, RING_SLOTS, sizeof(*m->slots));
	for (i = 0; i < RING_SLOTS; i++)
		m->slots[i] = (struct slot){.ring_fd = -1, .wake_fd = -1, .spill_fd = -1};
	return 0;
}

int
master_main(struct conf *conf, const char *file)
{
	static struct master master;	/* children keep a copy of it until they end */
	struct master *m = &master;
	struct beat *beat;
	struct errmsg err;

	log_init(conf->log.level, conf->log.format);
	log_role("master");
	title_set("master");
	m->file = file;
	m->pid = getpid();
	m->born_us = clock_mono_us();
	m->recorder.pid = -1;
	TAILQ_INIT(&m->generations);
	TAILQ_INIT(&m->sockets);
	TAILQ_INIT(&m->polls);
	m->loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV | EVFLAG_NOINOTIFY);
	CHECK(m->loop != NULL);
	m->systemd = systemd_new();
	m->given = given_new(m->systemd);
	m->service = service_new(m);
	nofile_raise(conf);
	if (watch_signals(m, &err) == -1 || make_shared(m, &err) == -1) {
		log_error("cannot start: %s", err.text);
		return 1;
	}
	counter_set(&m->counters[SLOT_MASTER].process_start, (uint64_t)master_seconds());
	beat = beat_new(m->loop, &m->counters[SLOT_MASTER]);
	beat_start(beat);
	supervise_start(m);
	system_files_start(m);
	generation_start(m, conf);
	if (!m->done)
		ev_run(m->loop, 0);
	beat_free(&beat);
	control_free(&m->control);
	reloads_free(&m->reloads);
	service_free(&m->service);
	given_free(&m->given);
	systemd_free(&m->systemd);
	return m->exit_code;
}
