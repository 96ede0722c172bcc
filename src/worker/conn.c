/* SPDX-License-Identifier: ISC */
/*
 * conn.c - see conn.h.
 * Runs in: worker.
 *
 * The way in: recv() into the hub's input buffer; under TLS that is what the
 * BIO reads from, and plaintext comes out record by record into the hub's plain
 * buffer.  What the owner does not take is held: plaintext in `held`,
 * ciphertext behind it in `cipher`.
 *
 * The way out: small writes are gathered in the hub's cork (one record instead
 * of three for a chunk), then encrypted straight into `out`, which is sent
 * when the loop turn ends.
 */
#include "config.h"

#include "worker/conn.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/worker_state.h"

#define INPUT_BYTES (256u << 10)
#define RECORD_BYTES 16384u
#define OUT_MAX (8u << 20)	/* of output waiting, whoever asks for it */
#define LINGER_SECONDS 2.0	/* how long we wait for the peer to read the last bytes */
#define FLUSH_SECONDS 20.0	/* ... and how long it may take none of them */
#define SWEEP_SECONDS 0.25
#define TRIM_SECONDS 0.5	/* quiet for that long: idle */
#define POOL_MAX 32		/* output buffers kept for reuse */
#define POOL_CAP_MAX (160u << 10)
#define PUSH_BYTES (64u << 10)	/* output that is sent before the turn ends */
#define DIRECT_BYTES (16u << 10)	/* a plain write that is not worth copying */
#define ROUNDS_MAX 4		/* of ready connections before the loop polls again */

enum { LIST_NONE = 0, LIST_DIRTY = 1, LIST_READY = 2 };

struct conn {
	struct conn_hub *hub;
	int fd;
	struct addr peer;
	uint64_t id;
	const struct conn_ops *ops;	/* NULL: let go of, lingering */
	void *owner;
	SSL *ssl;
	void (*ssl_stop)(SSL **);
	bool handshaking;
	bool tls_failed;
	unsigned alert;
	char tls_error[96];

	ev_io reader, writer;
	struct buf held;	/* plaintext, not taken by the owner */
	struct buf cipher;	/* records behind it, not decrypted yet */
	struct buf out;
	bool paused;
	bool full;		/* the owner was told, or asked and heard */
	bool eof;		/* no more will be read from the socket */
	bool eof_told;
	enum conn_end eof_kind;
	bool shut_wanted, shut_done;
	enum conn_end shut_how;
	bool broken;		/* the socket takes nothing any more */
	bool overflow;		/* ... because the peer did not read for too long */
	bool freed;
	bool trimmed;		/* TLS's buffers were given back since the last byte in */
	unsigned lists;
	double deadline;	/* loop time; 0: none */
	double idle_s;		/* > 0: the deadline moves with every byte */
	double active;
	uint64_t bytes_in, bytes_out;

	LIST_ENTRY(conn) link;
	TAILQ_ENTRY(conn) dirty_link, ready_link;
};

struct conn_hub {
	struct worker *worker;
	struct ev_loop *loop;
	uint8_t *input;
	uint8_t *plain;
	/* What the BIO of the connection being fed reads from. */
	const struct conn *feeding;
	const uint8_t *feed;
	size_t feed_len;
	/* Small writes of one connection. */
	struct conn *corked;
	size_t cork_len;
	uint8_t cork[RECORD_BYTES];

	LIST_HEAD(, conn) all;
	LIST_HEAD(, conn) graveyard;
	TAILQ_HEAD(conn_list, conn) dirty, ready;
	size_t count;
	uint64_t last_id;
	struct buf pool[POOL_MAX];
	size_t pooled;
	BIO_METHOD *bio;
	ev_prepare turn;
	ev_idle busy;
	ev_timer sweep;
};

static void deliver(struct conn *c);
static void mark_dirty(struct conn *c);
static void discard(struct conn *c);

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

