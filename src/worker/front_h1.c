/* SPDX-License-Identifier: ISC */
/* front_h1.c - see front_h1.h.  Runs in: worker. */
#include "config.h"

#include "worker/front_h1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "http/h1_read.h"
#include "http/h1_write.h"
#include "worker/sniff.h"
#include "worker/worker_state.h"

/* Requests of one read: flows rest until the turn ends, and others wait for theirs. */
#define BATCH_MAX 32
/* A client that has just come is about to ask, even while we stop. */
#define FIRST_SECONDS 1.0

struct front_h1 {
	struct worker *worker;
	struct conn *conn;
	enum front_h1_kind kind;
	const struct front_h1_ops *ops;
	void *host;
	struct h1_reader *reader;
	struct flow *flow;		/* being read or answered; NULL: idle */
	bool request_read;
	bool keep;			/* the connection lives on after this response */
	bool head_written;
	enum h1_framing framing;
	bool client_ended;
	bool choked; /* the next request waits until earlier answers are read */
	bool closing;			/* our last response is out */
	bool dead;			/* freed; the memory stays until the loop turn ends */
	double idle_since;
	bool served;			/* there was a request */
	bool is_h1;			/* its first bytes were looked at */
	struct buf first;		/* these, while they may become HTTP/2's preface */
};

static void finished(void *end, struct flow *, bool whole, enum conn_end how);

/* ---- what we write ---- */

static const char *
status_text(unsigned status)
{
	switch (status) {
	case 200: return "Connection established";
	case 400: return "Bad Request";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 407: return "Proxy Authentication Required";
	case 408: return "Request Timeout";
	case 414: return "URI Too Long";
	case 431: return "Request Header Fields Too Large";
	case 501: return "Not Implemented";
	case 502: return "Bad Gateway";
	case 503: return "Service Unavailable";
	case 504: return "Gateway Timeout";
	case 505: return "HTTP Version Not Supported";
	}
	return "Error";
}

void
front_h1_answer(struct conn *c, unsigned status, const char *extra, const char *text,
    bool keep_alive, bool to_head)
{
	struct buf b = {0};

	buf_printf(&b, "HTTP/1.1 %u %s\r\n", status, status_text(status));
	if (status >= 300)
		buf_printf(&b,
		    "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n"
		    "Cache-Control: no-store\r\n%s",
		    strlen(text) + 8, keep_alive ? "" : "Connection: close\r\n");
	if (status == 407)
		buf_putz(&b,
		    "Proxy-Authenticate: Basic realm=\"mitmd\", charset=\"UTF-8\"\r\n");
	buf_printf(&b, "%s\r\n", extra);
	if (status >= 300 && !to_head)
		buf_printf(&b, "mitmd: %s\n", text);
	conn_write(c, buf_data(&b), b.len);
	buf_free(&b);
}

static void
end_head(void *end, struct flow *f, const struct message *m)
{
	struct front_h1 *h = end;
	bool old = f->request.version == HTTP_VERSION_1_0;
	struct h1_write w = {.version = HTTP_VERSION_1_1};
	struct buf *out;

	h->framing = h1_write_framing(m, f->request.version, f->request.is_head);
	/* Inside a tunnel the client's connection ends as the origin's does. */
	h->keep = f->request.keep_alive && !worker_lets_go(h->worker) && !h->client_ended &&
	    h->framing != H1_FRAME_CLOSE && (h->kind == FRONT_H1_PROXY || m->keep_alive);
	w.framing = h->framing;
	w.connection = !h->keep ? 0 : old ? 1 : -1;
	if (m->status == 101) {
		w.upgrade = true;
		w.connection = -1;
	}
	h->head_written = true;
	out = worker_scratch(h->worker);
	h1_write_head(out, m, &w);
	conn_write(h->conn, buf_data(out), out->len);
}

static void
end_informational(void *end, struct flow *f, const struct message *m)
{
	struct front_h1 *h = end;
	struct h1_write w = {
	    .version = HTTP_VERSION_1_1, .framing = H1_FRAME_NONE, .connection = -1};
	struct buf *out;

	if (f->request.version == HTTP_VERSION_1_0)
		return;	/* RFC 9110 15.2: not to HTTP/1.0 clients */
	out = worker_scratch(h->worker);
	h1_write_head(out, m, &w);
	conn_write(h->conn, buf_data(out), out->len);
}

static bool
end_body(void *end, struct flow *f UNUSED, const uint8_t *p, size_t n)
{
	struct front_h1 *h = end;
	char size[20];

	switch (h->framing) {
	case H1_FRAME_CHUNKED:
		conn_write(h->conn, size, h1_write_chunk_head(size, n));
		conn_write(h->conn, p, n);
		conn_write(h->conn, "\r\n", 2);
		break;
	case H1_FRAME_NONE:
		break;
	default:
		conn_write(h->conn, p, n);
	}
	return !conn_full(h->conn);
}

