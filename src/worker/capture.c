/* SPDX-License-Identifier: ISC */
/* capture.c - see capture.h.  Runs in: worker. */
#include "config.h"

#include "worker/capture.h"

#include <stdlib.h>

#include "base/mem.h"
#include "worker/flow.h"
#include "worker/flow_log.h"
#include "worker/handover.h"
#include "worker/worker_state.h"

#define ROOMY_BYTES (1280 << 10)
#define ROOMY_MAX 32
#define PRECONNECT_US 1000000	/* a longer gap: the client connected ahead of its need */

static const struct message *
message_of(const struct flow *f, int side)
{
	return side == FLOW_FRONT ? &f->request : &f->response;
}

void
capture_informational(struct flow *f)
{
	struct capture *c = &f->capture;
	struct har_informational *item;

	if (c->ninformational == CAPTURE_INFORMATIONAL_MAX)
		return;
	if (c->informational == NULL)
		c->informational = mem_grow(NULL, CAPTURE_INFORMATIONAL_MAX, sizeof(*item));
	item = &c->informational[c->ninformational++];
	item->status = f->informational.status;
	item->fields = mem_new(struct fields);
	fields_init(item->fields);
	fields_copy(item->fields, &f->informational.fields);
}

/*
 * A way through the spill costs as much as the rest of a body of a megabyte: a
 * few such bodies at a time stay in memory.  Their text still fits the ring.
 */
static size_t
memory_for(struct flow *f, int side, int64_t length)
{
	struct worker *w = f->worker;

	if (side != FLOW_BACK || w->roomy >= ROOMY_MAX ||
	    (length >= 0 && (length <= (int64_t)BODY_MEMORY || length > ROOMY_BYTES)))
		return BODY_MEMORY;
	w->roomy++;
	f->capture.roomy = true;
	return ROOMY_BYTES;
}

void
capture_body(struct flow *f, int side, const uint8_t *p, size_t n)
{
	struct body **body = &f->capture.body[side];

	if (f->recorded)
		return;
	/* Opened with the first byte: most requests have none. */
	if (*body == NULL) {
		const struct message *m = message_of(f, side);
		struct body_conf conf = {
		    .max_body = f->worker->conf->capture.max_body,
		    .memory = memory_for(f, side, m->length),
		    .spill = handover_spill_file(f->worker->handover),
		};

		*body = body_new(&conf, fields_get(&m->fields, FIELD_CONTENT_TYPE),
		    fields_get(&m->fields, FIELD_CONTENT_ENCODING));
	}
	body_feed(*body, p, n);
}

static int64_t
between(uint64_t from, uint64_t to)
{
	return from == 0 || to == 0 ? -1 : to > from ? (int64_t)(to - from) : 0;
}

static int64_t
or_zero(int64_t v)
{
	return v < 0 ? 0 : v;
}

/*
 * HAR's phases.  The origin was connected before the request came: the first
 * flow tells of that and starts when the client asked for the connection,
 * unless the client connected ahead of its need.
 */
static struct har_times
times_of(const struct flow *f)
{
	const struct flow_times *t = &f->times;
	const struct flow_connect *c = &f->facts.connect;
	uint64_t sent = t->request_sent != 0 ? t->request_sent : t->request_begun;
	uint64_t request_end = t->request_done != 0 ? t->request_done : sent;
	uint64_t answered = t->response_begun != 0 ? t->response_begun : t->response_done;
	struct har_times h = {.started_wall_us = t->started_wall,
	    .blocked = or_zero(between(t->request_begun, sent)),
	    .dns = -1,
	    .connect = -1,
	    .ssl = -1};

	/* An answer may come before the request is complete. */
	if (request_end > answered)
		request_end = answered;
	h.send = or_zero(between(sent, request_end));
	h.wait = or_zero(between(MAX(request_end, sent), answered));
	h.receive = or_zero(between(answered, t->response_done));
	if (!c->known)
		return h;
	h.dns = c->dns;
	h.connect = c->connect;
	h.ssl = c->ssl;
	if (c->asked_mono != 0 && c->asked_mono <= t->request_begun &&
	    t->request_begun - c->asked_mono <= PRECONNECT_US) {
		int64_t phases = or_zero(c->dns) + or_zero(c->connect);
		int64_t gap = (int64_t)(t->request_begun - c->asked_mono) - phases;

		h.started_wall_us = c->asked_wall;
		h.blocked += or_zero(gap);
		/* A CONNECT waited for its connection: that time counts once. */
		if (gap < 0)
			h.wait = or_zero(h.wait + gap);
	} else if (c->asked_mono != 0 && c->asked_mono <= t->request_begun) {
		h.dns = h.connect = h.ssl = -1;
	} else {
		/* Connected for this very request: those phases are no blocking. */
		h.blocked = or_zero(h.blocked - or_zero(c->dns) - or_zero(c->connect));
	}
	return h;
}