static void
give_out_buffer(struct conn *c)
{
	struct conn_hub *hub = c->hub;

	if (c->out.mem == NULL)
		return;
	if (hub->pooled < POOL_MAX && c->out.cap <= POOL_CAP_MAX) {
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
		c->active = ev_now(c->hub->loop);
		return (size_t)sent;
	}
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		c->broken = true;
	return 0;
}

/*
 * Large output goes out in pieces that still lie in the cache.  Nobody is told
 * from here; flush() does that when the turn ends.
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
	mark_dirty(c);
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

static BIO_METHOD *
make_bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "mitmd conn");

	CHECK(m != NULL && BIO_meth_set_read_ex(m, bio_read) && BIO_meth_set_write_ex(m, bio_write) &&
	    BIO_meth_set_ctrl(m, bio_ctrl));
	return m;
}

/* ---- lists ---- */

static void
mark_dirty(struct conn *c)
{
	if (c->lists & LIST_DIRTY)
		return;
	c->lists |= LIST_DIRTY;
	TAILQ_INSERT_TAIL(&c->hub->dirty, c, dirty_link);
}

static void
mark_ready(struct conn *c)
{
	if (c->lists & LIST_READY)
		return;
	c->lists |= LIST_READY;
	TAILQ_INSERT_TAIL(&c->hub->ready, c, ready_link);
}

/* Everything but the memory, which later code of this turn may still look at. */
static void
bury(struct conn *c)
{
	struct conn_hub *hub = c->hub;

	if (c->freed)
		return;
	c->freed = true;
	c->ops = NULL;
	if (hub->corked == c) {
		hub->corked = NULL;
		hub->cork_len = 0;
	}
	ev_io_stop(hub->loop, &c->reader);
	ev_io_stop(hub->loop, &c->writer);
	if (c->lists & LIST_DIRTY)
		TAILQ_REMOVE(&hub->dirty, c, dirty_link);
	if (c->lists & LIST_READY)
		TAILQ_REMOVE(&hub->ready, c, ready_link);
	c->lists = LIST_NONE;
	fd_close(&c->fd);
	LIST_REMOVE(c, link);
	LIST_INSERT_HEAD(&hub->graveyard, c, link);
	if (--hub->count == 0)
		ev_timer_stop(hub->loop, &hub->sweep);
}

static void
conn_free(struct conn *c)
{
	if (c->ssl != NULL)
		c->ssl_stop(&c->ssl);
	buf_free(&c->held);
	buf_free(&c->cipher);
	give_out_buffer(c);
	free(c);
}

/* ---- endings ---- */

static void
tell_end(struct conn *c)
{
	const struct conn_ops *ops = c->ops;

	if (c->eof_told || ops == NULL)
		return;
	c->eof_told = true;
	ops->ended(c->owner, c, c->eof_kind);
}

static void
note_end(struct conn *c, enum conn_end kind)
{
	if (!c->eof) {
		c->eof = true;
		c->eof_kind = kind;
	}
	ev_io_stop(c->hub->loop, &c->reader);
	if (kind == CONN_END_RESET)
		c->broken = true;
}

static void
note_tls_failure(struct conn *c)
{
	unsigned long e = ERR_peek_last_error();
	const char *text = e != 0 ? ERR_reason_error_string(e) : NULL;
	int reason = ERR_GET_REASON(e);

	c->tls_failed = true;
	if (ERR_GET_LIB(e) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET &&
	    reason < SSL_AD_REASON_OFFSET + 256)
		c->alert = (unsigned)(reason - SSL_AD_REASON_OFFSET);
	(void)snprintf(c->tls_error, sizeof(c->tls_error), "%s", text != NULL ? text : "TLS failure");
	ERR_clear_error();
}

/* ---- the way in ---- */

/* Keep what the owner did not take. */
static void
hold(struct buf *b, const uint8_t *p, size_t n)
{
	if (n > 0)
		buf_put(b, p, n);
}

