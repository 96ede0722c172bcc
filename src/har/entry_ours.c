/* SPDX-License-Identifier: ISC */
/* entry_ours.c - see entry_ours.h.  Runs in: worker, recorder, tests, fuzzers. */
#include "config.h"

#include "har/entry_ours.h"

#include "base/clock.h"
#include "har/json.h"

#define RAW_HEAD_MAX 4096

/* ---- connections ---- */

static void
put_ip(struct buf *out, const struct addr *a)
{
	char text[ADDR_TEXT_SIZE];
	uint8_t v4[4];
	int i;

	if (a->sa.sa_family == AF_INET) {	/* inet_ntop() is a printf */
		memcpy(v4, &a->in.sin_addr, sizeof(v4));
		for (i = 0; i < 4; i++) {
			if (i > 0)
				JSON_LIT(out, ".");
			json_int(out, v4[i]);
		}
		return;
	}
	addr_ip_text(a, text);
	json_raw(out, text, strlen(text));
}

static void
put_client(struct buf *out, const struct addr *a)
{
	bool v6 = a->sa.sa_family != AF_INET;

	JSON_LIT(out, ",\"_clientAddress\":\"");
	if (v6)
		JSON_LIT(out, "[");
	put_ip(out, a);
	if (v6)
		JSON_LIT(out, "]");
	JSON_LIT(out, ":");
	json_int(out, addr_port(a));
	JSON_LIT(out, "\"");
}

void
entry_put_connection(struct buf *out, const struct har_flow *f)
{
	if (f->server != NULL && f->server->len > 0) {
		JSON_LIT(out, ",\"serverIPAddress\":\"");
		put_ip(out, f->server);
		JSON_LIT(out, "\",\"connection\":\"");
		json_int(out, addr_port(f->server));
		JSON_LIT(out, "\",\"_serverPort\":");
		json_int(out, addr_port(f->server));
		JSON_LIT(out, ",\"_connectionId\":\"");
		json_int(out, (int64_t)f->origin_id);
		JSON_LIT(out, "\"");
	}
	JSON_LIT(out, ",\"_clientConnectionId\":\"");
	json_int(out, (int64_t)f->client_id);
	JSON_LIT(out, "\"");
	if (f->client != NULL && f->client->len > 0)
		put_client(out, f->client);
	JSON_LIT(out, ",\"_tag\":");
	json_string(out, f->tag);
}

/* ---- how it ended ---- */

static void
put_tunnel(struct buf *out, const struct har_tunnel *t)
{
	JSON_LIT(out, ",\"_tunnel\":{\"reason\":");
	json_string(out, str_z(t->reason));
	JSON_LIT(out, ",\"bytesSent\":");
	json_int(out, (int64_t)t->bytes_up);
	JSON_LIT(out, ",\"bytesReceived\":");
	json_int(out, (int64_t)t->bytes_down);
	JSON_LIT(out, "}");
}

/* As Chrome writes it; how it was closed as HTTP Toolkit does. */
static void
put_ws(struct buf *out, const struct har_ws *ws)
{
	JSON_LIT(out, ",\"_webSocketMessages\":[");
	json_raw(out, ws->messages.p, ws->messages.n);
	JSON_LIT(out, "]");
	if (ws->closed.seen) {
		JSON_LIT(out, ",\"_webSocketClose\":{\"code\":");
		json_int(out, ws->closed.code);
		json_member(out, "reason", ws->closed.reason);
		json_member(out, "by",
		    ws->closed.by == WS_SEND ? STR("client") : STR("origin"));
		JSON_LIT(out, "}");
	}
	if (ws->broken != NULL)
		json_member(out, "_webSocketBroken", str_z(ws->broken));
	if (ws->piece == 0)
		return;
	JSON_LIT(out, ",\"_webSocketPiece\":");
	json_int(out, ws->piece);
	if (ws->more)
		JSON_LIT(out, ",\"_webSocketMore\":true");
}

/* The target says nothing more than the URL: it is the same, its authority, or its path. */
static bool
raw_target_is_plain(struct str raw, struct str url)
{
	ssize_t colon = str_chr(url, ':'), slash;
	struct str rest;

	if (raw.n == 0 || str_eq(raw, url))
		return true;
	rest = colon >= 0 ? str_from(url, (size_t)colon + 3) : url;
	slash = str_chr(rest, '/');
	if (str_starts(url, STR("https:")) && str_ends(raw, STR(":443")))
		raw.n -= 4;	/* of a CONNECT, where the URL leaves it out */
	if (slash < 0)
		return str_eq(raw, rest);
	return str_eq(raw, str_sub(rest, 0, (size_t)slash)) ||
	    str_eq(raw, str_from(rest, (size_t)slash));
}

static bool
is_truncated(const struct body *b)
{
	return b != NULL && body_truncated(b);
}

void
entry_put_endings(struct buf *out, const struct har_flow *f)
{
	if (is_truncated(f->request_body) || is_truncated(f->response_body) ||
	    (f->ws != NULL && f->ws->truncated))
		JSON_LIT(out, ",\"_truncated\":true");
	if (f->aborted)
		JSON_LIT(out, ",\"_aborted\":true");
	if (f->error != NULL)
		json_member(out, "_error", str_z(f->error));
	if (!raw_target_is_plain(f->raw_target, f->url))
		json_member(out, "_rawTarget", f->raw_target);
	if (f->raw_head.n > 0)
		json_member(out, "_rawHead", str_sub(f->raw_head, 0, RAW_HEAD_MAX));
	if (f->ws != NULL)
		put_ws(out, f->ws);
	else if (f->tunnel.reason != NULL)
		put_tunnel(out, &f->tunnel);
}

/* ---- log._tlsErrors ---- */

static void
put_alpn(struct buf *out, struct str wire)
{
	json_name(out, "clientAlpn");
	JSON_LIT(out, "[");
	while (wire.n > 0 && (size_t)(uint8_t)wire.p[0] < wire.n) {
		json_comma(out);
		json_string(out, str_sub(wire, 1, (uint8_t)wire.p[0]));
		wire = str_from(wire, 1 + (size_t)(uint8_t)wire.p[0]);
	}
	JSON_LIT(out, "]");
}

static void
put_tls_metadata(struct buf *out, const struct har_tls_error *e)
{
	json_name(out, "tlsMetadata");
	JSON_LIT(out, "{");
	if (e->sni.n > 0)
		json_member(out, "sniHostname", e->sni);
	json_member(out, "connectHostname", e->connect_host);
	JSON_LIT(out, ",\"connectPort\":\"");	/* text, in HTTP Toolkit's too */
	json_int(out, e->connect_port);
	JSON_LIT(out, "\"");
	if (e->alpn.n > 0)
		put_alpn(out, e->alpn);
	JSON_LIT(out, "}");
}

void
entry_put_tls_error(struct buf *out, const struct har_flow *f, const char *iso, int64_t total)
{
	const struct har_tls_error *e = f->tls_error;

	JSON_LIT(out, HAR_TLS_ERROR "{\"startedDateTime\":\"");
	json_raw(out, iso, CLOCK_ISO_SIZE - 1);
	JSON_LIT(out, "\",\"time\":");
	json_ms(out, total);
	json_member(out, "hostname", e->hostname);
	json_member(out, "cause", str_z(e->cause));
	if (f->client != NULL && f->client->len > 0) {
		JSON_LIT(out, ",\"clientIPAddress\":\"");
		put_ip(out, f->client);
		JSON_LIT(out, "\",\"clientPort\":");
		json_int(out, addr_port(f->client));
	}
	put_tls_metadata(out, e);
	JSON_LIT(out, "}");
}
