/* SPDX-License-Identifier: ISC */
/*
 * intercept.c - see intercept.h.
 * Runs in: worker.
 *
 *	DIAL        the origin's TCP connection; failures answer the CONNECT
 *	SNIFF       200 is out: the first bytes of either side decide
 *	ORIGIN_TLS  the ClientHello is held in our buffer; the origin's handshake first
 *	LEAF        the origin is good: a leaf like its certificate
 *	CLIENT_TLS  now the client's handshake
 *	INNER       inside TLS: HTTP, or a tunnel after all
 *	HTTP        flows run
 *	TUNNEL      bytes run
 */
#include "config.h"

#include "worker/intercept_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "worker/back.h"
#include "worker/dial.h"
#include "worker/front.h"
#include "worker/front_h1.h"
#include "worker/h2.h"
#include "worker/sniff.h"
#include "worker/trust_told.h"

/* ---- the end ---- */

static void
destroy(void *p)
{
	struct intercept *it = p;

	buf_free(&it->first);
	buf_free(&it->authority);
	free(it->hello);
	free(it);
}

void
intercept_free(struct intercept **pit)
{
	struct intercept *it = *pit;

	*pit = NULL;
	if (it == NULL || it->dead)
		return;
	it->dead = true;
	intercept_mode(it, it->state == SNIFF && it->first.len == 0 ? MODE_UNUSED : MODE_FAILED);
	dial_cancel(&it->dial);
	leaf_cancel(&it->ask);
	tls_leaf_unref(&it->leaf);
	tls_info_unref(&it->tls);
	front_h1_free(&it->h1);
	back_free(&it->back);
	h2_free(&it->h2_client);
	h2_free(&it->h2_origin);
	conn_close(&it->client);
	conn_close(&it->origin);
	worker_bury(it->worker, it, destroy);
}

void
intercept_mode(struct intercept *it, enum counter_mode mode)
{
	if (it->mode_counted)
		return;
	it->mode_counted = true;
	counter_add(&it->worker->counters->connects[mode], 1);
}

/* Both connections end, each in its way, and so does the front. */
void
intercept_end(struct intercept *it, enum conn_end client, enum conn_end origin)
{
	struct conn *back;

	conn_end_like(&it->client, client);
	if (it->back != NULL && origin != CONN_END_CLEAN) {
		back = back_take_conn(it->back);
		conn_end_like(&back, origin);
	}
	conn_end_like(&it->origin, origin);
	front_done(it->front);
}

