/* SPDX-License-Identifier: ISC */
/* front.c - see front.h.  Runs in: worker. */
#include "config.h"

#include "worker/front.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "worker/access.h"
#include "worker/back.h"
#include "worker/dial.h"
#include "worker/front_h1.h"
#include "worker/front_h2.h"
#include "worker/front_state.h"
#include "worker/intercept.h"
#include "worker/portal.h"
#include "worker/unrecorded.h"
#include "worker/worker_state.h"

#define FRONT_BYTES (32u << 10)	/* with what its connections have while they are idle */

static void on_request(void *host, struct flow *);
static void on_connect(void *host, struct flow *);
static void on_client_ended(void *host, enum conn_end how);
static void on_idle(void *host);
static void on_preface(void *host);
static void on_back_ended(void *host, struct back *, enum conn_end how);
static bool on_back_lost(void *host, struct back *, struct flow *);
static void on_upgraded(void *host, struct back *, struct flow *);

static const struct front_h1_ops h1_ops = {.describe = front_describe, .request = on_request,
    .connect = on_connect, .ended = on_client_ended, .idle = on_idle,
    .preface = on_preface};
static const struct back_ops back_ops = {
    .ended = on_back_ended, .lost = on_back_lost, .upgraded = on_upgraded};

static void
destroy(void *p)
{
	free(p);
}

/* Everything it owns is gone or goes now. */
static void
release(struct front *fr)
{
	struct worker *w = fr->worker;

	if (fr->dead)
		return;
	fr->dead = true;
	dial_cancel(&fr->dial);
	front_h1_free(&fr->h1);
	back_free(&fr->back);
	intercept_free(&fr->intercept);
	front_h2_free(&fr->h2);
	access_leave(w->access, &fr->client_addr);
	TAILQ_REMOVE(&w->fronts, fr, link);
	worker_bury(w, fr, destroy);
	worker_front_gone(w);
}

void
front_done(struct front *fr)
{
	release(fr);
}

void
front_accept(struct worker *w, int fd, const struct addr *client)
{
	struct front *fr = mem_new(struct front);

	fr->worker = w;
	fr->client_addr = *client;
	fr->client = conn_new(w, SIDE_CLIENT, fd, client, &front_h1_conn_ops, NULL);
	fr->client_id = conn_id(fr->client);
	fr->seen.since_us = clock_mono_us();
	conn_count(fr->client, &fr->seen.bytes);
	fr->h1 = front_h1_new(w, fr->client, FRONT_H1_PROXY, &h1_ops, fr);
	TAILQ_INSERT_TAIL(&w->fronts, fr, link);
	worker_front_new(w);
}

size_t
front_held(const struct front *fr)
{
	return FRONT_BYTES + conn_held(fr->client) + front_h1_held(fr->h1) +
	    back_held(fr->back) + tunnel_held(fr->tunnel) + intercept_held(fr->intercept) +
	    front_h2_held(fr->h2);
}

struct front *
front_next(struct front *fr)
{
	return TAILQ_NEXT(fr, link);
}

/* ---- who asks for what ---- */

void
front_describe(void *host, struct flow *f)
{
	struct front *fr = host;

	f->facts.client = fr->client_addr;
	f->facts.client_id = fr->client_id;
	f->facts.scheme = "http";
	access_tag_of_address(&fr->client_addr, f->facts.tag);
}

bool
front_admit(struct front *fr, struct flow *f)
{
	const char *why;

	front_describe(fr, f);
	why = access_client(fr->worker->access, &fr->client_addr);
	if (why != NULL) {
		flow_refuse(f, 403, "%s", why);
		return false;
	}
	why = access_tag(&f->request, &fr->client_addr, f->facts.tag);
	if (why != NULL) {
		flow_refuse(f, 407, "%s", why);
		return false;
	}
	memcpy(fr->seen.tag, f->facts.tag, sizeof(fr->seen.tag));
	if (f->facts.has_origin)
		fr->seen.host = f->facts.origin;
	fr->seen.requests += !f->request.is_connect;
	return true;
}

/* What it asks for is told before anything is refused: an entry shows the URL. */
const char *
front_note_target(struct flow *f, struct str authority, uint16_t default_port)
{
	const char *why;

	if (target_parse_authority(authority, default_port, &f->facts.origin, &why) != 0)
		return why;
	f->facts.has_origin = true;
	return NULL;
}

/* bad: what is wrong with the host of the target, or NULL. false: refused. */
static bool
may_proxy(struct flow *f, const char *bad)
{
	const struct message *m = &f->request;

	if (m->form != TARGET_ABSOLUTE) {
		flow_refuse(f, 404, "this is a proxy: point http_proxy and https_proxy at it");
		return false;
	}
	if (!str_ieq(m->scheme, STR("http"))) {
		flow_refuse(f, 501, "only http:// is proxied this way: use CONNECT");
		return false;
	}
	if (bad != NULL) {
		flow_refuse(f, 400, "bad host in the request target: %s", bad);
		return false;
	}
	return true;
}

/* ---- plain http ---- */

static bool
same_target(const struct host_port *a, const struct host_port *b)
{
	return a->port == b->port && a->host_len == b->host_len &&
	    memcmp(a->host, b->host, a->host_len) == 0;
}

static void
attach(struct front *fr, struct flow *f)
{
	f->facts.server = *conn_peer(back_conn(fr->back));
	f->facts.origin_id = conn_id(back_conn(fr->back));
	flow_attach(f, &back_end_ops, fr->back);
	if (fr->half_closed && fr->back != NULL)
		conn_shutdown(back_conn(fr->back), CONN_END_CLEAN);
}

