/* SPDX-License-Identifier: ISC */
/* sample.c - see sample.h. */
#include "config.h"

#include "sample.h"

#include <stdio.h>
#include <string.h>

static const struct body_conf conf = {.max_body = 1 << 20};

static struct body *
body_of(const struct message *m, struct str bytes)
{
	struct body *b = body_new(&conf, fields_get(&m->fields, FIELD_CONTENT_TYPE),
	    fields_get(&m->fields, FIELD_CONTENT_ENCODING));

	body_feed(b, (const uint8_t *)bytes.p, bytes.n);
	CHECK(body_end(b, true) == 0);
	return b;
}

void
sample_request_body(struct sample *s, struct str bytes)
{
	body_free(&s->flow.request_body);
	s->flow.request_body = body_of(&s->request, bytes);
	s->request.has_body = true;
	s->request.body_bytes = (int64_t)bytes.n;
}

void
sample_response_body(struct sample *s, struct str bytes)
{
	body_free(&s->flow.response_body);
	s->flow.response_body = body_of(&s->response, bytes);
	s->response.has_body = true;
	s->response.body_bytes = (int64_t)bytes.n;
}

static void
start(struct sample *s, struct str method, struct str url)
{
	memset(s, 0, sizeof(*s));
	message_init(&s->request);
	message_init(&s->response);
	s->request.is_request = true;
	s->request.version = s->response.version = HTTP_VERSION_1_1;
	s->request.method = method;
	s->request.head_bytes = 321;
	s->response.status = 200;
	s->response.reason = STR("OK");
	s->response.head_bytes = 234;
	CHECK(addr_parse(STR("192.0.2.7:50123"), &s->client));
	CHECK(addr_parse(STR("[2001:db8::1]:8443"), &s->server));
	s->flow = (struct har_flow){
	    .tag = STR("job-1"),
	    .client = &s->client,
	    .server = &s->server,
	    .url = url,
	    .request = &s->request,
	    .response = &s->response,
	    .request_whole = true,
	    .response_whole = true,
	    .times = {UINT64_C(1764000000123456), -1, 1500, 3000, 2000, 100, 20005, 7},
	    .origin_id = 17,
	    .client_id = 4,
	    .response_wire_bytes = 999,
	};
}

static void
add(struct message *m, const char *name, const char *value)
{
	fields_add(&m->fields, str_z(name), str_z(value));
}

static void
tls(struct sample *s)
{
	static char subject[] = "CN = example.com", issuer[] = "CN = Real CA", cn[] = "example.com",
		    issuer_cn[] = "Real CA", reason[] = "certificate has expired",
		    warning[] = "the CA has no key identifier";
	size_t i;

	for (i = 0; i < NELEM(s->certs); i++) {
		s->certs[i] = (struct tls_cert){.der = STR("0\x82\x01\x0a, not really DER, but more than 48 bytes long"),
		    .subject = subject, .issuer = issuer, .subject_cn = cn, .issuer_cn = issuer_cn,
		    .not_before = 1700000000, .not_after = 1800000000};
		memset(s->certs[i].sha256, 0xa0 + (int)i, sizeof(s->certs[i].sha256));
	}
	s->facts = (struct tls_facts){.chain = s->certs, .nchain = 2, .reason = reason,
	    .warnings = {warning}, .nwarnings = 1, .staple = TLS_STAPLE_REVOKED};
	s->leg = (struct tls_leg){.protocol = "TLS 1.3", .cipher = "TLS_AES_128_GCM_SHA256",
	    .group = "X25519", .sigalg = "ecdsa_secp256r1_sha256",
	    .alpn = "http/1.1", .sni = "example.com", .resumed = true};
	s->peer = (struct tls_peer){.has_cert = true, .verified = true, .sha256 = "c0ffee",
	    .subject = "CN = \"me\""};
	s->tls = (struct har_tls){.origin_facts = &s->facts, .origin_leg = &s->leg,
	    .client_leg = &s->leg, .whole_chain = true, .verify_mode = "mirror",
	    .recipe = "good", .copied = {"dates", "no-aki"}, .ncopied = 2,
	    .staple = "revoked", .client_peer = &s->peer, .origin_peer = &s->no_peer};
	s->flow.tls = &s->tls;
}

