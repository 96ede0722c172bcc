/* SPDX-License-Identifier: ISC */
/*
 * h2_pace.c - what conn_pace.c is for a connection, for each of its streams, whose
 * windows a peer can open byte by byte (RFC 9113 10.5): the same floor, for the
 * same reasons.  What a peer has not got yet it can neither take nor make room for:
 * that it is on its way, which may last on a slow line, is not held against it.
 * See h2_state.h.
 * Runs in: worker.
 */
#include "config.h"

#include "worker/h2_state.h"

#include "base/clock.h"
#include "conf/conf.h"
#include "worker/conn_state.h"

void
h2_put(struct h2_stream *s, size_t n)
{
	struct h2 *h2 = s->h2;
	double now = clock_mono_s();

	if (s->out.len == n)
		s->taking = now;
	if (h2->outgoing == 0)
		h2->taking = now;
	h2->outgoing += n;
}

void
h2_took(struct h2_stream *s, size_t n)
{
	struct h2 *h2 = s->h2;
	double now = clock_mono_s();

	s->taking = conn_pace(s->taking, n, now);
	s->given = conn_given(h2->conn);
	h2->under_way += n;
	h2->outgoing -= n;
}

/* Only content counts: neither the heads of its frames nor answers to PINGs are progress. */
static void
look_at_all(struct h2 *h2, double now)
{
	uint64_t taken = conn_taken(h2->conn), n = MIN(taken - h2->taken, h2->under_way);

	h2->taking = conn_pace(h2->taking, n, now);
	h2->under_way -= n;
	h2->taken = taken;
}

void
h2_came(struct h2_stream *s, size_t n)
{
	double now;

	if (n > 0 && s->sending == 0)
		return;
	now = clock_mono_s();
	s->sending = n == 0 ? now : conn_pace(s->sending, n, now);
}

void
h2_late(struct h2 *h2, enum counter_timeout kind)
{
	enum counter_side side = h2->conf.role == H2_CLIENTS ? SIDE_CLIENT : SIDE_ORIGIN;

	counter_add(&h2->worker->counters->timeouts[side][kind], 1);
}

/*
 * A stream with room in its own window waits for its turn, or for the connection's
 * window: then the peer is not slower than the connection is as a whole.
 */
static bool
reads_too_slowly(struct h2_stream *s, double now, double limit)
{
	struct h2 *h2 = s->h2;

	/* One that waits to be opened is not the peer's to take: its origin is busy. */
	if (s->out.len == 0 || s->waiting)
		return false;
	if (s->given > h2->taken)
		s->taking = MAX(s->taking, h2->taking);
	if (now - s->taking < limit)
		return false;
	return now - h2->taking >= limit ||
	    nghttp2_session_get_stream_remote_window_size(h2->session, s->id) <= 0;
}

static bool
sends_too_slowly(struct h2_stream *s, double now, double limit)
{
	if (s->sending == 0 || s->ended_in || s->flow == NULL)
		return false;
	if (s->paused || s->h2->withheld > H2_WITHHELD_MAX)
		s->sending = now;	/* it gets no credit: the other side is the slow one */
	return now - s->sending >= limit;
}

static void
end(struct h2_stream *s, enum counter_timeout kind)
{
	struct h2 *h2 = s->h2;
	struct flow *f = s->flow;

	h2_late(h2, kind);
	if (f == NULL) {
		h2_reset(s, NGHTTP2_CANCEL);
		return;
	}
	f->was_reset = true;
	f->reset_code = NGHTTP2_CANCEL;
	if (h2->conf.role == H2_ORIGIN && !flow_response_begun(f))
		f->reply_status = 504;
	else if (kind == TIMEOUT_SLOW_SEND && h2->conf.may_answer && !s->head_out)
		f->reply_status = 408;
	h2_fail(s, CONN_END_TIMEOUT, "timeout: %s %s", h2_peer(h2), conn_slow_text(kind));
}

void
h2_check_pace(struct h2 *h2)
{
	double now = clock_mono_s(), limit = (double)h2->worker->conf->timeouts.idle_ms / 1000;
	struct h2_stream *s, *next;

	if (h2->conn == NULL)
		return;
	look_at_all(h2, now);
	TAILQ_FOREACH_SAFE(s, &h2->streams, link, next)
		if (reads_too_slowly(s, now, limit))
			end(s, TIMEOUT_SLOW_READ);
		else if (sends_too_slowly(s, now, limit))
			end(s, TIMEOUT_SLOW_SEND);
}
