/* SPDX-License-Identifier: ISC */
/*
 * h2_out.c - what a flow gives to its end here becomes HEADERS, DATA and
 * RST_STREAM; see h2_state.h.  Content waits in the stream's own buffer until
 * both windows and the connection have room: a slow stream delays no other.
 * Runs in: worker.
 */
#include "config.h"

#include "worker/h2_state.h"

#include "base/clock.h"
#include "base/mem.h"
#include "worker/worker_state.h"

/* ---- blocks ---- */

/* Views stay good until the library has packed the block: it copies them. */
static nghttp2_nv *
make_nv(struct h2 *h2)
{
	const struct h2_block_out *b = &h2->block;
	size_t i;

	h2->nv = mem_grow(h2->nv, b->n > 0 ? b->n : 1, sizeof(*h2->nv));
	for (i = 0; i < b->n; i++)
		h2->nv[i] = (nghttp2_nv){
		    .name = (uint8_t *)(uintptr_t)b->v[i].name.p,
		    .namelen = b->v[i].name.n,
		    .value = (uint8_t *)(uintptr_t)b->v[i].value.p,
		    .valuelen = b->v[i].value.n,
		    .flags = b->v[i].secret ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE};
	return h2->nv;
}

/* ---- content ---- */

static ssize_t
read_content(nghttp2_session *session, int32_t id, uint8_t *buf UNUSED, size_t length,
    uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct h2 *h2 = arg;
	struct h2_stream *s = source->ptr;
	size_t n = MIN(length, s->out.len);

	if (n == 0 && !s->end_out) {
		s->deferred = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (n == s->out.len && s->end_out) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		if (s->trailers.n > 0) {
			h2_write_trailers(&h2->block, &s->trailers);
			if (h2->block.n > 0) {
				*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
				(void)nghttp2_submit_trailer(session, id, make_nv(h2),
				    h2->block.n);
			}
		}
	}
	return (ssize_t)n;
}

int
h2_send_data(nghttp2_session *session UNUSED, nghttp2_frame *frame UNUSED,
    const uint8_t *head, size_t n, nghttp2_data_source *source, void *arg)
{
	struct h2 *h2 = arg;
	struct h2_stream *s = source->ptr;

	if (h2->conn == NULL)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	conn_write(h2->conn, head, 9);
	conn_write(h2->conn, buf_data(&s->out), n);
	buf_consume(&s->out, n);
	h2_took(s, n);
	h2_guard_progress(&h2->guard, n);
	if (s->out.len == 0)
		buf_free(&s->out);
	if (s->full && s->out.len <= H2_OUT_LOW && s->flow != NULL) {
		s->full = false;
		flow_writable(s->flow, h2_side(h2));
	}
	return 0;
}

static void
more_content(struct h2_stream *s)
{
	if (s->deferred) {
		s->deferred = false;
		(void)nghttp2_session_resume_data(s->h2->session, s->id);
	}
	h2_want_fill(s->h2);
}

/* ---- heads ---- */

static nghttp2_data_provider
content_of(struct h2_stream *s)
{
	return (nghttp2_data_provider){.source = {.ptr = s}, .read_callback = read_content};
}

void
h2_submit_request(struct h2_stream *s)
{
	struct h2 *h2 = s->h2;
	struct flow *f = s->flow;
	nghttp2_data_provider content = content_of(s);

	h2_write_request(&h2->block, &f->request, str_z(h2->conf.scheme));
	s->id = nghttp2_submit_request(h2->session, NULL, make_nv(h2), h2->block.n,
	    s->no_content ? NULL : &content, s);
	if (s->id < 0) {
		s->id = -1;
		flow_fail(f, FLOW_BACK, CONN_END_RESET, "the origin takes no more streams");
		return;
	}
	h2->nopen++;
	s->head_out = true;
	f->times.request_sent = clock_mono_us();
	h2_want_fill(h2);
}

static void
submit_response(struct h2_stream *s, const struct message *m)
{
	struct h2 *h2 = s->h2;
	nghttp2_data_provider content = content_of(s);

	h2_write_response(&h2->block, m);
	if (s->answer && m->status == 407)
		h2_write_own(&h2->block, STR("proxy-authenticate"),
		    STR("Basic realm=\"mitmd\", charset=\"UTF-8\""));
	s->head_out = true;
	(void)nghttp2_submit_response(h2->session, s->id, make_nv(h2), h2->block.n,
	    s->no_content ? NULL : &content);
	h2_want_fill(h2);
}

static void
end_head(void *end, struct flow *f, const struct message *m)
{
	struct h2_stream *s = end;

	s->no_content = !m->has_body || (s->h2->conf.role == H2_CLIENTS && f->request.is_head);
	if (s->h2->conf.role == H2_ORIGIN) {
		s->head_ready = true;	/* h2_open_pending() submits it */
		return;
	}
	/* Without content it goes out with its end: the entry is handed over before. */
	if (!s->no_content)
		submit_response(s, m);
}

static void
end_informational(void *end, struct flow *f UNUSED, const struct message *m)
{
	struct h2_stream *s = end;
	struct h2 *h2 = s->h2;

	h2_write_response(&h2->block, m);
	(void)nghttp2_submit_headers(h2->session, NGHTTP2_FLAG_NONE, s->id, NULL, make_nv(h2),
	    h2->block.n, NULL);
	h2_want_fill(h2);
}

