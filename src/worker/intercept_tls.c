/* SPDX-License-Identifier: ISC */
/*
 * intercept_tls.c - TLS on both sides of an intercept: the origin's handshake
 * first, verdict, leaf, then the client's; and the first bytes inside.
 * Runs in: worker.
 */
#include "config.h"

#include "worker/intercept_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "conf/conf.h"
#include "worker/sniff.h"

/* RFC 8446 6 */
enum { ALERT_HANDSHAKE_FAILURE = 40, ALERT_ACCESS_DENIED = 49, ALERT_INTERNAL_ERROR = 80 };

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
		intercept_go_http(it);
		break;
	case SNIFF_MORE:
		if (first)
			conn_deadline(it->client, it->worker->conf->timeouts.sniff_ms, false);
		break;
	default:
		intercept_go_tunnel(it, "not http");
	}
	return n;
}

static void
inner_client_ended(void *owner, struct conn *c UNUSED, enum conn_end how)
{
	struct intercept *it = owner;

	if (it->first.len > 0 && (how == CONN_END_TIMEOUT || how == CONN_END_CLEAN)) {
		intercept_go_tunnel(it, "not http");
		return;
	}
	/* Handshake done, closed unused: what every preconnect does. */
	intercept_forget_connect(it);
	if (how == CONN_END_TIMEOUT)
		how = CONN_END_CLEAN;
	intercept_end(it, how, how);
}

static size_t
inner_origin_data(void *owner, struct conn *c UNUSED, const uint8_t *p UNUSED, size_t n UNUSED)
{
	intercept_go_tunnel(owner, "not http");
	return 0;
}

static void
inner_origin_ended(void *owner, struct conn *c UNUSED, enum conn_end how)
{
	struct intercept *it = owner;
	unsigned alert = conn_tls_alert(c);

	if (how == CONN_END_TLS)
		intercept_record_failure(it, "origin ended TLS: %s",
		    alert != 0 ? SSL_alert_desc_string_long((int)alert) : conn_tls_error(c));
	else
		intercept_forget_connect(it);
	intercept_end(it, how, how);
}

static const struct conn_ops inner_client_ops = {.data = inner_client_data,
    .ended = inner_client_ended,
    .writable = intercept_no_writable,
    .secured = intercept_no_secured};
static const struct conn_ops inner_origin_ops = {.data = inner_origin_data,
    .ended = inner_origin_ended,
    .writable = intercept_no_writable,
    .secured = intercept_no_secured};

static void
client_secured(void *owner, struct conn *c)
{
	struct intercept *it = owner;

	tls_leg_of(conn_ssl(c), &it->tls->client);
	it->tls->has_client = true;
	if (strcmp(it->tls->client.alpn, "h2") == 0) {
		/* Either side may speak first (RFC 9113 3.4). */
		intercept_go_h2(it);
		return;
	}
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
		intercept_record_failure(it,
		    "client refused our certificate or offer: TLS alert %s",
		    SSL_alert_desc_string_long((int)alert));
	else if (how == CONN_END_TLS)
		intercept_record_failure(it, "TLS handshake with the client failed: %s",
		    conn_tls_error(c));
	else if (how == CONN_END_TIMEOUT)
		intercept_record_failure(it, "TLS handshake with the client timed out");
	else
		intercept_record_failure(it,
		    "client %s the connection during the TLS handshake, "
		    "after our certificate",
		    how == CONN_END_RESET ? "reset" : "closed");
	if (how == CONN_END_TIMEOUT || how == CONN_END_TLS)
		how = CONN_END_TRUNCATED;
	intercept_end(it, how, how);
}

static size_t
held_data(void *owner UNUSED, struct conn *c UNUSED, const uint8_t *p UNUSED, size_t n UNUSED)
{
	return 0;
}

static const struct conn_ops client_tls_ops = {.data = held_data, .ended = client_tls_failed,
    .writable = intercept_no_writable, .secured = client_secured};

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
	ssl = tls_client_start(it->worker->tls_client, it->leaf, str_z(it->tls->origin.alpn),
	    context);
	tls_leaf_unref(&it->leaf);
	if (ssl == NULL) {
		intercept_record_failure(it, "no TLS with the client: its leaf cannot be used");
		send_alert(it, ALERT_INTERNAL_ERROR);
		intercept_end(it, CONN_END_CLEAN, CONN_END_CLEAN);
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
		intercept_record_failure(it, "no certificate for %s: %s", it->name.host,
		    reason);
		send_alert(it, ALERT_INTERNAL_ERROR);
		intercept_end(it, CONN_END_CLEAN, CONN_END_CLEAN);
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
	    .origin = it->tls->facts,
	    .recipe = RECIPE_GOOD,
	    .rsa = !tls_hello_takes_ecdsa(it->hello),
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
		intercept_record_failure(it, "the origin sent no certificate");
		send_alert(it, ALERT_HANDSHAKE_FAILURE);
		intercept_end(it, CONN_END_CLEAN, CONN_END_CLEAN);
		return;
	}
	if (t->facts->verified || it->worker->conf->origin.verify == CONF_VERIFY_OFF) {
		find_leaf(it);
		return;
	}
	intercept_record_failure(it, "origin certificate refused: %s", t->facts->reason);
	send_alert(it, ALERT_ACCESS_DENIED);
	intercept_end(it, CONN_END_CLEAN, CONN_END_CLEAN);
}

static void
origin_ended(void *owner, struct conn *c, enum conn_end how)
{
	struct intercept *it = owner;
	unsigned alert = conn_tls_alert(c);

	if (it->state != ORIGIN_TLS) {
		intercept_record_failure(it,
		    "origin closed the connection during the client's handshake");
		intercept_end(it, how == CONN_END_TLS ? CONN_END_TRUNCATED : how, how);
		return;
	}
	switch (how) {
	case CONN_END_TLS:
		/* A failed handshake gives the client the same alert. */
		intercept_record_failure(it, "TLS handshake with the origin failed: %s",
		    alert != 0 ? SSL_alert_desc_string_long((int)alert) : conn_tls_error(c));
		send_alert(it, alert != 0 ? (uint8_t)alert : ALERT_HANDSHAKE_FAILURE);
		how = CONN_END_CLEAN;
		break;
	case CONN_END_TIMEOUT:
		intercept_record_failure(it, "TLS handshake with the origin timed out");
		how = CONN_END_RESET;
		break;
	default:
		intercept_record_failure(it,
		    "origin %s the connection during the TLS handshake",
		    how == CONN_END_RESET ? "reset" : "closed");
	}
	intercept_end(it, how, how);
}

static const struct conn_ops origin_tls_ops = {.data = held_data, .ended = origin_ended,
    .writable = intercept_no_writable, .secured = origin_secured};

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

void
intercept_start_tls(struct intercept *it)
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
		intercept_record_failure(it,
		    "the client offers no TLS version or cipher that is sound");
		send_alert(it, ALERT_HANDSHAKE_FAILURE);
		intercept_end(it, CONN_END_CLEAN, CONN_END_CLEAN);
		return;
	}
	it->tls_begun = clock_mono_us();
	conn_set_owner(it->origin, &origin_tls_ops, it);
	conn_deadline(it->origin, conf->timeouts.handshake_ms, false);
	conn_start_tls(it->origin, ssl, tls_origin_stop, STR_NONE);
}
