/* SPDX-License-Identifier: ISC */
/* control.c - see control.h.  Runs in: master. */
#include "config.h"

#include "master/control.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rate.h"
#include "base/words.h"
#include "master/control_peer.h"
#include "master/control_socket.h"

enum client_state {
	ASKING,		/* the request is not complete */
	RUNNING,	/* its command is being run */
	WAITING,	/* ... and will answer later */
	READING,	/* the answer goes out */
	TAKEN		/* somebody else has the connection */
};

struct control_call {
	struct buf rows;
	char failure[sizeof(((struct errmsg *)0)->text) + 16];	/* "CODE TEXT"; or "" */
	void (*gone)(void *arg);
	void *arg;
};

struct client {
	TAILQ_ENTRY(client) link;	/* least recently active first */
	struct control *control;
	enum client_state state;
	int fd;
	uid_t uid;
	ev_io io;
	ev_timer patience;
	ev_tstamp active;
	char line[CONTROL_LINE + 1];
	size_t len;
	struct control_call call;
	struct buf out;
};

struct control {
	struct ev_loop *loop;
	const struct control_command *commands;
	size_t ncommands;
	double patience, grace;
	void *arg;
	struct control_socket now, next;
	bool replace;		/* next is to take over, be it a socket or none */
	ev_io io;
	char *self;		/* the name of who runs the master */
	TAILQ_HEAD(client_list, client) clients, waiting;
	unsigned nclients, nwaiting;
	ev_timer full;		/* somebody waits, and nobody was slow enough yet */
	struct rate refusals;	/* lines about them */
};

static struct client *
client_of(const struct control_call *call)
{
	return (struct client *)((char *)(uintptr_t)call - offsetof(struct client, call));
}

/* ---- answers ---- */

void
control_row(struct control_call *call, ...)
{
	const char *value;
	bool first = true;
	va_list ap;

	va_start(ap, call);
	while ((value = va_arg(ap, const char *)) != NULL) {
		if (!first)
			buf_putc(&call->rows, '\t');
		first = false;
		word_put(&call->rows, str_z(value));
	}
	va_end(ap);
	buf_putc(&call->rows, '\n');
}

void
control_line(struct control_call *call, struct str line)
{
	buf_puts(&call->rows, line);
	buf_putc(&call->rows, '\n');
}