static void
end_end(void *end, struct flow *f UNUSED, const struct fields *trailers)
{
	struct front_h1 *h = end;
	struct buf *out;

	if (h->framing == H1_FRAME_CHUNKED) {
		out = worker_scratch(h->worker);
		h1_write_last_chunk(out, trailers);
		conn_write(h->conn, buf_data(out), out->len);
	}
	/* An answer before the request's end: the client should stop sending. */
	if (!h->keep && !h->request_read)
		conn_shutdown(h->conn, CONN_END_CLEAN);
}

static void
end_pause(void *end, struct flow *f UNUSED, bool on)
{
	struct front_h1 *h = end;

	if (on)
		conn_pause(h->conn);
	else
		conn_resume(h->conn);
}

static const struct flow_end_ops end_ops = {.head = end_head,
    .informational = end_informational,
    .body = end_body,
    .end = end_end,
    .pause = end_pause,
    .finished = finished};

/* ---- endings ---- */

static void
tell_ended(struct front_h1 *h, enum conn_end how)
{
	h->closing = true;
	h->ops->ended(h->host, how);
}

static void
go_idle(struct front_h1 *h)
{
	h->flow = NULL;
	h->served = true;
	h->idle_since = clock_mono_s();
	conn_deadline(h->conn, TIMEOUT_IDLE, h->worker->conf->timeouts.idle_ms);
	conn_resume(h->conn);	/* a pipelined request may be held */
	h->ops->idle(h->host);
}

/* No response was begun and this hop is ours to speak on. */
static bool
answer_failure(struct front_h1 *h, struct flow *f)
{
	unsigned status = f->reply_status != 0 ? f->reply_status : 502;
	bool keep = f->request.keep_alive && !f->request.has_body && !h->client_ended &&
	    !worker_lets_go(h->worker) && status != 400 && status != 408 && status != 431;

	front_h1_answer(h->conn, status, f->reply_extra, f->error, keep, f->request.is_head);
	return keep;
}

static void
finished(void *end, struct flow *f, bool whole, enum conn_end how)
{
	struct front_h1 *h = end;
	bool may_speak;

	if (h->dead)
		return;
	may_speak = h->kind != FRONT_H1_TLS && !h->head_written && !h->client_ended &&
	    (how != CONN_END_RESET || f->reply_status != 0);

	if (f->tunnel_reason != NULL) {
		h->flow = NULL;	/* the host takes the connection */
		return;
	}
	if (whole) {
		if (h->keep && !h->client_ended)
			go_idle(h);
		else {
			h->flow = NULL;
			tell_ended(h, f->response.until_close && f->aborted ?
			    CONN_END_TRUNCATED : CONN_END_CLEAN);
		}
		return;
	}
	if (may_speak && answer_failure(h, f)) {
		go_idle(h);
		return;
	}
	h->flow = NULL;
	/*
	 * A response that was cut off must not look complete: what is missing shows
	 * (length, last chunk), except where the end of the connection is the end of
	 * the body.
	 */
	if (h->head_written && how == CONN_END_CLEAN)
		how = h->framing == H1_FRAME_CLOSE && h->kind != FRONT_H1_TLS ? CONN_END_RESET :
		    CONN_END_TRUNCATED;
	tell_ended(h, may_speak ? CONN_END_CLEAN : how);
}

/* ---- what we read ---- */

static enum h1_body
on_head(void *arg, struct message *m)
{
	struct front_h1 *h = arg;
	struct flow *f = h->flow;

	conn_deadline(h->conn, TIMEOUT_IDLE, h->worker->conf->timeouts.idle_ms);
	conn_owes(h->conn, m->has_body && m->length > 0 && !m->is_connect);
	h->keep = m->keep_alive;
	if (m->is_connect && h->kind == FRONT_H1_PROXY) {
		h->flow = NULL;
		conn_pause(h->conn);
		h->ops->connect(h->host, f);
		return H1_BODY_TUNNEL;
	}
	flow_head(f, FLOW_FRONT);
	if (m->is_connect) {
		h->ops->describe(h->host, f);
		flow_refuse(f, 405, "CONNECT inside a tunnel");
	} else {
		h->ops->request(h->host, f);
	}
	return H1_BODY_AS_FRAMED;
}

static void
on_body(void *arg, const uint8_t *p, size_t n)
{
	struct front_h1 *h = arg;

	if (h->flow != NULL)
		flow_body(h->flow, FLOW_FRONT, p, n);
}

