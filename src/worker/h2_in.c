/* SPDX-License-Identifier: ISC */
/*
 * h2_in.c - frames that came, turned into heads, content and ends of flows; see
 * h2_state.h.  The library calls from inside nghttp2_session_mem_recv(): nothing
 * is freed here, and no output is made.
 * Runs in: worker.
 */
#include "config.h"

#include "worker/h2_state.h"

#include "base/mem.h"
#include "conf/conf.h"
#include "worker/worker_state.h"

#define FRAME_HEAD 9	/* RFC 9113 4.1 */
#define FIELD_COST 32	/* RFC 9113 6.5.2 */
#define EXCESS_UNIT (1u << 20)

static struct message *
message_in(struct h2_stream *s)
{
	return s->h2->conf.role == H2_CLIENTS ? &s->flow->request : &s->flow->response;
}

/* To the library: the host has freed us in a callback, stop here. */
static int
go_on(const struct h2 *h2)
{
	return h2->dead ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

/* The peer broke the stream's rules: it ends, the connection goes on. */
static void
fail_stream(struct h2_stream *s, uint32_t code, const char *what, const char *text)
{
	struct h2 *h2 = s->h2;
	struct flow *f = s->flow;

	if (f == NULL)
		return;
	f->was_reset = true;
	f->reset_code = code;
	/* What an origin can break was asked for. */
	if (h2->conf.role == H2_CLIENTS)
		h2_pay(h2, H2_COST_RESET_OUT);
	h2_fail(s, CONN_END_RESET, "bad %s: %s", what, text);
}

/* ---- heads ---- */

static int
on_begin_headers(nghttp2_session *session UNUSED, const nghttp2_frame *frame, void *arg)
{
	struct h2 *h2 = arg;
	struct h2_limits limits = {.header_size = h2->worker->conf->limits.header_size,
	    .header_count = h2->worker->conf->limits.header_count};
	struct h2_stream *s = h2_stream_find(h2, frame->hd.stream_id);

	if (h2->dead)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	h2_block_begins(h2, frame->hd.stream_id);
	h2->block_size = 0;
	h2->reading = NULL;
	if (frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	if (s == NULL && h2->conf.role == H2_CLIENTS &&
	    frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
		s = h2_stream_new(h2, frame->hd.stream_id);
		s->flow = flow_new(h2->worker, &h2_end_ops, s);
		(void)nghttp2_session_set_stream_user_data(h2->session, s->id, s);
	}
	if (s == NULL || s->flow == NULL)
		return 0;
	h2->reading = s;
	h2_read_begin(&h2->read, s->head_in ? H2_TRAILERS :
	    h2->conf.role == H2_CLIENTS ? H2_REQUEST : H2_RESPONSE, message_in(s), &limits);
	return 0;
}

/*
 * The library looks at each byte of a field, also where the decoder's table has made
 * megabytes of a few kilobytes.  To it: the rest of a block of who is cut off is only
 * decoded.
 */
static int
field_came(struct h2 *h2, size_t n)
{
	h2->block_size += n + FIELD_COST;
	if (h2->block_size > h2->worker->conf->limits.header_size)
		h2->excess += n + FIELD_COST;
	if (h2->excess >= EXCESS_UNIT) {
		h2->excess -= EXCESS_UNIT;
		h2_pay(h2, H2_COST_HEAD);
	}
	return h2->cut != NULL ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : 0;
}

static int
on_header(nghttp2_session *session UNUSED, const nghttp2_frame *frame UNUSED,
    const uint8_t *name, size_t name_len, const uint8_t *value, size_t value_len,
    uint8_t flags UNUSED, void *arg)
{
	struct h2 *h2 = arg;

	/* What is wrong shows when the block ends: the decoder must see all of it. */
	if (h2->reading != NULL)
		(void)h2_read_field(&h2->read, str_of(name, name_len),
		    str_of(value, value_len));
	return field_came(h2, name_len + value_len);
}

/* The library found it broken; it resets the stream by itself. */
static int
on_invalid_header(nghttp2_session *session UNUSED, const nghttp2_frame *frame UNUSED,
    const uint8_t *name UNUSED, size_t name_len, const uint8_t *value UNUSED,
    size_t value_len, uint8_t flags UNUSED, void *arg)
{
	struct h2 *h2 = arg;

	if (h2->reading != NULL && h2->read.error == NULL) {
		h2->read.error = "a field that HTTP/2 does not allow";
		h2->read.error_status = 400;
	}
	return field_came(h2, name_len + value_len);
}

static void
informational_in(struct h2_stream *s)
{
	struct flow *f = s->flow;
	struct message m = f->informational;

	/* They go out as they come, so nothing else bounds what waits for a slow client. */
	s->informational_bytes += f->response.fields.text.len;
	if (++s->informational > H2_INFORMATIONAL_MAX ||
	    s->informational_bytes > s->h2->worker->conf->limits.header_size) {
		fail_stream(s, NGHTTP2_ENHANCE_YOUR_CALM, "response", "no end of 1xx");
		return;
	}
	f->informational = f->response;
	f->response = m;
	message_clear(&f->response);
	f->response.wire_bytes = f->informational.wire_bytes;
	flow_informational(f);
}

static void
ended_in(struct h2_stream *s)
{
	s->ended_in = true;
	if (s->flow != NULL)
		flow_end(s->flow, h2_side(s->h2));
}

static void
head_complete(struct h2_stream *s, bool last)
{
	struct h2 *h2 = s->h2;
	struct flow *f = s->flow;

	unsigned status = f->response.status;

	if (h2->conf.role == H2_ORIGIN && status < 200) {
		if (last)
			fail_stream(s, NGHTTP2_PROTOCOL_ERROR, "response",
			    "it ends with a 1xx");
		else
			informational_in(s);
		return;
	}
	s->head_in = true;
	if (h2->conf.role == H2_ORIGIN) {
		/* RFC 9110 6.4.1: whatever the length says, nothing follows. */
		if (f->request.is_head || status == 204 || status == 304)
			f->response.has_body = false;
		flow_head(f, FLOW_BACK);
	} else {
		conn_deadline(h2->conn, TIMEOUT_IDLE, h2->worker->conf->timeouts.idle_ms);
		if (f->request.length > 0 && !last)
			h2_came(s, 0);
		flow_head(f, FLOW_FRONT);
		h2->ops->request(h2->host, f);
	}
	if (last)
		ended_in(s);
}

static void
block_in(struct h2 *h2, const nghttp2_frame *frame)
{
	struct h2_stream *s = h2->reading;
	bool last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	const char *what = h2->conf.role == H2_CLIENTS ? "request" : "response";

	h2->reading = NULL;
	h2->block_begun = 0;
	if (s == NULL || s->flow == NULL) {
		/* Nobody asked any more, but it may have been the end. */
		s = h2_stream_find(h2, frame->hd.stream_id);
		if (s != NULL && last)
			s->ended_in = true;
		return;
	}
	message_in(s)->wire_bytes += (int64_t)frame->hd.length + FRAME_HEAD;
	if (h2_read_end(&h2->read, last) != 0) {
		s->flow->reply_status = h2->conf.role == H2_CLIENTS && h2->conf.may_answer ?
		    h2->read.error_status : 0;
		fail_stream(s, h2->read.error_status == 431 ? NGHTTP2_ENHANCE_YOUR_CALM :
		    NGHTTP2_PROTOCOL_ERROR, what, h2->read.error);
		return;
	}
	if (h2->read.block == H2_TRAILERS)
		ended_in(s);
	else
		head_complete(s, last);
}

/* ---- content ---- */

static int
on_data_chunk(nghttp2_session *session UNUSED, uint8_t flags UNUSED, int32_t id,
    const uint8_t *p, size_t n, void *arg)
{
	struct h2 *h2 = arg;
	struct h2_stream *s = h2_stream_find(h2, id);

	if (s == NULL || s->flow == NULL) {
		/* Credit is given back for streams that died, too. */
		(void)nghttp2_session_consume(h2->session, id, n);
		return 0;
	}
	h2_guard_progress(&h2->guard, n);
	message_in(s)->body_bytes += (int64_t)n;
	h2_came(s, n);
	flow_body(s->flow, h2_side(h2), p, n);
	if (!h2->dead)
		h2_credit(s, n);
	return go_on(h2);
}

static void
data_in(struct h2 *h2, const nghttp2_frame *frame)
{
	struct h2_stream *s = h2_stream_find(h2, frame->hd.stream_id);
	bool last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;

	h2->ndata++;
	if (frame->hd.length == frame->data.padlen && !last)
		h2_pay(h2, H2_COST_IDLE);	/* CVE-2019-9518 */
	if (s == NULL)
		return;
	if (s->flow != NULL)
		message_in(s)->wire_bytes += (int64_t)frame->hd.length + FRAME_HEAD;
	if (last)
		ended_in(s);
}

/* ---- frames before the library sees them ---- */

/*
 * curl ends an upload short of its Content-Length when it is answered early (8.x,
 * too), and waits for the rest of the answer.  The library would cut that off: it is
 * not told that this was the end, and the origin neither.
 */
static bool
is_cut_short(const struct h2 *h2, const struct h2_stream *s)
{
	if (h2->conf.role != H2_CLIENTS || s == NULL || !s->head_out || s->own_reset ||
	    s->broke || s->answer)
		return false;
	if (s->flow == NULL)
		return s->end_out;
	return (h2->heads.head[4] & NGHTTP2_FLAG_PADDED) == 0 &&
	    s->flow->request.length > s->flow->request.body_bytes +
	    (int64_t)h2_heads_length(&h2->heads);
}

static void
look_at_head(struct h2 *h2)
{
	const uint8_t *head = h2->heads.head, *id = head + 5;
	struct h2_stream *s;

	if (head[3] != NGHTTP2_DATA || (head[4] & NGHTTP2_FLAG_END_STREAM) == 0)
		return;
	s = h2_stream_find(h2, (int32_t)((id[0] & 0x7fu) << 24 | (uint32_t)id[1] << 16 |
	    (uint32_t)id[2] << 8 | id[3]));
	if (!is_cut_short(h2, s))
		return;
	s->cut_short = true;
	h2->heads.head[4] &= (uint8_t)~NGHTTP2_FLAG_END_STREAM;
}

/* The library reads over DATA of streams that are no more, and says nothing. */
static void
pay_for_skipped(struct h2 *h2)
{
	uint64_t whole = h2_heads_whole(&h2->heads);

	for (; h2->ndata < whole && h2->cut == NULL; h2->ndata++)
		h2_pay(h2, H2_COST_OVER);
	h2->ndata = whole;
}

static ssize_t
feed(struct h2 *h2, const uint8_t *p, size_t n)
{
	ssize_t took = n > 0 ? nghttp2_session_mem_recv(h2->session, p, n) : 0;

	if (took < 0 || h2->dead)
		return took < 0 ? took : NGHTTP2_ERR_CALLBACK_FAILURE;
	pay_for_skipped(h2);
	return 0;
}

ssize_t
h2_read_bytes(struct h2 *h2, const uint8_t *p, size_t n)
{
	struct h2_heads *heads = &h2->heads;
	ssize_t error;
	size_t k;

	while (n > 0) {
		k = h2_heads_pass(heads, p, n);
		error = feed(h2, p, k);
		if (error != 0)
			return error;
		p += k;
		n -= k;
		k = h2_heads_take(heads, p, n);
		p += k;
		n -= k;
		if (heads->have < H2_HEAD)
			break;
		look_at_head(h2);
		h2_heads_taken(heads);
		error = feed(h2, heads->head, H2_HEAD);
		if (error != 0)
			return error;
	}
	return 0;
}

/* ---- everything else ---- */

static void
settings_in(struct h2 *h2, const nghttp2_frame *frame)
{
	if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
		return;
	h2_pay(h2, H2_COST_SETTINGS);
	h2->settings_in = true;
	if (h2->ops->settings != NULL)
		h2->ops->settings(h2->host, h2);
}

/*
 * What was asked for and refused costs the origin more than us. Some answer each
 * frame that was on its way when they gave up a stream with one more reset.
 */
static void
reset_in(struct h2 *h2, const nghttp2_frame *frame)
{
	if (h2_stream_find(h2, frame->hd.stream_id) == NULL)
		h2_pay(h2, H2_COST_RESET_OVER);
	else if (h2->conf.role == H2_CLIENTS)
		h2_pay(h2, H2_COST_RESET_IN);
}

static int
on_frame_recv(nghttp2_session *session UNUSED, const nghttp2_frame *frame, void *arg)
{
	struct h2 *h2 = arg;

	if (h2->dead)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		block_in(h2, frame);
		break;
	case NGHTTP2_DATA:
		data_in(h2, frame);
		break;
	case NGHTTP2_SETTINGS:
		settings_in(h2, frame);
		break;
	case NGHTTP2_PING:
		if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
			h2_pong(h2, frame->ping.opaque_data);
		/* Answers to what nobody asked cost the same. */
		h2_pay(h2, H2_COST_PING);
		break;
	case NGHTTP2_RST_STREAM:
		reset_in(h2, frame);
		break;
	case NGHTTP2_GOAWAY:
		h2_pay(h2, H2_COST_SETTINGS);
		if (!h2->goaway_in) {
			h2->goaway_in = true;
			h2->ops->goaway(h2->host, h2);
		}
		break;
	default:
		break;
	}
	return go_on(h2);
}

/* What is of no use, or may be of none: of a stream that is over nobody else is told. */
static bool
is_idle_frame(struct h2 *h2, const nghttp2_frame_hd *hd)
{
	switch (hd->type) {
	case NGHTTP2_PRIORITY:
	case NGHTTP2_WINDOW_UPDATE:
		return true;
	case NGHTTP2_HEADERS:
		return h2_stream_find(h2, hd->stream_id) == NULL &&
		    (h2->conf.role == H2_ORIGIN || hd->stream_id <=
		    nghttp2_session_get_last_proc_stream_id(h2->session));
	default:
		return hd->type > NGHTTP2_CONTINUATION;
	}
}

static int
on_begin_frame(nghttp2_session *session UNUSED, const nghttp2_frame_hd *hd, void *arg)
{
	struct h2 *h2 = arg;

	if (is_idle_frame(h2, hd))
		h2_pay(h2, H2_COST_IDLE);
	return go_on(h2);
}

/* An unknown type: read over it (RFC 9113 5.5). */
static int
on_unpack_extension(nghttp2_session *session UNUSED, void **payload UNUSED,
    const nghttp2_frame_hd *hd UNUSED, void *arg UNUSED)
{
	return NGHTTP2_ERR_CANCEL;
}

static int
on_invalid_frame(nghttp2_session *session UNUSED, const nghttp2_frame *frame,
    int error UNUSED, void *arg)
{
	struct h2 *h2 = arg;
	struct h2_stream *s = h2_stream_find(h2, frame->hd.stream_id);

	if (frame->hd.type == NGHTTP2_HEADERS)
		h2->block_begun = 0;
	if (s != NULL && s->flow != NULL && h2->reading == s) {
		h2->reading = NULL;
		s->broke = true;
		/* What is wrong with it, if we see that, too. */
		(void)!h2_read_end(&h2->read, true);
		fail_stream(s, NGHTTP2_PROTOCOL_ERROR,
		    h2->conf.role == H2_CLIENTS ? "request" : "response",
		    h2->read.error != NULL ? h2->read.error : "malformed");
	}
	return 0;
}

/*
 * RFC 9113 8.1: the answer is whole, and the rest of the request is not wanted; or
 * it is out, and the client does not want to go on asking.
 */
static bool
is_answered(const struct h2_stream *s, uint32_t code)
{
	if (s->broke)
		return false;
	return s->h2->conf.role == H2_CLIENTS ? s->ended_out :
	    s->ended_in && code == NGHTTP2_NO_ERROR;
}

/* The library has closed it while its flow was not over. */
static void
end_flow(struct h2_stream *s, uint32_t code)
{
	struct h2 *h2 = s->h2;
	struct flow *f = s->flow;

	f->was_reset = true;
	f->reset_code = code;
	if (is_answered(s, code))
		flow_answered(f, h2_side(h2), CONN_END_RESET);
	else
		h2_fail(s, CONN_END_RESET, "%s %s the stream: %s", h2_peer(h2),
		    s->broke ? "broke" : "reset", nghttp2_http2_strerror(code));
}

static int
on_stream_close(nghttp2_session *session UNUSED, int32_t id, uint32_t code, void *arg)
{
	struct h2 *h2 = arg;
	struct h2_stream *s = h2_stream_find(h2, id);

	if (s == NULL)
		return 0;
	if (h2->conf.role == H2_ORIGIN)
		h2->nopen--;
	s->closed = true;
	/* A reset may say NO_ERROR, too, and is no end for which anybody worked. */
	if (s->ended_in && s->ended_out)
		h2_guard_stream_done(&h2->guard);
	if (s->flow != NULL)
		end_flow(s, code);
	if (h2->dead)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	h2_stream_gone(s);
	h2_settle_credit(h2);
	return 0;
}

void
h2_set_callbacks(nghttp2_session_callbacks *c)
{
	nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(c, on_header);
	nghttp2_session_callbacks_set_on_invalid_header_callback(c, on_invalid_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data_chunk);
	nghttp2_session_callbacks_set_on_begin_frame_callback(c, on_begin_frame);
	nghttp2_session_callbacks_set_unpack_extension_callback(c, on_unpack_extension);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame_recv);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(c, on_invalid_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
	nghttp2_session_callbacks_set_on_frame_send_callback(c, h2_on_frame_send);
	nghttp2_session_callbacks_set_send_data_callback(c, h2_send_data);
}
