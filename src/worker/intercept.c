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

#include "worker/intercept.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "tls/hello.h"
#include "worker/back.h"
#include "worker/dial.h"
#include "worker/front.h"
#include "worker/front_h1.h"
#include "worker/front_state.h"
#include "worker/leaf.h"
#include "worker/sniff.h"
#include "worker/worker_state.h"

/* RFC 8446 6 */
enum { ALERT_HANDSHAKE_FAILURE = 40, ALERT_ACCESS_DENIED = 49, ALERT_INTERNAL_ERROR = 80 };

enum state { DIAL, SNIFF, ORIGIN_TLS, LEAF, CLIENT_TLS, INNER, HTTP, TUNNEL };

struct intercept {
	struct worker *worker;
	struct front *front;
	enum state state;
	bool dead;
	struct flow *connect;		/* the CONNECT exchange; an entry only if nothing comes of it */
	char tag[TAG_MAX + 1];
	struct host_port target;	/* of CONNECT */
	struct host_port name;		/* SNI, else the target */
	struct dial *dial;
	struct conn *client, *origin;
	struct addr server;
	uint64_t client_id, origin_id;
	struct buf first;		/* what the client sent before its bytes were understood */
	struct tls_hello *hello;	/* until the client's handshake began */
	struct tls_info *tls;
	struct leaf_ask *ask;
	struct tls_leaf *leaf;
	struct leaf_want want;
	struct flow_connect times;
	uint64_t tls_begun;
	struct front_h1 *h1;
	struct back *back;
	bool origin_gone;
	enum conn_end origin_end;
	struct tunnel *tunnel;
	bool first_flow_told;
};

/* ---- the end ---- */

static void
destroy(void *p)
{
	struct intercept *it = p;

	buf_free(&it->first);
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
	dial_cancel(&it->dial);
	leaf_cancel(&it->ask);
	tls_leaf_unref(&it->leaf);
	tls_info_unref(&it->tls);
	front_h1_free(&it->h1);
	back_free(&it->back);
	conn_close(&it->client);
	conn_close(&it->origin);
	worker_bury(it->worker, it, destroy);
}

/* Both connections end, each in its way, and so does the front. */
static void
end(struct intercept *it, enum conn_end client, enum conn_end origin)
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
static void PRINTF(2, 3)
record_failure(struct intercept *it, const char *fmt, ...)
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

static void
forget_connect(struct intercept *it)
{
	struct flow *f = it->connect;

	it->connect = NULL;
	if (f != NULL)
		flow_drop(f);
}

/* ---- opaque ---- */

static void
on_tunnel_done(void *arg)
{
	struct intercept *it = arg;

	it->tunnel = NULL;
	front_done(it->front);
}

static void
go_tunnel(struct intercept *it, const char *reason)
{
	struct flow *f = it->connect;

	it->connect = NULL;
	it->state = TUNNEL;
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
	    on_tunnel_done, it);
}

/* ---- HTTP inside ---- */

static void
on_describe(void *host, struct flow *f)
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

static void
on_request(void *host, struct flow *f)
{
	struct intercept *it = host;
	struct host_port said;
	const char *why;

	on_describe(it, f);
	/* The URL is what HTTP says; where it really went stands beside it. */
	if (target_parse_authority(f->request.authority, it->tls != NULL ? 443 : 80, &said,
	    &why) == 0)
		f->facts.origin = said;
	if (it->back == NULL || !back_idle(it->back))
		flow_fail(f, FLOW_BACK, it->origin_end, "origin closed the connection before the request");
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
	end(it, how, how);
}

/* What the client does is what the origin sees, and the other way round. */
static void
on_idle(void *host)
{
	struct intercept *it = host;

	if (it->origin_gone)
		end(it, it->origin_end, it->origin_end);
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
		end(it, how, how);
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
	    on_tunnel_done, it);
}

static const struct front_h1_ops h1_ops = {.describe = on_describe, .request = on_request,
    .ended = on_client_ended, .idle = on_idle};
static const struct back_ops back_ops = {
    .ended = on_back_ended, .lost = on_back_lost, .upgraded = on_upgraded};

