/* SPDX-License-Identifier: ISC */
/* channel.c - see channel.h.  Runs in: every process. */
#include "config.h"

#include "ipc/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"

#define HEADER_BYTES 8	/* type (4), body length (4), big endian */
#define QUEUE_MAX 4096	/* messages */
#define TURN_MAX 64	/* messages handled before other watchers get their turn */

struct queued {
	TAILQ_ENTRY(queued) link;
	int fds[FD_PASS_MAX];
	size_t nfds;
	size_t n;
	uint8_t bytes[];
};

struct channel {
	struct ev_loop *loop;
	int fd;
	enum role self, peer;
	channel_message_fn *on_message;
	channel_closed_fn *on_closed;
	void *arg;
	ev_io reader, writer;
	TAILQ_HEAD(, queued) queue;
	size_t nqueued;
	bool dead;
};

static uint8_t receive_buffer[MSG_MAX + HEADER_BYTES];	/* one loop per process */

static void
queued_free(struct queued *q)
{
	while (q->nfds > 0)
		(void)close(q->fds[--q->nfds]);
	free(q);
}

static void
stop(struct channel *ch)
{
	ch->dead = true;
	ev_io_stop(ch->loop, &ch->reader);
	ev_io_stop(ch->loop, &ch->writer);
}

static void
fail(struct channel *ch)
{
	if (ch->dead)
		return;
	stop(ch);
	ch->on_closed(ch->arg, ch);
}

/* 1: handled, 0: nothing there, -1: the channel is dead. */
static int
receive_one(struct channel *ch)
{
	int fds[FD_PASS_MAX];
	size_t nfds, i;
	ssize_t n = fd_recv_msg(ch->fd, receive_buffer, sizeof(receive_buffer), fds, &nfds);
	uint32_t type, len;

	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (n <= 0) {
		fail(ch);
		return -1;
	}
	if (n < HEADER_BYTES)
		goto broken;
	type = (uint32_t)receive_buffer[0] << 24 | (uint32_t)receive_buffer[1] << 16 |
	    (uint32_t)receive_buffer[2] << 8 | receive_buffer[3];
	len = (uint32_t)receive_buffer[4] << 24 | (uint32_t)receive_buffer[5] << 16 |
	    (uint32_t)receive_buffer[6] << 8 | receive_buffer[7];
	if (len != (size_t)n - HEADER_BYTES || !msg_allowed(type, ch->peer, ch->self))
		goto broken;
	if (ch->on_message(ch->arg, ch, (enum msg_type)type,
	    str_of(receive_buffer + HEADER_BYTES, len), fds, nfds) == 0)
		return ch->dead ? -1 : 1;
	log_warning("malformed message %s from %s", msg_name(type), role_name(ch->peer));
	fail(ch);
	return -1;
broken:
	log_warning("a message from %s breaks the contract", role_name(ch->peer));
	for (i = 0; i < nfds; i++)
		(void)close(fds[i]);
	fail(ch);
	return -1;
}

static void
on_readable(struct ev_loop *loop UNUSED, ev_io *w, int events UNUSED)
{
	struct channel *ch = w->data;
	int i;

	for (i = 0; i < TURN_MAX; i++)
		if (receive_one(ch) != 1)
			return;
}

void
channel_drain(struct channel *ch)
{
	while (!ch->dead && receive_one(ch) == 1)
		;
}

static void
on_writable(struct ev_loop *loop UNUSED, ev_io *w, int events UNUSED)
{
	struct channel *ch = w->data;
	struct queued *q;

	while ((q = TAILQ_FIRST(&ch->queue)) != NULL) {
		if (fd_send_msg(ch->fd, q->bytes, q->n, q->fds, q->nfds) == -1) {
			if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
				return;
			fail(ch);
			return;
		}
		TAILQ_REMOVE(&ch->queue, q, link);
		ch->nqueued--;
		queued_free(q);
	}
	ev_io_stop(ch->loop, &ch->writer);
}

struct channel *
channel_new(struct ev_loop *loop, int fd, enum role self, enum role peer,
    channel_message_fn *on_message, channel_closed_fn *on_closed, void *arg)
{
	struct channel *ch = mem_new(struct channel);

	CHECK(fd_nonblock(fd) == 0);
	ch->loop = loop;
	ch->fd = fd;
	ch->self = self;
	ch->peer = peer;
	ch->on_message = on_message;
	ch->on_closed = on_closed;
	ch->arg = arg;
	TAILQ_INIT(&ch->queue);
	ev_io_init(&ch->reader, on_readable, fd, EV_READ);
	ch->reader.data = ch;
	ev_io_init(&ch->writer, on_writable, fd, EV_WRITE);
	ch->writer.data = ch;
	ev_io_start(loop, &ch->reader);
	return ch;
}

void
channel_free(struct channel **pch)
{
	struct channel *ch = pch != NULL ? *pch : NULL;
	struct queued *q;

	if (ch == NULL)
		return;
	*pch = NULL;
	stop(ch);
	while ((q = TAILQ_FIRST(&ch->queue)) != NULL) {
		TAILQ_REMOVE(&ch->queue, q, link);
		queued_free(q);
	}
	fd_close(&ch->fd);
	free(ch);
}

size_t
channel_queued(const struct channel *ch)
{
	return ch->nqueued;
}

static int
enqueue(struct channel *ch, const uint8_t *bytes, size_t n, const int *fds, size_t nfds)
{
	struct queued *q;
	size_t i;

	if (ch->nqueued >= QUEUE_MAX)
		return ERR_LIMIT;
	q = mem_alloc(sizeof(*q) + n);
	memcpy(q->bytes, bytes, n);
	q->n = n;
	q->nfds = 0;
	for (i = 0; i < nfds; i++) {
		int copy = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);

		if (copy == -1) {
			queued_free(q);
			return ERR_LIMIT;
		}
		q->fds[q->nfds++] = copy;
	}
	TAILQ_INSERT_TAIL(&ch->queue, q, link);
	ch->nqueued++;
	ev_io_start(ch->loop, &ch->writer);
	return 0;
}

int
channel_send(struct channel *ch, enum msg_type type, const struct buf *payload, const int *fds,
    size_t nfds)
{
	static uint8_t bytes[MSG_MAX + HEADER_BYTES];
	size_t len = payload != NULL ? payload->len : 0;

	CHECK(msg_allowed(type, ch->self, ch->peer));
	if (len > MSG_MAX)
		return ERR_LIMIT;
	if (ch->dead)
		return ERR_CLOSED;
	bytes[0] = (uint8_t)((uint32_t)type >> 24);
	bytes[1] = (uint8_t)((uint32_t)type >> 16);
	bytes[2] = (uint8_t)((uint32_t)type >> 8);
	bytes[3] = (uint8_t)type;
	bytes[4] = (uint8_t)(len >> 24);
	bytes[5] = (uint8_t)(len >> 16);
	bytes[6] = (uint8_t)(len >> 8);
	bytes[7] = (uint8_t)len;
	if (len > 0)
		memcpy(bytes + HEADER_BYTES, buf_data(payload), len);
	if (ch->nqueued > 0)
		return enqueue(ch, bytes, len + HEADER_BYTES, fds, nfds);
	if (fd_send_msg(ch->fd, bytes, len + HEADER_BYTES, fds, nfds) != -1)
		return 0;
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
		return enqueue(ch, bytes, len + HEADER_BYTES, fds, nfds);
	/* The reader will see the end and tell the owner; telling twice helps nobody. */
	return ERR_CLOSED;
}
