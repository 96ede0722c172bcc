/* SPDX-License-Identifier: ISC */
/* front_h2.c - see front_h2.h.  Runs in: worker. */
#include "config.h"

#include "worker/front_h2.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "worker/back.h"
#include "worker/dial.h"
#include "worker/front.h"
#include "worker/front_state.h"
#include "worker/h2.h"
#include "worker/portal.h"
#include "worker/unrecorded.h"
#include "worker/worker_state.h"

#define IDLE_MAX 8	/* connections to origins that are kept for the next requests */

/* A connection to an origin, or one that is being made. */
struct lane {
	TAILQ_ENTRY(lane) link;
	struct front_h2 *host;
	struct host_port target;
	struct dial *dial;
	struct flow *waiting;		/* for the dial */
	struct back *back;
};

struct front_h2 {
	struct worker *worker;
	struct front *front;
	struct h2 *h2;
	TAILQ_HEAD(lanes, lane) lanes;	/* the one used last is the last */
};

static bool
is_idle(const struct lane *l)
{
	return l->back != NULL && back_idle(l->back);
}

static void
lane_free(struct lane *l)
{
	struct front_h2 *fh = l->host;

	dial_cancel(&l->dial);
	back_free(&l->back);
	TAILQ_REMOVE(&fh->lanes, l, link);
	worker_bury(fh->worker, l, free);
}

/* ---- the origin's side ---- */

static void dial(struct lane *, struct flow *);

static void
on_back_ended(void *host, struct back *b UNUSED, enum conn_end how UNUSED)
{
	lane_free(host);
}

/* The origin closed an idle connection just as we used it: nothing was lost yet. */
static bool
on_back_lost(void *host, struct back *b UNUSED, struct flow *f)
{
	struct lane *l = host;

	flow_detach(f);
	back_free(&l->back);
	dial(l, f);
	return true;
}

static void
on_upgraded(void *host UNUSED, struct back *b UNUSED, struct flow *f UNUSED)
{
	CHECK(!"HTTP/2 asks for no upgrade (RFC 9113 8.6)");
}

static const struct back_ops back_ops = {
    .ended = on_back_ended, .lost = on_back_lost, .upgraded = on_upgraded};

static void
attach(struct lane *l, struct flow *f)
{
	f->facts.server = *conn_peer(back_conn(l->back));
	f->facts.origin_id = conn_id(back_conn(l->back));
	flow_attach(f, &back_end_ops, l->back);
}

static void
on_dialled(void *arg, const struct dialled *r)
{
	struct lane *l = arg;
	struct front_h2 *fh = l->host;
	struct flow *f = l->waiting;
	struct conn *c;

	l->dial = NULL;
	l->waiting = NULL;
	if (r->fd == -1) {
		lane_free(l);
		(void)snprintf(f->reply_extra, sizeof(f->reply_extra),
		    "Proxy-Status: mitmd; error=%s\r\n", r->proxy_status);
		flow_refuse(f, r->status, "%s", r->reason);
		return;
	}
	c = conn_new(fh->worker, SIDE_ORIGIN, r->fd, &r->addr, NULL, NULL);
	f->facts.connect = (struct flow_connect){.known = true, .dns = r->dns_us,
	    .connect = r->connect_us, .ssl = -1};
	l->back = back_new(fh->worker, &c, hosts_match(fh->worker->conf->http_relaxed,
	    str_z(l->target.host), l->target.port, &r->addr) >= 0, &back_ops, l);
	attach(l, f);
}

static void
dial(struct lane *l, struct flow *f)
{
	l->waiting = f;
	flow_known(f);
	l->dial = dial_start(l->host->worker, &l->target, &l->host->front->client_addr,
	    on_dialled, l);
}

/* Which idle connection leads there; too many others are closed on the way. */
static struct lane *
find_lane(struct front_h2 *fh, const struct host_port *target)
{
	struct lane *l, *before;
	unsigned idle = 0;

	for (l = TAILQ_LAST(&fh->lanes, lanes); l != NULL; l = before) {
		before = TAILQ_PREV(l, lanes, link);
		if (!is_idle(l))
			continue;
		if (l->target.port == target->port &&
		    l->target.host_len == target->host_len &&
		    memcmp(l->target.host, target->host, target->host_len) == 0)
			return l;
		if (++idle >= IDLE_MAX)
			lane_free(l);
	}
	return NULL;
}

