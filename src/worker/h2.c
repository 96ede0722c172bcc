/* SPDX-License-Identifier: ISC */
/*
 * h2.c - the connection: bytes in and out, settings, limits, letting go, ends;
 * see h2.h.
 * Runs in: worker.
 */
#include "config.h"

#include "worker/h2_state.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "worker/worker_state.h"

#define WATCH_SECONDS 1.
#define STALL_SECONDS 30.	/* without a byte of output taken */
#define GOAWAY_SECONDS 1.	/* between the first and the final one, without an answer */
#define CUT_SECONDS 1.	/* for a peer that is cut off to read why */
#define PING_GOAWAY "mitmdend"	/* its answer shows that the first one was read */

/* ---- limits ---- */

void
h2_watch(struct h2 *h2)
{
	if (!ev_is_active(&h2->watch))
		ev_timer_again(h2->worker->loop, &h2->watch);
}

static void
cut_off(struct h2 *h2, const char *why)
{
	if (h2->cut != NULL)
		return;
	h2->cut = why;
	h2->cut_since = clock_mono_s();
	h2_watch(h2);
	(void)nghttp2_session_terminate_session(h2->session, NGHTTP2_ENHANCE_YOUR_CALM);
	h2_want_fill(h2);
}

void
h2_pay(struct h2 *h2, enum h2_cost cost)
{
	const char *why = h2_guard_pay(&h2->guard, cost, clock_mono_us());

	if (why != NULL)
		cut_off(h2, why);
}

static void
check_stall(struct h2_stream *s, double now)
{
	struct flow *f = s->flow;

	/* One that waits to be opened does not stall: its origin is busy. */
	if (s->out.len == 0 || s->waiting || now - s->moved < STALL_SECONDS)
		return;
	if (f == NULL) {
		h2_reset(s, NGHTTP2_CANCEL);
		return;
	}
	f->was_reset = true;
	f->reset_code = NGHTTP2_CANCEL;
	h2_fail(s, CONN_END_TIMEOUT, "timeout: no byte of the stream was taken");
}

static void tell_ended(struct h2 *, enum conn_end how, const char *text);

static void
on_watch(struct ev_loop *loop, ev_timer *w, int events UNUSED)
{
	struct h2 *h2 = w->data;
	double now = clock_mono_s();
	struct h2_stream *s, *next;

	if (h2->block_begun != 0 &&
	    (now - h2->block_begun) * 1e3 > (double)h2->worker->conf->timeouts.header_ms)
		cut_off(h2, "was too slow with a head");
	if (h2->cut != NULL && now - h2->cut_since >= CUT_SECONDS) {
		tell_ended(h2, CONN_END_RESET, h2->cut);
		return;
	}
	TAILQ_FOREACH_SAFE(s, &h2->streams, link, next)
		check_stall(s, now);
	if (h2->dead || h2->nstreams > 0 || h2->block_begun != 0 || h2->cut != NULL)
		return;
	ev_timer_stop(loop, w);
	h2_block_free(&h2->block);
	free(h2->nv);
	h2->nv = NULL;
}

/* ---- ends ---- */

static void
fail_all(struct h2 *h2, enum conn_end how, const char *who, const char *text)
{
	struct h2_stream *s, *next;

	TAILQ_FOREACH_SAFE(s, &h2->streams, link, next)
		h2_fail(s, how, "%s%s%s", who, who[0] != '\0' ? " " : "", text);
}

static void
tell_ended(struct h2 *h2, enum conn_end how, const char *text)
{
	if (h2->told_ended || h2->dead)
		return;
	h2->told_ended = true;
	fail_all(h2, how, h2_peer(h2), text);
	if (!h2->dead)
		h2->ops->ended(h2->host, h2, how);
}

/* Outside of the library's callbacks: is there a reason to go on? */
static void
check_end(struct h2 *h2)
{
	bool wants;

	if (h2->dead || h2->busy || h2->told_ended)
		return;
	wants = nghttp2_session_want_read(h2->session) ||
	    nghttp2_session_want_write(h2->session);
	if (h2->cut != NULL && !nghttp2_session_want_write(h2->session)) {
		tell_ended(h2, CONN_END_CLEAN, h2->cut);
	} else if (!wants) {
		tell_ended(h2, CONN_END_CLEAN, "broke HTTP/2");
	} else if (h2->nstreams == 0 && h2->final_goaway) {
		tell_ended(h2, CONN_END_CLEAN, "");
	} else if (h2->nstreams == 0 && !h2->told_idle) {
		h2->told_idle = true;
		h2->ops->idle(h2->host, h2);
	}
}

