/* SPDX-License-Identifier: ISC */
/*
 * conn.c - see conn.h: the interface.  The way in is in conn_in.c, the way out in
 * conn_out.c, what happens once a loop turn in conn_hub.c.
 * Runs in: worker.
 */
#include "config.h"

#include "worker/conn_state.h"

#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tls/origin.h"

struct conn *
conn_new(struct worker *worker, enum counter_side side, int fd, const struct addr *peer,
    const struct conn_ops *ops, void *owner)
{
	struct conn_hub *hub = worker->conns;
	struct conn *c = mem_new(struct conn);
	int on = 1;

	c->hub = hub;
	c->fd = fd;
	c->peer = *peer;
	c->id = ++hub->last_id;
	c->side = side;
	c->bytes = worker->counters->bytes[side];
	counter_add(&worker->counters->connections_open[side], 1);
	c->ops = ops;
	c->owner = owner;
	c->active = clock_mono_s();
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	ev_io_init(&c->reader, conn_on_readable, fd, EV_READ);
	c->reader.data = c;
	ev_io_init(&c->writer, conn_on_writable, fd, EV_WRITE);
	c->writer.data = c;
	ev_io_start(hub->loop, &c->reader);
	LIST_INSERT_HEAD(&hub->all, c, link);
	if (hub->count++ == 0)
		ev_timer_again(hub->loop, &hub->sweep);
	return c;
}

void
conn_count(struct conn *c, struct conn_count *count)
{
	c->count = count;
}

void
conn_set_owner(struct conn *c, const struct conn_ops *ops, void *owner)
{
	c->ops = ops;
	c->owner = owner;
}

void
conn_start_tls(struct conn *c, SSL *ssl, void (*stop)(SSL **), struct str first)
{
	BIO *bio = BIO_new(c->hub->bio);

	CHECK(bio != NULL && c->ssl == NULL);
	BIO_set_data(bio, c);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	c->ssl = ssl;
	c->ssl_stop = stop;
	c->handshaking = true;
	/* Plaintext that was held is really the first records. */
	buf_free(&c->cipher);
	c->cipher = c->held;
	buf_init(&c->held, 0);
	if (first.n > 0) {
		struct buf all;

		buf_init(&all, 0);
		buf_puts(&all, first);
		buf_puts(&all, buf_str(&c->cipher));
		buf_free(&c->cipher);
		c->cipher = all;
	}
	c->paused = c->held_up = false;
	conn_mark_ready(c);
}

SSL *
conn_ssl(const struct conn *c)
{
	return c->ssl;
}

unsigned
conn_tls_alert(const struct conn *c)
{
	return c->alert;
}

const char *
conn_tls_error(const struct conn *c)
{
	return c->tls_error;
}

const char *
conn_tls_end(const struct conn *c)
{
	static char text[96];

	if (c->alert == 0)
		return "broke TLS";
	(void)snprintf(text, sizeof(text), "ended TLS with the alert \"%s\"",
	    tls_alert_text(c->alert));
	return text;
}

void
conn_pause(struct conn *c)
{
	if (c->freed)
		return;
	c->paused = c->held_up = true;
	ev_io_stop(c->hub->loop, &c->reader);
}

void
conn_resume(struct conn *c)
{
	if (c->freed || (!c->paused && c->held.len == 0))
		return;
	if (c->held_up)
		c->active = clock_mono_s();
	c->paused = c->held_up = false;
	conn_mark_ready(c);
}

bool
conn_ended(const struct conn *c)
{
	return c->eof_told;
}

bool
conn_pending(const struct conn *c)
{
	uint8_t one;

	return !c->freed && (c->held.len > 0 ||
	    (!c->eof && recv(c->fd, &one, 1, MSG_PEEK | MSG_DONTWAIT) > 0));
}

bool
conn_paused(const struct conn *c)
{
	return c->paused;
}

void
conn_unread(struct conn *c, struct str s)
{
	struct buf all;

	if (c->freed || s.n == 0)
		return;
	buf_init(&all, 0);
	buf_puts(&all, s);
	if (c->held.len > 0)
		buf_puts(&all, buf_str(&c->held));
	buf_free(&c->held);
	c->held = all;
	conn_pause(c);
	conn_resume(c);
}

void
conn_shutdown(struct conn *c, enum conn_end how)
{
	if (c->shut_wanted || c->freed)
		return;
	if (c->hub->corked == c)
		conn_uncork(c->hub);
	if (how == CONN_END_CLEAN && c->ssl != NULL && !c->handshaking && !c->tls_failed) {
		ERR_clear_error();
		(void)SSL_shutdown(c->ssl);
		ERR_clear_error();
	}
	c->shut_wanted = true;
	c->shut_how = how;
	conn_mark_dirty(c);
}

/* Lingering and nothing left to send or wait for. */
void
conn_discard(struct conn *c)
{
	if (c->out.len == 0 || c->broken)
		conn_bury(c);
}

void
conn_close(struct conn **pc)
{
	struct conn *c = *pc;

	*pc = NULL;
	if (c == NULL || c->freed)
		return;
	conn_shutdown(c, CONN_END_CLEAN);
	c->ops = NULL;
	c->count = NULL;
	c->owner = NULL;
	if (c->broken || (c->eof && c->out.len == 0 && c->hub->corked != c)) {
		if (c->eof && !c->broken)
			conn_flush(c);
		conn_bury(c);
		return;
	}
	buf_free(&c->held);
	buf_free(&c->cipher);
	c->paused = c->held_up = false;
	c->active = clock_mono_s();
	c->taking = 0;		/* it may have rested until now: by another limit */
	c->idle_s = CONN_FLUSH_SECONDS;	/* finish_shutdown() makes it CONN_LINGER_SECONDS */
	if (!c->eof)
		ev_io_start(c->hub->loop, &c->reader);
	conn_mark_dirty(c);
}

void
conn_reset(struct conn **pc)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};
	struct conn *c = *pc;

	*pc = NULL;
	if (c == NULL || c->freed)
		return;
	(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	conn_bury(c);
}

void
conn_end_like(struct conn **pc, enum conn_end how)
{
	if (*pc == NULL)
		return;
	switch (how) {
	case CONN_END_RESET:
		conn_reset(pc);
		return;
	case CONN_END_CLEAN:
		conn_close(pc);
		return;
	default:
		conn_shutdown(*pc, CONN_END_TRUNCATED);
		conn_close(pc);
	}
}

size_t
conn_held(const struct conn *c)
{
	return c == NULL ? 0 : c->out.cap + c->held.cap + c->cipher.cap;
}

const struct addr *
conn_peer(const struct conn *c)
{
	return &c->peer;
}

uint64_t
conn_id(const struct conn *c)
{
	return c->id;
}

void
conn_deadline(struct conn *c, enum counter_timeout kind, uint64_t ms)
{
	double now = clock_mono_s();

	c->waited = kind;
	c->idle_s = kind == TIMEOUT_IDLE ? (double)ms / 1000 : 0;
	c->deadline = now + (double)ms / 1000;
	c->active = now;
}

void
conn_no_deadline(struct conn *c)
{
	c->idle_s = c->deadline = 0;
	c->active = clock_mono_s();
}
