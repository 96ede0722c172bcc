/* SPDX-License-Identifier: ISC */
/* tails.c - see tails.h.  Runs in: recorder. */
#include "config.h"

#include "recorder/tails.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "har/json.h"

#define OMITTED "{\"_bodiesOmitted\":true,"
#define SKIPPED_ROOM 48		/* for the line that tells of lost ones */

struct tail {
	struct tails *all;
	int fd;			/* -1: free */
	ev_io readable, writable;
	struct buf waiting;
	uint64_t skipped;	/* since the last line that was kept */
};

struct tails {
	struct ev_loop *loop;
	unsigned n;
	struct tail v[TAILS_MAX];
};

static void
drop(struct tail *t)
{
	ev_io_stop(t->all->loop, &t->readable);
	ev_io_stop(t->all->loop, &t->writable);
	buf_free(&t->waiting);
	fd_close(&t->fd);
	t->all->n--;
}

static void
put_skipped(struct tail *t)
{
	if (t->skipped > 0)
		buf_printf(&t->waiting, "{\"_skipped\":%llu}\n",
		    (unsigned long long)t->skipped);
	t->skipped = 0;
}

static void
on_writable(struct ev_loop *loop, ev_io *w, int events UNUSED)
{
	struct tail *t = w->data;
	ssize_t put;

	while (t->waiting.len > 0) {
		put = write(t->fd, buf_data(&t->waiting), t->waiting.len);
		if (put == -1 && errno == EINTR)
			continue;
		if (put == -1 && errno == EAGAIN)
			return;
		if (put == -1) {
			drop(t);
			return;
		}
		buf_consume(&t->waiting, (size_t)put);
		if (t->waiting.len == 0)
			put_skipped(t);
	}
	ev_io_stop(loop, w);
}

/* Nothing is asked of a reader; that it has gone is seen here, also when no entry comes. */
static void
on_readable(struct ev_loop *loop UNUSED, ev_io *w, int events UNUSED)
{
	struct tail *t = w->data;
	struct pollfd p = {.fd = t->fd, .events = POLLIN | POLLRDHUP};
	char nonsense[512];
	int n = poll(&p, 1, 0);

	/* One that cannot be looked at would be readable for ever. */
	if (n == -1 || (n == 1 && ((p.revents & (POLLERR | POLLHUP | POLLRDHUP)) != 0 ||
	    ((p.revents & POLLIN) != 0 && read(t->fd, nonsense, sizeof(nonsense)) == 0))))
		drop(t);
}

/* A file is always ready: its reader would never be seen to go. */
static bool
is_stream(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode));
}

int
tails_add(struct tails *all, int fd)
{
	struct tail *t = all->v;

	if (all->n == TAILS_MAX || !is_stream(fd) || fd_nonblock(fd) == -1) {
		int rc = all->n == TAILS_MAX ? ERR_LIMIT : ERR_UNSUPPORTED;

		fd_close(&fd);
		return rc;
	}
	while (t->fd != -1)
		t++;
	t->fd = fd;
	t->skipped = 0;
	ev_io_init(&t->readable, on_readable, fd, EV_READ);
	ev_io_init(&t->writable, on_writable, fd, EV_WRITE);
	t->readable.data = t->writable.data = t;
	ev_io_start(all->loop, &t->readable);
	all->n++;
	return 0;
}

bool
tails_any(const struct tails *all)
{
	return all->n > 0;
}

/* ... with a member, so that another one can stand before it. */
static bool
is_object(struct str s)
{
	struct json_check check;

	if (!str_starts(s, STR("{\"")))
		return false;
	json_check_init(&check);
	return json_check_feed(&check, s.p, s.n) && json_check_end(&check);
}

static void
put_line(struct tail *t, const struct ring_entry *e)
{
	size_t need = e->text.n + sizeof(OMITTED) + SKIPPED_ROOM;

	/* One that waits alone always fits: see RING_TEXT_MAX. */
	if (t->waiting.len + need > TAIL_BYTES_MAX) {
		t->skipped++;
		return;
	}
	put_skipped(t);
	if (e->ninserts > 0)
		buf_puts(&t->waiting, STR(OMITTED));
	buf_puts(&t->waiting, e->ninserts > 0 ? str_from(e->text, 1) : e->text);
	buf_putc(&t->waiting, '\n');
	/* The loop writes: one call for all that come in this turn of it. */
	ev_io_start(t->all->loop, &t->writable);
}

void
tails_put(struct tails *all, const struct ring_entry *e)
{
	size_t i;

	_Static_assert(RING_TEXT_MAX + sizeof(OMITTED) + SKIPPED_ROOM <= TAIL_BYTES_MAX,
	    "every line fits");
	if (!is_object(e->text))
		return;
	for (i = 0; i < TAILS_MAX; i++)
		if (all->v[i].fd != -1)
			put_line(&all->v[i], e);
}

struct tails *
tails_new(struct ev_loop *loop)
{
	struct tails *all = mem_new(struct tails);
	size_t i;

	all->loop = loop;
	for (i = 0; i < TAILS_MAX; i++) {
		all->v[i].all = all;
		all->v[i].fd = -1;
		buf_init(&all->v[i].waiting, 0);
	}
	return all;
}

void
tails_free(struct tails **pp)
{
	struct tails *all = *pp;
	size_t i;

	*pp = NULL;
	if (all == NULL)
		return;
	for (i = 0; i < TAILS_MAX; i++)
		if (all->v[i].fd != -1)
			drop(&all->v[i]);
	free(all);
}
