/* SPDX-License-Identifier: ISC */
/*
 * intercept_tls.c - TLS on both sides of an intercept: the origin's handshake
 * first, then the verdict, then a leaf that makes the client come to the same.
 * Runs in: worker.
 */
#include "config.h"

#include "worker/intercept_state.h"

#include <string.h>

#include "base/clock.h"
#include "conf/conf.h"
#include "tls/shelf.h"
#include "worker/tally.h"

size_t
intercept_held_data(void *owner UNUSED, struct conn *c UNUSED, const uint8_t *p UNUSED,
    size_t n UNUSED)
{
	return 0;
}

void
intercept_send_alert(struct intercept *it, uint8_t description)
{
	uint8_t alert[TLS_ALERT_SIZE];

	tls_alert(description, alert);
	conn_write(it->client, alert, sizeof(alert));
}

/* Nothing was said to the client yet, and this is all it will be told. */
static void
end_with_alert(struct intercept *it, uint8_t description)
{
	intercept_send_alert(it, description);
	intercept_end(it, CONN_END_CLEAN, CONN_END_CLEAN);
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
		end_with_alert(it, ALERT_INTERNAL_ERROR);
		return;
	}
	it->leaf = leaf;
	intercept_start_client_tls(it);
}

static void
plan_leaf(struct intercept *it)
{
	struct mirror_ask ask = {.origin = it->tls->facts,
	    .takes_ecdsa = tls_hello_takes_ecdsa(it->hello),
	    .wants_staple = it->hello->status_request,
	    .verify_off = it->policy.verify == CONF_VERIFY_OFF,
	    .sniff = it->worker->conf->origin.sniff,
	    .permit = leafs_permit(it->worker->leafs),
	    .now = (int64_t)(clock_wall_us() / 1000000)};

	it->want = (struct leaf_want){.name = str_of(it->name.host, it->name.host_len),
	    .origin = it->tls->facts};
	mirror_plan(&ask, &it->want.plan);
}

/* The operator's certificate, which must not hide a bad origin. */
static struct tls_leaf *
custom_leaf(struct intercept *it)
{
	const struct worker *w = it->worker;

	if (it->custom < 0 || (!it->tls->facts->verified &&
	    it->policy.verify != CONF_VERIFY_OFF))
		return NULL;
	it->is_custom = true;
	it->tls->custom = w->conf->certs[it->custom].file;
	return tls_leaf_ref(shelf_leaf(w->proc->certs, (size_t)it->custom));
}

static void
refuse_origin(struct intercept *it)
{
	intercept_record_failure(it, "origin certificate refused: %s", it->tls->facts->reason);
	end_with_alert(it, ALERT_ACCESS_DENIED);
}

static void
find_leaf(struct intercept *it)
{
	struct tls_leaf *leaf = custom_leaf(it);
	struct str name = str_of(it->name.host, it->name.host_len);

	plan_leaf(it);
	if (leaf != NULL) {
		on_leaf(it, leaf, NULL);
		return;
	}
	/* Only a custom certificate made it ours to look at. */
	if (!permit_has_host(leafs_permit(it->worker->leafs), name)) {
		refuse_origin(it);
		return;
	}
	tls_info_plan(it->tls, &it->want.plan);
	it->state = LEAF;
	leaf = leaf_find(it->worker->leafs, &it->want, on_leaf, it, &it->ask);
	if (leaf != NULL)
		on_leaf(it, leaf, NULL);
}

/* ---- the origin's handshake ---- */

/* For origins that ask for one; NULL: there is none for this host. */
static struct tls_leaf *
client_cert(const struct intercept *it)
{
	const struct shelf *shelf = it->worker->proc->client_certs;
	int i = shelf_find(shelf, str_of(it->name.host, it->name.host_len));

	return i >= 0 ? shelf_leaf(shelf, (size_t)i) : NULL;
}

