/* SPDX-License-Identifier: ISC */
/*
 * listen.c - listening sockets: one shared descriptor per address, owned by
 * the master, so that a worker that dies or a group that shrinks resets no
 * queued connection; bound here, or given by systemd.
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

static bool
is_among(const struct socket *s, struct socket *const *v, size_t n)
{
	size_t i;

	for (i = 0; i < n && v[i] != s; i++)
		;
	return i < n;
}

/* Not one of the n in use already: several may be asked for with port 0. */
static struct socket *
find_socket(struct master *m, const struct addr *asked, struct socket *const *used, size_t n)
{
	struct socket *s;

	TAILQ_FOREACH(s, &m->sockets, link)
		if (addr_eq(&s->asked, asked) && !is_among(s, used, n))
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
	char name[GIVEN_NAME_SIZE], text[ADDR_TEXT_SIZE];
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
	/* So that who connects while we are started again waits, and is not refused. */
	systemd_store(m->systemd, s->fd, given_store_name(&s->bound, name));
	log_info("listening on %s", addr_text(&s->bound, text));
	return s;
fail:
	(void)bind_error(asked, err);
	fd_close(&s->fd);
	free(s);
	return NULL;
}

static struct socket *
adopt(struct master *m, const struct addr *asked, struct given_socket *given)
{
	struct socket *s = mem_new(struct socket);
	char text[ADDR_TEXT_SIZE];

	given->taken = true;
	s->asked = *asked;
	s->bound = given->bound;
	s->fd = given->fd;
	s->given = given;
	TAILQ_INSERT_TAIL(&m->sockets, s, link);
	log_info("listening on %s, %s (%s)", addr_text(&s->bound, text), given->stored ?
	    "as before" : "given by systemd", given->name);
	return s;
}

/* What we have, or have been given, of what is asked for. */
static struct socket *
have_socket(struct master *m, const struct addr *asked, struct socket *const *used, size_t n)
{
	struct socket *s = find_socket(m, asked, used, n);
	struct given_socket *given;

	if (s != NULL)
		return s;
	given = given_find(m->given, asked);
	return given != NULL ? adopt(m, asked, given) : NULL;
}

static void
let_go(struct master *m, struct socket *s)
{
	char name[GIVEN_NAME_SIZE];

	if (--s->users > 0)
		return;
	TAILQ_REMOVE(&m->sockets, s, link);
	if (s->given != NULL && !s->given->stored) {
		s->given->taken = false;	/* systemd listens on; a reload may want it */
	} else {
		if (s->given != NULL)
			s->given->fd = -1;
		systemd_unstore(m->systemd, given_store_name(&s->bound, name));
		fd_close(&s->fd);
	}
	free(s);
}

static void
add_listener(struct generation *gen, struct socket *s, const struct conf_listen *c)
{
	gen->listeners = mem_grow(gen->listeners, gen->nlisteners + 1,
	    sizeof(*gen->listeners));
	gen->listeners[gen->nlisteners++] =
	    (struct proc_listener){.fd = s->fd, .address = s->bound, .conf = c};
}

/* What the configuration names. */
static int
prepare_named(struct master *m, struct generation *gen, struct errmsg *err)
{
	size_t i, n = gen->conf->nlisten;
	struct socket **v = mem_grow(NULL, n, sizeof(struct socket *));
	int rc = 0;

	for (i = 0; i < n; i++) {
		v[i] = have_socket(m, &gen->conf->listen[i].address, v, i);
		if (v[i] != NULL)
			v[i]->users++;
	}
	/* Before anything is bound: [::]:8080 of yesterday is in the way of 0.0.0.0:8080. */
	given_drop_stored(m->given);
	for (i = 0; i < n && rc == 0; i++) {
		const struct conf_listen *c = &gen->conf->listen[i];

		if (v[i] == NULL && (v[i] = make_socket(m, &c->address, err)) != NULL)
			v[i]->users++;
		if (v[i] != NULL)
			add_listener(gen, v[i], c);
		else
			rc = -1;
	}
	for (; i < n; i++)
		if (v[i] != NULL)
			let_go(m, v[i]);
	free(v);
	return rc;
}

static struct socket *
socket_of(struct master *m, struct given_socket *given)
{
	struct socket *s;

	TAILQ_FOREACH(s, &m->sockets, link)
		if (s->given == given)
			return s;
	return adopt(m, &given->bound, given);
}

/*
 * The configuration names nothing, a socket unit does: that is what is served. Who
 * may use it is asked as of an address in the file (conf/check.c).
 */
static int
prepare_given(struct master *m, struct generation *gen, struct errmsg *err)
{
	const struct conf *conf = gen->conf;
	size_t i;

	for (i = 0; i < given_count(m->given); i++) {
		struct given_socket *given = given_at(m->given, i);
		struct socket *s;
		char text[ADDR_TEXT_SIZE];

		if (given->fd == -1 || given->stored)
			continue;
		if (!addr_is_loopback(&given->bound) && conf->access.nallow == 0)
			return errmsg_set(err, "systemd listens on %s for us (%s), which is "
			    "open to other hosts: say who may use the proxy, for example "
			    "access: {allow: [192.168.0.0/16]}",
			    addr_text(&given->bound, text), given->name);
		s = socket_of(m, given);
		s->users++;
		add_listener(gen, s, &conf->listen[0]);
	}
	given_drop_stored(m->given);
	return 0;
}

int
listen_prepare(struct master *m, struct generation *gen, struct errmsg *err)
{
	bool named = gen->conf->nlisten != 1 || gen->conf->listen[0].line != 0;

	return named || !given_any_of_unit(m->given) ? prepare_named(m, gen, err) :
	    prepare_given(m, gen, err);
}

void
listen_settle(struct master *m)
{
	given_name_rest(m->given);
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
	if (m->current != NULL)
		given_name_rest(m->given);
}