static void
on_end(void *arg, struct message *m UNUSED)
{
	struct front_h1 *h = arg;

	h->request_read = true;
	conn_owes(h->conn, false);
	if (h->flow != NULL)
		flow_end(h->flow, FLOW_FRONT);
}

static const struct h1_reader_ops reader_ops = {
    .on_head = on_head, .on_body = on_body, .on_end = on_end};

static void
begin_request(struct front_h1 *h)
{
	h->flow = flow_new(h->worker, &end_ops, h);
	h->request_read = h->head_written = false;
	h->keep = true;
	h1_reader_next(h->reader, &h->flow->request);
	conn_deadline(h->conn, TIMEOUT_HEADER, h->worker->conf->timeouts.header_ms);
}

/* Facts that a request without a readable head still has. */
static void
describe(struct front_h1 *h, struct flow *f)
{
	if (f->facts.tag[0] == '\0')
		h->ops->describe(h->host, f);
}

static void
broken_request(struct front_h1 *h)
{
	const struct h1_error *e = h1_reader_error(h->reader);
	struct flow *f = h->flow;
	struct str raw = h1_reader_pending(h->reader);

	if (f == NULL) {
		tell_ended(h, CONN_END_CLEAN);
		return;
	}
	describe(h, f);
	if (raw.n > 0)
		buf_puts(&f->raw_head, raw);
	f->request.keep_alive = false;
	h->keep = false;
	if (h->head_written)
		flow_fail(f, FLOW_FRONT, CONN_END_RESET, "bad request: %s", e->text);
	else
		flow_refuse(f, e->status, "bad request: %s", e->text);
}

/* false: these bytes wait, or are the next owner's. */
static bool
first_bytes(struct front_h1 *h, const uint8_t *p, size_t n)
{
	enum sniffed what = sniff_preface(p, n);

	if (h->first.len == 0 && what == SNIFF_OTHER) {
		h->is_h1 = true;
		return true;
	}
	if (h->first.len == 0)
		conn_deadline(h->conn, TIMEOUT_HEADER, h->worker->conf->timeouts.header_ms);
	buf_put(&h->first, p, n);
	what = sniff_preface(buf_data(&h->first), h->first.len);
	if (what == SNIFF_MORE)
		return false;
	h->is_h1 = true;
	conn_unread(h->conn, buf_str(&h->first));
	buf_free(&h->first);
	if (what == SNIFF_H2)
		h->ops->preface(h->host);
	return false;
}

static size_t
on_data(void *owner, struct conn *c UNUSED, const uint8_t *p, size_t n)
{
	struct front_h1 *h = owner;
	unsigned begun = 0;
	size_t used = 0;

	if (UNLIKELY(!h->is_h1) && !first_bytes(h, p, n))
		return n;
	while (used < n && !h->closing) {
		size_t took = 0;
		int err;

		if (h->flow == NULL) {
			/* Answers that nobody reads must not pile up: see on_writable(). */
			h->choked = conn_full(h->conn);
			if (h->client_ended || h->choked)
				break;
			if (begun++ == BATCH_MAX) {
				conn_unread(h->conn, str_of(p + used, n - used));
				return n;
			}
			begin_request(h);
		} else if (h->request_read) {
			break;	/* pipelined: waits for its turn */
		}
		err = h1_reader_feed(h->reader, p + used, n - used, &took);
		used += took;
		if (h->dead)
			return used;	/* the rest is the next owner's */
		if (err != 0) {
			broken_request(h);
			break;
		}
		if (h->flow == NULL && conn_paused(h->conn))
			break;	/* CONNECT: the rest belongs to the tunnel */
	}
	return h->closing ? n : used;
}

static const char *
moment_of(const struct front_h1 *h)
{
	return h->head_written ? "while the response was under way" :
	    h->request_read ? "before the response" : "in the middle of the request";
}

/* Nothing moved, or the client was too slow. */
static void
out_of_time(struct front_h1 *h)
{
	struct flow *f = h->flow;
	const char *slow = conn_slow_text(conn_late(h->conn));
	const char *who = slow != NULL ? "client " : "", *what = slow != NULL ? slow : "no byte moved";

	describe(h, f);
	if (h->kind != FRONT_H1_TLS && !h->head_written) {
		f->request.keep_alive = false;
		flow_refuse(f, slow != NULL ? 408 : 504, "timeout: %s%s %s", who, what,
		    moment_of(h));
		return;
	}
	h->client_ended = true;
	flow_fail(f, FLOW_FRONT, CONN_END_RESET, "timeout: %s%s %s", who, what, moment_of(h));
}