/* The CONNECT becomes a failed entry. */
void PRINTF(2, 3)
intercept_record_failure(struct intercept *it, const char *fmt, ...)
{
	struct flow *f = it->connect;
	va_list ap;

	it->connect = NULL;
	if (f == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(f->error, sizeof(f->error), fmt, ap);
	va_end(ap);
	f->facts.connect = it->times;
	f->facts.server = it->server;
	f->facts.origin_id = it->origin_id;
	f->facts.tls = tls_info_ref(it->tls);
	f->facts.whole_chain = true;
	flow_tunnel_done(f);
}

void
intercept_forget_connect(struct intercept *it)
{
	struct flow *f = it->connect;

	it->connect = NULL;
	if (f != NULL)
		flow_drop(f);
}

/* ---- opaque ---- */

void
intercept_on_tunnel_done(void *arg)
{
	struct intercept *it = arg;

	it->tunnel = NULL;
	front_done(it->front);
}

void
intercept_go_tunnel(struct intercept *it, const char *reason)
{
	struct flow *f = it->connect;

	intercept_mode(it, MODE_PASSTHROUGH);
	it->connect = NULL;
	it->state = TUNNEL;
	free(it->hello);
	it->hello = NULL;
	f->tunnel_reason = reason;
	f->facts.server = it->server;
	f->facts.origin_id = it->origin_id;
	f->facts.connect = it->times;
	f->facts.tls = tls_info_ref(it->tls);
	f->facts.whole_chain = true;
	f->response.status = 200;
	f->response.reason = STR("Connection established");
	f->response.version = HTTP_VERSION_1_1;
	f->has_response = true;
	f->times.response_begun = clock_mono_us();
	if (it->first.len > 0) {
		f->bytes_up += it->first.len;
		conn_write(it->origin, buf_data(&it->first), it->first.len);
		buf_free(&it->first);
	}
	it->tunnel = tunnel_new(&it->client, &it->origin, f, it->worker->conf->timeouts.idle_ms,
	    intercept_on_tunnel_done, it);
}

void
intercept_no_writable(void *owner UNUSED, struct conn *c UNUSED)
{
}

void
intercept_no_secured(void *owner UNUSED, struct conn *c UNUSED)
{
	CHECK(!"no handshake is under way");
}

/* ---- the first bytes ---- */

static struct policy_ask
policy_ask_of(const struct intercept *it)
{
	return (struct policy_ask){
	    .connect_host = str_of(it->target.host, it->target.host_len),
	    .name = str_of(it->name.host, it->name.host_len),
	    .port = it->target.port,
	    .addr = &it->server};
}

/* By the names known so far. */
static void
decide(struct intercept *it)
{
	struct policy_ask ask = policy_ask_of(it);

	policy_decide(it->worker->conf, &ask, &it->policy);
	it->custom = policy_cert(it->worker->conf, &ask);
}

/* Why this tunnel is not to be opened, or NULL. */
static const char *
why_untouched(struct intercept *it)
{
	struct worker *w = it->worker;
	struct str name = str_of(it->name.host, it->name.host_len);

	if (it->policy.tunnel != NULL)
		return it->policy.tunnel;
	if (tls_hello_no_http(it->hello))
		return "alpn";
	if (it->custom < 0 && !permit_has_host(leafs_permit(w->leafs), name))
		return "ca.permit";
	if (trust_told_bypassed(w->trust, &it->trust_id, name, it->target.port))
		return "bypass";
	return NULL;
}

static void
got_hello(struct intercept *it)
{
	const char *reason;

	if (it->hello->sni_len == 0 ||
	    target_parse_host(str_of(it->hello->sni, it->hello->sni_len), &it->name) != 0)
		it->name = it->target;
	trust_id_make(&it->front->client_addr, it->tag, it->hello, &it->trust_id);
	decide(it);
	reason = why_untouched(it);
	if (reason != NULL) {
		intercept_go_tunnel(it, reason);
		return;
	}
	/* From here on it is the origin's time, and then the signer's. */
	conn_pause(it->client);
	conn_deadline(it->client, 0, false);
	intercept_start_tls(it);
}

static void
look_at_hello(struct intercept *it)
{
	struct tls_hello *hello = it->hello != NULL ? it->hello : mem_new(struct tls_hello);

	it->hello = hello;
	switch (tls_hello_parse(buf_data(&it->first), it->first.len, hello)) {
	case 0:
		got_hello(it);
		break;
	case ERR_AGAIN:
		break;
	default:
		intercept_go_tunnel(it, "not a ClientHello");
	}
}

static size_t
sniff_client_data(void *owner, struct conn *c, const uint8_t *p, size_t n)
{
	struct intercept *it = owner;
	bool first = it->first.len == 0;
	enum sniffed what;

	buf_put(&it->first, p, n);
	what = sniff(buf_data(&it->first), it->first.len);
	if (conn_paused(it->origin) && what != SNIFF_H2 && what != SNIFF_MORE) {
		intercept_go_tunnel(it, "the origin speaks first");
		return n;
	}
	switch (what) {
	case SNIFF_TLS:
		if (first)
			conn_deadline(c, it->worker->conf->timeouts.handshake_ms, false);
		look_at_hello(it);
		break;
	case SNIFF_HTTP:
		if (it->policy.tunnel != NULL)
			intercept_go_tunnel(it, it->policy.tunnel);
		else
			intercept_go_http(it);
		break;
	case SNIFF_H2:
		if (it->policy.tunnel != NULL)
			intercept_go_tunnel(it, it->policy.tunnel);
		else
			intercept_go_h2(it);
		break;
	case SNIFF_MORE:
		if (first)
			conn_deadline(c, it->worker->conf->timeouts.sniff_ms, false);
		break;
	case SNIFF_OTHER:
		intercept_go_tunnel(it, "neither TLS nor HTTP");
	}
	return n;
}

static void
sniff_client_ended(void *owner, struct conn *c UNUSED, enum conn_end how)
{
	struct intercept *it = owner;

	if (it->first.len == 0 && how == CONN_END_TIMEOUT && conn_paused(it->origin)) {
		intercept_go_tunnel(it, "the origin speaks first");
	} else if (it->first.len == 0) {
		intercept_forget_connect(it);	/* opened and never used */
		intercept_end(it, how == CONN_END_TIMEOUT ? CONN_END_CLEAN : how,
		    CONN_END_CLEAN);
	} else if (how == CONN_END_TIMEOUT && it->hello != NULL) {
		intercept_record_failure(it, "the ClientHello did not come in time");
		intercept_end(it, CONN_END_CLEAN, CONN_END_CLEAN);
	} else if (how == CONN_END_RESET) {
		intercept_record_failure(it, "client reset the connection in its first bytes");
		intercept_end(it, how, how);
	} else {
		intercept_go_tunnel(it, "neither TLS nor HTTP");
	}
}

static size_t
sniff_origin_data(void *owner, struct conn *c UNUSED, const uint8_t *p, size_t n)
{
	struct intercept *it = owner;

	/* It waits until the client has shown that this is HTTP/2, which it does unasked. */
	if (it->policy.tunnel == NULL && sniff_settings(p, n))
		conn_deadline(it->client, it->worker->conf->timeouts.sniff_ms, false);
	else
		intercept_go_tunnel(it, "the origin speaks first");
	return 0;
}

static void
sniff_origin_ended(void *owner, struct conn *c UNUSED, enum conn_end how)
{
	struct intercept *it = owner;

	intercept_record_failure(it, "origin %s the connection before the first byte",
	    how == CONN_END_RESET ? "reset" : "closed");
	intercept_end(it, how, how);
}

static const struct conn_ops sniff_client_ops = {.data = sniff_client_data,
    .ended = sniff_client_ended,
    .writable = intercept_no_writable,
    .secured = intercept_no_secured};
static const struct conn_ops sniff_origin_ops = {.data = sniff_origin_data,
    .ended = sniff_origin_ended,
    .writable = intercept_no_writable,
    .secured = intercept_no_secured};

/* ---- the origin's TCP connection ---- */

static void
on_dialled(void *arg, const struct dialled *r)
{
	struct intercept *it = arg;
	struct front *fr = it->front;
	struct flow *f = it->connect;

	it->dial = NULL;
	if (r->fd == -1) {
		it->connect = NULL;
		(void)snprintf(f->reply_extra, sizeof(f->reply_extra),
		    "Proxy-Status: mitmd; error=%s\r\n", r->proxy_status);
		f->facts.connect = (struct flow_connect){.known = true, .dns = r->dns_us,
		    .connect = -1, .ssl = -1};
		if (r->status == 403)
			intercept_mode(it, MODE_BLOCKED);
		/* The answer keeps the connection: the next CONNECT may do better. */
		intercept_free(&fr->intercept);
		flow_refuse(f, r->status, "%s", r->reason);
		return;
	}
	it->times.known = true;
	it->times.dns = r->dns_us;
	it->times.connect = r->connect_us;
	it->times.ssl = -1;
	it->server = r->addr;
	it->client = fr->client;
	fr->client = NULL;
	front_h1_free(&fr->h1);
	flow_adopt(f);
	it->origin = conn_new(it->worker, SIDE_ORIGIN, r->fd, &r->addr, &sniff_origin_ops, it);
	it->origin_id = conn_id(it->origin);
	it->state = SNIFF;
	conn_set_owner(it->client, &sniff_client_ops, it);
	conn_deadline(it->client, it->worker->conf->timeouts.idle_ms, true);
	front_h1_answer(it->client, 200, "", "", true, false);
	decide(it);
	/* At once, since the server may speak first; allow_hosts may yet know the SNI. */
	if (it->policy.tunnel != NULL && strcmp(it->policy.tunnel, "ignore_hosts") == 0)
		intercept_go_tunnel(it, it->policy.tunnel);
	else
		conn_resume(it->client);
}

struct intercept *
intercept_new(struct front *fr, struct flow *f)
{
	struct intercept *it = mem_new(struct intercept);

	it->worker = fr->worker;
	it->front = fr;
	it->connect = f;
	it->target = it->name = f->facts.origin;
	it->client_id = f->facts.client_id;
	memcpy(it->tag, f->facts.tag, sizeof(it->tag));
	it->times.asked_mono = f->times.request_begun;
	it->times.asked_wall = f->times.started_wall;
	conn_deadline(fr->client, 0, false);	/* the dial has its own */
	flow_known(f);
	it->dial = dial_start(it->worker, &it->target, &fr->client_addr, on_dialled, it);
	return it;
}

/* ---- drain and stop ---- */

void
intercept_sweep(struct intercept *it)
{
	struct worker *w = it->worker;

	if (it->state == HTTP2) {
		intercept_h2_sweep(it);
		return;
	}
	if (it->state != HTTP || !front_h1_idle(it->h1) ||
	    clock_mono_s() - front_h1_idle_since(it->h1) < w->drain_idle_s)
		return;
	intercept_end(it, CONN_END_CLEAN, CONN_END_CLEAN);
}

size_t
intercept_held(const struct intercept *it)
{
	if (it == NULL)
		return 0;
	return conn_held(it->client) + conn_held(it->origin) + it->first.cap +
	    flow_held(it->connect) + front_h1_held(it->h1) + back_held(it->back) +
	    h2_held(it->h2_client) + h2_held(it->h2_origin) + tunnel_held(it->tunnel);
}

void
intercept_cut(struct intercept *it, const char *error)
{
	if (it->state == TUNNEL) {
		tunnel_cut(&it->tunnel, error);
		front_done(it->front);
		return;
	}
	if (it->state == HTTP2) {
		intercept_h2_cut(it, error);
		return;
	}
	if (it->state == HTTP && !front_h1_idle(it->h1)) {
		front_h1_cut(it->h1, error);
		return;	/* the cut ended it */
	}
	if (it->state == DIAL) {
		struct flow *f = it->connect;
		struct front *fr = it->front;

		it->connect = NULL;
		intercept_free(&fr->intercept);
		flow_fail(f, FLOW_FRONT, CONN_END_RESET, "%s", error);
		return;
	}
	if (it->first.len > 0 || it->tls != NULL)
		intercept_record_failure(it, "%s", error);
	else
		intercept_forget_connect(it);
	intercept_end(it, CONN_END_CLEAN, CONN_END_CLEAN);
}
