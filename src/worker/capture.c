/* SPDX-License-Identifier: ISC */
/* capture.c - see capture.h.  Runs in: worker. */
#include "config.h"

#include "worker/capture.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "shm/open_flows.h"
#include "worker/flow.h"
#include "worker/flow_log.h"
#include "worker/handover.h"
#include "worker/memory.h"
#include "worker/tally.h"
#include "worker/worker_state.h"

#define ROOMY_BYTES (1280 << 10)
#define ROOMY_MAX 32
#define SHORT_BYTES (16u << 10)	/* of a body, when memory is short */
#define WS_MESSAGE_MAX (512u << 10)
#define WS_PIECE (256u << 10)	/* of messages: then an entry is handed over, and it goes on */
#define WS_PIECE_SECONDS 30.	/* ... or so long after the first of them */
#define WS_SLICE (16u << 10)	/* of frames; tiny ones make forty times their size of text */
#define PRECONNECT_US 1000000	/* a longer gap: the client connected ahead of its need */

static const struct message *
message_of(const struct flow *f, int side)
{
	return side == FLOW_FRONT ? &f->request : &f->response;
}

static size_t
held_informational(const struct capture *c)
{
	size_t i, sum = 0;

	for (i = 0; i < c->ninformational; i++)
		sum += fields_held(c->informational[i].fields);
	return sum;
}

void
capture_informational(struct flow *f)
{
	struct capture *c = &f->capture;
	struct har_informational *item;

	if (c->ninformational == CAPTURE_INFORMATIONAL_MAX || held_informational(c) +
	    f->informational.fields.text.len > f->worker->conf->limits.header_size)
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

	if (memory_is_short(w->memory))
		return SHORT_BYTES;
	if (side != FLOW_BACK || w->roomy >= ROOMY_MAX ||
	    (length >= 0 && (length <= (int64_t)BODY_MEMORY || length > ROOMY_BYTES)))
		return BODY_MEMORY;
	w->roomy++;
	f->capture.roomy = true;
	return ROOMY_BYTES;
}

/* ---- WebSockets ---- */

static void hand_over_piece(struct flow *);

static void
take_extensions(struct ws_conf *conf, const struct fields *f)
{
	uint32_t i;

	for (i = 0; i < f->n; i++)
		if (f->v[i].id == FIELD_OTHER &&
		    str_ieq(fields_name(f, &f->v[i]), STR("sec-websocket-extensions")))
			ws_conf_extensions(conf, fields_value(f, &f->v[i]));
}

/* RFC 6455 4.2.2, RFC 8441 5.1 */
void
capture_head(struct flow *f)
{
	const struct message *q = &f->request, *r = &f->response;
	uint64_t max = f->worker->conf->capture.max_body;
	struct ws_conf conf = {.message_max = (size_t)MIN(max, (uint64_t)WS_MESSAGE_MAX)};
	bool h1 = r->status == 101 &&
	    str_list_has(fields_get(&r->fields, FIELD_UPGRADE), STR("websocket"));
	bool h2 = str_ieq(q->protocol, STR("websocket")) && r->status >= 200 && r->status < 300;

	if (!h1 && !h2)
		return;
	take_extensions(&conf, &r->fields);
	f->capture.ws = ws_new(&conf);
	if (f->open != 0)
		open_flows_flag(handover_open_flows(f->worker->handover), f->open,
		    OPEN_WEBSOCKET);
}

/* Messages wait from here on. */
static void
begin_talk(struct flow *f)
{
	struct capture *c = &f->capture;

	c->talker = f;
	c->talks_since = clock_mono_s();
	TAILQ_INSERT_TAIL(&f->worker->talks, c, talk_link);
}

static void
end_talk(struct flow *f)
{
	struct capture *c = &f->capture;

	if (c->talker == NULL)
		return;
	TAILQ_REMOVE(&f->worker->talks, c, talk_link);
	c->talker = NULL;
}

void
capture_tunnel(struct flow *f, int side, const uint8_t *p, size_t n)
{
	struct ws *ws = f->capture.ws;
	size_t k;

	if (ws == NULL || f->recorded)
		return;
	for (; n > 0; p += k, n -= k) {
		k = MIN(n, (size_t)WS_SLICE);
		ws_feed(ws, side == FLOW_FRONT ? WS_SEND : WS_RECEIVE, p, k, clock_wall_us());
		if (ws_text(ws).n >= WS_PIECE)
			hand_over_piece(f);
	}
	if (ws_text(ws).n > 0 && f->capture.talker == NULL)
		begin_talk(f);
}

void
capture_sweep(struct worker *w)
{
	double now = clock_mono_s();
	struct capture *c;

	while ((c = TAILQ_FIRST(&w->talks)) != NULL &&
	    now - c->talks_since >= WS_PIECE_SECONDS)
		hand_over_piece(c->talker);
}

