/* SPDX-License-Identifier: ISC */
/* test_entry.c - entries, by what the readers of HAR files accept. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "har/json.h"
#include "help.h"
#include "sample.h"
#include "suites.h"

static char *line;	/* the last entry made, NUL-terminated */
static struct buf text;
static struct sample sample;

static void
stop(void)
{
	sample_free(&sample);
	buf_free(&text);
}

/* Makes the entry; it is one object on one line, whatever the flow was. */
static void
make(void)
{
	struct har_insert inserts[2];
	struct json_check c;
	size_t n;

	buf_clear(&text);
	har_entry(&text, &sample.flow, inserts, &n);
	ck_assert_uint_eq(n, 0);
	json_check_init(&c);
	ck_assert(json_check_feed(&c, buf_data(&text), text.len));
	ck_assert(json_check_end(&c));
	buf_putc(&text, '\0');
	line = (char *)buf_data(&text);
}

#define HAS(s) ck_assert_msg(strstr(line, (s)) != NULL, "%s\nis not in\n%s", (s), line)
#define LACKS(s) ck_assert_msg(strstr(line, (s)) == NULL, "%s\nis in\n%s", (s), line)

static const struct {
	void (*make)(struct sample *);
	const char *has;
} rows[] = {
	{sample_get, "{\"startedDateTime\":\"2025-11-24T16:00:00.123Z\",\"time\":24.612,\"request\":{"},
	{sample_get, "\"request\":{\"method\":\"GET\",\"url\":\"https://example.com/a?q=1&r=%C3%A4\","
		     "\"httpVersion\":\"HTTP/1.1\",\"cookies\":[{\"name\":\"sid\",\"value\":\"abc\"},"
		     "{\"name\":\"theme\",\"value\":\"dark\"}],\"headers\":[{\"name\":\"Host\","
		     "\"value\":\"example.com\"},{\"name\":\"X-Dup\",\"value\":\"1\"},"},
	{sample_get, "{\"name\":\"x-dup\",\"value\":\"2\"},{\"name\":\"Sec-Fetch-Dest\","
		     "\"value\":\"document\"}],\"queryString\":[{\"name\":\"q\",\"value\":\"1\"},"
		     "{\"name\":\"r\",\"value\":\"\xc3\xa4\"}],\"headersSize\":321,\"bodySize\":0},"},
	{sample_get, ",\"response\":{\"status\":200,\"statusText\":\"OK\",\"httpVersion\":\"HTTP/1.1\","
		     "\"cookies\":[{\"name\":\"sid\",\"value\":\"xyz\",\"path\":\"/\","
		     "\"expires\":\"2025-11-24T16:01:00.000Z\",\"httpOnly\":true,\"secure\":false,"
		     "\"sameSite\":\"Lax\"},{\"name\":\"b\",\"value\":\"2\","
		     "\"expires\":\"1994-11-06T08:49:37.000Z\",\"httpOnly\":false,\"secure\":false}],"},
	{sample_get, "{\"name\":\"X-Latin\",\"value\":\"M\xc3\xbcller\"}"},
	{sample_get, "\"content\":{\"size\":18,\"mimeType\":\"text/html; charset=utf-8\","
		     "\"compression\":0,\"text\":\"<html>\\n\\\"\xc3\xa4\\\"</html>\"},"
		     "\"redirectURL\":\"\",\"headersSize\":234,\"bodySize\":18,\"_transferSize\":999}"},
	{sample_get, ",\"cache\":{},\"timings\":{\"blocked\":-1,\"dns\":1.5,\"connect\":3,"
		     "\"send\":0.1,\"wait\":20.005,\"receive\":0.007,\"ssl\":2}"},
	{sample_get, ",\"serverIPAddress\":\"2001:db8::1\",\"connection\":\"8443\","
		     "\"_serverPort\":8443,\"_connectionId\":\"17\",\"_clientConnectionId\":\"4\","
		     "\"_clientAddress\":\"192.0.2.7:50123\",\"_tag\":\"job-1\","
		     "\"_startedMicros\":1764000000123456,\"_resourceType\":\"document\""},
	{sample_get, "\"_securityDetails\":{\"protocol\":\"TLS 1.3\",\"subjectName\":\"example.com\","
		     "\"issuer\":\"Real CA\",\"validFrom\":1700000000,\"validTo\":1800000000}"},
	{sample_get, "\"_tls\":{\"client\":{\"protocol\":\"TLS 1.3\","
		     "\"cipher\":\"TLS_AES_128_GCM_SHA256\",\"group\":\"X25519\","
		     "\"sigalg\":\"ecdsa_secp256r1_sha256\",\"alpn\":\"http/1.1\","
		     "\"sni\":\"example.com\",\"resumed\":true,\"client_certificate\":{"
		     "\"subject\":\"CN = \\\"me\\\"\",\"fingerprint\":\"sha256:c0ffee\","
		     "\"verified\":true}},\"origin\":{\"protocol\":\"TLS 1.3\","},
	{sample_get, "\"resumed\":true,\"client_certificate\":null,\"verified\":false,"
		     "\"verify\":\"certificate has expired\",\"verify_mode\":\"mirror\","
		     "\"warnings\":[\"the CA has no key identifier\"],\"staple\":\"revoked\","
		     "\"chain\":[\"-----BEGIN CERTIFICATE-----\\nMIIB"},
	{sample_get, "\\n-----END CERTIFICATE-----\\n\"]},\"recipe\":\"good\","
		     "\"copied\":[\"dates\",\"no-aki\"],\"staple\":\"revoked\"}"},
	{sample_get, "\"_informational\":[{\"status\":103,\"headers\":[{\"name\":\"Link\","
		     "\"value\":\"</a.css>; rel=preload\"}]}]"},
	{sample_post, "\"httpVersion\":\"HTTP/2\""},
	{sample_post, "\"headers\":[{\"name\":\"host\",\"value\":\"example.com\"},"
		      "{\"name\":\"content-type\",\"value\":\"application/x-www-form-urlencoded\"}],\"queryString\":[],\"headersSize\":-1,"
		      "\"bodySize\":18,\"postData\":{\"mimeType\":\"application/x-www-form-urlencoded\","
		      "\"params\":[{\"name\":\"a\",\"value\":\"1\"},{\"name\":\"b\",\"value\":\"x y\"},"
		      "{\"name\":\"c\",\"value\":\"100%25\"}],\"text\":\"a=1&b=x+y&c=100%25\"}}"},
	{sample_post, "\"text\":\"iVBORw0KGgoAAA==\",\"encoding\":\"base64\"},"
		      "\"redirectURL\":\"/else\",\"headersSize\":-1"},
	{sample_post, "\"_trailers\":[{\"name\":\"grpc-status\",\"value\":\"0\"}]}"},
	{sample_post, "\"dns\":-1,\"connect\":-1,\"send\":0.1,\"wait\":20.005,\"receive\":0.007,"
		      "\"ssl\":-1}"},
	{sample_post, "{\"startedDateTime\":\"2025-11-24T16:00:00.123Z\",\"time\":20.112,"},
	{sample_post, "\"chain\":[\"sha256:a0a0a0a0a0a0a0a0"},
	{sample_post, "\"_rawTarget\":\"/for%6d\""},
	{sample_post, "\"_resourceType\":\"image\""},
	{sample_failed, "\"response\":{\"status\":0,\"statusText\":\"\",\"httpVersion\":\"HTTP/1.1\","
			"\"cookies\":[],\"headers\":[],\"content\":{\"size\":0,"
			"\"mimeType\":\"x-unknown\"},\"redirectURL\":\"\",\"headersSize\":-1,"
			"\"bodySize\":0,\"_transferSize\":0,\"_error\":\"connection refused\"}"},
	{sample_failed, "\"send\":0,\"wait\":0,\"receive\":0"},
	{sample_failed, "\"_resourceType\":\"other\",\"_error\":\"connection refused\"}"},
	{sample_rejected, "\"_error\":\"the client does not trust our CA\",\"_tlsError\":{"
			  "\"startedDateTime\":\"2025-11-24T16:00:00.123Z\",\"time\":24.612,"
			  "\"hostname\":\"sni.example.com\",\"cause\":\"cert-rejected\","
			  "\"clientIPAddress\":\"192.0.2.7\",\"clientPort\":50123,"
			  "\"tlsMetadata\":{\"sniHostname\":\"sni.example.com\","
			  "\"connectHostname\":\"example.com\",\"connectPort\":\"8443\","
			  "\"clientAlpn\":[\"h2\",\"http/1.1\"]}}}"},
	{sample_tunnel, "\"method\":\"CONNECT\",\"url\":\"https://example.com/\""},
	{sample_tunnel, "\"_tunnel\":{\"reason\":\"ignore_hosts\",\"bytesSent\":1234,"
			"\"bytesReceived\":56789}"},
};