/* Give plaintext to the owner; false when it did not take all of it. */
static bool
offer(struct conn *c, const uint8_t *p, size_t n)
{
	void *owner = c->owner;
	size_t used;

	if (c->ops == NULL)
		return true;
	c->bytes_in += n;
	used = c->ops->data(c->owner, c, p, n);
	CHECK(used <= n);
	if (c->freed || c->ops == NULL || used == n)
		return true;
	c->bytes_in -= n - used;
	hold(&c->held, p + used, n - used);
	c->paused = true;
	ev_io_stop(c->hub->loop, &c->reader);
	if (c->owner != owner)
		conn_resume(c);	/* handed on inside the callback: the next owner wants it */
	return false;
}

static void
tls_ended(struct conn *c, int err)
{
	if (err == SSL_ERROR_ZERO_RETURN) {
		note_end(c, CONN_END_CLEAN);
	} else if (c->eof && (err == SSL_ERROR_SYSCALL ||
	    ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)) {
		c->eof_kind = CONN_END_TRUNCATED;
		ERR_clear_error();
	} else {
		note_tls_failure(c);
		note_end(c, CONN_END_TLS);
		c->eof_kind = CONN_END_TLS;
	}
	tell_end(c);
}

/* false: nothing more to do with this input now. */
static bool
tls_handshake(struct conn *c)
{
	int r, err;

	ERR_clear_error();
	r = SSL_do_handshake(c->ssl);
	if (r == 1) {
		c->handshaking = false;
		if (c->ops != NULL)
			c->ops->secured(c->owner, c);
		return !c->freed;
	}
	err = SSL_get_error(c->ssl, r);
	if (err != SSL_ERROR_WANT_READ)
		tls_ended(c, err);
	return false;
}

/*
 * Under SSL_MODE_RELEASE_BUFFERS too, a ticket that is read leaves a buffer for
 * writing behind, until something is written.
 */
static void
trim(struct conn *c)
{
	c->trimmed = true;
	(void)SSL_free_buffers(c->ssl);
}

static void
tls_decrypt(struct conn *c)
{
	while (!c->freed && !c->eof_told && c->ssl != NULL) {
		size_t got = 0;
		int r, err;

		if (c->handshaking) {
			if (!tls_handshake(c))
				return;
			continue;
		}
		/* What is held comes first, also when it was resumed meanwhile. */
		if (c->paused || c->held.len > 0)
			return;
		ERR_clear_error();
		r = SSL_read_ex(c->ssl, c->hub->plain, RECORD_BYTES, &got);
		if (r == 1) {
			(void)offer(c, c->hub->plain, got);
			/* To be told that there is no more costs as much as a small record. */
			if (!c->freed && !c->eof && c->hub->feed_len == 0 && !SSL_has_pending(c->ssl))
				return;
			continue;
		}
		err = SSL_get_error(c->ssl, r);
		if (err != SSL_ERROR_WANT_READ)
			tls_ended(c, err);
		else
			trim(c);
		return;
	}
}

/* Decrypt from p; what cannot be used now is kept as ciphertext. */
static void
tls_input(struct conn *c, const uint8_t *p, size_t n)
{
	struct conn_hub *hub = c->hub;

	hub->feeding = c;
	hub->feed = p;
	hub->feed_len = n;
	tls_decrypt(c);
	if (!c->freed && !c->eof_told && hub->feed_len > 0)
		hold(&c->cipher, hub->feed, hub->feed_len);
	hub->feeding = NULL;
	hub->feed_len = 0;
}

static void
input(struct conn *c, const uint8_t *p, size_t n)
{
	if (c->ssl != NULL)
		tls_input(c, p, n);
	else
		(void)offer(c, p, n);
}

static void
on_readable(struct ev_loop *loop, ev_io *w, int events UNUSED)
{
	struct conn *c = w->data;
	ssize_t n;

	n = recv(c->fd, c->hub->input, INPUT_BYTES, 0);
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return;
	if (n > 0) {
		if (c->ops == NULL)
			return;	/* lingering: discard */
		c->active = ev_now(loop);
		c->trimmed = false;
		input(c, c->hub->input, (size_t)n);
		return;
	}
	note_end(c, n == 0 ? CONN_END_CLEAN : CONN_END_RESET);
	if (c->ops == NULL) {
		discard(c);
		return;
	}
	if (n == 0 && c->ssl != NULL && !c->tls_failed)
		tls_input(c, NULL, 0);	/* tells close_notify from truncation */
	if (!c->freed)
		tell_end(c);
}