static void
go_http(struct intercept *it)
{
	const struct conf *conf = it->worker->conf;

	forget_connect(it);
	it->state = HTTP;
	it->back = back_new(it->worker, &it->origin, hosts_match(conf->http_relaxed,
	    str_z(it->name.host), it->target.port, &it->server) >= 0, &back_ops, it);
	it->h1 = front_h1_new(it->worker, it->client,
	    it->tls != NULL ? FRONT_H1_TLS : FRONT_H1_PLAIN, &h1_ops, it);
	conn_unread(it->client, buf_str(&it->first));
	buf_free(&it->first);
	conn_resume(it->client);
}

/* ---- the client's handshake ---- */

/* After both handshakes: HTTP, unless somebody shows otherwise. */
static size_t
inner_client_data(void *owner, struct conn *c UNUSED, const uint8_t *p, size_t n)
{
	struct intercept *it = owner;
	bool first = it->first.len == 0;

	buf_put(&it->first, p, n);
	switch (sniff(buf_data(&it->first), it->first.len)) {
	case SNIFF_HTTP:
		go_http(it);
		break;
	case SNIFF_MORE:
		if (first)
			conn_deadline(it->client, it->worker->conf->timeouts.sniff_ms, false);
		break;
	default:
		go_tunnel(it, "not http");
	}
	return n;
}

static void
inner_client_ended(void *owner, struct conn *c UNUSED, enum conn_end how)
{
	struct intercept *it = owner;

	if (it->first.len > 0 && (how == CONN_END_TIMEOUT || how == CONN_END_CLEAN)) {
		go_tunnel(it, "not http");
		return;
	}
	/* Handshake done, closed unused: what every preconnect does. */
	forget_connect(it);
	if (how == CONN_END_TIMEOUT)
		how = CONN_END_CLEAN;
	end(it, how, how);
}

static size_t
inner_origin_data(void *owner, struct conn *c UNUSED, const uint8_t *p UNUSED, size_t n UNUSED)
{
	go_tunnel(owner, "not http");
	return 0;
}

static void
inner_origin_ended(void *owner, struct conn *c UNUSED, enum conn_end how)
{
	struct intercept *it = owner;
	unsigned alert = conn_tls_alert(c);

	if (how == CONN_END_TLS)
		record_failure(it, "origin ended TLS: %s",
		    alert != 0 ? SSL_alert_desc_string_long((int)alert) : conn_tls_error(c));
	else
		forget_connect(it);
	end(it, how, how);
}

static void
no_writable(void *owner UNUSED, struct conn *c UNUSED)
{
}

static void
no_secured(void *owner UNUSED, struct conn *c UNUSED)
{
	CHECK(!"no handshake is under way");
}

static const struct conn_ops inner_client_ops = {.data = inner_client_data,
    .ended = inner_client_ended, .writable = no_writable, .secured = no_secured};
static const struct conn_ops inner_origin_ops = {.data = inner_origin_data,
    .ended = inner_origin_ended, .writable = no_writable, .secured = no_secured};

static void
client_secured(void *owner, struct conn *c)
{
	struct intercept *it = owner;

	tls_leg_of(conn_ssl(c), &it->tls->client);
	it->tls->has_client = true;
	it->state = INNER;
	conn_set_owner(it->client, &inner_client_ops, it);
	conn_set_owner(it->origin, &inner_origin_ops, it);
	conn_deadline(it->client, it->worker->conf->timeouts.idle_ms, true);
	conn_resume(it->origin);
}

static void
client_tls_failed(void *owner, struct conn *c, enum conn_end how)
{
	struct intercept *it = owner;
	unsigned alert = conn_tls_alert(c);

	if (alert != 0)
		record_failure(it, "client refused our certificate or offer: TLS alert %s",
		    SSL_alert_desc_string_long((int)alert));
	else if (how == CONN_END_TLS)
		record_failure(it, "TLS handshake with the client failed: %s", conn_tls_error(c));
	else if (how == CONN_END_TIMEOUT)
		record_failure(it, "TLS handshake with the client timed out");
	else
		record_failure(it, "client %s the connection during the TLS handshake, "
		    "after our certificate", how == CONN_END_RESET ? "reset" : "closed");
	if (how == CONN_END_TIMEOUT || how == CONN_END_TLS)
		how = CONN_END_TRUNCATED;
	end(it, how, how);
}

static size_t
held_data(void *owner UNUSED, struct conn *c UNUSED, const uint8_t *p UNUSED, size_t n UNUSED)
{
	return 0;
}