/* ---- bytes ---- */

void
h2_want_fill(struct h2 *h2)
{
	if (h2->conn != NULL && !h2->dead)
		conn_want_fill(h2->conn);
}

static void
fill(struct h2 *h2)
{
	const uint8_t *p;
	ssize_t n;

	h2->busy = true;
	while (h2->conn != NULL && !conn_full(h2->conn)) {
		n = nghttp2_session_mem_send(h2->session, &p);
		if (n <= 0 || h2->conn == NULL)
			break;
		conn_write(h2->conn, p, (size_t)n);
	}
	h2->busy = false;
}

/* RFC 9113 6.8: nothing is opened any more, and what was not opened may be repeated. */
static void
refuse_pending(struct h2 *h2)
{
	struct h2_stream *s, *next;

	TAILQ_FOREACH_SAFE(s, &h2->pending, pending_link, next) {
		s->flow->was_reset = true;
		s->flow->reset_code = NGHTTP2_REFUSED_STREAM;
		h2_fail(s, CONN_END_CLEAN, "origin takes no more requests");
	}
}

/*
 * In a record of its own: curl 7.88 forgets a response that it reads together
 * with the reset behind it.
 */
static void
late_resets(struct h2 *h2)
{
	struct h2_stream *s, *next;

	h2->nlate = 0;
	TAILQ_FOREACH_SAFE(s, &h2->streams, link, next) {
		if (!s->reset_late || s->own_reset)
			continue;
		if (s->flow != NULL)	/* ... which ends the stream */
			flow_answered(s->flow, FLOW_FRONT, CONN_END_RESET);
		else
			h2_reset(s, NGHTTP2_NO_ERROR);
		if (h2->dead)
			return;
	}
}

static void
on_fill(void *owner, struct conn *c UNUSED)
{
	struct h2 *h2 = owner;

	if (h2->dead || h2->busy)
		return;
	fill(h2);
	if (h2->dead)
		return;
	if (h2->nlate > 0)
		late_resets(h2);
	if (h2->dead)
		return;
	h2_open_pending(h2);
	check_end(h2);
}

static void
on_writable(void *owner, struct conn *c UNUSED)
{
	h2_want_fill(owner);
}

static const char *
why_broken(ssize_t error)
{
	switch (error) {
	case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
		return "sent no HTTP/2 preface";
	case NGHTTP2_ERR_FLOODED:
		return "sent too many frames that ask for an answer";
	case NGHTTP2_ERR_TOO_MANY_SETTINGS:
		return "sent a SETTINGS frame that is too large";
	default:
		return "broke HTTP/2";
	}
}

static size_t
on_data(void *owner, struct conn *c UNUSED, const uint8_t *p, size_t n)
{
	struct h2 *h2 = owner;
	ssize_t error;

	if (h2->cut != NULL)
		return n;
	h2->busy = true;
	error = h2_read_bytes(h2, p, n);
	h2->busy = false;
	if (h2->dead)
		return n;
	if (error < 0) {
		fill(h2);
		tell_ended(h2, CONN_END_CLEAN, why_broken(error));
		return n;
	}
	if (h2->goaway_in)
		refuse_pending(h2);
	h2_open_pending(h2);
	h2_want_fill(h2);
	check_end(h2);
	return n;
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
		return "moved no byte for too long";
	default:
		return "closed the connection";
	}
}

static void
on_ended(void *owner, struct conn *c, enum conn_end how)
{
	struct h2 *h2 = owner;

	h2->ended = true;
	if (how == CONN_END_TIMEOUT && h2->nstreams == 0)
		how = CONN_END_CLEAN;
	tell_ended(h2, how, how_text(c, how));
}

static void
on_secured(void *owner UNUSED, struct conn *c UNUSED)
{
	CHECK(!"TLS begins before HTTP does");
}

