/* SPDX-License-Identifier: ISC */
/*
 * intercept_client.c - the client's handshake with the leaf that was found, what
 * it means when the client does not want it, and the first bytes inside.
 * Runs in: worker.
 */
#include "config.h"

#include "worker/intercept_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "har/entry.h"
#include "shm/trust.h"
#include "worker/sniff.h"
#include "worker/tally.h"

#define DEFECT_SHOWN 110	/* of the origin's, in an error's text */

static void
hello_is_done(struct intercept *it)
{
	free(it->hello);
	it->hello = NULL;
}

/* ---- rejections ---- */

static struct trust_event
event_of(const struct intercept *it)
{
	return (struct trust_event){.id = &it->trust_id,
	    .client = &it->front->client_addr,
	    .tag = it->tag,
	    .host = str_of(it->name.host, it->name.host_len),
	    .port = it->target.port};
}

/* The client was shown a defect of the origin's, be it only another name. */
static bool
is_mirrored_bad(const struct intercept *it)
{
	return !it->is_custom && (mirror_is_bad(&it->want.plan) ||
	    (!it->tls->facts->verified && it->policy.verify != CONF_VERIFY_OFF));
}

/* What was shown says something of our CA: neither the operator's nor a bad one. */
static bool
is_about_our_ca(const struct intercept *it)
{
	return !it->is_custom && !is_mirrored_bad(it);
}

/* The origin's defect in a few words. */
static const char *
defect_of(const struct intercept *it)
{
	const struct tls_facts *f = it->tls->facts;

	if (!f->verified)
		return f->reason;
	return f->nwarnings > 0 ? f->warnings[0] : "verified, but not by every client's rules";
}

static const char *
alert_text(unsigned alert, char text[64])
{
	if (alert == 0 || trust_alert_refuses(alert))
		return trust_alert_text(alert);
	(void)snprintf(text, 64, "alert %s", tls_alert_text(alert));
	return text;
}

/* The client does not want the certificate; alert 0: it just went. */
static void
record_rejection(struct intercept *it, unsigned alert)
{
	struct trust_event event = event_of(it);
	char text[64];

	if (!is_about_our_ca(it))
		tally_reject(it->worker, alert, it->is_custom ? CAUSE_CUSTOM : CAUSE_ORIGIN);
	if (is_about_our_ca(it))
		intercept_record_failure(it, "client refused our certificate: %s",
		    trust_told_rejected(it->worker->trust, &event, alert));
	else if (it->is_custom)
		intercept_record_failure(it, "client refused the certificate of certs: %s",
		    alert_text(alert, text));
	else
		intercept_record_failure(it,
		    "origin certificate: %.*s; client refused it: %s", DEFECT_SHOWN,
		    defect_of(it), alert_text(alert, text));
}

/* A certificate of ours had been sent; in a resumed handshake there is none. */
static bool
was_shown(SSL *ssl)
{
	char one;

	if (SSL_session_reused(ssl) == 1)
		return false;
	/* A TLS 1.3 server may be waiting for a second ClientHello (RFC 8446 4.1.4). */
	return SSL_version(ssl) < TLS1_3_VERSION || SSL_get_finished(ssl, &one, 1) > 0;
}

static const char *
cause_of(const struct conn *c, unsigned alert, enum conn_end how, bool refused)
{
	if (refused && alert != 0)
		return HAR_TLS_CERT_REJECTED;
	switch (how) {
	case CONN_END_CLEAN:
	case CONN_END_TRUNCATED:
		return HAR_TLS_CLOSED;
	case CONN_END_RESET:
		return HAR_TLS_RESET;
	case CONN_END_TIMEOUT:
		return HAR_TLS_TIMEOUT;
	default:
		return strstr(conn_tls_error(c), "no shared cipher") != NULL ?
		    HAR_TLS_NO_SHARED_CIPHER : HAR_TLS_UNKNOWN;
	}
}

/* For recordings, in the words of those who read them. */
static struct har_tls_error
tls_error_of(const struct intercept *it, const char *cause)
{
	const struct tls_hello *h = it->hello;

	return (struct har_tls_error){.cause = cause,
	    .hostname = str_of(it->name.host, it->name.host_len),
	    .sni = str_of(h->sni, h->sni_len),
	    .connect_host = str_of(it->target.host, it->target.host_len),
	    .connect_port = it->target.port,
	    .alpn = str_of(h->alpn, h->alpn_len)};
}

static void
client_tls_failed(void *owner, struct conn *c, enum conn_end how)
{
	struct intercept *it = owner;
	unsigned alert = conn_tls_alert(c);
	bool gone = how != CONN_END_TLS && how != CONN_END_TIMEOUT;
	/* A forged signature is a failed decryption for OpenSSL (alert 51), and so on. */
	bool refused = trust_alert_refuses(alert) ||
	    (was_shown(conn_ssl(c)) && (gone || (alert != 0 && is_mirrored_bad(it))));
	struct har_tls_error error = tls_error_of(it, cause_of(c, alert, how, refused));

	tally_handshake(it->worker, SIDE_CLIENT, NULL, 0);
	it->connect->tls_error = &error;
	if (refused)
		record_rejection(it, alert);
	else if (alert != 0)
		intercept_record_failure(it, "TLS handshake with the client failed: alert %s",
		    tls_alert_text(alert));
	else if (how == CONN_END_TLS && SSL_get_verify_result(conn_ssl(c)) != X509_V_OK)
		intercept_record_failure(it, "the certificate of the client is refused: %s",
		    X509_verify_cert_error_string(SSL_get_verify_result(conn_ssl(c))));
	else if (how == CONN_END_TLS)
		intercept_record_failure(it, "TLS handshake with the client failed: %s",
		    conn_tls_error(c));
	else if (how == CONN_END_TIMEOUT)
		intercept_record_failure(it, "TLS handshake with the client timed out");
	else
		intercept_record_failure(it,
		    "client %s the connection during the TLS handshake",
		    how == CONN_END_RESET ? "reset" : "closed");
	if (how == CONN_END_TIMEOUT || how == CONN_END_TLS)
		how = CONN_END_TRUNCATED;
	intercept_end(it, how, how);
}