static const struct conn_ops client_tls_ops = {.data = held_data, .ended = client_tls_failed,
    .writable = no_writable, .secured = client_secured};

static void
send_alert(struct intercept *it, uint8_t description)
{
	uint8_t alert[TLS_ALERT_SIZE];

	tls_alert(description, alert);
	conn_write(it->client, alert, sizeof(alert));
}

static void
start_client_tls(struct intercept *it)
{
	uint8_t context[32];
	SSL *ssl;

	leaf_session_context(it->worker->leafs, &it->want, context);
	ssl = tls_client_start(it->worker->tls_client, it->leaf, str_z(it->tls->origin.alpn), context);
	tls_leaf_unref(&it->leaf);
	if (ssl == NULL) {
		record_failure(it, "no TLS with the client: its leaf cannot be used");
		send_alert(it, ALERT_INTERNAL_ERROR);
		end(it, CONN_END_CLEAN, CONN_END_CLEAN);
		return;
	}
	it->tls->recipe = recipe_name(it->want.recipe);
	it->state = CLIENT_TLS;
	conn_set_owner(it->client, &client_tls_ops, it);
	conn_deadline(it->client, it->worker->conf->timeouts.handshake_ms, false);
	conn_start_tls(it->client, ssl, tls_client_stop, buf_str(&it->first));
	buf_free(&it->first);
	free(it->hello);
	it->hello = NULL;
}

/* ---- verdict and leaf ---- */

static void
on_leaf(void *arg, struct tls_leaf *leaf, const char *reason)
{
	struct intercept *it = arg;

	it->ask = NULL;
	if (leaf == NULL) {
		record_failure(it, "no certificate for %s: %s", it->name.host, reason);
		send_alert(it, ALERT_INTERNAL_ERROR);
		end(it, CONN_END_CLEAN, CONN_END_CLEAN);
		return;
	}
	it->leaf = leaf;
	start_client_tls(it);
}

static void
find_leaf(struct intercept *it)
{
	struct tls_leaf *leaf;

	it->want = (struct leaf_want){.name = str_of(it->name.host, it->name.host_len),
	    .origin = it->tls->facts, .recipe = RECIPE_GOOD, .rsa = !tls_hello_takes_ecdsa(it->hello),
	    .add_name = it->worker->conf->origin.verify == CONF_VERIFY_OFF};
	it->state = LEAF;
	leaf = leaf_find(it->worker->leafs, &it->want, on_leaf, it, &it->ask);
	if (leaf != NULL)
		on_leaf(it, leaf, NULL);
}

/* ---- the origin's handshake ---- */

static void
origin_secured(void *owner, struct conn *c)
{
	struct intercept *it = owner;
	struct tls_info *t = it->tls;

	it->times.ssl = (int64_t)(clock_mono_us() - it->tls_begun);
	it->times.connect += it->times.ssl;
	tls_leg_of(conn_ssl(c), &t->origin);
	t->has_origin = true;
	t->facts = tls_origin_facts(it->worker->tls_origin, conn_ssl(c));
	conn_pause(c);
	conn_deadline(c, 0, false);
	if (t->facts == NULL) {
		record_failure(it, "the origin sent no certificate");
		send_alert(it, ALERT_HANDSHAKE_FAILURE);
		end(it, CONN_END_CLEAN, CONN_END_CLEAN);
		return;
	}
	if (t->facts->verified || it->worker->conf->origin.verify == CONF_VERIFY_OFF) {
		find_leaf(it);
		return;
	}
	record_failure(it, "origin certificate refused: %s", t->facts->reason);
	send_alert(it, ALERT_ACCESS_DENIED);
	end(it, CONN_END_CLEAN, CONN_END_CLEAN);
}