static const struct conn_ops conn_ops = {.data = on_data, .ended = on_ended,
    .writable = on_writable, .secured = on_secured, .fill = on_fill};

/* ---- letting go ---- */

static void
final_goaway(struct h2 *h2)
{
	if (h2->final_goaway)
		return;
	h2->final_goaway = true;
	(void)nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
	    nghttp2_session_get_last_proc_stream_id(h2->session), NGHTTP2_NO_ERROR, NULL, 0);
	ev_timer_stop(h2->worker->loop, &h2->last_goaway);
	h2_want_fill(h2);
}

static void
on_last_goaway(struct ev_loop *loop UNUSED, ev_timer *w, int events UNUSED)
{
	final_goaway(w->data);
}

void
h2_goaway_sent(struct h2 *h2)
{
	/* Only now, since the library would send it ahead of the GOAWAY. */
	if (h2->draining && !h2->final_goaway)
		(void)nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE,
		    (const uint8_t *)PING_GOAWAY);
}

void
h2_pong(struct h2 *h2, const uint8_t data[8])
{
	if (h2->draining && memcmp(data, PING_GOAWAY, 8) == 0)
		final_goaway(h2);
}

void
h2_drain(struct h2 *h2)
{
	if (h2->draining || h2->dead)
		return;
	h2->draining = true;
	if (h2->conf.role == H2_ORIGIN) {
		final_goaway(h2);
		return;
	}
	(void)nghttp2_submit_shutdown_notice(h2->session);
	/* Who does not read now may ask before he does: as with an idle HTTP/1 connection. */
	if (h2->worker->draining)
		ev_timer_set(&h2->last_goaway,
		    MAX(GOAWAY_SECONDS, h2->worker->drain_idle_s), 0);
	ev_timer_start(h2->worker->loop, &h2->last_goaway);
	h2_want_fill(h2);
}

void
h2_cut(struct h2 *h2, const char *error)
{
	fail_all(h2, CONN_END_RESET, "", error);
}

/* ---- streams towards an origin ---- */

static bool
has_room(const struct h2 *h2)
{
	return h2->nopen < nghttp2_session_get_remote_settings(h2->session,
	    NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

void
h2_open_pending(struct h2 *h2)
{
	struct h2_stream *s;

	while ((s = TAILQ_FIRST(&h2->pending)) != NULL && !h2->dead &&
	    s->head_ready && has_room(h2)) {
		TAILQ_REMOVE(&h2->pending, s, pending_link);
		s->waiting = false;
		h2_submit_request(s);
	}
}

bool
h2_attach(struct h2 *h2, struct flow *f)
{
	struct h2_stream *s;

	CHECK(h2->conf.role == H2_ORIGIN);
	if (h2->dead || h2->told_ended || h2->goaway_in || h2->draining ||
	    nghttp2_session_check_request_allowed(h2->session) == 0)
		return false;
	s = h2_stream_new(h2, -1);
	s->flow = f;
	s->waiting = true;
	TAILQ_INSERT_TAIL(&h2->pending, s, pending_link);
	flow_attach(f, &h2_end_ops, s);
	if (!h2->busy)
		h2_open_pending(h2);
	h2_want_fill(h2);
	return true;
}

bool
h2_has_connect(const struct h2 *h2)
{
	return h2->settings_in && nghttp2_session_get_remote_settings(h2->session,
	    NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

void
h2_offer_connect(struct h2 *h2)
{
	nghttp2_settings_entry on = {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1};

	if (h2->offers_connect)
		return;
	h2->offers_connect = true;
	(void)nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, &on, 1);
	h2_want_fill(h2);
}

/* ---- beginning and end ---- */

static nghttp2_session *
make_session(struct h2 *h2)
{
	nghttp2_session_callbacks *callbacks;
	nghttp2_session *session;
	nghttp2_option *option;
	unsigned type;
	int rc;

	CHECK(nghttp2_session_callbacks_new(&callbacks) == 0);
	CHECK(nghttp2_option_new(&option) == 0);
	h2_set_callbacks(callbacks);
	nghttp2_option_set_no_auto_window_update(option, 1);
	nghttp2_option_set_no_closed_streams(option, 1);
	/* An unknown type is told of only where somebody could unpack it. */
	for (type = NGHTTP2_CONTINUATION + 1; type <= UINT8_MAX; type++)
		nghttp2_option_set_user_recv_extension_type(option, (uint8_t)type);
	if (h2->conf.role == H2_ORIGIN)
		nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(option, 1);
	nghttp2_option_set_max_deflate_dynamic_table_size(option, 4096);
	/* More than limits.header_size and limits.header_count can be made to need. */
	nghttp2_option_set_max_send_header_block_length(option, 2u << 20);
	if (h2->conf.role == H2_CLIENTS)
		rc = nghttp2_session_server_new2(&session, callbacks, h2, option);
	else
		rc = nghttp2_session_client_new2(&session, callbacks, h2, option);
	CHECK(rc == 0);
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	return session;
}

static void
say_settings(struct h2 *h2)
{
	uint32_t header_size = (uint32_t)h2->worker->conf->limits.header_size;
	nghttp2_settings_entry s[4] = {
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_STREAM_WINDOW},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, header_size},
	};
	size_t n = 2;

	if (h2->conf.role == H2_CLIENTS)
		s[n++] = (nghttp2_settings_entry){
		    NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, H2_STREAMS_MAX};
	else
		s[n++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
	CHECK(nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, s, n) == 0);
	CHECK(nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0,
	    H2_CONN_WINDOW) == 0);
}