START_TEST(member)
{
	rows[_i].make(&sample);
	make();
	HAS(rows[_i].has);
}
END_TEST

static const struct {
	void (*make)(struct sample *);
	const char *lacks;
} absent[] = {
	{sample_get, "_tlsError"},
	{sample_get, "\"custom\""},
	{sample_post, "_error"},
	{sample_get, "c2VjcmV0"},	/* Proxy-Authorization is ours */
	{sample_get, "pageref"},
	{sample_get, "_rawTarget"},
	{sample_get, "_error"},
	{sample_get, "_truncated"},
	{sample_get, "postData"},
	{sample_get, "_tunnel"},
	{sample_get, "comment"},
	{sample_post, ":authority"},
	{sample_post, "BEGIN CERTIFICATE"},
	{sample_post, "_informational"},
	{sample_failed, "serverIPAddress"},	/* "" fails har-schema */
	{sample_failed, "_connectionId"},
	{sample_failed, "_tls"},
	{sample_tunnel, "_rawTarget"},
};

START_TEST(member_is_absent)
{
	absent[_i].make(&sample);
	make();
	LACKS(absent[_i].lacks);
}
END_TEST

START_TEST(ssl_is_never_longer_than_connect)
{
	sample_get(&sample);
	sample.flow.times.ssl = 9000;
	make();
	HAS("\"connect\":3,");
	HAS("\"ssl\":3}");
}
END_TEST