void
sample_get(struct sample *s)
{
	start(s, STR("GET"), STR("https://example.com/a?q=1&r=%C3%A4"));
	s->flow.raw_target = STR("/a?q=1&r=%C3%A4");
	add(&s->request, "Host", "example.com");
	add(&s->request, "X-Dup", "1");
	add(&s->request, "Cookie", "sid=abc; theme=dark");
	add(&s->request, "x-dup", "2");
	add(&s->request, "Proxy-Authorization", "Basic c2VjcmV0");
	add(&s->request, "Sec-Fetch-Dest", "document");
	add(&s->response, "Content-Type", "text/html; charset=utf-8");
	add(&s->response, "Set-Cookie", "sid=xyz; Path=/; Max-Age=60; HttpOnly; SameSite=Lax");
	add(&s->response, "Set-Cookie", "b=2; Expires=Sun, 06 Nov 1994 08:49:37 GMT");
	add(&s->response, "X-Latin", "M\xfcller");
	sample_response_body(s, STR("<html>\n\"\xc3\xa4\"</html>"));
	fields_init(&s->early_fields);
	fields_add(&s->early_fields, STR("Link"), STR("</a.css>; rel=preload"));
	s->informational = (struct har_informational){103, &s->early_fields};
	s->flow.informational = &s->informational;
	s->flow.ninformational = 1;
	tls(s);
}

void
sample_post(struct sample *s)
{
	start(s, STR("POST"), STR("https://example.com/form"));
	s->request.version = s->response.version = HTTP_VERSION_2;
	s->request.head_bytes = s->response.head_bytes = -1;
	s->response.reason = STR("");
	s->flow.raw_target = STR("/for%6d");
	add(&s->request, ":authority", "example.com");
	s->request.authority = STR("example.com");
	add(&s->request, "content-type", "application/x-www-form-urlencoded");
	add(&s->response, "content-type", "image/png");
	add(&s->response, "location", "/else");
	sample_request_body(s, STR("a=1&b=x+y&c=100%25"));
	sample_response_body(s, STR("\x89PNG\r\n\x1a\n\0\0"));
	fields_add(&s->response.trailers, STR("grpc-status"), STR("0"));
	tls(s);
	s->tls.whole_chain = false;
	s->flow.times.connect = s->flow.times.dns = s->flow.times.ssl = -1;
}

void
sample_failed(struct sample *s)
{
	start(s, STR("GET"), STR("http://example.com/"));
	s->flow.response = NULL;
	s->flow.server = NULL;
	s->flow.error = "connection refused";
	s->flow.response_wire_bytes = 0;
	s->flow.times.send = s->flow.times.wait = s->flow.times.receive = -1;
}

void
sample_rejected(struct sample *s)
{
	start(s, STR("CONNECT"), STR("https://example.com:8443/"));
	s->request.is_connect = true;
	s->flow.response = NULL;
	s->flow.error = "the client does not trust our CA";
	s->flow.response_wire_bytes = 0;
	s->tls_error = (struct har_tls_error){.cause = HAR_TLS_CERT_REJECTED,
	    .hostname = STR("sni.example.com"), .sni = STR("sni.example.com"),
	    .connect_host = STR("example.com"), .connect_port = 8443,
	    .alpn = STR("\002h2\010http/1.1")};
	s->flow.tls_error = &s->tls_error;
}

void
sample_tunnel(struct sample *s)
{
	start(s, STR("CONNECT"), STR("https://example.com/"));
	s->request.is_connect = true;
	s->flow.raw_target = STR("example.com:443");
	s->flow.tunnel = (struct har_tunnel){"ignore_hosts", 1234, 56789};
	s->response.reason = STR("Connection established");
}

void
sample_free(struct sample *s)
{
	body_free(&s->flow.request_body);
	body_free(&s->flow.response_body);
	message_free(&s->request);
	message_free(&s->response);
	if (s->flow.ninformational > 0)
		fields_free(&s->early_fields);
}

int
sample_write(void)
{
	static void (*const make[])(struct sample *) = {
		sample_get, sample_post, sample_failed, sample_rejected, sample_tunnel};
	struct har_insert inserts[2];
	struct buf out = {0};
	struct sample s;
	size_t i, n;

	har_header(&out, STR("mitmd host \"1\""), STR("box"), UINT64_C(1764000000123456));
	for (i = 0; i < NELEM(make); i++) {
		if (i > 0)
			buf_putz(&out, HAR_SEPARATOR);
		make[i](&s);
		har_entry(&out, &s.flow, inserts, &n);
		sample_free(&s);
	}
	buf_putz(&out, HAR_TAIL);
	n = fwrite(buf_data(&out), 1, out.len, stdout);
	i = out.len;
	buf_free(&out);
	return n == i && fflush(stdout) == 0 ? 0 : 1;
}