static void
on_dialled(void *arg, const struct dialled *r)
{
	struct front *fr = arg;
	struct flow *f = fr->waiting;
	struct conn *c;

	fr->dial = NULL;
	fr->waiting = NULL;
	if (r->fd == -1) {
		(void)snprintf(f->reply_extra, sizeof(f->reply_extra),
		    "Proxy-Status: mitmd; error=%s\r\n", r->proxy_status);
		flow_refuse(f, r->status, "%s", r->reason);
		return;
	}
	c = conn_new(fr->worker, SIDE_ORIGIN, r->fd, &r->addr, NULL, NULL);
	f->facts.connect = (struct flow_connect){.known = true, .dns = r->dns_us,
	    .connect = r->connect_us, .ssl = -1};
	fr->back = back_new(fr->worker, &c, hosts_match(fr->worker->conf->http_relaxed,
	    str_z(fr->target.host), fr->target.port, &r->addr) >= 0, &back_ops, fr);
	attach(fr, f);
}

static void
dial(struct front *fr, struct flow *f)
{
	fr->waiting = f;
	flow_known(f);
	fr->dial = dial_start(fr->worker, &fr->target, &fr->client_addr, on_dialled, fr);
}

static void
on_request(void *host, struct flow *f)
{
	struct front *fr = host;
	const char *bad = front_note_target(f, f->request.authority, 80);

	if (portal_answer(fr->worker, f, &fr->client_addr))
		return;
	if (!front_admit(fr, f) || !may_proxy(f, bad) || unrecorded_refuse(f))
		return;
	if (fr->back != NULL && back_idle(fr->back) &&
	    same_target(&fr->target, &f->facts.origin)) {
		attach(fr, f);
		return;
	}
	back_free(&fr->back);
	fr->target = f->facts.origin;
	dial(fr, f);
}

static void
on_back_ended(void *host, struct back *b UNUSED, enum conn_end how UNUSED)
{
	struct front *fr = host;

	/* On this hop the client's connection is its own: the next request dials anew. */
	back_free(&fr->back);
}

/* The origin closed an idle connection just as we used it: nothing was lost yet. */
static bool
on_back_lost(void *host, struct back *b UNUSED, struct flow *f)
{
	struct front *fr = host;

	flow_detach(f);
	back_free(&fr->back);
	dial(fr, f);
	return true;
}

static void
on_tunnel_done(void *arg)
{
	release(arg);
}

static void
on_upgraded(void *host, struct back *b, struct flow *f)
{
	struct front *fr = host;
	struct conn *origin = back_take_conn(b);

	front_h1_free(&fr->h1);
	back_free(&fr->back);
	fr->tunnel = tunnel_new(&fr->client, &origin, f, fr->worker->conf->timeouts.idle_ms,
	    on_tunnel_done, fr);
}

/* ---- CONNECT ---- */

/* bad: what is wrong with the target, or NULL. false: refused. */
static bool
may_connect(struct front *fr, struct flow *f, const char *bad)
{
	const char *name = f->facts.origin.host;

	if (!front_admit(fr, f))
		return false;
	if (bad != NULL) {
		flow_refuse(f, 400, "bad CONNECT target: %s", bad);
		return false;
	}
	f->facts.scheme = "https";
	if (str_ieq(str_z(name), str_z(fr->worker->conf->portal_host))) {
		flow_refuse(f, 403, "%s is this proxy's own page: use http://", name);
		return false;
	}
	return !unrecorded_refuse(f);
}

static void
on_connect(void *host, struct flow *f)
{
	struct front *fr = host;
	struct counters *counters = fr->worker->counters;

	if (may_connect(fr, f, front_note_target(f, f->request.target, 0)))
		fr->intercept = intercept_new(fr, f);
	else
		counter_add(&counters->connects[MODE_BLOCKED], 1);
}

/* ---- endings ---- */

static void
on_client_ended(void *host, enum conn_end how)
{
	struct front *fr = host;

	if (how == CONN_END_CLEAN && !front_h1_idle(fr->h1)) {
		fr->half_closed = true;
		if (fr->back != NULL)
			conn_shutdown(back_conn(fr->back), CONN_END_CLEAN);
		return;
	}
	fr->waiting = NULL;
	conn_end_like(&fr->client, how == CONN_END_TIMEOUT ? CONN_END_CLEAN : how);
	release(fr);
}

static void
on_idle(void *host UNUSED)
{
}

static void
on_preface(void *host)
{
	struct front *fr = host;

	front_h1_free(&fr->h1);
	fr->h2 = front_h2_new(fr);
}

void
front_sweep(struct front *fr)
{
	struct worker *w = fr->worker;

	if (!worker_lets_go(w))
		return;
	if (fr->intercept != NULL) {
		intercept_sweep(fr->intercept);
		return;
	}
	if (fr->h2 != NULL) {
		front_h2_sweep(fr->h2);
		return;
	}
	if (fr->h1 == NULL || !front_h1_lets_go(fr->h1))
		return;
	conn_close(&fr->client);
	release(fr);
}

void
front_cut(struct front *fr, const char *error)
{
	if (fr->intercept != NULL)
		intercept_cut(fr->intercept, error);
	if (!fr->dead && fr->h2 != NULL)
		front_h2_cut(fr->h2, error);
	if (!fr->dead && fr->h1 != NULL && !front_h1_idle(fr->h1))
		front_h1_cut(fr->h1, error);
	if (fr->tunnel != NULL)
		tunnel_cut(&fr->tunnel, error);
	if (fr->dead)
		return;
	conn_close(&fr->client);
	release(fr);
}