static void
origin_ended(void *owner, struct conn *c, enum conn_end how)
{
	struct intercept *it = owner;
	unsigned alert = conn_tls_alert(c);

	if (it->state != ORIGIN_TLS) {
		record_failure(it, "origin closed the connection during the client's handshake");
		end(it, how == CONN_END_TLS ? CONN_END_TRUNCATED : how, how);
		return;
	}
	switch (how) {
	case CONN_END_TLS:
		/* A failed handshake gives the client the same alert. */
		record_failure(it, "TLS handshake with the origin failed: %s",
		    alert != 0 ? SSL_alert_desc_string_long((int)alert) : conn_tls_error(c));
		send_alert(it, alert != 0 ? (uint8_t)alert : ALERT_HANDSHAKE_FAILURE);
		how = CONN_END_CLEAN;
		break;
	case CONN_END_TIMEOUT:
		record_failure(it, "TLS handshake with the origin timed out");
		how = CONN_END_RESET;
		break;
	default:
		record_failure(it, "origin %s the connection during the TLS handshake",
		    how == CONN_END_RESET ? "reset" : "closed");
	}
	end(it, how, how);
}

static const struct conn_ops origin_tls_ops = {.data = held_data, .ended = origin_ended,
    .writable = no_writable, .secured = origin_secured};

/* HTTP/2 is not spoken yet: it must not be offered in the client's name. */
static void
without_h2(struct tls_hello *h)
{
	uint8_t kept[sizeof(h->alpn)];
	size_t at, n = 0;

	for (at = 0; at < h->alpn_len && at + 1u + h->alpn[at] <= h->alpn_len; at += 1u + h->alpn[at]) {
		if (h->alpn[at] == 2 && memcmp(h->alpn + at + 1, "h2", 2) == 0)
			continue;
		memcpy(kept + n, h->alpn + at, 1u + h->alpn[at]);
		n += 1u + h->alpn[at];
	}
	memcpy(h->alpn, kept, n);
	h->alpn_len = n;
	h->has_alpn = n > 0;
}

static const char *
verify_text(enum conf_verify v)
{
	switch (v) {
	case CONF_VERIFY_OFF:
		return "off";
	case CONF_VERIFY_MIRROR:
		return "mirror";
	default:
		return "reject";
	}
}

static void
start_origin_tls(struct intercept *it)
{
	const struct conf *conf = it->worker->conf;
	struct tls_origin_ask ask = {.name = str_of(it->name.host, it->name.host_len),
	    .name_is_ip = it->name.is_ip, .send_sni = it->hello->sni_len > 0,
	    .port = it->target.port, .tag = str_z(it->tag), .hello = it->hello,
	    .verify_mode = (int)conf->origin.verify,
	    .verify_off = conf->origin.verify == CONF_VERIFY_OFF};
	SSL *ssl;

	it->state = ORIGIN_TLS;
	it->tls = tls_info_new(verify_text(conf->origin.verify));
	ssl = tls_origin_start(it->worker->tls_origin, &ask);
	if (ssl == NULL) {
		record_failure(it, "the client offers no TLS version or cipher that is sound");
		send_alert(it, ALERT_HANDSHAKE_FAILURE);
		end(it, CONN_END_CLEAN, CONN_END_CLEAN);
		return;
	}
	it->tls_begun = clock_mono_us();
	conn_set_owner(it->origin, &origin_tls_ops, it);
	conn_deadline(it->origin, conf->timeouts.handshake_ms, false);
	conn_start_tls(it->origin, ssl, tls_origin_stop, STR_NONE);
}

/* ---- the first bytes ---- */

static bool
listed(const struct intercept *it, const struct hosts *hosts)
{
	return hosts_match(hosts, str_of(it->target.host, it->target.host_len), it->target.port,
	    &it->server) >= 0 || hosts_match(hosts, str_of(it->name.host, it->name.host_len),
	    it->target.port, &it->server) >= 0;
}

/* Why this tunnel is not to be opened, or NULL. */
static const char *
bypass_reason(const struct intercept *it)
{
	const struct conf *conf = it->worker->conf;

	if (listed(it, conf->ignore_hosts))
		return "ignore_hosts";
	if (hosts_count(conf->allow_hosts) > 0 && !listed(it, conf->allow_hosts))
		return "allow_hosts";
	return NULL;
}

static void
got_hello(struct intercept *it)
{
	const char *reason;

	if (it->hello->sni_len == 0 ||
	    target_parse_host(str_of(it->hello->sni, it->hello->sni_len), &it->name) != 0)
		it->name = it->target;
	reason = bypass_reason(it);
	if (reason == NULL && tls_hello_no_http(it->hello))
		reason = "alpn";
	if (reason == NULL && it->hello->has_alpn) {
		without_h2(it->hello);
		if (!it->hello->has_alpn)
			reason = "h2 only";
	}
	if (reason != NULL) {
		go_tunnel(it, reason);
		return;
	}
	/* From here on it is the origin's time, and then the signer's. */
	conn_pause(it->client);
	conn_deadline(it->client, 0, false);
	start_origin_tls(it);
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
		go_tunnel(it, "not a ClientHello");
	}
}

