/* SPDX-License-Identifier: ISC */
/* reserve.c - see reserve.h.  Runs in: worker. */
#include "config.h"

#include "worker/reserve.h"

#include <sys/socket.h>

#include "base/fd.h"

#define READ_MAX (64 << 10)

void
reserve_take(struct reserve *r)
{
	/* A socket, since a worker may open nothing else. */
	if (r->fd == -1)
		r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* What it has said is read: with that unread, closing would reset and take our words along. */
static void
turn_away(int fd)
{
	static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 47\r\n"
	    "Cache-Control: no-store\r\nConnection: close\r\nRetry-After: 1\r\n\r\n"
	    "mitmd: the proxy has no descriptor left: later\n";
	char scrap[4096];
	size_t got = 0;
	ssize_t n;

	while (got < READ_MAX && (n = recv(fd, scrap, sizeof(scrap), MSG_DONTWAIT)) > 0)
		got += (size_t)n;
	(void)!send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)shutdown(fd, SHUT_WR);
}

bool
reserve_shed(struct reserve *r, int listener)
{
	int fd;

	if (r->fd == -1) {
		reserve_take(r);
		return false;
	}
	fd_close(&r->fd);
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd != -1)
		turn_away(fd);
	fd_close(&fd);
	reserve_take(r);
	return r->fd != -1;
}

void
reserve_free(struct reserve *r)
{
	fd_close(&r->fd);
}