static void
abort_flow(struct front_h1 *h, enum conn_end how)
{
	struct flow *f = h->flow;
	const char *when = moment_of(h);

	describe(h, f);
	h->client_ended = true;
	flow_fail(f, FLOW_FRONT, how, "client %s %s",
	    how == CONN_END_RESET ? "reset the connection" : "closed the connection", when);
}

static void
header_timeout(struct front_h1 *h)
{
	struct flow *f = h->flow;

	describe(h, f);
	buf_puts(&f->raw_head, h1_reader_pending(h->reader));
	f->request.keep_alive = false;
	flow_refuse(f, 408, "the request's head did not come in time");
}

static void
on_ended(void *owner, struct conn *c UNUSED, enum conn_end how)
{
	struct front_h1 *h = owner;

	if (h->closing)
		return;
	if (h->flow == NULL) {
		tell_ended(h, how == CONN_END_TIMEOUT ? CONN_END_CLEAN : how);
		return;
	}
	if (!h->request_read && h1_reader_state(h->reader) == H1_IDLE) {
		struct flow *f = h->flow;

		h->flow = NULL;	/* nothing but the line ends that may precede a request */
		flow_drop(f);
		tell_ended(h, how == CONN_END_TIMEOUT ? CONN_END_CLEAN : how);
		return;
	}
	if (how == CONN_END_TIMEOUT && h1_reader_state(h->reader) == H1_IN_HEAD) {
		header_timeout(h);
		return;
	}
	if (how == CONN_END_TIMEOUT) {
		out_of_time(h);
		return;
	}
	if (how == CONN_END_CLEAN && h->request_read && !h->client_ended) {
		/* Half-closed: it still reads (RFC 9112 9.6). The origin sees the same. */
		h->client_ended = true;
		h->ops->ended(h->host, CONN_END_CLEAN);
		return;
	}
	abort_flow(h, how);
}

static void
on_writable(void *owner, struct conn *c UNUSED)
{
	struct front_h1 *h = owner;

	if (h->flow != NULL)
		flow_writable(h->flow, FLOW_FRONT);
	else if (h->choked)
		conn_resume(h->conn);
}

static void
on_secured(void *owner UNUSED, struct conn *c UNUSED)
{
	CHECK(!"TLS begins before HTTP does");
}

const struct conn_ops front_h1_conn_ops = {
    .data = on_data, .ended = on_ended, .writable = on_writable, .secured = on_secured};

/* ---- the rest of the interface ---- */

struct front_h1 *
front_h1_new(struct worker *w, struct conn *conn, enum front_h1_kind kind,
    const struct front_h1_ops *ops, void *host)
{
	struct front_h1 *h = mem_new(struct front_h1);
	struct h1_limits limits = {.header_size = w->conf->limits.header_size,
	    .header_count = w->conf->limits.header_count};

	h->worker = w;
	h->conn = conn;
	h->kind = kind;
	h->ops = ops;
	h->host = host;
	h->reader = h1_reader_new(H1_REQUESTS, &limits, &reader_ops, h);
	h->is_h1 = ops->preface == NULL;
	h->idle_since = clock_mono_s();
	conn_set_owner(conn, &front_h1_conn_ops, h);
	conn_deadline(conn, TIMEOUT_IDLE, w->conf->timeouts.idle_ms);
	return h;
}

static void
destroy(void *p)
{
	struct front_h1 *h = p;

	h1_reader_free(&h->reader);
	buf_free(&h->first);
	free(h);
}

void
front_h1_free(struct front_h1 **ph)
{
	struct front_h1 *h = *ph;

	*ph = NULL;
	if (h == NULL)
		return;
	CHECK(h->flow == NULL || flow_finishing(h->flow));
	h->dead = h->closing = true;
	h->flow = NULL;
	worker_bury(h->worker, h, destroy);
}

size_t
front_h1_held(const struct front_h1 *h)
{
	return h == NULL ? 0 : h->first.cap + flow_held(h->flow);
}

bool
front_h1_idle(const struct front_h1 *h)
{
	return h->flow == NULL;
}

/* What has come before its end is still served. */
bool
front_h1_lets_go(const struct front_h1 *h)
{
	double least = h->worker->drain_idle_s;

	if (!h->served)
		least = MAX(least, FIRST_SECONDS);
	return front_h1_idle(h) && clock_mono_s() - h->idle_since >= least &&
	    !conn_pending(h->conn);
}

void
front_h1_cut(struct front_h1 *h, const char *error)
{
	struct flow *f = h->flow;

	if (f == NULL)
		return;
	describe(h, f);
	/* No origin has heard of it: the client may be told so, and ask again. */
	if (h->kind != FRONT_H1_TLS && !flow_attached(f))
		flow_stop(f, error);
	else
		flow_fail(f, FLOW_FRONT, CONN_END_RESET, "%s", error);
}
