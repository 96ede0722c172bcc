/* SPDX-License-Identifier: ISC */
/* proc.c - see proc.h.  Runs in: every role but the master. */
#include "config.h"

#include "proc/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "proc/beat.h"
#include "proc/counters.h"
#include "proc/title.h"

static int
compare_ints(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return x < y ? -1 : x > y;
}

/* Everything that the heritage does not name is some other process's business. */
static void
close_foreign(const struct proc *self)
{
	size_t n = 0, i, max = self->nlisteners + 16;
	int *keep = mem_grow(NULL, max, sizeof(int)), from = STDERR_FILENO + 1;

	keep[n++] = log_fd();
	keep[n++] = self->master_fd;
	keep[n++] = self->signer_fd;
	keep[n++] = self->ring_fd;
	keep[n++] = self->wake_fd;
	keep[n++] = self->receipts_fd;
	keep[n++] = self->trust_fd;
	keep[n++] = self->cert_cache != NULL ? self->cert_cache->fd : -1;
	keep[n++] = self->keyring != NULL ? self->keyring->fd : -1;
	for (i = 0; i < self->nlisteners; i++)
		keep[n++] = self->listeners[i].fd;
	qsort(keep, n, sizeof(int), compare_ints);
	for (i = 0; i < n; i++) {
		if (keep[i] < from)
			continue;
		if (keep[i] > from)
			(void)close_range((unsigned)from, (unsigned)keep[i] - 1, 0);
		from = keep[i] + 1;
	}
	(void)close_range((unsigned)from, ~0u, 0);
	free(keep);
}

static void
set_signals(void)
{
	sigset_t none;
	int i;

	/* Ctrl-C reaches the whole group; the master tells its children what to do. */
	static const int ignored[] = {
	    SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGQUIT, SIGPIPE, SIGXFSZ};

	for (i = 0; i < (int)NELEM(ignored); i++)
		(void)signal(ignored[i], SIG_IGN);
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * Workers and the signer must not outlive the master. The recorder sees the end
 * of its channel instead, so that it can finish its files.
 */
static void
follow_master(const struct proc *self)
{
	if (self->role != ROLE_RECORDER)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != self->master_pid && self->role != ROLE_RECORDER)
		_exit(1);
}

void
proc_begin(struct proc *self)
{
	struct rlimit none = {0, 0};
	char title[32];
	int null;

	if (self->role == ROLE_WORKER)
		(void)snprintf(title, sizeof(title), "worker %u", self->index);
	else
		(void)snprintf(title, sizeof(title), "%s", role_name(self->role));
	title_set(title);
	log_role(title);
	set_signals();
	follow_master(self);
	counters_confine(self->counters, self->counters_fd, self->slot);
	close_foreign(self);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null != -1) {
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(null, STDOUT_FILENO);
		fd_close(&null);
	}
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	self->loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV | EVFLAG_NOINOTIFY);
	CHECK(self->loop != NULL);
	self->beat = beat_new(self->loop, &self->counters[self->slot]);
}

void
proc_drop(struct proc *self)
{
	struct errmsg err;

	if (!self->user.become)
		return;
	if (users_become(&self->user) == -1) {
		(void)errmsg_sys(&err, "cannot become user %u", (unsigned)self->user.uid);
		proc_fail(self, &err);
	}
	/* Changing identity clears the parent-death signal and allows dumps again. */
	follow_master(self);
	(void)prctl(PR_SET_DUMPABLE, 0);
}

void
proc_tell_early(struct proc *self, enum msg_type type, const struct buf *payload)
{
	uint8_t head[8] = {0, 0, 0, (uint8_t)type, 0, 0, (uint8_t)(payload->len >> 8),
	    (uint8_t)payload->len};
	struct buf whole;

	buf_init(&whole, 0);
	buf_put(&whole, head, sizeof(head));
	buf_put(&whole, buf_data(payload), payload->len);
	(void)fd_send_msg(self->master_fd, buf_data(&whole), whole.len, NULL, 0);
	buf_free(&whole);
}

void
proc_fail(struct proc *self, const struct errmsg *err)
{
	struct msg_failed m = {.reason = str_z(err->text)};
	struct buf b;

	buf_init(&b, 0);
	msg_pack_failed(&b, &m);
	proc_tell_early(self, MSG_FAILED, &b);
	_exit(1);
}

static int
on_message(void *arg, struct channel *ch UNUSED, enum msg_type type, struct str body, int *fds,
    size_t nfds)
{
	struct proc *self = arg;
	struct msg_stop stop;
	struct msg_drain drain;

	switch (type) {
	case MSG_STOP:
		if (msg_unpack_stop(body, &stop) != 0)
			return -1;
		self->ops->stop(self->arg, stop.timeout_ms);
		return 0;
	case MSG_DRAIN:
		if (msg_unpack_drain(body, &drain) != 0)
			return -1;
		if (self->ops->drain != NULL)
			self->ops->drain(self->arg, drain.timeout_ms, drain.idle_ms);
		return 0;
	default:
		return self->ops->message(self->arg, type, body, fds, nfds);
	}
}

/* The master is gone. */
static void
on_closed(void *arg, struct channel *ch UNUSED)
{
	struct proc *self = arg;

	if (self->role == ROLE_RECORDER)
		self->ops->stop(self->arg, 800);
	else
		proc_quit(self);
}

void
proc_ready(struct proc *self, const struct proc_ops *ops, void *arg, struct str ca_chain,
    struct str own_keys)
{
	struct msg_ready m = {.version = MSG_VERSION, .pid = (uint32_t)getpid(),
	    .ca_chain = ca_chain, .own_keys = own_keys};

	self->ops = ops;
	self->arg = arg;
	self->master = channel_new(self->loop, self->master_fd, self->role, ROLE_MASTER,
	    on_message, on_closed, self);
	if (CHANNEL_TELL(self->master, READY, ready, &m) != 0)
		_exit(1);	/* the master is gone already */
}

void
proc_run(struct proc *self)
{
	beat_start(self->beat);
	ev_run(self->loop, 0);
}

void
proc_quit(struct proc *self)
{
	ev_break(self->loop, EVBREAK_ALL);
}

int
proc_end(struct proc *self)
{
	beat_free(&self->beat);
	channel_free(&self->master);
	ev_loop_destroy(self->loop);
	return 0;
}