/* Behind the text of a failure that this may be the reason of. */
const char *
intercept_about_cert(SSL *ssl)
{
	static const char *const texts[] = {[TLS_CERT_NOT_ASKED] = "",
	    [TLS_CERT_ASKED] = " (it had asked for a client certificate, and got none)",
	    [TLS_CERT_SHOWN] = " (it was shown the certificate of client_certs)"};

	return texts[tls_origin_cert_asked(ssl)];
}

/* A resumed session was shown it when it began, and does not tell. */
static void
note_client_cert(struct intercept *it, SSL *ssl)
{
	struct tls_leaf *mine = client_cert(it);
	enum tls_cert_asked asked = tls_origin_cert_asked(ssl);

	if (asked != TLS_CERT_NOT_ASKED)
		tls_info_shown(it->tls,
		    asked == TLS_CERT_SHOWN && mine != NULL ? mine->cert : NULL);
}

static void
origin_secured(void *owner, struct conn *c)
{
	struct intercept *it = owner;
	struct tls_info *t = it->tls;

	it->times.ssl = (int64_t)(clock_mono_us() - it->tls_begun);
	it->times.connect += it->times.ssl;
	tally_handshake(it->worker, SIDE_ORIGIN, conn_ssl(c), (uint64_t)it->times.ssl);
	tls_leg_of(conn_ssl(c), &t->origin);
	t->has_origin = true;
	note_client_cert(it, conn_ssl(c));
	t->facts = tls_origin_facts(it->worker->tls_origin, conn_ssl(c));
	conn_pause(c);
	conn_deadline(c, 0, false);
	if (t->facts == NULL) {
		intercept_record_failure(it, "the origin sent no certificate");
		end_with_alert(it, ALERT_HANDSHAKE_FAILURE);
		return;
	}
	if (!t->facts->verified && it->policy.verify == CONF_VERIFY_REJECT) {
		refuse_origin(it);
		return;
	}
	find_leaf(it);
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
	tally_handshake(it->worker, SIDE_ORIGIN, NULL, 0);
	switch (how) {
	case CONN_END_TLS:
		/* A failed handshake gives the client the same alert. */
		intercept_record_failure(it, "TLS handshake with the origin failed: %s%s",
		    alert != 0 ? tls_alert_text(alert) : conn_tls_error(c),
		    intercept_about_cert(conn_ssl(c)));
		intercept_send_alert(it, alert != 0 ? (uint8_t)alert : ALERT_HANDSHAKE_FAILURE);
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

static const struct conn_ops origin_tls_ops = {.data = intercept_held_data,
    .ended = origin_ended,
    .writable = intercept_no_writable,
    .secured = origin_secured};

void
intercept_start_tls(struct intercept *it)
{
	struct tls_origin_ask ask = {.name = str_of(it->name.host, it->name.host_len),
	    .name_is_ip = it->name.is_ip, .send_sni = it->hello->sni_len > 0,
	    .port = it->target.port, .tag = str_z(it->tag), .hello = it->hello,
	    .strict = it->policy.strict, .verify_mode = (int)it->policy.verify,
	    .verify_off = it->policy.verify == CONF_VERIFY_OFF,
	    .client_cert = client_cert(it)};
	SSL *ssl;

	intercept_mode(it, MODE_INTERCEPT);
	it->state = ORIGIN_TLS;
	it->tls = tls_info_new(policy_verify_name(it->policy.verify));
	ssl = tls_origin_start(it->worker->tls_origin, &ask);
	if (ssl == NULL) {
		intercept_record_failure(it,
		    "the client offers no TLS version or cipher that is sound");
		end_with_alert(it, ALERT_HANDSHAKE_FAILURE);
		return;
	}
	it->tls_begun = clock_mono_us();
	conn_set_owner(it->origin, &origin_tls_ops, it);
	conn_deadline(it->origin, it->worker->conf->timeouts.handshake_ms, false);
	conn_start_tls(it->origin, ssl, tls_origin_stop, STR_NONE);
}
