/* SPDX-License-Identifier: ISC */
/* flow.c - see flow.h.  Runs in: worker, tests. */
#include "config.h"

#include "worker/flow.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "worker/capture.h"
#include "worker/flow_pool.h"
#include "worker/handover.h"
#include "worker/worker_state.h"

static enum flow_side
other(enum flow_side s)
{
	return s == FLOW_FRONT ? FLOW_BACK : FLOW_FRONT;
}

static struct message *
message_of(struct flow *f, enum flow_side s)
{
	return s == FLOW_FRONT ? &f->request : &f->response;
}

struct flow *
flow_new(struct worker *worker, const struct flow_end_ops *front_ops, void *front)
{
	struct flow *f = flow_pool_take(worker);

	f->worker = worker;
	f->side[FLOW_FRONT].ops = front_ops;
	f->side[FLOW_FRONT].end = front;
	f->side[FLOW_FRONT].attached = true;
	f->times.request_begun = clock_mono_us();
	f->times.started_wall = clock_wall_us();
	return f;
}

bool
flow_attached(const struct flow *f)
{
	return f->side[FLOW_BACK].attached;
}

/* Recorded once, before the last byte goes to the client. */
static void
record(struct flow *f)
{
	if (f->recorded)
		return;
	f->recorded = true;
	if (f->times.response_done == 0)
		f->times.response_done = clock_mono_us();
	capture_finish(f);
}

/* Its memory stays as it is until the loop turn ends: callers up the stack may look. */
static void
release(struct flow *f)
{
	CHECK(!f->released);
	record(f);
	f->released = true;
	flow_pool_give(f);
}

static void
finish_end(struct flow *f, enum flow_side s, bool whole, enum conn_end how)
{
	struct flow_side_state *st = &f->side[s];

	if (st->finished)
		return;
	st->finished = true;
	if (st->attached)
		st->ops->finished(st->end, f, whole, how);
}

/* Both messages went through. */
static void
finish_whole(struct flow *f)
{
	f->over = true;
	record(f);
	finish_end(f, FLOW_BACK, true, CONN_END_CLEAN);
	finish_end(f, FLOW_FRONT, true, CONN_END_CLEAN);
	release(f);
}

static void
pause_side(struct flow *f, enum flow_side s, bool on)
{
	struct flow_side_state *st = &f->side[s];

	if (st->paused == on || st->finished || !st->attached)
		return;
	st->paused = on;
	st->ops->pause(st->end, f, on);
}

/* false: there is no room for more, and the source is paused. */
static bool
give_body(struct flow *f, enum flow_side from, const uint8_t *p, size_t n)
{
	struct flow_side_state *to = &f->side[other(from)];

	if (to->finished)
		return false;
	if (to->ops->body(to->end, f, p, n))
		return true;
	pause_side(f, from, true);
	return false;
}

/* Tell the other end what is there; true when both messages have gone through. */
static void
give(struct flow *f, enum flow_side from)
{
	struct flow_side_state *src = &f->side[from], *to = &f->side[other(from)];
	struct message *m = message_of(f, from);

	if (!to->attached || to->finished)
		return;
	if (src->head_in && !src->head_given) {
		src->head_given = true;
		if (from == FLOW_FRONT)
			f->times.request_sent = clock_mono_us();
		to->ops->head(to->end, f, m);
	}
	if (src->held.len > 0 && !to->finished) {
		bool room = give_body(f, from, buf_data(&src->held), src->held.len);

		buf_free(&src->held);
		if (to->finished)
			return;
		/* It was paused because there was nobody to take this. */
		if (room)
			pause_side(f, from, false);
	}
	if (src->ended_in && !src->ended_given && !to->finished) {
		src->ended_given = true;
		if (from == FLOW_BACK && f->side[FLOW_FRONT].ended_in)
			record(f);
		to->ops->end(to->end, f, m->trailers.n > 0 ? &m->trailers : NULL);
	}
}

static void
finish_if_whole(struct flow *f)
{
	if (f->side[FLOW_FRONT].ended_given && f->side[FLOW_BACK].ended_given &&
	    !f->side[FLOW_FRONT].finished)
		finish_whole(f);
}

void
flow_attach(struct flow *f, const struct flow_end_ops *ops, void *back)
{
	struct flow_side_state *st = &f->side[FLOW_BACK];

	CHECK(!st->attached);
	flow_known(f);
	st->ops = ops;
	st->end = back;
	st->attached = true;
	give(f, FLOW_FRONT);
	finish_if_whole(f);
}

void
flow_detach(struct flow *f)
{
	struct flow_side_state *front = &f->side[FLOW_FRONT], *back = &f->side[FLOW_BACK];

	CHECK(back->attached && !f->has_response && !f->request.has_body);
	back->attached = back->paused = false;
	back->ops = NULL;
	back->end = NULL;
	front->head_given = front->ended_given = false;
}

void
flow_drop(struct flow *f)
{
	f->over = f->recorded = true;
	f->side[FLOW_FRONT].finished = f->side[FLOW_BACK].finished = true;
	handover_forget(f->worker->handover, f->open);
	f->open = 0;
	release(f);
}

