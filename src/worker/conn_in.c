/* SPDX-License-Identifier: ISC */
/*
 * conn_in.c - the way in: recv() into the hub's input buffer; under TLS that is
 * what the BIO reads from, and plaintext comes out record by record into the
 * hub's plain buffer.  What the owner does not take is held: plaintext in `held`,
 * ciphertext behind it in `cipher`.
 * Runs in: worker.
 */
#include "config.h"

#include "worker/conn_state.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "worker/memory.h"

/* ---- endings ---- */

void
conn_tell_end(struct conn *c)
{
	const struct conn_ops *ops = c->ops;

	if (c->eof_told || ops == NULL)
		return;
	c->eof_told = true;
	ops->ended(c->owner, c, c->eof_kind);
}

void
conn_note_end(struct conn *c, enum conn_end kind)
{
	if (!c->eof) {
		c->eof = true;
		c->eof_kind = kind;
	}
	ev_io_stop(c->hub->loop, &c->reader);
	if (kind == CONN_END_RESET)
		c->broken = true;
}

void
conn_note_tls_failure(struct conn *c)
{
	unsigned long e = ERR_peek_last_error();
	const char *text = e != 0 ? ERR_reason_error_string(e) : NULL;
	int reason = ERR_GET_REASON(e);

	c->tls_failed = true;
	if (ERR_GET_LIB(e) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET &&
	    reason < SSL_AD_REASON_OFFSET + 256)
		c->alert = (unsigned)(reason - SSL_AD_REASON_OFFSET);
	(void)snprintf(c->tls_error, sizeof(c->tls_error), "%s",
	    text != NULL ? text : "TLS failure");
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
	c->gave = true;
	used = c->ops->data(c->owner, c, p, n);
	CHECK(used <= n);
	if (c->freed || c->ops == NULL || used == n)
		return true;
	hold(&c->held, p + used, n - used);
	c->paused = true;
	ev_io_stop(c->hub->loop, &c->reader);
	if (c->owner != owner)
		conn_resume(c);	/* handed on inside the callback: the next owner wants it */
	return false;
}

/* Of what it owes, the peer has sent so much: without TLS's own share. */
static void
credit(struct conn *c, size_t n)
{
	if (c->sending != 0)
		c->sending = conn_pace(c->sending, n, clock_mono_s());
}

static void
tls_ended(struct conn *c, int err)
{
	if (err == SSL_ERROR_ZERO_RETURN) {
		conn_note_end(c, CONN_END_CLEAN);
	} else if (c->eof && (err == SSL_ERROR_SYSCALL ||
	    ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)) {
		c->eof_kind = CONN_END_TRUNCATED;
		ERR_clear_error();
	} else {
		conn_note_tls_failure(c);
		conn_note_end(c, CONN_END_TLS);
		c->eof_kind = CONN_END_TLS;
	}
	conn_tell_end(c);
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
void
conn_trim(struct conn *c)
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
		r = SSL_read_ex(c->ssl, c->hub->plain, CONN_RECORD_BYTES, &got);
		if (r == 1) {
			credit(c, got);
			(void)offer(c, c->hub->plain, got);
			/* To be told that there is no more costs as much as a small record. */
			if (!c->freed && !c->eof && c->hub->feed_len == 0 &&
			    !SSL_has_pending(c->ssl))
				return;
			continue;
		}
		err = SSL_get_error(c->ssl, r);
		if (err != SSL_ERROR_WANT_READ)
			tls_ended(c, err);
		else
			conn_trim(c);
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
	if (c->ssl != NULL) {
		tls_input(c, p, n);
		return;
	}
	credit(c, n);
	(void)offer(c, p, n);
}

/* n bytes are in the hub's input buffer. */
static void
took_in(struct conn *c, size_t n)
{
	double before = c->active, now = clock_mono_s();

	c->active = now;
	c->trimmed = false;
	c->gave = c->ssl == NULL || c->handshaking;
	input(c, c->hub->input, n);
	/* The rest of a record is owed: a byte of it now and then is no life. */
	if (!c->freed && !c->gave)
		c->active = conn_pace(before, n, now);
}

void
conn_on_readable(struct ev_loop *loop UNUSED, ev_io *w, int events UNUSED)
{
	struct conn *c = w->data;
	double now = clock_mono_s();
	ssize_t n;

	if (!memory_may_read(c->hub->worker->memory, now))
		return;
	n = recv(c->fd, c->hub->input, CONN_INPUT_BYTES, 0);
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return;
	if (n > 0) {
		counter_add(&c->bytes[DIRECTION_IN], n);
		if (c->count != NULL)
			c->count->received += (size_t)n;
		if (c->ops == NULL)
			return;	/* lingering: discard */
		took_in(c, (size_t)n);
		return;
	}
	conn_note_end(c, n == 0 ? CONN_END_CLEAN : CONN_END_RESET);
	if (c->ops == NULL) {
		conn_discard(c);
		return;
	}
	if (n == 0 && c->ssl != NULL && !c->tls_failed)
		tls_input(c, NULL, 0);	/* tells close_notify from truncation */
	if (!c->freed)
		conn_tell_end(c);
}

/* From the ready list: what is held, then the end if it was reached meanwhile. */
void
conn_deliver(struct conn *c)
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
		conn_tell_end(c);
	else
		ev_io_start(c->hub->loop, &c->reader);
}
