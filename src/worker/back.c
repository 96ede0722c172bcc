/* SPDX-License-Identifier: ISC */
/* back.c - see back.h.  Runs in: worker. */
#include "config.h"

#include "worker/back.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "http/h1_read.h"
#include "http/h1_write.h"
#include "worker/worker_state.h"

#define INFORMATIONAL_MAX 100	/* 1xx responses to one request */

struct back {
	struct worker *worker;
	struct conn *conn;
	const struct back_ops *ops;
	void *host;
	struct h1_reader *reader;
	struct flow *flow;		/* on its way; NULL: idle */
	enum h1_framing framing;	/* of the request */
	unsigned informational;
	unsigned served;		/* flows that went over it before */
	bool reading;			/* the response's first byte has come */
	bool response_done;
	bool close_after;		/* the response said so */
	bool upgrading;
	bool ended;			/* the origin sends no more */
	enum conn_end end_kind;
	bool dead;			/* freed; the memory stays until the loop turn ends */
};

/* ---- the request ---- */

static void
end_head(void *end, struct flow *f, const struct message *m)
{
	struct back *b = end;
	struct buf *out;
	struct h1_write w = {
	    .version = HTTP_VERSION_1_1, .connection = -1, .upgrade = m->upgrade};

	CHECK(b->flow == NULL);
	b->flow = f;
	b->reading = b->response_done = b->close_after = b->upgrading = false;
	b->informational = 0;
	b->framing = h1_write_framing(m, HTTP_VERSION_1_1, false);
	w.framing = b->framing;
	out = worker_scratch(b->worker);
	h1_write_head(out, m, &w);
	conn_write(b->conn, buf_data(out), out->len);
	h1_reader_next(b->reader, &f->response);
	conn_deadline(b->conn, 0, false);	/* the client's connection has the idle timer */
}

static bool
end_body(void *end, struct flow *f UNUSED, const uint8_t *p, size_t n)
{
	struct back *b = end;
	char size[20];

	if (b->framing == H1_FRAME_CHUNKED) {
		conn_write(b->conn, size, h1_write_chunk_head(size, n));
		conn_write(b->conn, p, n);
		conn_write(b->conn, "\r\n", 2);
	} else {
		conn_write(b->conn, p, n);
	}
	return !conn_full(b->conn);
}

static void
end_end(void *end, struct flow *f UNUSED, const struct fields *trailers)
{
	struct back *b = end;
	struct buf *out;

	if (b->framing != H1_FRAME_CHUNKED)
		return;
	out = worker_scratch(b->worker);
	h1_write_last_chunk(out, trailers);
	conn_write(b->conn, buf_data(out), out->len);
}

static void
end_informational(void *end UNUSED, struct flow *f UNUSED, const struct message *m UNUSED)
{
	CHECK(!"requests have no 1xx");
}

static void
end_pause(void *end, struct flow *f UNUSED, bool on)
{
	struct back *b = end;

	if (on)
		conn_pause(b->conn);
	else
		conn_resume(b->conn);
}

static void
tell_ended(struct back *b, enum conn_end how)
{
	b->ops->ended(b->host, b, how);
}

static void
end_finished(void *end, struct flow *f UNUSED, bool whole, enum conn_end how)
{
	struct back *b = end;

	b->flow = NULL;
	b->served++;
	if (b->upgrading || b->dead)
		return;
	if (!whole) {
		tell_ended(b, b->ended ? b->end_kind : how);
		return;
	}
	if (b->ended || b->close_after)
		tell_ended(b, b->ended ? b->end_kind : CONN_END_CLEAN);
	else
		conn_resume(b->conn);
}

const struct flow_end_ops back_end_ops = {.head = end_head, .informational = end_informational,
    .body = end_body, .end = end_end, .pause = end_pause, .finished = end_finished};

/* ---- the response ---- */

