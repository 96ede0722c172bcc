/* SPDX-License-Identifier: ISC */
/*
 * fuzz_h2.c - one HTTP/2 connection, as a client's or as an origin's, whose flows
 * have a dummy at their other end.  The first byte: bit 0 the role (1: an origin),
 * bit 1 our own words are allowed, bit 2 the preface and SETTINGS are part of the
 * input.  Then a script: 1 to 127 is so many bytes of the peer, and
 *
 *	128	a flow begins (origin): a GET	129	... a POST
 *	130	a response head, or content of the request, on each flow
 *	131	content on each flow		132	its end
 *	133	... with trailers		134	a 1xx on each flow
 *	135	the other ends are full		136	... and take more again
 *	137	the oldest flow fails		138	... and is refused
 *	139	the peer reads			140	drain
 *	141	the watch timer			142	the peer closes
 *	143	WebSockets are offered
 * What the streams owe adds up after each step, and nothing is left at the end.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../unit/worker/world.h"
#include "base/fd.h"
#include "base/log.h"
#include "worker/h2_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FLOWS 128

static struct world world;
static struct h2 *h2;
static int peer;
static struct flow *flows[FLOWS];
static size_t nflows;
static bool full, as_origin;

/* ---- the other end of each flow ---- */

static void
on_head(void *end UNUSED, struct flow *f UNUSED, const struct message *m UNUSED)
{
}

static bool
on_body(void *end UNUSED, struct flow *f UNUSED, const uint8_t *p UNUSED, size_t n UNUSED)
{
	return !full;
}

static void
on_end(void *end UNUSED, struct flow *f UNUSED, const struct fields *trailers UNUSED)
{
}

static void
on_pause(void *end UNUSED, struct flow *f UNUSED, bool on UNUSED)
{
}

static void
on_finished(void *end UNUSED, struct flow *f, bool whole UNUSED, enum conn_end how UNUSED)
{
	size_t i;

	for (i = 0; i < nflows && flows[i] != f; i++)
		continue;
	CHECK(i < nflows);
	memmove(&flows[i], &flows[i + 1], (--nflows - i) * sizeof(flows[0]));
}

static const struct flow_end_ops dummy_ops = {.head = on_head,
    .informational = on_head,
    .body = on_body,
    .end = on_end,
    .pause = on_pause,
    .finished = on_finished};

static enum flow_side
dummy(void)
{
	return as_origin ? FLOW_FRONT : FLOW_BACK;
}

/* ---- the host ---- */

static void
on_describe(void *host UNUSED, struct flow *f)
{
	memcpy(f->facts.tag, "fuzz", 5);
	f->facts.scheme = "https";
}

static void
on_request(void *host UNUSED, struct flow *f)
{
	on_describe(NULL, f);
	if (nflows == FLOWS) {
		flow_refuse(f, 503, "full");
		return;
	}
	flows[nflows++] = f;
	flow_attach(f, &dummy_ops, NULL);
}

static void
on_ended(void *host UNUSED, struct h2 *it, enum conn_end how)
{
	struct conn *conn = h2_take_conn(it);

	conn_end_like(&conn, how);
	h2_free(&h2);
}

static void
on_news(void *host UNUSED, struct h2 *it UNUSED)
{
}

static const struct h2_ops host_ops = {.describe = on_describe,
    .request = on_request,
    .ended = on_ended,
    .idle = on_news,
    .goaway = on_news};

/* ---- what the flows do ---- */

static void
begin_flow(const char *method, bool has_body)
{
	struct flow *f;

	if (!as_origin || h2 == NULL || nflows == FLOWS)
		return;
	f = flow_new(&world.worker, &dummy_ops, NULL);
	on_describe(NULL, f);
	f->request.is_request = true;
	f->request.version = HTTP_VERSION_2;
	f->request.method = str_z(method);
	f->request.target = f->request.path = STR("/");
	f->request.authority = STR("o.test");
	f->request.is_head = strcmp(method, "HEAD") == 0;
	f->request.has_body = has_body;
	f->request.length = has_body ? -1 : 0;
	flows[nflows++] = f;
	flow_head(f, FLOW_FRONT);
	if (!has_body)
		flow_end(f, FLOW_FRONT);
	if (!h2_attach(h2, f))
		flow_fail(f, FLOW_BACK, CONN_END_CLEAN, "not attached");
}

static void
answer(struct flow *f, unsigned status)
{
	f->response.status = status;
	f->response.version = HTTP_VERSION_1_1;
	f->response.has_body = status != 204;
	f->response.length = f->response.has_body ? -1 : 0;
	f->response.chunked = f->response.has_body;
	fields_add(&f->response.fields, STR("Content-Type"), STR("text/plain"));
	flow_head(f, FLOW_BACK);
}

static bool
may_send(const struct flow *f)
{
	const struct message *m = as_origin ? &f->request : &f->response;

	return (as_origin || flow_response_begun(f)) && m->has_body &&
	       !(as_origin ? flow_request_whole(f) : flow_response_whole(f));
}