/* From the ready list: what is held, then the end if it was reached meanwhile. */
static void
deliver(struct conn *c)
{
	struct buf mine;

	if (c->paused || c->ops == NULL)
		return;
	if (c->held.len > 0) {
		mine = c->held;
		buf_init(&c->held, 0);
		(void)offer(c, buf_data(&mine), mine.len);
		buf_free(&mine);
	}
	if (c->freed || c->paused || c->ops == NULL || c->held.len > 0)
		return;
	if (c->ssl != NULL) {
		mine = c->cipher;
		buf_init(&c->cipher, 0);
		tls_input(c, buf_data(&mine), mine.len);
		buf_free(&mine);
	}
	if (c->freed || c->paused || c->ops == NULL || c->held.len > 0)
		return;
	if (c->eof)
		tell_end(c);
	else
		ev_io_start(c->hub->loop, &c->reader);
}

/* ---- the way out ---- */

static void
encrypt(struct conn *c, const void *p, size_t n)
{
	size_t put;

	ERR_clear_error();
	if (SSL_write_ex(c->ssl, p, n, &put) != 1 || put != n) {
		/* Memory always takes it: the connection itself is broken. */
		note_tls_failure(c);
		c->broken = true;
	}
}

static void
uncork(struct conn_hub *hub)
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
		uncork(hub);
	while (n > 0 && !c->broken) {
		size_t take;

		if (hub->cork_len == 0 && n >= RECORD_BYTES) {
			encrypt(c, p, RECORD_BYTES);
			p += RECORD_BYTES;
			n -= RECORD_BYTES;
			continue;
		}
		take = MIN(n, RECORD_BYTES - hub->cork_len);
		memcpy(hub->cork + hub->cork_len, p, take);
		hub->corked = c;
		hub->cork_len += take;
		p += take;
		n -= take;
		if (hub->cork_len == RECORD_BYTES)
			uncork(hub);
	}
	mark_dirty(c);
}

void
conn_write(struct conn *c, const void *p, size_t n)
{
	if (n == 0 || c->broken || c->shut_wanted || c->freed)
		return;
	c->bytes_out += n;
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
		c->bytes_out += sent;
		p += sent;
		n -= sent;
		mark_dirty(c);	/* tells of a failure */
	}
	conn_write(c, p, n);
}

bool
conn_full(const struct conn *c)
{
	return c->full;
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
	c->deadline = ev_now(c->hub->loop) + LINGER_SECONDS;
	if (c->eof)
		bury(c);
}

/* Send what is there; the rest when the socket takes it. */
static void
flush(struct conn *c)
{
	struct ev_loop *loop = c->hub->loop;

	if (c->hub->corked == c)
		uncork(c->hub);
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
		give_out_buffer(c);
		if (c->ops == NULL) {
			bury(c);
			return;
		}
		if (c->tls_failed || c->overflow)
			note_end(c, c->overflow ? CONN_END_RESET : CONN_END_TLS);
		/* What the peer sent before its end is still read first: it may explain it. */
		if (c->eof_told)
			c->ops->ended(c->owner, c, CONN_END_RESET);
		else if (c->eof)
			tell_end(c);
		else if (c->paused)
			note_end(c, CONN_END_RESET);
		return;
	}
	give_out_buffer(c);
	finish_shutdown(c);
}

static void
tell_writable(struct conn *c)
{
	if (!c->full || c->out.len > CONN_LOW || c->freed)
		return;
	c->full = false;
	if (c->ops != NULL && !c->broken)
		c->ops->writable(c->owner, c);
}

static void
on_writable(struct ev_loop *loop UNUSED, ev_io *w, int events UNUSED)
{
	struct conn *c = w->data;

	flush(c);
	if (!c->freed)
		tell_writable(c);
}

/* ---- the end of a loop turn ---- */

