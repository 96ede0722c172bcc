/* SPDX-License-Identifier: ISC */
/*
 * intercept_http.c - HTTP inside a CONNECT: what the client does is what the
 * origin sees, and the other way round.
 * Runs in: worker.
 */
#include "config.h"

#include "worker/intercept_state.h"

#include <string.h>

#include "conf/conf.h"
#include "worker/back.h"
#include "worker/front_h1.h"
#include "worker/unrecorded.h"

/* ---- HTTP inside ---- */

void
intercept_describe(void *host, struct flow *f)
{
	struct intercept *it = host;
	struct flow_facts *facts = &f->facts;

	memcpy(facts->tag, it->tag, sizeof(facts->tag));
	facts->scheme = it->tls != NULL ? "https" : "http";
	facts->client = it->front->client_addr;
	facts->server = it->server;
	facts->client_id = it->client_id;
	facts->origin_id = it->origin_id;
	facts->tls = tls_info_ref(it->tls);
	facts->whole_chain = it->tls != NULL && !it->tls->chain_told;
	if (it->tls != NULL)
		it->tls->chain_told = true;
	facts->origin = it->name;
	facts->origin.port = it->target.port;
	facts->has_origin = true;
	if (!it->first_flow_told) {
		it->first_flow_told = true;
		facts->connect = it->times;
	}
}

/* HTTP/1.0 needs no Host, and what we say to the origin is HTTP/1.1 (RFC 9110 7.2). */
static void
name_host(struct intercept *it, struct flow *f)
{
	if (f->request.version != HTTP_VERSION_1_0 || f->request.authority.n > 0)
		return;
	if (it->authority.len == 0)
		target_put_authority(&it->authority, &f->facts.origin,
		    it->tls != NULL ? 443 : 80);
	f->request.authority = buf_str(&it->authority);
}

void
intercept_describe_request(struct intercept *it, struct flow *f)
{
	struct host_port said;
	const char *why;

	intercept_describe(it, f);
	it->front->seen.requests++;
	name_host(it, f);
	/* The URL is what HTTP says; where it really went stands beside it. */
	if (target_parse_authority(f->request.authority, it->tls != NULL ? 443 : 80, &said,
	    &why) == 0)
		f->facts.origin = said;
}

static void
on_request(void *host, struct flow *f)
{
	struct intercept *it = host;

	intercept_describe_request(it, f);
	if (unrecorded_refuse(f))
		return;
	if (it->back == NULL || !back_idle(it->back))
		flow_fail(f, FLOW_BACK, it->origin_end,
		    "origin closed the connection before the request");
	else
		flow_attach(f, &back_end_ops, it->back);
}

static void
on_client_ended(void *host, enum conn_end how)
{
	struct intercept *it = host;

	if (how == CONN_END_CLEAN && !front_h1_idle(it->h1)) {
		if (it->back != NULL)
			conn_shutdown(back_conn(it->back), CONN_END_CLEAN);
		return;
	}
	if (how == CONN_END_TIMEOUT)
		how = CONN_END_CLEAN;
	intercept_end(it, how, how);
}

/* What the client does is what the origin sees, and the other way round. */
static void
on_idle(void *host)
{
	struct intercept *it = host;

	if (it->origin_gone)
		intercept_end(it, it->origin_end, it->origin_end);
}

static void
on_back_ended(void *host, struct back *b, enum conn_end how)
{
	struct intercept *it = host;
	struct conn *conn;

	if (it->dead)
		return;
	it->origin_gone = true;
	it->origin_end = how;
	conn = back_take_conn(b);
	conn_end_like(&conn, how);
	back_free(&it->back);
	if (front_h1_idle(it->h1))
		intercept_end(it, how, how);
}

static bool
on_back_lost(void *host UNUSED, struct back *b UNUSED, struct flow *f UNUSED)
{
	/* The client sees its connection end, as it would have alone, and tries again. */
	return false;
}

static void
on_upgraded(void *host, struct back *b, struct flow *f)
{
	struct intercept *it = host;

	it->origin = back_take_conn(b);
	front_h1_free(&it->h1);
	back_free(&it->back);
	it->state = TUNNEL;
	it->tunnel = tunnel_new(&it->client, &it->origin, f, it->worker->conf->timeouts.idle_ms,
	    intercept_on_tunnel_done, it);
}

static const struct front_h1_ops h1_ops = {.describe = intercept_describe, .request = on_request,
    .ended = on_client_ended, .idle = on_idle};
static const struct back_ops back_ops = {
    .ended = on_back_ended, .lost = on_back_lost, .upgraded = on_upgraded};

void
intercept_go_http(struct intercept *it)
{
	const struct conf *conf = it->worker->conf;

	intercept_mode(it, MODE_INTERCEPT);
	intercept_forget_connect(it);
	it->state = HTTP;
	it->back = back_new(it->worker, &it->origin, hosts_match(conf->http_relaxed,
	    str_z(it->name.host), it->target.port, &it->server) >= 0, &back_ops, it);
	it->h1 = front_h1_new(it->worker, it->client,
	    it->tls != NULL ? FRONT_H1_TLS : FRONT_H1_PLAIN, &h1_ops, it);
	conn_unread(it->client, buf_str(&it->first));
	buf_free(&it->first);
	conn_resume(it->client);
}