static void
step_of(struct flow *f, uint8_t op)
{
	static const uint8_t content[20000];

	switch (op) {
	case 130:
		if (!as_origin && !flow_response_begun(f))
			answer(f, f->request.is_head ? 204 : 200);
		break;
	case 131:
		if (may_send(f))
			flow_body(f, dummy(), content, sizeof(content));
		break;
	case 132:
	case 133:
		if (op == 133 && may_send(f))
			fields_add(as_origin ? &f->request.trailers : &f->response.trailers,
			    STR("T"), STR("1"));
		if (as_origin || flow_response_begun(f))
			flow_end(f, dummy());
		break;
	case 134:
		if (!as_origin && !flow_response_begun(f)) {
			f->informational.status = 103;
			flow_informational(f);
		}
		break;
	case 136:
		flow_writable(f, dummy());
		break;
	default:
		break;
	}
}

static void
step_of_all(uint8_t op)
{
	struct flow *now[FLOWS];
	size_t n = nflows, i, k;

	memcpy(now, flows, sizeof(now));
	for (i = 0; i < n; i++) {
		for (k = 0; k < nflows && flows[k] != now[i]; k++)
			continue;
		if (k < nflows)
			step_of(now[i], op);
	}
}

/* ---- the script ---- */

static void
turn(void)
{
	int i;

	for (i = 0; i < 3; i++)
		(void)ev_run(world.worker.loop, EVRUN_NOWAIT);
	while (world_entry(&world) != NULL)
		continue;
}

static void
listen_to_it(void)
{
	static char bytes[65536];

	while (peer != -1 && recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		turn();
}

static void
check_sums(void)
{
	const struct h2_stream *s;
	size_t n = 0, owed = 0;

	if (h2 == NULL)
		return;
	TAILQ_FOREACH(s, &h2->streams, link)
	{
		n++;
		owed += s->owed;
		CHECK(s->owed == 0 || s->paused);
		CHECK(!s->waiting || (s->id < 0 && s->flow != NULL));
	}
	CHECK(n == h2->nstreams && owed == h2->withheld);
	CHECK(h2->nopen <= h2->nstreams);
}

static void
step(uint8_t op)
{
	switch (op) {
	case 128:
		begin_flow("GET", false);
		break;
	case 129:
		begin_flow("POST", true);
		break;
	case 135:
	case 136:
		full = op == 135;
		step_of_all(op);
		break;
	case 137:
		if (nflows > 0)
			flow_fail(flows[0], dummy(), CONN_END_RESET, "fuzzed");
		break;
	case 138:
		if (nflows > 0)
			flow_refuse(flows[0], 503, "fuzzed");
		break;
	case 139:
		listen_to_it();
		break;
	case 140:
		if (h2 != NULL)
			h2_drain(h2);
		break;
	case 141:
		if (h2 != NULL && ev_is_active(&h2->watch))
			ev_invoke(world.worker.loop, &h2->watch, EV_TIMER);
		break;
	case 142:
		fd_close(&peer);
		break;
	case 143:
		if (h2 != NULL && !as_origin)
			h2_offer_connect(h2);
		break;
	default:
		step_of_all(op);
	}
}

static void
begin(uint8_t flags)
{
	static const char preface[] = NGHTTP2_CLIENT_MAGIC;
	static const struct conn_ops no_ops = {0};
	struct h2_conf conf = {.role = (flags & 1) != 0 ? H2_ORIGIN : H2_CLIENTS,
	    .may_answer = (flags & 2) != 0,
	    .scheme = "https"};
	struct addr addr;
	struct conn *conn;
	int fd[2];

	if (world.conf == NULL) {
		log_init(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
		world_init(&world);
		world.unix_pairs = true;
	}
	as_origin = (flags & 1) != 0;
	full = false;
	world_pair(&world, fd);
	peer = fd[1];
	CHECK(addr_parse(STR("127.0.0.1:5000"), &addr));
	conn = conn_new(&world.worker, SIDE_ORIGIN, fd[0], &addr, &no_ops, NULL);
	h2 = h2_new(&world.worker, &conn, &conf, &host_ops, NULL);
	if ((flags & 4) != 0)
		return;
	if (!as_origin)
		(void)send(peer, preface, sizeof(preface) - 1, MSG_NOSIGNAL);
	(void)send(peer, "\0\0\0\4\0\0\0\0\0", 9, MSG_NOSIGNAL);
}

static void
end(void)
{
	int i;

	if (h2 != NULL)
		h2_cut(h2, "over");
	h2_free(&h2);
	CHECK(nflows == 0);
	fd_close(&peer);
	for (i = 0; i < 10 && conn_hub_count(world.worker.conns) > 0; i++)
		turn();
	turn();
	CHECK(conn_hub_count(world.worker.conns) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n;

	if (size == 0)
		return 0;
	begin(data[0]);
	for (data++, size--; size > 0; data += n, size -= n) {
		uint8_t op = *data++;

		size--;
		n = 0;
		if (op >= 128) {
			step(op);
		} else {
			n = MIN(op, size);
			if (peer != -1 && n > 0)
				(void)send(peer, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		}
		turn();
		check_sums();
	}
	end();
	return 0;
}