START_TEST(absurd_durations)
{
	sample_get(&sample);
	sample.flow.times.wait = INT64_MAX;
	sample.flow.times.blocked = INT64_MAX;
	sample.flow.times.receive = INT64_MIN;
	make();
	HAS("\"time\":200000000004.6,");
	HAS("\"receive\":0,");
}
END_TEST

static const struct {
	const char *type, *coding;
	struct str bytes;
	const char *has;
} contents[] = {
	{NULL, NULL, STR("a"), "\"mimeType\":\"x-unknown\",\"compression\":0,\"text\":\"a\"}"},
	{"text/plain", "gzip", STR("not gzip"), "\"mimeType\":\"text/plain\",\"text\":\"bm90IGd6aXA=\","
	    "\"encoding\":\"base64\",\"_contentEncodingApplied\":true,"
	    "\"comment\":\"content coding broken, kept as received\"}"},
	{"text/plain", "aes128gcm", STR("x"), "\"comment\":\"content coding unknown, kept as received\"}"},
	{"text/plain; charset=iso-8859-1", NULL, STR("\xe4"), "\"text\":\"5A==\",\"encoding\":\"base64\"}"},
};

START_TEST(content)
{
	sample_tunnel(&sample);
	if (contents[_i].type != NULL)
		fields_add(&sample.response.fields, STR("Content-Type"), str_z(contents[_i].type));
	if (contents[_i].coding != NULL)
		fields_add(&sample.response.fields, STR("Content-Encoding"), str_z(contents[_i].coding));
	sample_response_body(&sample, contents[_i].bytes);
	make();
	HAS(contents[_i].has);
}
END_TEST

START_TEST(compression_is_what_was_saved)
{
	struct buf plain = {0}, wire = {0};
	char want[64];

	help_text(&plain, 1000);
	help_encode(&wire, HELP_GZIP, buf_str(&plain));
	sample_tunnel(&sample);
	fields_add(&sample.response.fields, STR("Content-Encoding"), STR("gzip"));
	sample_response_body(&sample, buf_str(&wire));
	make();
	(void)snprintf(want, sizeof(want), "\"compression\":%zu,", plain.len - wire.len);
	HAS(want);
	HAS("\"content\":{\"size\":1000,");
	sample.response.status = 206;
	make();
	LACKS("compression");
	sample.response.status = 200;
	sample.flow.response_whole = false;
	make();
	LACKS("compression");
	HAS("\"comment\":\"the message ended early\"");
	buf_free(&plain);
	buf_free(&wire);
}
END_TEST

START_TEST(binary_upload)
{
	sample_get(&sample);
	sample_request_body(&sample, STR("\0\1\2"));
	make();
	HAS("\"postData\":{\"mimeType\":\"application/octet-stream\",\"params\":[],\"text\":\"AAEC\","
	    "\"encoding\":\"base64\",\"comment\":\"text is the base64 of the bytes\"}");
}
END_TEST

