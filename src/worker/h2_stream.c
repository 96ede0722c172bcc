/* SPDX-License-Identifier: ISC */
/*
 * h2_stream.c - streams, one for each flow's end: their memory, their credit, how
 * they fail; see h2_state.h.
 * Runs in: worker.
 */
#include "config.h"

#include "worker/h2_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "worker/worker_state.h"

/* ---- streams ---- */

struct h2_stream *
h2_stream_new(struct h2 *h2, int32_t id)
{
	struct h2_stream *s = mem_new(struct h2_stream);

	s->h2 = h2;
	s->id = id;
	fields_init(&s->trailers);
	buf_init(&s->out, 0);
	TAILQ_INSERT_TAIL(&h2->streams, s, link);
	h2->nstreams++;
	h2->told_idle = false;
	h2_watch(h2);
	return s;
}

struct h2_stream *
h2_stream_find(struct h2 *h2, int32_t id)
{
	return nghttp2_session_get_stream_user_data(h2->session, id);
}

static void
stream_destroy(void *p)
{
	struct h2_stream *s = p;

	buf_free(&s->out);
	fields_free(&s->trailers);
	free(s);
}

void
h2_block_begins(struct h2 *h2, int32_t id)
{
	h2->block_id = id;
	h2->block_begun = clock_mono_s();
	h2_watch(h2);
}

void
h2_forget_block(struct h2_stream *s)
{
	struct h2 *h2 = s->h2;

	if (h2->reading == s)
		h2->reading = NULL;
	if (h2->block_id == s->id)
		h2->block_begun = 0;
}

void
h2_fail(struct h2_stream *s, enum conn_end how, const char *fmt, ...)
{
	struct h2 *h2 = s->h2;
	char text[160];
	va_list ap;

	if (s->flow == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (h2->ops->describe != NULL && s->flow->facts.tag[0] == '\0')
		h2->ops->describe(h2->host, s->flow);
	flow_fail(s->flow, h2_side(h2), how, "%s", text);
}

void
h2_stream_gone(struct h2_stream *s)
{
	struct h2 *h2 = s->h2;

	CHECK(s->flow == NULL);
	if (s->waiting)
		TAILQ_REMOVE(&h2->pending, s, pending_link);
	h2_forget_block(s);
	TAILQ_REMOVE(&h2->streams, s, link);
	h2_forget_output(s);
	if (s->id > 0)
		(void)nghttp2_session_set_stream_user_data(h2->session, s->id, NULL);
	worker_bury(h2->worker, s, stream_destroy);
	h2->idle_since = clock_mono_s();
	h2->nstreams--;
	h2_want_fill(h2);	/* another may be opened, or the last one was waited for */
}

size_t
h2_held(const struct h2 *h2)
{
	const struct h2_stream *s;
	size_t sum = 0;

	if (h2 == NULL)
		return 0;
	TAILQ_FOREACH(s, &h2->streams, link)
		sum += sizeof(*s) + s->out.cap + fields_held(&s->trailers) +
		    (h2->conf.role == H2_CLIENTS ? flow_held(s->flow) : 0);
	return sum + conn_held(h2->conn);
}

void
h2_forget_output(struct h2_stream *s)
{
	s->h2->outgoing -= s->out.len;
	buf_free(&s->out);
}

void
h2_reset(struct h2_stream *s, uint32_t code)
{
	struct h2 *h2 = s->h2;

	h2_forget_output(s);
	if (s->id < 0) {
		h2_stream_gone(s);
		return;
	}
	h2_forget_block(s);
	s->own_reset = true;
	(void)nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, s->id, code);
	h2_want_fill(h2);
}

/* ---- credit ---- */

void
h2_settle_credit(struct h2 *h2)
{
	if (h2->owed == 0 || h2->withheld > H2_WITHHELD_MAX)
		return;
	(void)nghttp2_session_consume_connection(h2->session, h2->owed);
	h2->owed = 0;
	h2_want_fill(h2);
}

void
h2_credit(struct h2_stream *s, size_t n)
{
	struct h2 *h2 = s->h2;

	s->owed += n;
	h2->withheld += n;
	h2->owed += n;
	if (!s->paused) {
		(void)nghttp2_session_consume_stream(h2->session, s->id, s->owed);
		h2->withheld -= s->owed;
		s->owed = 0;
		h2_want_fill(h2);
	}
	h2_settle_credit(h2);
}

void
h2_unpause(struct h2_stream *s)
{
	s->paused = false;
	if (s->owed > 0)
		h2_credit(s, 0);
}