unsigned
capture_tell(struct worker *w, struct str tag)
{
	struct capture *c, *next;
	unsigned n = 0;

	TAILQ_FOREACH_SAFE(c, &w->talks, talk_link, next) {
		if (tag.n > 0 && !str_eq(str_z(c->talker->facts.tag), tag))
			continue;
		hand_over_piece(c->talker);
		n++;
	}
	return n;
}

/* Its last entry is about to be made. */
static void
end_ws(struct flow *f)
{
	struct ws *ws = f->capture.ws;

	end_talk(f);
	ws_end(ws, clock_wall_us());
	if (ws_close(ws).seen || ws_broken(ws) != NULL)
		return;
	f->aborted = true;
	if (f->error[0] == '\0')	/* RFC 6455 7.1.5: what is called 1006 */
		(void)snprintf(f->error, sizeof(f->error),
		    "the WebSocket ended without a Close frame");
}

void
capture_body(struct flow *f, int side, const uint8_t *p, size_t n)
{
	struct body **body = &f->capture.body[side];

	if (f->recorded)
		return;
	if (f->capture.ws != NULL) {
		capture_tunnel(f, side, p, n);
		return;
	}
	/* Opened with the first byte: most requests have none. */
	if (*body == NULL) {
		const struct message *m = message_of(f, side);
		struct body_conf conf = {
		    .max_body = f->worker->conf->capture.max_body,
		    .memory = memory_for(f, side, m->length),
		    .spill = handover_spill_file(f->worker->handover),
		};

		/* Only then: one who says so and sends a byte would hold all of it. */
		if (conf.memory == ROOMY_BYTES && m->length > 0)
			conf.expected = (size_t)m->length;
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

static struct str
scheme_of(const struct flow *f)
{
	bool secure = f->request.is_connect || strcmp(f->facts.scheme, "https") == 0;

	if (f->capture.ws != NULL)
		return secure ? STR("wss") : STR("ws");
	return secure ? STR("https") : STR("http");
}

static void
put_url(struct buf *url, const struct flow *f)
{
	struct str path = f->request.path;

	if (f->request.is_connect)
		path = STR("/");
	if (f->facts.has_origin)
		target_put_url(url, scheme_of(f), &f->facts.origin, path);
	else
		buf_putz(url, "http://invalid/");
}

static void
hand_over(struct flow *f, bool more)
{
	struct handover *out = f->worker->handover;
	struct buf *text = handover_scratch(out), url = {0};
	struct har_insert inserts[RING_INSERTS_MAX];
	struct har_tls tls;
	struct har_ws ws;
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
	if (f->capture.ws != NULL) {
		h.response_wire_bytes += (int64_t)f->bytes_down;
		ws = (struct har_ws){.messages = ws_text(f->capture.ws),
		    .truncated = ws_truncated(f->capture.ws),
		    .closed = ws_close(f->capture.ws), .broken = ws_broken(f->capture.ws),
		    .piece = more || f->capture.pieces > 0 ? ++f->capture.pieces : 0,
		    .more = more};
		h.ws = &ws;
	}
	put_url(&url, f);
	h.url = buf_str(&url);
	if (f->facts.connect.known && h.times.connect == -1)
		h.setup = &setup;	/* connected ahead: not this request's time */
	if (!more) {
		flow_log(f, h.url);
		tally_flow(f);
	}
	har_entry(text, &h, inserts, &ninserts);
	handover_put(out, h.tag, buf_str(text), inserts, ninserts, more ? 0 : f->open);
	if (!more)
		f->open = 0;
	buf_free(&url);
}

static void
hand_over_piece(struct flow *f)
{
	uint64_t done = f->times.response_done;

	f->times.response_done = clock_mono_us();
	hand_over(f, true);
	f->times.response_done = done;
	f->facts.whole_chain = false;
	ws_clear(f->capture.ws);
	end_talk(f);
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
	hand_over(f, false);
	return true;
}

void
capture_finish(struct flow *f)
{
	struct capture *c = &f->capture;
	bool again = false;

	if (c->ws != NULL)
		end_ws(f);
	if (c->body[FLOW_FRONT] != NULL)
		again = body_end(c->body[FLOW_FRONT], flow_request_whole(f)) == ERR_AGAIN;
	if (c->body[FLOW_BACK] != NULL)
		again |= body_end(c->body[FLOW_BACK], flow_response_whole(f)) == ERR_AGAIN;
	if (again)
		c->recoding = true;
	else
		hand_over(f, false);
}

size_t
capture_held(const struct capture *c)
{
	return body_held(c->body[FLOW_FRONT]) + body_held(c->body[FLOW_BACK]) +
	    ws_held(c->ws) + held_informational(c);
}

void
capture_clear(struct flow *f)
{
	struct capture *c = &f->capture;
	size_t i;

	if (c->roomy)
		f->worker->roomy--;
	end_talk(f);
	ws_free(&c->ws);
	body_free(&c->body[0]);
	body_free(&c->body[1]);
	for (i = 0; i < c->ninformational; i++) {
		fields_free(c->informational[i].fields);
		free(c->informational[i].fields);
	}
	free(c->informational);
	*c = (struct capture){0};
}
