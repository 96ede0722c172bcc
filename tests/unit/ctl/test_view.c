/* SPDX-License-Identifier: ISC */
/* test_view.c - what is seen of an entry, ours and others'. */
#include "config.h"

#include <stdio.h>

#include "ctl/view.h"
#include "suites.h"

#define IS(s, text) ck_assert_msg(str_eq((s), STR(text)), "%s is '%.*s'", #s, STR_ARG(s))

static struct view v;

static void
look(const char *text)
{
	ck_assert(view_parse(&v, str_z(text)));
}

static void
forget(void)
{
	view_free(&v);
}

START_TEST(one_of_ours)
{
	look("{\"startedDateTime\":\"2026-11-22T08:01:02.345Z\",\"time\":12.5,"
	    "\"request\":{\"method\":\"POST\",\"url\":\"https://www.example.com:8443/a?b=c\","
	    "\"httpVersion\":\"HTTP/1.1\",\"cookies\":[],\"headers\":[{\"name\":\"Host\","
	    "\"value\":\"x\"}],\"queryString\":[],\"headersSize\":100,\"bodySize\":23,"
	    "\"postData\":{\"mimeType\":\"text/plain\",\"params\":[],\"text\":\"posted\"}},"
	    "\"response\":{\"status\":201,\"statusText\":\"Created\",\"httpVersion\":\"HTTP/2\","
	    "\"cookies\":[],\"headers\":[],\"content\":{\"size\":3,\"mimeType\":\"image/png\","
	    "\"text\":\"QUJD\",\"encoding\":\"base64\"},\"redirectURL\":\"\","
	    "\"headersSize\":-1,\"bodySize\":3,\"_transferSize\":77},\"cache\":{},"
	    "\"timings\":{\"send\":0,\"wait\":10.25,\"receive\":2.25},"
	    "\"serverIPAddress\":\"192.0.2.1\",\"connection\":\"8443\",\"_serverPort\":8443,"
	    "\"_clientAddress\":\"127.0.0.1:5000\",\"_tag\":\"job\",\"_resourceType\":\"xhr\"}");
	IS(v.method, "POST");
	IS(v.url, "https://www.example.com:8443/a?b=c");
	IS(v.scheme, "https");
	IS(v.host, "www.example.com");
	IS(v.started, "2026-11-22T08:01:02.345Z");
	IS(v.request_version, "HTTP/1.1");
	IS(v.response_version, "HTTP/2");
	IS(v.request_type, "text/plain");
	IS(v.response_type, "image/png");
	IS(v.request_text, "posted");
	IS(v.response_text, "QUJD");
	IS(v.server, "192.0.2.1");
	IS(v.server_port, "8443");
	IS(v.client, "127.0.0.1:5000");
	IS(v.tag, "job");
	IS(v.resource_type, "xhr");
	ck_assert(v.response_base64 && !v.request_base64);
	ck_assert_int_eq(v.status, 201);
	ck_assert_int_eq(v.started_us, INT64_C(1795334462345000));
	ck_assert_int_eq(v.time_us, 12500);
	ck_assert_int_eq(v.wait_us, 10250);
	ck_assert_int_eq(v.sent, 123);
	ck_assert_int_eq(v.received, 77);
	ck_assert(view_answered(&v) && !v.websocket && !v.tls_failed);
}
END_TEST

START_TEST(white_space_and_escapes)
{
	look("{\n\t\"request\" : {\r\n \"method\": \"G\\u0045T\" , \"url\": "
	    "\"http:\\/\\/h\\u00e4.example\\/\\ud83d\\ude00\" },\n\"_tag\": \"a\\\\b\" }");
	IS(v.method, "GET");
	IS(v.url, "http://h\xc3\xa4.example/\xf0\x9f\x98\x80");
	IS(v.host, "h\xc3\xa4.example");
	IS(v.tag, "a\\b");
}
END_TEST

START_TEST(what_is_missing_is_empty)
{
	look("{}");
	ck_assert_int_eq(v.status, -1);
	ck_assert_int_eq(v.started_us, -1);
	ck_assert_int_eq(v.time_us, -1);
	ck_assert_int_eq(v.sent, -1);
	ck_assert_uint_eq(v.url.n, 0);
	ck_assert_uint_eq(v.host.n, 0);
	ck_assert(!view_answered(&v));
}
END_TEST

START_TEST(other_types_are_as_missing)
{
	look("{\"request\":[1,{\"url\":\"x\"}],\"response\":{\"status\":\"200\",\"content\":null},"
	    "\"time\":null,\"timings\":7,\"_tunnel\":\"x\",\"_tag\":{\"a\":[]},\"comment\":\"yes\"}");
	ck_assert_uint_eq(v.url.n, 0);
	ck_assert_int_eq(v.status, -1);
	ck_assert_int_eq(v.time_us, -1);
	ck_assert_uint_eq(v.tag.n, 0);
	IS(v.comment, "yes");
}
END_TEST

