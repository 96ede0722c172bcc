/* SPDX-License-Identifier: ISC */
/*
 * listen.c - listening sockets: one shared descriptor per address, owned by
 * the master, so that a worker that dies or a group that shrinks resets no
 * queued connection.
 * Runs in: master.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/mem.h"
#include "master/state.h"

#define BACKLOG 4096

static struct socket *
find_socket(struct master *m, const struct addr *asked)
{
	struct socket *s;

	TAILQ_FOREACH(s, &m->sockets, link)
		if (addr_eq(&s->asked, asked))
			return s;
	return NULL;
}

static int
bind_error(const struct addr *a, struct errmsg *err)
{
	char text[ADDR_TEXT_SIZE];

	(void)addr_text(a, text);
	if (errno == EADDRINUSE)
		return errmsg_set(err,
		    "cannot listen on %s: the port is taken by another program "
		    "(ss -ltnp shows which); stop it or choose another port with 'listen:'",
		    text);
	if (errno == EACCES)
		return errmsg_set(err, "cannot listen on %s: ports below 1024 need root or "
		    "CAP_NET_BIND_SERVICE; choose another port with 'listen:'", text);
	return errmsg_sys(err, "cannot listen on %s", text);
}

static struct socket *
make_socket(struct master *m, const struct addr *asked, struct errmsg *err)
{
	struct socket *s = mem_new(struct socket);
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int on = 1;

	s->asked = *asked;
	s->fd = socket(asked->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd == -1)
		goto fail;
	(void)setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* An address that comes up later (a bridge) is no reason not to start. */
	(void)setsockopt(s->fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
	if (bind(s->fd, &asked->sa, asked->len) == -1 || listen(s->fd, BACKLOG) == -1 ||
	    getsockname(s->fd, (struct sockaddr *)&ss, &len) == -1)
		goto fail;
	s->bound = addr_from_sockaddr((struct sockaddr *)&ss, len);
	TAILQ_INSERT_TAIL(&m->sockets, s, link);
	return s;
fail:
	(void)bind_error(asked, err);
	fd_close(&s->fd);
	free(s);
	return NULL;
}

static void
let_go(struct master *m, struct socket *s)
{
	if (--s->users > 0)
		return;
	TAILQ_REMOVE(&m->sockets, s, link);
	fd_close(&s->fd);
	free(s);
}

int
listen_prepare(struct master *m, struct generation *gen, struct errmsg *err)
{
	size_t i;

	gen->listeners = mem_grow(NULL, gen->conf->nlisten, sizeof(*gen->listeners));
	for (i = 0; i < gen->conf->nlisten; i++) {
		const struct conf_listen *c = &gen->conf->listen[i];
		struct socket *s = find_socket(m, &c->address);
		char text[ADDR_TEXT_SIZE];

		if (s == NULL) {
			s = make_socket(m, &c->address, err);
			if (s == NULL)
				return -1;
			log_info("listening on %s", addr_text(&s->bound, text));
		}
		s->users++;
		gen->listeners[gen->nlisteners++] =
		    (struct proc_listener){.fd = s->fd, .address = s->bound, .conf = c};
	}
	return 0;
}

void
listen_release(struct master *m, struct generation *gen)
{
	struct socket *s, *next;
	size_t i;

	for (i = 0; i < gen->nlisteners; i++)
		TAILQ_FOREACH_SAFE(s, &m->sockets, link, next)
			if (s->fd == gen->listeners[i].fd)
				let_go(m, s);
	free(gen->listeners);
	gen->listeners = NULL;
	gen->nlisteners = 0;
}