static struct lane *
new_lane(struct front_h2 *fh, const struct host_port *target)
{
	struct lane *l = mem_new(struct lane);

	l->host = fh;
	l->target = *target;
	TAILQ_INSERT_TAIL(&fh->lanes, l, link);
	return l;
}

/* ---- the client's side ---- */

/* bad: what is wrong with the authority, or NULL. false: refused. */
static bool
may_proxy(struct flow *f, const char *bad)
{
	const struct message *m = &f->request;

	if (m->is_connect) {
		flow_refuse(f, 405, "CONNECT is only taken over HTTP/1.1 here");
		return false;
	}
	if (m->protocol.n > 0 || !str_eq(m->scheme, STR("http"))) {
		flow_refuse(f, 501,
		    "only http:// is proxied this way: use CONNECT over HTTP/1.1");
		return false;
	}
	if (bad != NULL) {
		flow_refuse(f, 400, "bad authority: %s", bad);
		return false;
	}
	return true;
}

static void
on_describe(void *host, struct flow *f)
{
	struct front_h2 *fh = host;

	front_describe(fh->front, f);
}

static void
on_request(void *host, struct flow *f)
{
	struct front_h2 *fh = host;
	const char *bad = front_note_target(f, f->request.authority,
	    f->request.is_connect ? 0 : 80);
	struct lane *l;

	if (portal_answer(fh->worker, f, &fh->front->client_addr))
		return;
	if (!front_admit(fh->front, f) || !may_proxy(f, bad) || unrecorded_refuse(f))
		return;
	l = find_lane(fh, &f->facts.origin);
	if (l == NULL) {
		dial(new_lane(fh, &f->facts.origin), f);
		return;
	}
	TAILQ_REMOVE(&fh->lanes, l, link);
	TAILQ_INSERT_TAIL(&fh->lanes, l, link);
	attach(l, f);
}

/* A flow that ends while it waits for its origin: nobody else would tell the dial. */
static void
on_over(void *host, struct flow *f)
{
	struct front_h2 *fh = host;
	struct lane *l;

	TAILQ_FOREACH(l, &fh->lanes, link)
		if (l->waiting == f) {
			lane_free(l);
			return;
		}
}

static void
end(struct front_h2 *fh, enum conn_end how)
{
	struct conn *c = h2_take_conn(fh->h2);

	conn_end_like(&c, how);
	front_done(fh->front);
}

static void
on_ended(void *host, struct h2 *h2 UNUSED, enum conn_end how)
{
	end(host, how == CONN_END_TIMEOUT ? CONN_END_CLEAN : how);
}

static void
on_idle(void *host UNUSED, struct h2 *h2 UNUSED)
{
}

static void
on_goaway(void *host UNUSED, struct h2 *h2 UNUSED)
{
}

static const struct h2_ops h2_ops = {.describe = on_describe, .request = on_request,
    .ended = on_ended, .idle = on_idle, .goaway = on_goaway, .over = on_over};

/* ---- the rest of the interface ---- */

struct front_h2 *
front_h2_new(struct front *fr)
{
	struct front_h2 *fh = mem_new(struct front_h2);
	struct h2_conf conf = {.role = H2_CLIENTS, .may_answer = true, .scheme = "http"};

	fh->worker = fr->worker;
	fh->front = fr;
	TAILQ_INIT(&fh->lanes);
	fh->h2 = h2_new(fh->worker, &fr->client, &conf, &h2_ops, fh);
	return fh;
}

void
front_h2_free(struct front_h2 **pfh)
{
	struct front_h2 *fh = *pfh;
	struct lane *l;

	*pfh = NULL;
	if (fh == NULL)
		return;
	h2_free(&fh->h2);
	while ((l = TAILQ_FIRST(&fh->lanes)) != NULL)
		lane_free(l);
	worker_bury(fh->worker, fh, free);
}

void
front_h2_sweep(struct front_h2 *fh)
{
	h2_drain(fh->h2);
	if (h2_lets_go(fh->h2))
		end(fh, CONN_END_CLEAN);
}

size_t
front_h2_held(const struct front_h2 *fh)
{
	const struct lane *l;
	size_t sum = 0;

	if (fh == NULL)
		return 0;
	TAILQ_FOREACH(l, &fh->lanes, link)
		sum += back_held(l->back);
	return sum + h2_held(fh->h2);
}

bool
front_h2_idle(const struct front_h2 *fh)
{
	return h2_idle(fh->h2);
}

void
front_h2_cut(struct front_h2 *fh, const char *error)
{
	h2_cut(fh->h2, error);
	end(fh, CONN_END_RESET);
}