static bool
end_body(void *end, struct flow *f UNUSED, const uint8_t *p, size_t n)
{
	struct h2_stream *s = end;

	if (s->no_content)
		return true;
	buf_put(&s->out, p, n);
	h2_put(s, n);
	if (s->head_out)
		more_content(s);
	if (s->out.len >= (s->h2->outgoing > H2_OUT_CROWDED ? H2_OUT_LOW : H2_OUT_HIGH))
		s->full = true;	/* until h2_send_data() has said so: what is on its way still comes */
	return !s->full;
}

static void
end_end(void *end, struct flow *f, const struct fields *trailers)
{
	struct h2_stream *s = end;

	s->end_out = true;
	if (s->h2->conf.role == H2_CLIENTS && !s->head_out && s->no_content) {
		submit_response(s, &f->response);
		return;
	}
	if (trailers != NULL)
		fields_copy(&s->trailers, trailers);
	if (s->head_out)
		more_content(s);
}

static void
end_pause(void *end, struct flow *f UNUSED, bool on)
{
	struct h2_stream *s = end;

	if (on)
		s->paused = true;
	else
		h2_unpause(s);
}

/* ---- ends ---- */

/* What the failure says of itself, as front_h1 would (RFC 9209). */
static void
add_reply_fields(struct fields *to, struct str lines)
{
	struct str line, name;

	while (str_split(&lines, '\n', &line))
		if (str_split(&line, ':', &name) && line.n > 0)	/* the last is empty */
			fields_add(to, name, str_trim(str_sub(line, 0, line.n - 1)));
}

static void
h2_answer(struct h2_stream *s, const struct flow *f)
{
	struct message m;

	message_init(&m);
	m.version = HTTP_VERSION_2;
	m.status = f->reply_status != 0 ? f->reply_status : 502;
	fields_add(&m.fields, STR("content-type"), STR("text/plain; charset=utf-8"));
	fields_add(&m.fields, STR("cache-control"), STR("no-store"));
	add_reply_fields(&m.fields, str_z(f->reply_extra));
	s->answer = true;
	s->no_content = f->request.is_head;
	if (!s->no_content)
		buf_printf(&s->out, "mitmd: %s\n", f->error);
	h2_put(s, s->out.len);
	s->end_out = true;
	submit_response(s, &m);
	message_free(&m);
}

static uint32_t
reset_code(const struct h2 *h2, const struct flow *f)
{
	if (f->was_reset)
		return f->reset_code;
	return h2->conf.role == H2_CLIENTS ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_CANCEL;
}

/* All of our side is said: that much still reaches the peer (RFC 9113 8.1). */
static bool
is_said(const struct h2_stream *s, const struct flow *f)
{
	return s->h2->conf.role == H2_CLIENTS && s->end_out && s->head_out &&
	    (!f->was_reset || f->reset_code == NGHTTP2_NO_ERROR);
}

/* A client that may repeat its request does so by itself, if only it is told. */
static bool
may_answer(const struct h2_stream *s, const struct flow *f)
{
	const struct h2 *h2 = s->h2;

	return h2->conf.role == H2_CLIENTS && h2->conf.may_answer && !s->head_out &&
	    !h2->told_ended && (!f->was_reset || f->reset_code != NGHTTP2_REFUSED_STREAM);
}

static void
end_early(struct h2_stream *s, const struct flow *f)
{
	if (may_answer(s, f))
		h2_answer(s, f);
	else if (is_said(s, f) && !s->ended_out)
		s->reset_after = true;
	else
		h2_reset(s, is_said(s, f) ? NGHTTP2_NO_ERROR : reset_code(s->h2, f));
}

static void
end_finished(void *end, struct flow *f, bool whole, enum conn_end how UNUSED)
{
	struct h2_stream *s = end;
	struct h2 *h2 = s->h2;

	s->flow = NULL;
	if (!h2->dead && h2->ops->over != NULL)
		h2->ops->over(h2->host, f);
	if (h2->dead)
		return;
	h2_unpause(s);
	if (!whole && !s->closed)
		end_early(s, f);
	/* The message is gone; what still comes is thrown away. */
	if (h2->reading == s)
		h2->reading = NULL;
}

const struct flow_end_ops h2_end_ops = {.head = end_head, .informational = end_informational,
    .body = end_body, .end = end_end, .pause = end_pause, .finished = end_finished};

static void
reset_sent(struct h2 *h2, struct h2_stream *s)
{
	if (s != NULL && s->own_reset)
		return;
	if (s != NULL)
		s->broke = true;
	/* What an origin can break was asked for, except where nothing was open. */
	if (s == NULL || h2->conf.role == H2_CLIENTS)
		h2_pay(h2, H2_COST_RESET_OUT);
}

/* RFC 9113 8.1: the response is complete, the rest of the request is not wanted. */
static void
end_sent(struct h2_stream *s)
{
	s->ended_out = true;
	if (s->h2->conf.role == H2_CLIENTS && !s->ended_in &&
	    (s->flow == NULL || s->reset_after || s->cut_short)) {
		s->reset_late = true;
		s->h2->nlate++;
	}
}

int
h2_on_frame_send(nghttp2_session *session UNUSED, const nghttp2_frame *frame, void *arg)
{
	struct h2 *h2 = arg;
	struct h2_stream *s;

	if (frame->hd.type == NGHTTP2_GOAWAY)
		h2_goaway_sent(h2);
	if (frame->hd.type != NGHTTP2_RST_STREAM && frame->hd.type != NGHTTP2_DATA &&
	    frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	s = h2_stream_find(h2, frame->hd.stream_id);
	if (frame->hd.type == NGHTTP2_RST_STREAM)
		reset_sent(h2, s);
	else if (s != NULL && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
		end_sent(s);
	return 0;
}