static void
put_url(struct buf *url, const struct flow *f)
{
	struct str path = f->request.path;

	if (f->request.is_connect || f->tunnel_reason != NULL)
		path = STR("/");
	if (f->facts.has_origin)
		target_put_url(url, str_z(f->request.is_connect ? "https" : f->facts.scheme),
		    &f->facts.origin, path);
	else
		buf_putz(url, "http://invalid/");
}

static void
hand_over(struct flow *f)
{
	struct handover *out = f->worker->handover;
	struct buf *text = handover_scratch(out), url = {0};
	struct har_insert inserts[RING_INSERTS_MAX];
	struct har_tls tls;
	struct har_setup setup = {.dns = f->facts.connect.dns,
	    .connect = f->facts.connect.connect,
	    .ssl = f->facts.connect.ssl};
	size_t ninserts = 0;
	struct har_flow h = {
	    .tag = str_z(f->facts.tag),
	    .client = &f->facts.client,
	    .server = &f->facts.server,
	    .raw_target = f->request.target,
	    .request = &f->request,
	    .response = f->has_response ? &f->response : NULL,
	    .request_body = f->capture.body[FLOW_FRONT],
	    .response_body = f->capture.body[FLOW_BACK],
	    .request_whole = flow_request_whole(f),
	    .response_whole = flow_response_whole(f),
	    .informational = f->capture.informational,
	    .ninformational = f->capture.ninformational,
	    .times = times_of(f),
	    .tunnel = {.reason = f->tunnel_reason, .bytes_up = f->bytes_up,
		.bytes_down = f->bytes_down},
	    .origin_id = f->facts.origin_id,
	    .client_id = f->facts.client_id,
	    .response_wire_bytes = f->has_response ? f->response.wire_bytes : 0,
	    .error = f->error[0] != '\0' ? f->error : NULL,
	    .tls_error = f->tls_error,
	    .aborted = f->aborted,
	    .raw_head = buf_str(&f->raw_head),
	};

	if (f->facts.tls != NULL && !f->facts.whole_chain) {
		h.tls_text = tls_info_text(f->facts.tls);
	} else if (f->facts.tls != NULL) {
		tls = tls_info_har(f->facts.tls, true);
		h.tls = &tls;
	}
	put_url(&url, f);
	h.url = buf_str(&url);
	if (f->facts.connect.known && h.times.connect == -1)
		h.setup = &setup;	/* connected ahead: not this request's time */
	flow_log(f, h.url);
	har_entry(text, &h, inserts, &ninserts);
	handover_put(out, h.tag, buf_str(text), inserts, ninserts);
	buf_free(&url);
}

bool
capture_step(struct flow *f)
{
	int side;

	for (side = FLOW_FRONT; side <= FLOW_BACK; side++)
		if (f->capture.body[side] != NULL &&
		    body_step(f->capture.body[side]) == ERR_AGAIN)
			return false;
	f->capture.recoding = false;
	hand_over(f);
	return true;
}

void
capture_finish(struct flow *f)
{
	struct capture *c = &f->capture;
	bool again = false;

	if (c->body[FLOW_FRONT] != NULL)
		again = body_end(c->body[FLOW_FRONT], flow_request_whole(f)) == ERR_AGAIN;
	if (c->body[FLOW_BACK] != NULL)
		again |= body_end(c->body[FLOW_BACK], flow_response_whole(f)) == ERR_AGAIN;
	if (again)
		c->recoding = true;
	else
		hand_over(f);
}

void
capture_clear(struct flow *f)
{
	struct capture *c = &f->capture;
	size_t i;

	if (c->roomy)
		f->worker->roomy--;

	body_free(&c->body[0]);
	body_free(&c->body[1]);
	for (i = 0; i < c->ninformational; i++) {
		fields_free(c->informational[i].fields);
		free(c->informational[i].fields);
	}
	free(c->informational);
	*c = (struct capture){0};
}
