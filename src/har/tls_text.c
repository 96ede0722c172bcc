/* SPDX-License-Identifier: ISC */
/* tls_text.c - see tls_text.h.  Runs in: worker, tests, fuzzers. */
#include "config.h"

#include "har/tls_text.h"

#include "har/base64.h"
#include "har/json.h"

#define PEM_LINE 48	/* bytes that make the 64 letters of a line (RFC 7468 2) */

static void
put_security_details(struct buf *out, const struct har_tls *t)
{
	const struct tls_cert *leaf = &t->origin_facts->chain[0];

	json_name(out, "_securityDetails");
	JSON_LIT(out, "{");
	if (t->origin_leg != NULL)
		json_member(out, "protocol", str_z(t->origin_leg->protocol));
	json_member(out, "subjectName", str_z(leaf->subject_cn));
	json_member(out, "issuer", str_z(leaf->issuer_cn));
	json_member_int(out, "validFrom", leaf->not_before);
	json_member_int(out, "validTo", leaf->not_after);
	JSON_LIT(out, "}");
}

static void
put_leg(struct buf *out, const struct tls_leg *leg)
{
	json_member(out, "protocol", str_z(leg->protocol));
	json_member(out, "cipher", str_z(leg->cipher));
	if (leg->group[0] != '\0')
		json_member(out, "group", str_z(leg->group));
	if (leg->sigalg[0] != '\0')
		json_member(out, "sigalg", str_z(leg->sigalg));
	json_member(out, "alpn", str_z(leg->alpn));
	json_member(out, "sni", str_z(leg->sni));
	json_member_bool(out, "resumed", leg->resumed);
}

/* It was asked for: null says that none was shown. */
static void
put_peer(struct buf *out, const struct tls_peer *peer, bool judged)
{
	json_name(out, "client_certificate");
	if (!peer->has_cert) {
		JSON_LIT(out, "null");
		return;
	}
	JSON_LIT(out, "{");
	json_member(out, "subject", str_z(peer->subject));
	JSON_LIT(out, ",\"fingerprint\":\"sha256:");
	json_raw(out, peer->sha256, strlen(peer->sha256));
	JSON_LIT(out, "\"");
	if (judged)
		json_member_bool(out, "verified", peer->verified);
	JSON_LIT(out, "}");
}

static void
put_pem(struct buf *out, struct str der)
{
	const uint8_t *p = (const uint8_t *)der.p;
	struct base64 b64 = {0};
	char line[BASE64_ROOM(PEM_LINE)];
	size_t n, k;

	json_comma(out);
	JSON_LIT(out, "\"-----BEGIN CERTIFICATE-----\\n");
	for (n = der.n; n > 0; p += k, n -= k) {
		k = MIN(n, (size_t)PEM_LINE);
		json_raw(out, line, base64_feed(&b64, line, p, k));
		if (k == n)
			json_raw(out, line, base64_end(&b64, line));
		JSON_LIT(out, "\\n");
	}
	JSON_LIT(out, "-----END CERTIFICATE-----\\n\"");
}

static void
put_fingerprint(struct buf *out, const uint8_t sha256[32])
{
	static const char hex[] = "0123456789abcdef";
	char text[64];
	size_t i;

	for (i = 0; i < 32; i++) {
		text[2 * i] = hex[sha256[i] >> 4];
		text[2 * i + 1] = hex[sha256[i] & 15];
	}
	json_comma(out);
	JSON_LIT(out, "\"sha256:");
	json_raw(out, text, sizeof(text));
	JSON_LIT(out, "\"");
}

static void
put_warnings(struct buf *out, const struct tls_facts *f)
{
	size_t i;

	json_name(out, "warnings");
	JSON_LIT(out, "[");
	for (i = 0; i < f->nwarnings; i++) {
		json_comma(out);
		json_string(out, str_z(f->warnings[i]));
	}
	JSON_LIT(out, "]");
}

static void
put_facts(struct buf *out, const struct har_tls *t)
{
	static const char *const staples[] = {[TLS_STAPLE_NONE] = NULL,
	    [TLS_STAPLE_GOOD] = "good", [TLS_STAPLE_REVOKED] = "revoked",
	    [TLS_STAPLE_INVALID] = "invalid",
	    [TLS_STAPLE_UNKNOWN] = "unknown"};
	const struct tls_facts *f = t->origin_facts;
	size_t i;

	json_member_bool(out, "verified", f->verified);
	json_member(out, "verify", f->verified ? STR("ok") : str_z(f->reason));
	if (t->verify_mode != NULL)
		json_member(out, "verify_mode", str_z(t->verify_mode));
	if (f->nwarnings > 0)
		put_warnings(out, f);
	if (staples[f->staple] != NULL)
		json_member(out, "staple", str_z(staples[f->staple]));
	json_name(out, "chain");
	JSON_LIT(out, "[");
	for (i = 0; i < f->nchain; i++) {
		if (t->whole_chain)
			put_pem(out, f->chain[i].der);
		else
			put_fingerprint(out, f->chain[i].sha256);
	}
	JSON_LIT(out, "]");
}

static void
put_client(struct buf *out, const struct har_tls *t)
{
	json_name(out, "client");
	JSON_LIT(out, "{");
	if (t->client_leg != NULL)
		put_leg(out, t->client_leg);
	if (t->client_peer != NULL)
		put_peer(out, t->client_peer, true);
	JSON_LIT(out, "}");
}

static void
put_origin(struct buf *out, const struct har_tls *t)
{
	json_name(out, "origin");
	JSON_LIT(out, "{");
	if (t->origin_leg != NULL)
		put_leg(out, t->origin_leg);
	if (t->origin_peer != NULL)
		put_peer(out, t->origin_peer, false);
	if (t->origin_facts != NULL)
		put_facts(out, t);
	JSON_LIT(out, "}");
}

/* The certificate that the client was shown. */
static void
put_shown(struct buf *out, const struct har_tls *t)
{
	size_t i;

	if (t->custom != NULL)
		json_member(out, "custom", str_z(t->custom));
	if (t->recipe != NULL)
		json_member(out, "recipe", str_z(t->recipe));
	if (t->ncopied > 0) {
		json_name(out, "copied");
		JSON_LIT(out, "[");
		for (i = 0; i < t->ncopied; i++) {
			json_comma(out);
			json_string(out, str_z(t->copied[i]));
		}
		JSON_LIT(out, "]");
	}
	if (t->staple != NULL)
		json_member(out, "staple", str_z(t->staple));
}

void
tls_text_put(struct buf *out, const struct har_tls *t)
{
	if (t->origin_facts != NULL && t->origin_facts->nchain > 0)
		put_security_details(out, t);
	json_name(out, "_tls");
	JSON_LIT(out, "{");
	if (t->client_leg != NULL || t->client_peer != NULL)
		put_client(out, t);
	if (t->origin_leg != NULL || t->origin_facts != NULL || t->origin_peer != NULL)
		put_origin(out, t);
	put_shown(out, t);
	JSON_LIT(out, "}");
}