void
control_fail(struct control_call *call, const char *code, const char *fmt, ...)
{
	int n = snprintf(call->failure, sizeof(call->failure), "%s ", code);
	va_list ap;
	char *p;

	va_start(ap, fmt);
	(void)vsnprintf(call->failure + n, sizeof(call->failure) - (size_t)n, fmt, ap);
	va_end(ap);
	for (p = call->failure; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
}

uid_t
control_uid(const struct control_call *call)
{
	return client_of(call)->uid;
}

/* ---- commands ---- */

static const struct control_command *
find_command(const struct control *c, int n, char **words, bool *out_known)
{
	size_t i;

	*out_known = false;
	for (i = 0; i < c->ncommands; i++) {
		const struct control_command *cmd = &c->commands[i];

		if (strcmp(words[0], cmd->name) != 0)
			continue;
		*out_known = true;
		if (cmd->sub == NULL || (n > 1 && strcmp(words[1], cmd->sub) == 0))
			return cmd;
	}
	return NULL;
}

static void
run(struct control_call *call)
{
	struct client *cl = client_of(call);
	char *words[CONTROL_WORDS];
	int n = words_cut(cl->line, ' ', words, CONTROL_WORDS), skip;
	const struct control_command *cmd;
	bool known;

	if (n < 0) {
		control_fail(call, "usage", "the request cannot be read");
		return;
	}
	cmd = find_command(cl->control, n, words, &known);
	if (cmd == NULL) {
		control_fail(call, "usage", "this mitmd knows no command '%s%s%s'", words[0],
		    known && n > 1 ? " " : "", known && n > 1 ? words[1] : "");
		return;
	}
	skip = cmd->sub != NULL ? 2 : 1;
	cmd->run(cl->control->arg, call, n - skip, words + skip);
}

/* ---- clients ---- */

static struct client_list *
list_of(struct client *cl)
{
	return cl->state == WAITING ? &cl->control->waiting : &cl->control->clients;
}

static void
enter_list(struct client *cl)
{
	TAILQ_INSERT_TAIL(list_of(cl), cl, link);
	if (cl->state == WAITING)
		cl->control->nwaiting++;
	else
		cl->control->nclients++;
}

static void
leave_list(struct client *cl)
{
	struct control *c = cl->control;

	TAILQ_REMOVE(list_of(cl), cl, link);
	if (cl->state == WAITING) {
		c->nwaiting--;
		return;
	}
	c->nclients--;
	if (c->now.fd != -1 && c->nclients <= CONTROL_CLIENTS)
		ev_io_start(c->loop, &c->io);
}

static void
client_free(struct client *cl)
{
	struct control *c = cl->control;

	ev_io_stop(c->loop, &cl->io);
	ev_timer_stop(c->loop, &cl->patience);
	leave_list(cl);
	if (cl->state == WAITING && cl->call.gone != NULL)
		cl->call.gone(cl->call.arg);
	fd_close(&cl->fd);
	buf_free(&cl->call.rows);
	buf_free(&cl->out);
	free(cl);
}

/* A sign of life. */
static void
client_active(struct client *cl)
{
	struct control *c = cl->control;

	cl->active = ev_now(c->loop);
	ev_timer_again(c->loop, &cl->patience);
	TAILQ_REMOVE(&c->clients, cl, link);
	TAILQ_INSERT_TAIL(&c->clients, cl, link);
}

static void
client_watch(struct client *cl, int events)
{
	struct control *c = cl->control;

	ev_io_stop(c->loop, &cl->io);
	ev_io_set(&cl->io, cl->fd, events);
	ev_io_start(c->loop, &cl->io);
}

static void
on_patience(struct ev_loop *loop UNUSED, ev_timer *t, int events UNUSED)
{
	client_free(t->data);
}

static void
on_writable(struct client *cl)
{
	ssize_t n = send(cl->fd, buf_data(&cl->out), cl->out.len, MSG_NOSIGNAL);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		buf_consume(&cl->out, (size_t)n);
	if (n == -1 || cl->out.len == 0)
		client_free(cl);
	else
		client_active(cl);
}

static void
answer(struct client *cl)
{
	struct control_call *call = &cl->call;

	cl->state = READING;
	if (call->failure[0] != '\0') {
		buf_printf(&cl->out, "error %s\n", call->failure);
	} else {
		buf_putz(&cl->out, "ok\n");
		buf_puts(&cl->out, buf_str(&call->rows));
	}
	buf_free(&call->rows);
	client_watch(cl, EV_WRITE);
	client_active(cl);
}

/* ---- answers that take their time ---- */

bool
control_later(struct control_call *call, void (*gone)(void *arg), void *arg)
{
	struct client *cl = client_of(call);

	CHECK(cl->state == RUNNING);
	if (cl->control->nwaiting >= CONTROL_WAITING) {
		control_fail(call, "busy", "%d others wait for an answer already",
		    CONTROL_WAITING);
		return false;
	}
	call->gone = gone;
	call->arg = arg;
	leave_list(cl);
	cl->state = WAITING;
	enter_list(cl);
	ev_timer_stop(cl->control->loop, &cl->patience);
	return true;
}

void
control_done(struct control_call *call)
{
	struct client *cl = client_of(call);

	CHECK(cl->state == WAITING);
	leave_list(cl);
	cl->state = READING;
	enter_list(cl);
	answer(cl);
}

int
control_take(struct control_call *call)
{
	struct client *cl = client_of(call);
	int fd = cl->fd;

	CHECK(cl->state == RUNNING);
	cl->state = TAKEN;
	ev_io_stop(cl->control->loop, &cl->io);
	cl->fd = -1;
	if (send(fd, "ok\n", 3, MSG_NOSIGNAL | MSG_DONTWAIT) != 3)
		fd_close(&fd);
	return fd;
}

/*
 * Who waits has nothing more to say, but may leave. Only one that has ended both
 * ways is gone: others shut down their sending side when they have asked.
 */
static void
on_waiting_readable(struct client *cl)
{
	struct pollfd p = {.fd = cl->fd};
	char more[256];
	ssize_t n = recv(cl->fd, more, sizeof(more), 0);

	if (n > 0 || (n == -1 && (errno == EAGAIN || errno == EINTR)))
		return;
	if (n == 0 && poll(&p, 1, 0) == 0)
		ev_io_stop(cl->control->loop, &cl->io);
	else
		client_free(cl);
}

/* ---- requests ---- */

static void
execute(struct client *cl)
{
	cl->state = RUNNING;
	if (cl->len > CONTROL_LINE)
		control_fail(&cl->call, "usage", "the request is longer than %d bytes",
		    CONTROL_LINE);
	else
		run(&cl->call);
	if (cl->state == RUNNING)
		answer(cl);
	else if (cl->state == TAKEN)
		client_free(cl);
}

static void
on_readable(struct client *cl)
{
	ssize_t n = recv(cl->fd, cl->line + cl->len, sizeof(cl->line) - cl->len, 0);
	char *end;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_free(cl);
		return;
	}
	end = memchr(cl->line + cl->len, '\n', (size_t)n);
	cl->len += (size_t)n;
	client_active(cl);
	if (end != NULL) {
		cl->len = (size_t)(end - cl->line);
		/* A NUL would hide what follows it; as a word it is none. */
		if (memchr(cl->line, '\0', cl->len) != NULL)
			memcpy(cl->line, "%", 2);
		*end = '\0';
		execute(cl);
	} else if (cl->len > CONTROL_LINE) {
		execute(cl);
	}
}