void
flow_leave_out(struct flow *f)
{
	f->recorded = true;
}

void
flow_head(struct flow *f, enum flow_side from)
{
	struct flow_side_state *st = &f->side[from];

	CHECK(!st->head_in);
	st->head_in = true;
	if (from == FLOW_BACK) {
		f->has_response = true;
		f->times.response_begun = clock_mono_us();
		capture_head(f);
	}
	give(f, from);
}

void
flow_informational(struct flow *f)
{
	struct flow_side_state *front = &f->side[FLOW_FRONT];

	capture_informational(f);
	if (!front->finished)
		front->ops->informational(front->end, f, &f->informational);
}

void
flow_body(struct flow *f, enum flow_side from, const uint8_t *p, size_t n)
{
	struct flow_side_state *st = &f->side[from];

	if (st->finished || n == 0)
		return;
	capture_body(f, from, p, n);
	if (f->side[other(from)].attached && st->held.len == 0) {
		(void)give_body(f, from, p, n);
		return;
	}
	/* Bounded: the rest of one read, since the source is paused. */
	buf_put(&st->held, p, n);
	pause_side(f, from, true);
}

void
flow_end(struct flow *f, enum flow_side from)
{
	struct flow_side_state *st = &f->side[from];

	if (st->finished || st->ended_in)
		return;
	st->ended_in = true;
	if (from == FLOW_FRONT)
		f->times.request_done = clock_mono_us();
	else
		f->times.response_done = clock_mono_us();
	give(f, from);
	finish_if_whole(f);
}

void
flow_writable(struct flow *f, enum flow_side who)
{
	pause_side(f, other(who), false);
}

/* Before both messages went through; `from` is whose doing that is. */
static void
finish_early(struct flow *f, enum flow_side from, enum conn_end how)
{
	f->over = true;
	record(f);
	finish_end(f, other(from), false, how);
	finish_end(f, from, false, how);
	release(f);
}

static void
fail(struct flow *f, enum flow_side from, enum conn_end how)
{
	f->aborted = f->side[FLOW_FRONT].head_in && f->reply_status == 0;
	finish_early(f, from, how);
}

void
flow_answered(struct flow *f, enum flow_side from, enum conn_end how)
{
	CHECK(flow_response_whole(f));
	if (!f->over)
		finish_early(f, from, how);
}

static void PRINTF(2, 0)
note(struct flow *f, const char *fmt, va_list ap)
{
	if (f->error[0] == '\0')
		(void)vsnprintf(f->error, sizeof(f->error), fmt, ap);
}

void
flow_fail(struct flow *f, enum flow_side from, enum conn_end how, const char *fmt, ...)
{
	va_list ap;

	if (f->over)
		return;
	va_start(ap, fmt);
	note(f, fmt, ap);
	va_end(ap);
	fail(f, from, how);
}

void
flow_refuse(struct flow *f, unsigned status, const char *fmt, ...)
{
	va_list ap;

	if (f->over)
		return;
	f->reply_status = status;
	va_start(ap, fmt);
	note(f, fmt, ap);
	va_end(ap);
	fail(f, FLOW_BACK, CONN_END_CLEAN);
}

void
flow_stop(struct flow *f, const char *error)
{
	(void)snprintf(f->reply_extra, sizeof(f->reply_extra),
	    "Proxy-Status: mitmd; error=proxy_internal_error; details=\"%s\"\r\n", error);
	flow_refuse(f, 503, "%s", error);
}

void
flow_become_tunnel(struct flow *f, const char *reason)
{
	f->over = true;
	f->tunnel_reason = reason;
	finish_end(f, FLOW_BACK, true, CONN_END_CLEAN);
	finish_end(f, FLOW_FRONT, true, CONN_END_CLEAN);
}

void
flow_tunnel_done(struct flow *f)
{
	f->times.response_done = clock_mono_us();
	release(f);
}

void
flow_turn_away(struct flow *f, unsigned status, const char *why)
{
	f->recorded = true;
	flow_refuse(f, status, "%s", why);
}

size_t
flow_held(const struct flow *f)
{
	return f == NULL ? 0 : sizeof(*f) + message_held(&f->request) +
	    message_held(&f->response) + message_held(&f->informational) + f->raw_head.cap +
	    f->side[FLOW_FRONT].held.cap + f->side[FLOW_BACK].held.cap +
	    capture_held(&f->capture);
}

bool
flow_request_whole(const struct flow *f)
{
	return f->side[FLOW_FRONT].ended_in;
}

bool
flow_response_whole(const struct flow *f)
{
	return f->side[FLOW_BACK].ended_in;
}

bool
flow_response_begun(const struct flow *f)
{
	return f->has_response;
}

void
flow_adopt(struct flow *f)
{
	f->over = true;
	f->side[FLOW_FRONT].finished = f->side[FLOW_BACK].finished = true;
}

bool
flow_finishing(const struct flow *f)
{
	return f->side[FLOW_FRONT].finished || f->side[FLOW_BACK].finished;
}