static size_t
sniff_client_data(void *owner, struct conn *c, const uint8_t *p, size_t n)
{
	struct intercept *it = owner;
	bool first = it->first.len == 0;

	buf_put(&it->first, p, n);
	switch (sniff(buf_data(&it->first), it->first.len)) {
	case SNIFF_TLS:
		if (first)
			conn_deadline(c, it->worker->conf->timeouts.handshake_ms, false);
		look_at_hello(it);
		break;
	case SNIFF_HTTP:
		if (bypass_reason(it) != NULL)
			go_tunnel(it, bypass_reason(it));
		else
			go_http(it);
		break;
	case SNIFF_H2:
		go_tunnel(it, "h2 without TLS");
		break;
	case SNIFF_MORE:
		if (first)
			conn_deadline(c, it->worker->conf->timeouts.sniff_ms, false);
		break;
	case SNIFF_OTHER:
		go_tunnel(it, "neither TLS nor HTTP");
	}
	return n;
}

static void
sniff_client_ended(void *owner, struct conn *c UNUSED, enum conn_end how)
{
	struct intercept *it = owner;

	if (it->first.len == 0) {
		forget_connect(it);	/* opened and never used */
		end(it, how == CONN_END_TIMEOUT ? CONN_END_CLEAN : how, CONN_END_CLEAN);
	} else if (how == CONN_END_TIMEOUT && it->hello != NULL) {
		record_failure(it, "the ClientHello did not come in time");
		end(it, CONN_END_CLEAN, CONN_END_CLEAN);
	} else if (how == CONN_END_RESET) {
		record_failure(it, "client reset the connection in its first bytes");
		end(it, how, how);
	} else {
		go_tunnel(it, "neither TLS nor HTTP");
	}
}

static size_t
sniff_origin_data(void *owner, struct conn *c UNUSED, const uint8_t *p UNUSED, size_t n UNUSED)
{
	go_tunnel(owner, "the origin speaks first");
	return 0;
}

static void
sniff_origin_ended(void *owner, struct conn *c UNUSED, enum conn_end how)
{
	struct intercept *it = owner;

	record_failure(it, "origin %s the connection before the first byte",
	    how == CONN_END_RESET ? "reset" : "closed");
	end(it, how, how);
}

static const struct conn_ops sniff_client_ops = {.data = sniff_client_data,
    .ended = sniff_client_ended, .writable = no_writable, .secured = no_secured};
static const struct conn_ops sniff_origin_ops = {.data = sniff_origin_data,
    .ended = sniff_origin_ended, .writable = no_writable, .secured = no_secured};

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
	it->origin = conn_new(it->worker, r->fd, &r->addr, &sniff_origin_ops, it);
	it->origin_id = conn_id(it->origin);
	it->state = SNIFF;
	conn_set_owner(it->client, &sniff_client_ops, it);
	conn_deadline(it->client, it->worker->conf->timeouts.idle_ms, true);
	front_h1_answer(it->client, 200, "", "", true, false);
	if (listed(it, it->worker->conf->ignore_hosts))
		go_tunnel(it, "ignore_hosts");
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
	it->dial = dial_start(it->worker, &it->target, &fr->client_addr, on_dialled, it);
	return it;
}

/* ---- drain and stop ---- */

void
intercept_sweep(struct intercept *it)
{
	struct worker *w = it->worker;

	if (it->state != HTTP || !front_h1_idle(it->h1) ||
	    ev_now(w->loop) - front_h1_idle_since(it->h1) < w->drain_idle_s)
		return;
	end(it, CONN_END_CLEAN, CONN_END_CLEAN);
}

void
intercept_cut(struct intercept *it, const char *error)
{
	if (it->state == TUNNEL) {
		tunnel_cut(&it->tunnel, error);
		front_done(it->front);
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
		record_failure(it, "%s", error);
	else
		forget_connect(it);
	end(it, CONN_END_CLEAN, CONN_END_CLEAN);
}