static void
on_client(struct ev_loop *loop UNUSED, ev_io *io, int events UNUSED)
{
	struct client *cl = io->data;

	if (cl->state == READING)
		on_writable(cl);
	else if (cl->state == WAITING)
		on_waiting_readable(cl);
	else
		on_readable(cl);
}

/* ---- accepting ---- */

/*
 * Who may not gets his answer at once and takes nobody's place. His name stays
 * unknown: asking for it could take a directory server's time.
 */
static void
refuse(struct control *c, int fd, const struct ucred *peer)
{
	bool root = strcmp(c->self, "root") == 0, known = control_peer_known(peer->uid);
	char text[256], uid[24] = "your user";
	int n;

	if (known)
		(void)snprintf(uid, sizeof(uid), "uid %u", (unsigned)peer->uid);
	n = snprintf(text, sizeof(text), "error denied %s may not control this mitmd: "
	    "be root%s%s\n", uid, root ? "" : " or ", root ? "" : c->self);
	(void)send(fd, text, MIN((size_t)n, sizeof(text) - 1), MSG_NOSIGNAL | MSG_DONTWAIT);
	if (!rate_take(&c->refusals, clock_mono_us()))
		return;
	if (known)
		log_warning("control: %s was refused (pid %d)", uid, (int)peer->pid);
	else
		log_warning("control: somebody was refused (pid %d): not root%s%s; who it is "
		    "cannot be told, PrivateUsers= shows everybody else as uid %u",
		    (int)peer->pid, root ? "" : " nor ", root ? "" : c->self,
		    (unsigned)peer->uid);
}

static void
client_new(struct control *c, int fd, uid_t uid)
{
	struct client *cl = mem_new(struct client);

	cl->control = c;
	cl->state = ASKING;
	cl->fd = fd;
	cl->uid = uid;
	cl->active = ev_now(c->loop);
	ev_io_init(&cl->io, on_client, fd, EV_READ);
	ev_timer_init(&cl->patience, on_patience, c->patience, c->patience);
	cl->io.data = cl->patience.data = cl;
	ev_io_start(c->loop, &cl->io);
	ev_timer_start(c->loop, &cl->patience);
	enter_list(cl);
}

