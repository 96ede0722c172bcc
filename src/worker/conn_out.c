/* SPDX-License-Identifier: ISC */
/*
 * conn_out.c - the way out: small writes are gathered in the hub's cork (one
 * record instead of three for a chunk), then encrypted straight into `out`,
 * which is sent when the loop turn ends.  The BIO that OpenSSL sees is here.
 * Runs in: worker.
 */
#include "config.h"

#include "worker/conn_state.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"

#define OUT_MAX (8u << 20)	/* of output waiting, whoever asks for it */
#define POOL_CAP_MAX (160u << 10)
#define PUSH_BYTES (64u << 10)	/* output that is sent before the turn ends */
#define DIRECT_BYTES (16u << 10)	/* a plain write that is not worth copying */

/* ---- BIO: reads from the hub's feed, writes to the connection's output ---- */

static int
bio_read(BIO *bio, char *to, size_t n, size_t *got)
{
	struct conn *c = BIO_get_data(bio);
	struct conn_hub *hub = c->hub;

	BIO_clear_retry_flags(bio);
	if (hub->feeding != c || hub->feed_len == 0) {
		if (c->eof)
			return 0;
		BIO_set_retry_read(bio);
		return 0;
	}
	n = MIN(n, hub->feed_len);
	memcpy(to, hub->feed, n);
	hub->feed += n;
	hub->feed_len -= n;
	*got = n;
	return 1;
}

static void
take_out_buffer(struct conn *c)
{
	struct conn_hub *hub = c->hub;

	if (c->out.mem == NULL && hub->pooled > 0)
		c->out = hub->pool[--hub->pooled];
}

void
conn_give_out_buffer(struct conn *c)
{
	struct conn_hub *hub = c->hub;

	if (c->out.mem == NULL)
		return;
	if (hub->pooled < CONN_POOL_MAX && c->out.cap <= POOL_CAP_MAX) {
		buf_clear(&c->out);
		hub->pool[hub->pooled++] = c->out;
		buf_init(&c->out, 0);
	} else {
		buf_free(&c->out);
	}
}

/* How much the socket took; what failed for good shows as broken. */
static size_t
send_some(struct conn *c, const uint8_t *p, size_t n)
{
	ssize_t sent;

	do
		sent = send(c->fd, p, n, MSG_NOSIGNAL);
	while (sent == -1 && errno == EINTR);
	if (sent >= 0) {
		c->active = clock_mono_s();
		c->sent += (size_t)sent;
		counter_add(&c->bytes[DIRECTION_OUT], sent);
		if (c->count != NULL)
			c->count->sent += (size_t)sent;
		return (size_t)sent;
	}
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		c->broken = true;
	return 0;
}

/*
 * Large output goes out in pieces that still lie in the cache.  Nobody is told
 * from here; conn_flush() does that when the turn ends.
 */
static void
push(struct conn *c)
{
	buf_consume(&c->out, send_some(c, buf_data(&c->out), c->out.len));
	if (c->out.len > 0)
		ev_io_start(c->hub->loop, &c->writer);
}

/* The bytes put last stay until the turn ends: an entry is handed over before its last byte. */
static void
put_out(struct conn *c, const void *p, size_t n)
{
	if (c->broken)
		return;
	conn_mark_dirty(c);
	if (c->out.len >= PUSH_BYTES && !ev_is_active(&c->writer))
		push(c);
	/* Back-pressure keeps it far below; what gets here asks for answers and never reads. */
	if (c->out.len + n > OUT_MAX) {
		c->broken = c->overflow = true;
		return;
	}
	take_out_buffer(c);
	buf_put(&c->out, p, n);
}

static int
bio_write(BIO *bio, const char *from, size_t n, size_t *put)
{
	BIO_clear_retry_flags(bio);
	put_out(BIO_get_data(bio), from, n);
	*put = n;
	return 1;
}

static long
bio_ctrl(BIO *bio, int cmd, long arg UNUSED, void *ptr UNUSED)
{
	struct conn *c = BIO_get_data(bio);

	switch (cmd) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_EOF:
		return c->eof && c->hub->feed_len == 0;
	default:
		return 0;
	}
}

BIO_METHOD *
conn_make_bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "mitmd conn");

	CHECK(m != NULL && BIO_meth_set_read_ex(m, bio_read) &&
	      BIO_meth_set_write_ex(m, bio_write) && BIO_meth_set_ctrl(m, bio_ctrl));
	return m;
}

/* ---- the way out ---- */

