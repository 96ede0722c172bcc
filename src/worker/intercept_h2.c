/* SPDX-License-Identifier: ISC */
/*
 * intercept_h2.c - HTTP/2 inside a CONNECT, on both sides: each request's flow
 * has a stream on either connection.
 * Runs in: worker.
 */
#include "config.h"

#include "worker/intercept_state.h"

#include <string.h>

#include "base/clock.h"
#include "worker/front.h"
#include "worker/h2.h"
#include "worker/unrecorded.h"

static void
on_request(void *host, struct flow *f)
{
	struct intercept *it = host;

	intercept_describe_request(it, f);
	if (f->request.is_connect) {
		flow_refuse(f, 405, "CONNECT inside a tunnel");
		return;
	}
	if (unrecorded_refuse(f)) {
		/* What comes next is answered on a hop that is ours, CONNECT. */
		if (!it->dead)
			h2_drain(it->h2_client);
		return;
	}
	if (it->h2_origin == NULL || !h2_attach(it->h2_origin, f)) {
		/* As the origin says of what it has not looked at: the client may repeat it. */
		f->was_reset = true;
		f->reset_code = 7;	/* REFUSED_STREAM, RFC 9113 7 */
		flow_fail(f, FLOW_BACK, it->origin_end,
		    "origin closed the connection before the request");
	}
}

static void
end_both(struct intercept *it, enum conn_end client, enum conn_end origin)
{
	struct conn *c;

	if (it->h2_client != NULL) {
		/* A head that was not complete went to no origin that could have failed it. */
		h2_cut(it->h2_client, "origin closed the connection before the request");
		c = h2_take_conn(it->h2_client);
		conn_end_like(&c, client);
		h2_free(&it->h2_client);
	}
	if (it->h2_origin != NULL) {
		c = h2_take_conn(it->h2_origin);
		conn_end_like(&c, origin);
		h2_free(&it->h2_origin);
	}
	front_done(it->front);
}

static void
on_client_ended(void *host, struct h2 *h2 UNUSED, enum conn_end how)
{
	struct intercept *it = host;

	if (it->dead)
		return;
	if (how == CONN_END_TIMEOUT)
		how = CONN_END_CLEAN;
	end_both(it, how, how);
}

static void
on_origin_ended(void *host, struct h2 *h2, enum conn_end how)
{
	struct intercept *it = host;
	struct conn *c;

	if (it->dead)
		return;
	it->origin_gone = true;
	it->origin_end = how;
	c = h2_take_conn(h2);
	conn_end_like(&c, how);
	h2_free(&it->h2_origin);
	if (h2_idle(it->h2_client) || how != CONN_END_CLEAN)
		end_both(it, how, how);
	else
		h2_drain(it->h2_client);	/* what was answered still goes out */
}

static void
on_client_idle(void *host, struct h2 *h2 UNUSED)
{
	struct intercept *it = host;

	if (it->origin_gone)
		end_both(it, it->origin_end, it->origin_end);
}

static void
on_origin_idle(void *host UNUSED, struct h2 *h2 UNUSED)
{
}

/* What the client does is what the origin sees, and the other way round. */
static void
on_client_goaway(void *host, struct h2 *h2 UNUSED)
{
	struct intercept *it = host;

	if (it->h2_origin != NULL)
		h2_drain(it->h2_origin);
}

static void
on_origin_goaway(void *host, struct h2 *h2 UNUSED)
{
	struct intercept *it = host;

	if (it->h2_client != NULL)
		h2_drain(it->h2_client);
}

static void
on_origin_settings(void *host, struct h2 *h2)
{
	struct intercept *it = host;

	if (h2_has_connect(h2) && it->h2_client != NULL)
		h2_offer_connect(it->h2_client);
}

static const struct h2_ops client_ops = {.describe = intercept_describe, .request = on_request,
    .ended = on_client_ended, .idle = on_client_idle, .goaway = on_client_goaway};
static const struct h2_ops origin_ops = {.ended = on_origin_ended, .idle = on_origin_idle,
    .goaway = on_origin_goaway, .settings = on_origin_settings};

void
intercept_go_h2(struct intercept *it)
{
	struct h2_conf client = {.role = H2_CLIENTS, .may_answer = it->tls == NULL,
	    .scheme = it->tls != NULL ? "https" : "http"};
	struct h2_conf origin = {.role = H2_ORIGIN, .scheme = client.scheme};

	intercept_mode(it, MODE_INTERCEPT);
	intercept_forget_connect(it);
	it->state = HTTP2;
	conn_unread(it->client, buf_str(&it->first));
	buf_free(&it->first);
	it->h2_origin = h2_new(it->worker, &it->origin, &origin, &origin_ops, it);
	it->h2_client = h2_new(it->worker, &it->client, &client, &client_ops, it);
}

void
intercept_h2_sweep(struct intercept *it)
{
	struct worker *w = it->worker;

	h2_drain(it->h2_client);
	if (h2_idle(it->h2_client) &&
	    clock_mono_s() - h2_idle_since(it->h2_client) >= w->drain_idle_s)
		end_both(it, CONN_END_CLEAN, CONN_END_CLEAN);
}

void
intercept_h2_cut(struct intercept *it, const char *error)
{
	h2_cut(it->h2_client, error);
	if (!it->dead)
		end_both(it, CONN_END_RESET, CONN_END_RESET);
}