/*
 * One too many: the client that has been silent for longest goes, but even a loaded
 * machine has time to send what it has begun. Until then nobody else is accepted.
 */
static void
make_room(struct control *c)
{
	struct client *slowest;
	double left;

	while (c->nclients > CONTROL_CLIENTS) {
		slowest = TAILQ_FIRST(&c->clients);
		left = slowest->active + c->grace - ev_now(c->loop);
		if (left > 0) {
			ev_io_stop(c->loop, &c->io);
			ev_timer_stop(c->loop, &c->full);
			ev_timer_set(&c->full, left, 0);
			ev_timer_start(c->loop, &c->full);
			return;
		}
		client_free(slowest);
	}
}

static void
on_full(struct ev_loop *loop UNUSED, ev_timer *t, int events UNUSED)
{
	make_room(t->data);
}

static void
on_connection(struct ev_loop *loop UNUSED, ev_io *io, int events UNUSED)
{
	struct control *c = io->data;
	int fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (fd == -1)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1) {
		fd_close(&fd);
	} else if (!control_peer_may(peer.uid)) {
		refuse(c, fd, &peer);
		fd_close(&fd);
	} else {
		client_new(c, fd, peer.uid);
		make_room(c);
	}
}

/* ---- the socket ---- */

int
control_prepare(struct control *c, const char *path, struct errmsg *err)
{
	control_abandon(c);
	if (path != NULL && control_socket_serves(&c->now, path))
		return 0;
	if (path != NULL && control_socket_open(&c->next, path, err) == -1)
		return -1;
	c->replace = true;
	return 0;
}

void
control_abandon(struct control *c)
{
	control_socket_close(&c->next);
	c->replace = false;
}

void
control_commit(struct control *c)
{
	if (!c->replace)
		return;
	ev_io_stop(c->loop, &c->io);
	control_socket_close(&c->now);
	c->now = c->next;
	c->next = CONTROL_SOCKET_NONE;
	c->replace = false;
	if (c->now.fd == -1)
		return;
	ev_io_set(&c->io, c->now.fd, EV_READ);
	if (c->nclients <= CONTROL_CLIENTS)
		ev_io_start(c->loop, &c->io);
}

struct control *
control_new(struct ev_loop *loop, const struct control_command *commands, size_t ncommands,
    double patience, double grace, void *arg)
{
	struct control *c = mem_new(struct control);
	const struct passwd *pw = getpwuid(geteuid());

	c->self = mem_strdup(pw != NULL ? pw->pw_name : "who runs it");
	c->loop = loop;
	c->commands = commands;
	c->ncommands = ncommands;
	c->patience = patience;
	c->grace = grace;
	c->arg = arg;
	c->now = c->next = CONTROL_SOCKET_NONE;
	c->refusals = (struct rate){.burst = 5, .per_second = 0.1};
	TAILQ_INIT(&c->clients);
	TAILQ_INIT(&c->waiting);
	ev_io_init(&c->io, on_connection, -1, EV_READ);
	ev_timer_init(&c->full, on_full, 0, 0);
	c->io.data = c->full.data = c;
	return c;
}

void
control_free(struct control **pc)
{
	struct control *c = pc != NULL ? *pc : NULL;
	struct client *cl;

	if (c == NULL)
		return;
	*pc = NULL;
	ev_io_stop(c->loop, &c->io);
	ev_timer_stop(c->loop, &c->full);
	control_abandon(c);
	control_socket_close(&c->now);
	while ((cl = TAILQ_FIRST(&c->clients)) != NULL)
		client_free(cl);
	while ((cl = TAILQ_FIRST(&c->waiting)) != NULL)
		client_free(cl);
	free(c->self);
	free(c);
}
