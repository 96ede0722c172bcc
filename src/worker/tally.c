/* SPDX-License-Identifier: ISC */
/* tally.c - see tally.h.  Runs in: worker. */
#include "config.h"

#include "worker/tally.h"

#include "har/body.h"
#include "worker/dial.h"
#include "worker/flow.h"
#include "worker/worker_state.h"

/* ---- flows ---- */

static enum counter_proto
proto_of(const struct message *q)
{
	switch (q->version) {
	case HTTP_VERSION_1_0:
		return PROTO_1_0;
	case HTTP_VERSION_1_1:
		return PROTO_1_1;
	case HTTP_VERSION_2:
		return PROTO_2;
	default:
		return PROTO_NONE;
	}
}

static enum counter_method
method_of(const struct message *q)
{
	static const struct {
		struct str name;
		enum counter_method method;
	} known[] = {{STR("GET"), METHOD_GET}, {STR("POST"), METHOD_POST},
	    {STR("HEAD"), METHOD_HEAD}, {STR("PUT"), METHOD_PUT},
	    {STR("DELETE"), METHOD_DELETE}, {STR("OPTIONS"), METHOD_OPTIONS},
	    {STR("PATCH"), METHOD_PATCH}, {STR("CONNECT"), METHOD_CONNECT}};
	size_t i;

	for (i = 0; i < NELEM(known); i++)
		if (str_eq(q->method, known[i].name))
			return known[i].method;
	return METHOD_OTHER;
}

static enum counter_code_class
class_of(const struct flow *f)
{
	unsigned hundreds = f->response.status / 100;

	return f->has_response && hundreds >= 1 && hundreds <= 5 ?
	    (enum counter_code_class)(CODE_1XX + hundreds - 1) : CODE_NONE;
}

static void
tally_times(struct counters *c, const struct flow *f)
{
	const struct flow_times *t = &f->times;

	if (t->request_sent != 0 && t->response_begun >= t->request_sent)
		counter_observe(&c->upstream_ttfb, t->response_begun - t->request_sent);
	if (f->has_response && f->tunnel_reason == NULL && f->capture.ws == NULL)
		counter_observe(&c->request_time, t->response_done - t->request_begun);
}

void
tally_flow(const struct flow *f)
{
	struct counters *c = f->worker->counters;
	const struct message *q = &f->request;
	int side;

	for (side = FLOW_FRONT; side <= FLOW_BACK; side++)
		if (f->capture.body[side] != NULL && body_truncated(f->capture.body[side]))
			counter_add(&c->har_truncated, 1);
	/* A CONNECT is no request of somebody for something (it has its own counter). */
	if (q->is_connect && q->protocol.n == 0)
		return;
	counter_add(&c->requests[proto_of(q)][method_of(q)][class_of(f)], 1);
	tally_times(c, f);
}

/* ---- connections ---- */

void
tally_dial(struct worker *w, const struct dialled *r, enum counter_opened what)
{
	struct counters *c = w->counters;

	counter_add(&c->opened[SIDE_ORIGIN][what], 1);
	if (r->dns_us >= 0 && what != OPENED_DNS)
		counter_observe(&c->upstream_dns, (uint64_t)r->dns_us);
	if (what == OPENED_OK && r->connect_us >= 0)
		counter_observe(&c->upstream_connect, (uint64_t)r->connect_us);
}

/* ---- TLS ---- */

void
tally_handshake(struct worker *w, enum counter_side side, SSL *ssl, uint64_t us)
{
	struct counters *c = w->counters;
	enum counter_handshake how = HANDSHAKE_FAILED;
	enum counter_tls version = TLS_NONE;

	if (ssl != NULL) {
		how = SSL_session_reused(ssl) == 1 ? HANDSHAKE_RESUMED : HANDSHAKE_FULL;
		version = SSL_version(ssl) >= TLS1_3_VERSION ? TLS_1_3 : TLS_1_2;
		counter_observe(side == SIDE_CLIENT ? &c->handshake_time : &c->upstream_tls,
		    us);
	}
	counter_add(&c->handshakes[side][how][version], 1);
}

/* RFC 8446 6 */
static enum counter_reject
reject_of(unsigned alert)
{
	switch (alert) {
	case 0:
		return REJECT_CLOSED;
	case 42:
		return REJECT_BAD;
	case 43:
		return REJECT_UNSUPPORTED;
	case 44:
		return REJECT_REVOKED;
	case 45:
		return REJECT_EXPIRED;
	case 46:
		return REJECT_UNKNOWN;
	case 48:
		return REJECT_UNKNOWN_CA;
	case 49:
		return REJECT_DENIED;
	default:
		return REJECT_OTHER;
	}
}

void
tally_reject(struct worker *w, unsigned alert, enum counter_cause cause)
{
	counter_add(&w->counters->rejects[reject_of(alert)][cause], 1);
}