START_TEST(truncation_is_told)
{
	struct body_conf conf = {.max_body = 4};

	sample_get(&sample);
	body_free(&sample.flow.response_body);
	sample.flow.response_body = body_new(&conf, STR_NONE, STR_NONE);
	body_feed(sample.flow.response_body, (const uint8_t *)"123456", 6);
	ck_assert_int_eq(body_end(sample.flow.response_body, true), 0);
	make();
	HAS("\"content\":{\"size\":6,");
	HAS("\"text\":\"1234\",\"_truncated\":true,"
	    "\"comment\":\"larger than capture.max_body; captured 4 of 6 bytes\"}");
	HAS("\"_resourceType\":\"document\"");
	ck_assert_ptr_ne(strstr(line, "_truncated"), strrchr(line, '_'));
	HAS("}]}],\"_truncated\":true}");
}
END_TEST

START_TEST(spilled_text_goes_where_the_insert_says)
{
	struct spill *spill = spill_new(help_tmpfile(), 64 << 20);
	struct body_conf conf = {.max_body = 1 << 20, .spill = spill};
	struct har_insert inserts[2];
	struct buf in = {0}, whole = {0};
	struct json_check c;
	uint8_t *at;
	size_t n, i, from = 0;

	help_text(&in, 500000);
	sample_post(&sample);
	body_free(&sample.flow.request_body);
	body_free(&sample.flow.response_body);
	sample.flow.request_body = body_new(&conf, STR_NONE, STR_NONE);
	body_feed(sample.flow.request_body, buf_data(&in), in.len);
	ck_assert_int_eq(body_end(sample.flow.request_body, true), 0);
	sample.flow.response_body = body_new(&conf, STR_NONE, STR_NONE);
	help_binary(&in, 900000);
	body_feed(sample.flow.response_body, buf_data(&in) + 500000, 400000);
	ck_assert_int_eq(body_end(sample.flow.response_body, true), 0);
	buf_putz(&text, "before");	/* offsets are those of the whole text */
	har_entry(&text, &sample.flow, inserts, &n);
	ck_assert_uint_eq(n, 2);
	for (i = 0; i < n; i++) {
		buf_puts(&whole, str_sub(buf_str(&text), from, inserts[i].at - from));
		from = inserts[i].at;
		at = buf_reserve(&whole, inserts[i].run.len);
		ck_assert_int_eq(spill_read(&inserts[i].run, 0, at, inserts[i].run.len), 0);
		buf_commit(&whole, inserts[i].run.len);
		spill_release(&inserts[i].run);
	}
	buf_puts(&whole, str_from(buf_str(&text), from));
	json_check_init(&c);
	ck_assert(json_check_feed(&c, buf_data(&whole) + 6, whole.len - 6));
	ck_assert(json_check_end(&c));
	ck_assert_uint_gt(whole.len, 500000 + 533336);
	ck_assert_uint_eq(spill_in_use(spill), 0);
	buf_free(&in);
	buf_free(&whole);
	stop();
	memset(&sample, 0, sizeof(sample));
	spill_free(&spill);
	sample_tunnel(&sample);
}
END_TEST

START_TEST(too_many_names_are_told)
{
	struct buf url = {0};
	int i;

	buf_putz(&url, "http://example.com/?");
	for (i = 0; i < 1001; i++)
		buf_putz(&url, "a&");
	sample_tunnel(&sample);
	sample.flow.url = buf_str(&url);
	make();
	HAS("\"comment\":\"only the first 1000 names are listed\"},\"response\"");
	buf_free(&url);
}
END_TEST

START_TEST(rare_members)
{
	struct har_setup setup = {100, 2000, 9000};

	sample_tunnel(&sample);
	sample.flow.setup = &setup;
	sample.flow.aborted = true;
	sample.flow.raw_head = STR("GET / HTTP/9.9\r\n\xff");
	make();
	HAS("\"_mitmd\":{\"upstream\":{\"dns\":0.1,\"connect\":2,\"ssl\":2}}");
	HAS("\"_aborted\":true,\"_rawHead\":\"GET / HTTP/9.9\\r\\n\xc3\xbf\",\"_tunnel\":");
}
END_TEST

/* RFC 9113 8.2.3: over HTTP/2 only, and where the first of them was. */
START_TEST(cookie_crumbs_are_one_field)
{
	sample_post(&sample);
	fields_add(&sample.request.fields, STR("cookie"), STR("a=1"));
	fields_add(&sample.request.fields, STR("x"), STR("y"));
	fields_add(&sample.request.fields, STR("cookie"), STR("b=2; c=3"));
	make();
	HAS("{\"name\":\"cookie\",\"value\":\"a=1; b=2; c=3\"},{\"name\":\"x\",\"value\":\"y\"}]");
	HAS("\"cookies\":[{\"name\":\"a\",\"value\":\"1\"},{\"name\":\"b\",\"value\":\"2\"},"
	    "{\"name\":\"c\",\"value\":\"3\"}]");
	sample.request.version = HTTP_VERSION_1_1;
	make();
	HAS("{\"name\":\"cookie\",\"value\":\"a=1\"},");
	HAS("{\"name\":\"cookie\",\"value\":\"b=2; c=3\"}]");
}
END_TEST