static void
flush_dirty(struct conn_hub *hub)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&hub->dirty)) != NULL) {
		TAILQ_REMOVE(&hub->dirty, c, dirty_link);
		c->lists &= ~(unsigned)LIST_DIRTY;
		flush(c);
		if (!c->freed)
			tell_writable(c);
	}
}

static void
deliver_ready(struct conn_hub *hub)
{
	struct conn_list now = TAILQ_HEAD_INITIALIZER(now);
	struct conn *c;
	size_t n = 0;

	TAILQ_FOREACH(c, &hub->ready, ready_link)
		n++;
	while (n-- > 0 && (c = TAILQ_FIRST(&hub->ready)) != NULL) {
		TAILQ_REMOVE(&hub->ready, c, ready_link);
		c->lists &= ~(unsigned)LIST_READY;
		deliver(c);
	}
}

static void
on_turn(struct ev_loop *loop, ev_prepare *w, int events UNUSED)
{
	struct conn_hub *hub = w->data;
	struct conn *c;
	int rounds = 0;

	do {
		deliver_ready(hub);
		flush_dirty(hub);
	} while (++rounds < ROUNDS_MAX && !TAILQ_EMPTY(&hub->ready));
	/* Others get their turn, but the loop must not sleep. */
	if (TAILQ_EMPTY(&hub->ready))
		ev_idle_stop(loop, &hub->busy);
	else
		ev_idle_start(loop, &hub->busy);
	worker_turn(hub->worker);
	while ((c = LIST_FIRST(&hub->graveyard)) != NULL) {
		LIST_REMOVE(c, link);
		conn_free(c);
	}
}

static void
on_busy(struct ev_loop *loop UNUSED, ev_idle *w UNUSED, int events UNUSED)
{
}

/* ---- deadlines ---- */

static void
on_sweep(struct ev_loop *loop, ev_timer *w, int events UNUSED)
{
	struct conn_hub *hub = w->data;
	double now = ev_now(loop);
	struct conn *c, *next;

	LIST_FOREACH_SAFE(c, &hub->all, link, next) {
		double deadline = c->idle_s > 0 ? c->active + c->idle_s : c->deadline;

		if (!c->trimmed && c->ssl != NULL && !c->handshaking && now - c->active > TRIM_SECONDS)
			trim(c);
		if (deadline == 0 || now < deadline)
			continue;
		c->deadline = c->idle_s = 0;
		if (c->ops == NULL)
			bury(c);
		else
			c->ops->ended(c->owner, c, CONN_END_TIMEOUT);
		if (next != NULL && next->freed)
			break;	/* the list changed under us: the rest comes in 250 ms */
	}
	worker_sweep(hub->worker);
}

void
conn_deadline(struct conn *c, uint64_t ms, bool idle)
{
	double now = ev_now(c->hub->loop);

	c->idle_s = idle ? (double)ms / 1000 : 0;
	c->deadline = ms == 0 ? 0 : now + (double)ms / 1000;
	c->active = now;
}

/* ---- the rest of the interface ---- */