/* ---- inside ---- */

/* gRPC's own libraries agree on a name of theirs, and speak HTTP/2. */
static bool
is_h2(const struct intercept *it)
{
	const char *alpn = it->tls->client.alpn;

	return strcmp(alpn, "h2") == 0 || strcmp(alpn, "grpc-exp") == 0;
}

/* After both handshakes: HTTP, unless somebody shows otherwise. */
static size_t
inner_client_data(void *owner, struct conn *c UNUSED, const uint8_t *p, size_t n)
{
	struct intercept *it = owner;
	bool first = it->first.len == 0;

	if (first && is_about_our_ca(it)) {
		struct trust_event event = event_of(it);

		trust_told_accepted(it->worker->trust, &event);
	}
	hello_is_done(it);
	buf_put(&it->first, p, n);
	switch (sniff(buf_data(&it->first), it->first.len)) {
	case SNIFF_HTTP:
		intercept_go_http(it);
		break;
	case SNIFF_MORE:
		if (first)
			conn_deadline(it->client, it->worker->conf->timeouts.sniff_ms, false);
		break;
	case SNIFF_H2:
		intercept_go_h2(it);
		break;
	default:
		intercept_go_tunnel(it, "not http");
	}
	return n;
}

/*
 * Handshake done, closed unused: what every preconnect does, and what curl and
 * git do when the name is wrong.  Only of a bad certificate is it worth telling.
 */
static void
unused(struct intercept *it, enum conn_end how)
{
	struct trust_event event = event_of(it);

	if (is_about_our_ca(it) && how != CONN_END_TIMEOUT)
		trust_told_unused(it->worker->trust, &event);
	if (!is_mirrored_bad(it) || it->tls->facts->verified || how == CONN_END_TIMEOUT)
		intercept_forget_connect(it);
	else
		intercept_record_failure(it,
		    "origin certificate: %.*s; client closed the connection without a request",
		    DEFECT_SHOWN, it->tls->facts->reason);
}

static void
inner_client_ended(void *owner, struct conn *c, enum conn_end how)
{
	struct intercept *it = owner;
	unsigned alert = conn_tls_alert(c);

	if (it->first.len > 0 && (how == CONN_END_TIMEOUT || how == CONN_END_CLEAN)) {
		intercept_go_tunnel(it, "not http");
		return;
	}
	/* TLS 1.3 lets a client send its Finished first and look at us later. */
	if (it->first.len == 0 && trust_alert_refuses(alert)) {
		struct har_tls_error error = tls_error_of(it, HAR_TLS_CERT_REJECTED);

		it->connect->tls_error = &error;
		record_rejection(it, alert);
	} else {
		unused(it, how);
	}
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
inner_origin_ended(void *owner, struct conn *c, enum conn_end how)
{
	struct intercept *it = owner;
	unsigned alert = conn_tls_alert(c);

	if (how == CONN_END_TLS)
		intercept_record_failure(it, "origin ended TLS: %s%s",
		    alert != 0 ? tls_alert_text(alert) : conn_tls_error(c),
		    intercept_about_cert(conn_ssl(c)));
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

/* ---- the handshake ---- */

static void
client_secured(void *owner, struct conn *c)
{
	struct intercept *it = owner;

	tally_handshake(it->worker, SIDE_CLIENT, conn_ssl(c), clock_mono_us() - it->tls_begun);
	tls_leg_of(conn_ssl(c), &it->tls->client);
	it->tls->has_client = true;
	if (it->worker->conf->request_client_cert)
		tls_info_asked(it->tls, conn_ssl(c));
	it->state = INNER;
	conn_set_owner(it->client, &inner_client_ops, it);
	conn_set_owner(it->origin, &inner_origin_ops, it);
	conn_deadline(it->client, it->worker->conf->timeouts.idle_ms, true);
	/* An HTTP/2 origin may speak before the client has (RFC 9113 3.4). */
	if (!is_h2(it))
		conn_resume(it->origin);
}

static const struct conn_ops client_tls_ops = {.data = intercept_held_data,
    .ended = client_tls_failed,
    .writable = intercept_no_writable,
    .secured = client_secured};

void
intercept_start_client_tls(struct intercept *it)
{
	uint8_t context[32];
	SSL *ssl;

	leaf_session_context(it->worker->leafs, &it->want, it->is_custom ? it->leaf : NULL,
	    context);
	ssl = tls_client_start(it->worker->tls_client, it->leaf, str_z(it->tls->origin.alpn),
	    context);
	tls_leaf_unref(&it->leaf);
	if (ssl == NULL) {
		intercept_record_failure(it, "no TLS with the client: its leaf cannot be used");
		intercept_send_alert(it, ALERT_INTERNAL_ERROR);
		intercept_end(it, CONN_END_CLEAN, CONN_END_CLEAN);
		return;
	}
	it->state = CLIENT_TLS;
	it->tls_begun = clock_mono_us();
	conn_set_owner(it->client, &client_tls_ops, it);
	conn_deadline(it->client, it->worker->conf->timeouts.handshake_ms, false);
	conn_start_tls(it->client, ssl, tls_client_stop, buf_str(&it->first));
	buf_free(&it->first);
}