static enum h1_body
on_head(void *arg, struct message *m)
{
	struct back *b = arg;
	struct flow *f = b->flow;

	if (m->status == 101 && f->request.upgrade) {
		b->upgrading = true;
		return H1_BODY_TUNNEL;
	}
	if (m->status < 200)
		return H1_BODY_NONE;
	if (f->request.is_head || m->status == 204 || m->status == 304)
		return H1_BODY_NONE;	/* the head is told when it is settled, see on_end() */
	b->close_after = !m->keep_alive;
	flow_head(f, FLOW_BACK);
	return H1_BODY_AS_FRAMED;
}

static void
on_body(void *arg, const uint8_t *p, size_t n)
{
	struct back *b = arg;

	if (b->flow != NULL)
		flow_body(b->flow, FLOW_BACK, p, n);
}

/* For the answer on a proxy hop (RFC 9209 2.3). */
static void
say_proxy_status(struct flow *f, const char *error)
{
	(void)snprintf(f->reply_extra, sizeof(f->reply_extra),
	    "Proxy-Status: mitmd; error=%s\r\n", error);
}

/* A 1xx went by: on to the next head. */
static void
informational_done(struct back *b)
{
	struct flow *f = b->flow;
	struct message m;

	if (f->response.status == 101 || ++b->informational > INFORMATIONAL_MAX) {
		say_proxy_status(f, "http_protocol_error");
		flow_fail(f, FLOW_BACK, CONN_END_CLEAN, "bad response: %s",
		    f->response.status == 101 ? "101 that nobody asked for" : "no end of 1xx");
		return;
	}
	m = f->informational;
	f->informational = f->response;
	f->response = m;
	message_clear(&f->response);
	flow_informational(f);
	if (b->flow == f)
		h1_reader_next(b->reader, &f->response);
}

static void
on_end(void *arg, struct message *m)
{
	struct back *b = arg;
	struct flow *f = b->flow;

	if (f == NULL)
		return;
	if (b->upgrading) {
		flow_head(f, FLOW_BACK);
		flow_become_tunnel(f, "upgrade");
		b->ops->upgraded(b->host, b, f);
		return;
	}
	if (m->status < 200) {
		informational_done(b);
		return;
	}
	if (!flow_response_begun(f)) {
		b->close_after = !m->keep_alive;
		flow_head(f, FLOW_BACK);
	}
	b->response_done = true;
	if (b->flow == f)
		flow_end(f, FLOW_BACK);
}

static const struct h1_reader_ops reader_ops = {
    .on_head = on_head, .on_body = on_body, .on_end = on_end};

static void
broken_response(struct back *b)
{
	const struct h1_error *e = h1_reader_error(b->reader);
	struct str raw = h1_reader_pending(b->reader);
	struct flow *f = b->flow;

	if (f == NULL)
		return;
	if (raw.n > 0)
		buf_puts(&f->raw_head, raw);
	say_proxy_status(f, "http_protocol_error");
	flow_fail(f, FLOW_BACK, CONN_END_CLEAN, "bad response: %s", e->text);
}

static size_t
on_data(void *owner, struct conn *c UNUSED, const uint8_t *p, size_t n)
{
	struct back *b = owner;
	size_t used = 0;

	while (used < n) {
		size_t took = 0;
		int err;

		if (b->flow == NULL || b->response_done) {
			/* Bytes nobody asked for: out of step from here on. */
			b->ended = true;
			b->end_kind = CONN_END_CLEAN;
			if (b->flow == NULL)
				tell_ended(b, CONN_END_CLEAN);
			return n;
		}
		b->reading = true;
		err = h1_reader_feed(b->reader, p + used, n - used, &took);
		used += took;
		if (b->upgrading)
			return used;	/* the rest belongs to the tunnel */
		if (b->dead)
			return n;
		if (err != 0) {
			broken_response(b);
			return n;
		}
	}
	return used;
}

static const char *
how_text(const struct conn *c, enum conn_end how)
{
	switch (how) {
	case CONN_END_RESET:
		return "reset the connection";
	case CONN_END_TLS:
		return conn_tls_end(c);
	case CONN_END_TIMEOUT:
		return "timed out";
	default:
		return "closed the connection";
	}
}