START_TEST(not_an_object)
{
	ck_assert(!view_parse(&v, STR("[]")));
	ck_assert(!view_parse(&v, STR("")));
	ck_assert(!view_parse(&v, STR("null")));
}
END_TEST

START_TEST(tunnels)
{
	look("{\"request\":{\"method\":\"CONNECT\",\"url\":\"https://h:443/\",\"bodySize\":0},"
	    "\"_tunnel\":{\"reason\":\"ignore_hosts\",\"bytesSent\":11,\"bytesReceived\":22}}");
	IS(v.tunnel, "ignore_hosts");
	ck_assert_int_eq(v.sent, 11);
	ck_assert_int_eq(v.received, 22);
}
END_TEST

static const struct {
	const char *url, *host;
} hosts[] = {
	{"http://a/", "a"},
	{"http://a", "a"},
	{"http://a:80?x", "a"},
	{"http://u:p@a:80/@b", "a"},
	{"https://[2001:db8::1]:8443/", "2001:db8::1"},
	{"https://[2001:db8::1]", "2001:db8::1"},
	{"wss://a.b/c:d", "a.b"},
	{"data:text/plain,http://x/", ""},
	{"nothing", ""},
	{"http://[", ""},
	{"http://", ""},
};

START_TEST(host_of_a_url)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "{\"request\":{\"url\":\"%s\"}}", hosts[_i].url);
	look(text);
	ck_assert_msg(str_eq(v.host, str_z(hosts[_i].host)), "%s: %.*s", hosts[_i].url,
	    STR_ARG(v.host));
}
END_TEST

START_TEST(a_type_may_stand_in_the_header_only)
{
	look("{\"request\":{\"headers\":[{\"name\":\"A\",\"value\":\"b\"},"
	    "{\"value\":\"text/x\",\"name\":\"content-TYPE\"}]},\"response\":{\"headers\":["
	    "{\"name\":\"Content-Type\",\"value\":\"text/y\"}],"
	    "\"content\":{\"mimeType\":\"x-unknown\"}}}");
	IS(v.request_type, "text/x");
	IS(v.response_type, "text/y");
}
END_TEST

START_TEST(errors_of_others)
{
	look("{\"response\":{\"status\":-1,\"_failureText\":\"net::ERR\"}}");
	IS(v.error, "net::ERR");
	ck_assert(!view_answered(&v));
	look("{\"response\":{\"status\":0,\"_error\":\"reset\"},\"_tlsError\":{\"cause\":\"x\"}}");
	IS(v.error, "reset");
	IS(v.tls_error, "{\"cause\":\"x\"}");
	ck_assert(v.tls_failed);
}
END_TEST

START_TEST(headers_in_order)
{
	struct str rest = STR(" [ {\"name\":\"a\",\"value\":\"1\"} , 7, {\"value\":\"2\",\"x\":[{}],"
	    "\"name\":\"b\"}]");
	struct str name, value;

	ck_assert(view_next_header(&rest, &name, &value));
	IS(name, "a");
	IS(value, "1");
	ck_assert(view_next_header(&rest, &name, &value));
	ck_assert_uint_eq(name.n, 0);
	ck_assert(view_next_header(&rest, &name, &value));
	IS(name, "b");
	IS(value, "2");
	ck_assert(!view_next_header(&rest, &name, &value));
	ck_assert(!view_next_header(&rest, &name, &value));
}
END_TEST

START_TEST(messages_of_a_websocket)
{
	struct view_message m;
	struct str rest;

	look("{\"_webSocketMessages\":[{\"type\":\"send\",\"time\":1.5,\"opcode\":1,"
	    "\"data\":\"hi\"},{\"type\":\"receive\",\"time\":2,\"opcode\":2,\"data\":\"QQ==\"}]}");
	rest = v.messages;
	ck_assert(v.websocket);
	ck_assert(view_next_message(&rest, &m) && m.sent && !m.base64);
	IS(m.data, "hi");
	ck_assert(view_next_message(&rest, &m) && !m.sent && m.base64);
	IS(m.data, "QQ==");
	ck_assert(!view_next_message(&rest, &m));
}
END_TEST

Suite *
view_suite(void)
{
	Suite *s = suite_create("view");
	TCase *tc = tcase_create("view");

	tcase_add_checked_fixture(tc, NULL, forget);
	tcase_add_test(tc, one_of_ours);
	tcase_add_test(tc, white_space_and_escapes);
	tcase_add_test(tc, what_is_missing_is_empty);
	tcase_add_test(tc, other_types_are_as_missing);
	tcase_add_test(tc, not_an_object);
	tcase_add_test(tc, tunnels);
	tcase_add_loop_test(tc, host_of_a_url, 0, (int)NELEM(hosts));
	tcase_add_test(tc, a_type_may_stand_in_the_header_only);
	tcase_add_test(tc, errors_of_others);
	tcase_add_test(tc, headers_in_order);
	tcase_add_test(tc, messages_of_a_websocket);
	suite_add_tcase(s, tc);
	return s;
}