struct h2 *
h2_new(struct worker *w, struct conn **conn, const struct h2_conf *conf,
    const struct h2_ops *ops, void *host)
{
	struct h2 *h2 = mem_new(struct h2);

	h2->worker = w;
	h2->conn = *conn;
	*conn = NULL;
	h2->conf = *conf;
	h2->ops = ops;
	h2->host = host;
	h2->idle_since = clock_mono_s();
	h2->told_idle = true;
	TAILQ_INIT(&h2->streams);
	TAILQ_INIT(&h2->pending);
	ev_timer_init(&h2->watch, on_watch, WATCH_SECONDS, WATCH_SECONDS);
	h2->watch.data = h2;
	ev_timer_init(&h2->last_goaway, on_last_goaway, GOAWAY_SECONDS, 0);
	h2->last_goaway.data = h2;
	h2->session = make_session(h2);
	h2_heads_init(&h2->heads, conf->role == H2_CLIENTS);
	say_settings(h2);
	conn_set_owner(h2->conn, &conn_ops, h2);
	conn_deadline(h2->conn, conf->role == H2_CLIENTS ? w->conf->timeouts.idle_ms : 0, true);
	conn_resume(h2->conn);
	h2_want_fill(h2);
	return h2;
}

static void
destroy(void *p)
{
	struct h2 *h2 = p;

	nghttp2_session_del(h2->session);
	h2_block_free(&h2->block);
	free(h2->nv);
	free(h2);
}

void
h2_free(struct h2 **ph)
{
	struct h2 *h2 = *ph;
	struct h2_stream *s, *next;

	*ph = NULL;
	if (h2 == NULL)
		return;
	h2->dead = true;
	TAILQ_FOREACH_SAFE(s, &h2->streams, link, next) {
		CHECK(s->flow == NULL || flow_finishing(s->flow));
		s->flow = NULL;
		h2_stream_gone(s);
	}
	ev_timer_stop(h2->worker->loop, &h2->watch);
	ev_timer_stop(h2->worker->loop, &h2->last_goaway);
	conn_close(&h2->conn);
	worker_bury(h2->worker, h2, destroy);
}

bool
h2_idle(const struct h2 *h2)
{
	return h2->nstreams == 0;
}

double
h2_idle_since(const struct h2 *h2)
{
	return h2->idle_since;
}

struct conn *
h2_conn(struct h2 *h2)
{
	return h2->conn;
}

struct conn *
h2_take_conn(struct h2 *h2)
{
	struct conn *c = h2->conn;

	if (c != NULL && !h2->ended && !h2->busy) {
		(void)nghttp2_session_terminate_session(h2->session, NGHTTP2_NO_ERROR);
		fill(h2);
	}
	h2->conn = NULL;
	return c;
}