START_TEST(operators_certificate)
{
	sample_get(&sample);
	sample.tls = (struct har_tls){.client_leg = &sample.leg, .custom = "example.pem"};
	make();
	HAS("\"resumed\":true},\"custom\":\"example.pem\"}");
}
END_TEST

/* A list that lies about its lengths is cut where it does. */
START_TEST(odd_tls_metadata)
{
	sample_rejected(&sample);
	sample.tls_error.sni = STR_NONE;
	sample.tls_error.alpn = STR("\002h2\011http/1.1");
	make();
	HAS("\"tlsMetadata\":{\"connectHostname\":");
	HAS("\"clientAlpn\":[\"h2\"]}}}");
	sample.tls_error.alpn = STR_NONE;
	make();
	LACKS("clientAlpn");
}
END_TEST

static const struct {
	const char *dest, *type, *kind;
} kinds[] = {
	{"document", NULL, "document"},
	{"iframe", "image/png", "document"},
	{"style", NULL, "stylesheet"},
	{"worker", NULL, "script"},
	{"empty", "application/json", "fetch"},
	{"empty", "text/event-stream", "eventsource"},
	{"report", NULL, "other"},
	{NULL, "Text/HTML; charset=utf-8", "document"},
	{NULL, "text/javascript", "script"},
	{NULL, "video/mp4", "media"},
	{NULL, "application/json", "other"},
	{NULL, NULL, "other"},
};

START_TEST(resource_type)
{
	char want[64];

	sample_tunnel(&sample);
	if (kinds[_i].dest != NULL)
		fields_add(&sample.request.fields, STR("Sec-Fetch-Dest"), str_z(kinds[_i].dest));
	if (kinds[_i].type != NULL)
		fields_add(&sample.response.fields, STR("Content-Type"), str_z(kinds[_i].type));
	make();
	(void)snprintf(want, sizeof(want), "\"_resourceType\":\"%s\"", kinds[_i].kind);
	HAS(want);
	sample.flow.url = STR("wss://example.com/");
	make();
	HAS("\"_resourceType\":\"websocket\"");
}
END_TEST

START_TEST(header_and_tail)
{
	struct json_check c;

	sample_tunnel(&sample);
	buf_clear(&text);
	har_header(&text, STR("t"), STR("box"), 0);
	buf_putz(&text, HAR_TAIL);
	buf_putc(&text, '\0');
	ck_assert_str_eq((char *)buf_data(&text), "{\"log\":{\"version\":\"1.2\","
	    "\"creator\":{\"name\":\"mitmd\",\"version\":\"" PACKAGE_VERSION "\",\"comment\":\"box\"},"
	    "\"pages\":[{\"startedDateTime\":\"1970-01-01T00:00:00.000Z\",\"id\":\"page_1\","
	    "\"title\":\"t\",\"pageTimings\":{}}],\"entries\":[\n\n]}}\n");
	json_check_init(&c);
	ck_assert(!json_check_feed(&c, buf_data(&text), text.len));	/* it has lines */
}
END_TEST

Suite *
entry_suite(void)
{
	Suite *s = suite_create("entry");
	TCase *t = tcase_create("entry");

	tcase_add_checked_fixture(t, NULL, stop);
	tcase_add_loop_test(t, member, 0, NELEM(rows));
	tcase_add_loop_test(t, member_is_absent, 0, NELEM(absent));
	tcase_add_test(t, ssl_is_never_longer_than_connect);
	tcase_add_test(t, absurd_durations);
	tcase_add_loop_test(t, content, 0, NELEM(contents));
	tcase_add_test(t, compression_is_what_was_saved);
	tcase_add_test(t, binary_upload);
	tcase_add_test(t, truncation_is_told);
	tcase_add_test(t, spilled_text_goes_where_the_insert_says);
	tcase_add_test(t, too_many_names_are_told);
	tcase_add_test(t, rare_members);
	tcase_add_test(t, cookie_crumbs_are_one_field);
	tcase_add_test(t, operators_certificate);
	tcase_add_test(t, odd_tls_metadata);
	tcase_add_loop_test(t, resource_type, 0, NELEM(kinds));
	tcase_add_test(t, header_and_tail);
	suite_add_tcase(s, t);
	return s;
}
