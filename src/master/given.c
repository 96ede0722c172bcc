/* SPDX-License-Identifier: ISC */
/*
 * given.c - see given.h: which descriptor is which.  Who takes them is listen.c's
 * business.
 * Runs in: master.
 */
#include "config.h"

#include "master/given.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"

#define STORE_PREFIX "listen-"

struct given {
	struct systemd *systemd;
	struct given_socket *v;
	size_t n;
};

static int
option(int fd, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : -1;
}

static const char *
why_not(int fd, struct addr *out)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1)
		return "it is no socket";
	if ((ss.ss_family != AF_INET && ss.ss_family != AF_INET6) ||
	    option(fd, SO_PROTOCOL) != IPPROTO_TCP)
		return "it is no TCP socket";
	if (option(fd, SO_ACCEPTCONN) != 1)
		return "it does not listen (Accept= has to be no)";
	if (fd_nonblock(fd) == -1)
		return "it stays blocking";
	*out = addr_from_sockaddr((struct sockaddr *)&ss, len);
	return NULL;
}

static void
add(struct given *g, struct systemd_fd *from)
{
	struct given_socket s = {.fd = from->fd, .name = from->name};
	const char *trouble = why_not(s.fd, &s.bound);

	if (trouble != NULL) {
		log_warning("systemd gave descriptor %d (%s), which cannot be used: %s", s.fd,
		    s.name, trouble);
		fd_close(&s.fd);
		free(s.name);
		return;
	}
	s.stored = str_starts(str_z(s.name), STR(STORE_PREFIX));
	g->v[g->n++] = s;
}

struct given *
given_new(struct systemd *systemd)
{
	struct given *g = mem_new(struct given);
	struct systemd_fd *fds;
	size_t i, n = systemd_take_fds(systemd, &fds);

	g->systemd = systemd;
	if (n > 0)
		g->v = mem_grow(NULL, n, sizeof(*g->v));
	for (i = 0; i < n; i++)
		add(g, &fds[i]);
	free(fds);
	return g;
}

void
given_free(struct given **pg)
{
	struct given *g = *pg;
	size_t i;

	if (g == NULL)
		return;
	*pg = NULL;
	for (i = 0; i < g->n; i++) {
		fd_close(&g->v[i].fd);
		free(g->v[i].name);
	}
	free(g->v);
	free(g);
}

size_t
given_count(const struct given *g)
{
	return g->n;
}

struct given_socket *
given_at(struct given *g, size_t i)
{
	return &g->v[i];
}

bool
given_any_of_unit(const struct given *g)
{
	size_t i;

	for (i = 0; i < g->n && g->v[i].stored; i++)
		;
	return i < g->n;
}

static bool
fits(const struct given_socket *s, const struct addr *asked)
{
	if (s->fd == -1 || s->taken)
		return false;
	return addr_port(asked) == 0 ? addr_same_ip(&s->bound, asked) :
	    addr_eq(&s->bound, asked);
}

/* A unit's is better than a stored one: it is there after a stop as well. */
struct given_socket *
given_find(struct given *g, const struct addr *asked)
{
	struct given_socket *found = NULL;
	size_t i;

	for (i = 0; i < g->n; i++)
		if (fits(&g->v[i], asked) && (found == NULL || found->stored))
			found = &g->v[i];
	return found;
}

void
given_drop_stored(struct given *g)
{
	bool any = false;
	size_t i;

	for (i = 0; i < g->n; i++) {
		struct given_socket *s = &g->v[i];

		if (s->fd == -1 || s->taken || !s->stored)
			continue;
		systemd_unstore(g->systemd, s->name);
		fd_close(&s->fd);
		any = true;
	}
	if (any)
		systemd_wait(g->systemd);
}

void
given_name_rest(struct given *g)
{
	char text[ADDR_TEXT_SIZE];
	size_t i;

	for (i = 0; i < g->n; i++) {
		struct given_socket *s = &g->v[i];

		if (s->fd == -1 || s->taken || s->stored || s->named)
			continue;
		log_warning("systemd listens on %s for us (%s), but no 'listen:' names it: "
		    "who connects there waits in vain; name it, or take it out of the socket "
		    "unit", addr_text(&s->bound, text), s->name);
		s->named = true;
	}
}

char *
given_store_name(const struct addr *bound, char out[GIVEN_NAME_SIZE])
{
	char text[ADDR_TEXT_SIZE], *p;

	/* A name has no colon: LISTEN_FDNAMES is cut there. */
	for (p = addr_text(bound, text); *p != '\0'; p++)
		if (strchr("[]:%", *p) != NULL)
			*p = '-';
	(void)snprintf(out, GIVEN_NAME_SIZE, STORE_PREFIX "%s", text);
	return out;
}