static void
encrypt(struct conn *c, const void *p, size_t n)
{
	size_t put;

	ERR_clear_error();
	if (SSL_write_ex(c->ssl, p, n, &put) != 1 || put != n) {
		/* Memory always takes it: the connection itself is broken. */
		conn_note_tls_failure(c);
		c->broken = true;
	}
}

void
conn_uncork(struct conn_hub *hub)
{
	struct conn *c = hub->corked;
	size_t n = hub->cork_len;

	hub->corked = NULL;
	hub->cork_len = 0;
	if (c != NULL && n > 0 && !c->broken)
		encrypt(c, hub->cork, n);
}

static void
write_tls(struct conn *c, const uint8_t *p, size_t n)
{
	struct conn_hub *hub = c->hub;

	if (hub->corked != c)
		conn_uncork(hub);
	while (n > 0 && !c->broken) {
		size_t take;

		if (hub->cork_len == 0 && n >= CONN_RECORD_BYTES) {
			encrypt(c, p, CONN_RECORD_BYTES);
			p += CONN_RECORD_BYTES;
			n -= CONN_RECORD_BYTES;
			continue;
		}
		take = MIN(n, CONN_RECORD_BYTES - hub->cork_len);
		memcpy(hub->cork + hub->cork_len, p, take);
		hub->corked = c;
		hub->cork_len += take;
		p += take;
		n -= take;
		if (hub->cork_len == CONN_RECORD_BYTES)
			conn_uncork(hub);
	}
	conn_mark_dirty(c);
}

void
conn_write(struct conn *c, const void *p, size_t n)
{
	if (n == 0 || c->broken || c->shut_wanted || c->freed)
		return;
	if (c->ssl != NULL)
		write_tls(c, p, n);
	else
		put_out(c, p, n);
	if (c->out.len >= CONN_HIGH)
		c->full = true;
}

void
conn_relay(struct conn *c, const uint8_t *p, size_t n)
{
	size_t sent;

	if (n >= DIRECT_BYTES && c->ssl == NULL && c->out.len == 0 && !c->broken &&
	    !c->shut_wanted && !c->freed) {
		sent = send_some(c, p, n);
		p += sent;
		n -= sent;
		conn_mark_dirty(c);	/* tells of a failure */
	}
	conn_write(c, p, n);
}

bool
conn_full(const struct conn *c)
{
	return c->full;
}

void
conn_want_fill(struct conn *c)
{
	if (c->freed || c->ops == NULL)
		return;
	c->wants_fill = true;
	conn_mark_dirty(c);
}

static void
finish_shutdown(struct conn *c)
{
	if (!c->shut_wanted || c->shut_done || c->out.len > 0)
		return;
	c->shut_done = true;
	if (!c->broken)
		(void)shutdown(c->fd, SHUT_WR);
	if (c->ops != NULL)
		return;
	c->idle_s = 0;
	c->deadline = clock_mono_s() + CONN_LINGER_SECONDS;
	if (c->eof)
		conn_bury(c);
}

/* Send what is there; the rest when the socket takes it. */
void
conn_flush(struct conn *c)
{
	struct ev_loop *loop = c->hub->loop;

	if (c->hub->corked == c)
		conn_uncork(c->hub);
	while (c->out.len > 0 && !c->broken) {
		size_t n = send_some(c, buf_data(&c->out), c->out.len);

		if (n == 0 && !c->broken) {
			ev_io_start(loop, &c->writer);
			return;
		}
		buf_consume(&c->out, n);
	}
	ev_io_stop(loop, &c->writer);
	if (c->broken) {
		buf_clear(&c->out);
		conn_give_out_buffer(c);
		if (c->ops == NULL) {
			conn_bury(c);
			return;
		}
		if (c->tls_failed || c->overflow)
			conn_note_end(c, c->overflow ? CONN_END_RESET : CONN_END_TLS);
		/* What the peer sent before its end is still read first: it may explain it. */
		if (c->eof_told)
			c->ops->ended(c->owner, c, CONN_END_RESET);
		else if (c->eof)
			conn_tell_end(c);
		else if (c->paused)
			conn_note_end(c, CONN_END_RESET);
		return;
	}
	conn_give_out_buffer(c);
	c->taking = 0;
	finish_shutdown(c);
}

void
conn_tell_writable(struct conn *c)
{
	if (!c->full || c->out.len > CONN_LOW || c->freed)
		return;
	c->full = false;
	if (c->ops != NULL && !c->broken)
		c->ops->writable(c->owner, c);
}

void
conn_on_writable(struct ev_loop *loop UNUSED, ev_io *w, int events UNUSED)
{
	struct conn *c = w->data;

	conn_flush(c);
	if (!c->freed)
		conn_tell_writable(c);
}