struct conn *
conn_new(struct worker *worker, int fd, const struct addr *peer, const struct conn_ops *ops,
    void *owner)
{
	struct conn_hub *hub = worker->conns;
	struct conn *c = mem_new(struct conn);
	int on = 1;

	c->hub = hub;
	c->fd = fd;
	c->peer = *peer;
	c->id = ++hub->last_id;
	c->ops = ops;
	c->owner = owner;
	c->active = ev_now(hub->loop);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	ev_io_init(&c->reader, on_readable, fd, EV_READ);
	c->reader.data = c;
	ev_io_init(&c->writer, on_writable, fd, EV_WRITE);
	c->writer.data = c;
	ev_io_start(hub->loop, &c->reader);
	LIST_INSERT_HEAD(&hub->all, c, link);
	if (hub->count++ == 0)
		ev_timer_again(hub->loop, &hub->sweep);
	return c;
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
	c->paused = false;
	mark_ready(c);
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

void
conn_pause(struct conn *c)
{
	if (c->freed)
		return;
	c->paused = true;
	ev_io_stop(c->hub->loop, &c->reader);
}

void
conn_resume(struct conn *c)
{
	if (c->freed || (!c->paused && c->held.len == 0))
		return;
	c->paused = false;
	mark_ready(c);
}

bool
conn_ended(const struct conn *c)
{
	return c->eof_told;
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
	c->bytes_in -= MIN(c->bytes_in, s.n);
	conn_pause(c);
	conn_resume(c);
}

struct str
conn_held(const struct conn *c)
{
	return c->held.len > 0 ? buf_str(&c->held) : STR_NONE;
}

void
conn_shutdown(struct conn *c, enum conn_end how)
{
	if (c->shut_wanted || c->freed)
		return;
	if (c->hub->corked == c)
		uncork(c->hub);
	if (how == CONN_END_CLEAN && c->ssl != NULL && !c->handshaking && !c->tls_failed) {
		ERR_clear_error();
		(void)SSL_shutdown(c->ssl);
		ERR_clear_error();
	}
	c->shut_wanted = true;
	c->shut_how = how;
	mark_dirty(c);
}

/* Lingering and nothing left to send or wait for. */
static void
discard(struct conn *c)
{
	if (c->out.len == 0 || c->broken)
		bury(c);
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
	c->owner = NULL;
	if (c->broken || (c->eof && c->out.len == 0 && c->hub->corked != c)) {
		if (c->eof && !c->broken)
			flush(c);
		bury(c);
		return;
	}
	buf_free(&c->held);
	buf_free(&c->cipher);
	c->paused = false;
	c->active = ev_now(c->hub->loop);
	c->idle_s = FLUSH_SECONDS;	/* finish_shutdown() makes it LINGER_SECONDS */
	if (!c->eof)
		ev_io_start(c->hub->loop, &c->reader);
	mark_dirty(c);
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
	bury(c);
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

uint64_t
conn_bytes_in(const struct conn *c)
{
	return c->bytes_in;
}

uint64_t
conn_bytes_out(const struct conn *c)
{
	return c->bytes_out;
}

struct conn_hub *
conn_hub_new(struct worker *worker, struct ev_loop *loop)
{
	struct conn_hub *hub = mem_new(struct conn_hub);

	hub->worker = worker;
	hub->loop = loop;
	hub->input = mem_alloc(INPUT_BYTES);
	hub->plain = mem_alloc(RECORD_BYTES);
	hub->bio = make_bio_method();
	/* Numbers that no two workers share: a recording mixes their entries. */
	hub->last_id = ((uint64_t)worker->proc->slot + 1) * 1000000000u;
	LIST_INIT(&hub->all);
	LIST_INIT(&hub->graveyard);
	TAILQ_INIT(&hub->dirty);
	TAILQ_INIT(&hub->ready);
	ev_prepare_init(&hub->turn, on_turn);
	hub->turn.data = hub;
	ev_prepare_start(loop, &hub->turn);
	ev_idle_init(&hub->busy, on_busy);
	ev_timer_init(&hub->sweep, on_sweep, SWEEP_SECONDS, SWEEP_SECONDS);
	hub->sweep.data = hub;
	return hub;
}

void
conn_hub_free(struct conn_hub **phub)
{
	struct conn_hub *hub = *phub;
	struct conn *c;

	*phub = NULL;
	while ((c = LIST_FIRST(&hub->all)) != NULL)
		bury(c);
	while ((c = LIST_FIRST(&hub->graveyard)) != NULL) {
		LIST_REMOVE(c, link);
		conn_free(c);
	}
	while (hub->pooled > 0)
		buf_free(&hub->pool[--hub->pooled]);
	ev_prepare_stop(hub->loop, &hub->turn);
	ev_idle_stop(hub->loop, &hub->busy);
	ev_timer_stop(hub->loop, &hub->sweep);
	BIO_meth_free(hub->bio);
	free(hub->input);
	free(hub->plain);
	free(hub);
}

size_t
conn_hub_count(const struct conn_hub *hub)
{
	return hub->count;
}