/* RFC 9110 9.2.2: what may be sent again without being asked. */
static bool
may_repeat(const struct message *m)
{
	static const struct str methods[] = {
	    STR("GET"), STR("HEAD"), STR("OPTIONS"), STR("TRACE"), STR("PUT"), STR("DELETE")};
	size_t i;

	for (i = 0; i < NELEM(methods); i++)
		if (str_eq(m->method, methods[i]))
			return !m->has_body;
	return false;
}

static void
on_ended(void *owner, struct conn *c, enum conn_end how)
{
	struct back *b = owner;
	struct flow *f = b->flow;

	b->ended = true;
	b->end_kind = how;
	if (f == NULL) {
		tell_ended(b, how);
		return;
	}
	if (b->response_done) {
		/* Only the request is left. Room for it never comes where nothing is read. */
		if (how == CONN_END_RESET || how == CONN_END_TLS)
			flow_writable(f, FLOW_BACK);
		return;
	}
	if (!b->reading && b->served > 0 && may_repeat(&f->request)) {
		b->flow = NULL;
		if (b->ops->lost(b->host, b, f))
			return;
		b->flow = f;
	}
	if (how == CONN_END_CLEAN || how == CONN_END_TRUNCATED) {
		/*
		 * The end of the connection may be the end of the body (RFC 9112 6.3);
		 * behind a 1xx it is the end of nothing.
		 */
		if (h1_reader_state(b->reader) == H1_IN_BODY && h1_reader_eof(b->reader) == 0)
			return;
	}
	say_proxy_status(f, "http_response_incomplete");
	flow_fail(f, FLOW_BACK, how, "origin %s %s", how_text(c, how),
	    flow_response_begun(f) ? "in the middle of the response" : "before the response");
}

static void
on_writable(void *owner, struct conn *c UNUSED)
{
	struct back *b = owner;

	if (b->flow != NULL)
		flow_writable(b->flow, FLOW_BACK);
}

static void
on_secured(void *owner UNUSED, struct conn *c UNUSED)
{
	CHECK(!"TLS begins before HTTP does");
}

static const struct conn_ops conn_ops_h1 = {
    .data = on_data, .ended = on_ended, .writable = on_writable, .secured = on_secured};

/* ---- the rest of the interface ---- */

struct back *
back_new(struct worker *w, struct conn **conn, bool relaxed, const struct back_ops *ops,
    void *host)
{
	struct back *b = mem_new(struct back);
	struct h1_limits limits = {.header_size = w->conf->limits.header_size,
	    .header_count = w->conf->limits.header_count, .relaxed = relaxed};

	b->worker = w;
	b->conn = *conn;
	*conn = NULL;
	b->ops = ops;
	b->host = host;
	b->reader = h1_reader_new(H1_RESPONSES, &limits, &reader_ops, b);
	conn_set_owner(b->conn, &conn_ops_h1, b);
	conn_resume(b->conn);
	return b;
}

static void
destroy(void *p)
{
	struct back *b = p;

	h1_reader_free(&b->reader);
	free(b);
}

void
back_free(struct back **pb)
{
	struct back *b = *pb;

	*pb = NULL;
	if (b == NULL)
		return;
	CHECK(b->flow == NULL || flow_finishing(b->flow));
	b->dead = true;
	b->flow = NULL;
	conn_close(&b->conn);
	worker_bury(b->worker, b, destroy);
}

size_t
back_held(const struct back *b)
{
	return b == NULL ? 0 : conn_held(b->conn);
}

bool
back_idle(const struct back *b)
{
	return b->flow == NULL && !b->ended;
}

struct conn *
back_conn(struct back *b)
{
	return b->conn;
}

struct conn *
back_take_conn(struct back *b)
{
	struct conn *c = b->conn;

	b->conn = NULL;
	return c;
}
