/* SPDX-License-Identifier: ISC */
/* test_har_rules.c - a good entry, and each of the ways in which one can be bad. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "ctl/har_rules.h"
#include "suites.h"

static const char good[] =
    "{\"startedDateTime\":\"2026-11-22T08:01:02.345Z\",\"time\":12.5,"
    "\"request\":{\"method\":\"POST\",\"url\":\"https://a.example/?b=c\","
    "\"httpVersion\":\"HTTP/1.1\",\"cookies\":[{\"name\":\"a\",\"value\":\"b\"}],"
    "\"headers\":[{\"name\":\"Host\",\"value\":\"a.example\"}],"
    "\"queryString\":[{\"name\":\"b\",\"value\":\"c\"}],\"headersSize\":100,\"bodySize\":3,"
    "\"postData\":{\"mimeType\":\"text/plain\",\"params\":[],\"text\":\"QQ==\","
    "\"encoding\":\"base64\"}},"
    "\"response\":{\"status\":200,\"statusText\":\"OK\",\"httpVersion\":\"HTTP/2\","
    "\"cookies\":[{\"name\":\"a\",\"value\":\"b\",\"expires\":\"2027-01-01T00:00:00.000Z\","
    "\"httpOnly\":true,\"sameSite\":\"Lax\"}],\"headers\":[],"
    "\"content\":{\"size\":3,\"mimeType\":\"text/plain\",\"text\":\"abc\"},"
    "\"redirectURL\":\"\",\"headersSize\":-1,\"bodySize\":3,\"_transferSize\":77},"
    "\"cache\":{},\"timings\":{\"blocked\":-1,\"dns\":1,\"connect\":3,\"send\":0.5,"
    "\"wait\":6,\"receive\":2,\"ssl\":2},"
    "\"pageref\":\"p1\",\"serverIPAddress\":\"192.0.2.1\",\"connection\":\"443\","
    "\"_webSocketMessages\":[{\"type\":\"send\",\"time\":1.5,\"opcode\":1,\"data\":\"x\"}]}";

/* The text with one part of it replaced: what is said of that. */
static const struct {
	const char *from, *to, *says;
} rows[] = {
	{"", "", ""},
	{"\"time\":12.5,", "", "E time is missing"},
	{"\"time\":12.5", "\"time\":null", "E time must be a number"},
	{"\"time\":12.5", "\"time\":\"12.5\"", "E time must be a number"},
	{"\"time\":12.5", "\"time\":-1", "W time must not be negative"},
	{"\"time\":12.5", "\"time\":100", "W timings do not add up"},
	{"\"time\":12.5", "\"time\":14.5", ""},
	{"345Z", "345", "E startedDateTime must be a date"},
	{"\"method\":\"POST\",", "", "E request.method is missing"},
	{"\"method\":\"POST\"", "\"method\":7", "E request.method must be a string"},
	{"https://a", "/a", "E request.url must be an absolute URL"},
	{"https://a", "https:///a b", "E request.url must be an absolute URL"},
	{"https://a", "data:a", "W request.url has no host"},
	{"?b=c\"", "?b=c#d\"", "W request.url has a fragment"},
	{"?b=c\"", "?b=\xc3\xa4\"", "W request.url is not ASCII"},
	{"\"HTTP/1.1\"", "\"h2\"", "W request.httpVersion is no version"},
	{"\"HTTP/1.1\"", "\"\"", "W request.httpVersion is no version"},
	{"\"HTTP/1.1\"", "\"h3\"", ""},
	{"\"HTTP/1.1\"", "\"http/2.0\"", ""},
	{"\"HTTP/2\"", "\"h2\"", "W response.httpVersion is no version"},
	{"\"name\":\"Host\"", "\"name\":\":path\"", "W request.headers[0].name is a pseudo-header"},
	{"\"name\":\"Host\"", "\"name\":\"\"", "W request.headers[0].name is empty"},
	{"\"name\":\"Host\",", "", "E request.headers[0].name is missing"},
	{"{\"name\":\"Host\",\"value\":\"a.example\"}", "\"Host\"",
	    "E request.headers[0] must be an object"},
	{"{\"name\":\"b\",\"value\":\"c\"}", "{\"name\":\"b\",\"value\":null}",
	    "E request.queryString[0].value must be a string"},
	{"\"headersSize\":100", "\"headersSize\":1.5",
	    "E request.headersSize must be a whole number"},
	{"\"headersSize\":100", "\"headersSize\":\"1\"",
	    "E request.headersSize must be a whole number"},
	{"\"QQ==\"", "\"QQ=\"", "E request.postData.text is not base64"},
	{"\"QQ==\"", "\"Q\\\"Q\"", "E request.postData.text is not base64"},
	{"\"QQ==\"", "\"QQ\\/\\/\"", ""},
	{"\"QQ==\"", "\"QQ\\r\\n==\"", ""},
	{",\"text\":\"QQ==\"", "", "W request.postData.text is missing"},
	{"\"encoding\":\"base64\"", "\"encoding\":\"hex\"",
	    "W request.postData.encoding is not base64"},
	{"\"params\":[]", "\"params\":[{\"value\":\"x\"}]",
	    "E request.postData.params[0].name is missing"},
	{"\"status\":200", "\"status\":\"200\"", "E response.status must be a whole number"},
	{"2027-01-01T00:00:00.000Z", "", "E response.cookies[0].expires must be a date"},
	{"\"2027-01-01T00:00:00.000Z\"", "null", ""},
	{"\"httpOnly\":true", "\"httpOnly\":1",
	    "E response.cookies[0].httpOnly must be true or false"},
	{"\"content\":{\"size\":3,\"mimeType\":\"text/plain\",\"text\":\"abc\"}", "\"content\":{}",
	    "E response.content.size is missing|E response.content.mimeType is missing"},
	{"\"redirectURL\":\"\",", "", "E response.redirectURL is missing"},
	{"\"cache\":{},", "", "E cache is missing"},
	{"\"cache\":{}", "\"cache\":{\"beforeRequest\":null}", ""},
	{"\"cache\":{}", "\"cache\":{\"afterRequest\":{\"eTag\":\"\",\"hitCount\":1}}",
	    "E cache.afterRequest.lastAccess is missing"},
	{"\"wait\":6,", "", "E timings.wait is missing"},
	{"\"send\":0.5", "\"send\":-1", "W timings.send must not be negative"},
	{"\"ssl\":2", "\"ssl\":4", "W timings.ssl is longer than connect"},
	{"\"p1\"", "\"p7\"", "W pageref names no page"},
	{"192.0.2.1", "", "E serverIPAddress must be an address"},
	{"192.0.2.1", "[::1]", "W serverIPAddress has brackets"},
	{"192.0.2.1", "::1", ""},
	{"\"cache\"", "\"_initiator\":null,\"cache\"", "W _initiator is null"},
	{"\"cache\"", "\"initiator\":{},\"cache\"", "W initiator is not in HAR 1.2"},
	{"\"cache\"", "\"_any\":{\"thing\":[{}]},\"cache\"", ""},
	{"\"type\":\"send\"", "\"type\":\"sent\"",
	    "W _webSocketMessages[0].type is neither send nor receive"},
	{",\"data\":\"x\"", "", "W _webSocketMessages[0].data is missing"},
	{"\"request\":{", "\"request\":[],\"x\":{", "E request must be an object|W x is not"},
};

static void
note(void *arg, bool warning, uint64_t entry, const char *path, const char *rule)
{
	struct buf *b = arg;
	const char *prefix = entry > 0 ? "log.entries[0]." : "log";

	ck_assert_msg(strncmp(path, prefix, strlen(prefix)) == 0, "%s", path);
	buf_printf(b, "%s%c %s %s", b->len > 0 ? "|" : "", warning ? 'W' : 'E',
	    path + (entry > 0 ? strlen(prefix) : 0), rule);
}

static void
replace(struct buf *out, const char *from, const char *to)
{
	const char *at = strstr(good, from);

	ck_assert_msg(at != NULL, "%s", from);
	buf_put(out, good, (size_t)(at - good));
	buf_putz(out, to);
	buf_putz(out, at + strlen(from));
}

/* Each of the sayings, in order, at the beginning of each that was said. */
static bool
says(struct str said, const char *wanted)
{
	struct str all = str_z(wanted), one, other;

	while (str_split(&all, '|', &one))
		if (!str_split(&said, '|', &other) || !str_starts(other, one))
			return false;
	return said.n == 0;
}

START_TEST(entries)
{
	struct buf entry = {0}, said = {0};
	struct har_rules *r = har_rules_new(note, &said);

	har_rules_member(r, STR("pages"), STR("[{\"startedDateTime\":\"2026-11-22T08:01:02Z\","
	    "\"id\":\"p1\",\"title\":\"t\",\"pageTimings\":{}}]"));
	replace(&entry, rows[_i].from, rows[_i].to);
	har_rules_entry(r, 1, buf_str(&entry), false);
	ck_assert_msg(rows[_i].says[0] == '\0' ? said.len == 0 :
	    says(buf_str(&said), rows[_i].says), "'%s' -> '%s': %.*s", rows[_i].from,
	    rows[_i].to, STR_ARG(buf_str(&said)));
	har_rules_free(&r);
	buf_free(&entry);
	buf_free(&said);
}
END_TEST

START_TEST(a_cut_body_is_not_held_against_it)
{
	struct buf entry = {0}, said = {0};
	struct har_rules *r = har_rules_new(note, &said);

	replace(&entry, "\"QQ==\"", "\"QQ=\"");
	har_rules_entry(r, 1, buf_str(&entry), true);
	ck_assert_uint_eq(said.len, 0);
	har_rules_free(&r);
	buf_free(&entry);
	buf_free(&said);
}
END_TEST

static const struct {
	const char *name, *value, *says;
} members[] = {
	{"version", "\"1.1\"", "W log.version is not 1.2|E log.creator is missing|"
	    "W log.pages is missing"},
	{"creator", "{\"name\":\"x\"}", "E log.creator.version is missing|E log.version is|"
	    "W log.pages is missing"},
	{"pages", "[]", "W log.pages has no page|E log.version is|E log.creator is"},
	{"pages", "{}", "E log.pages must be an array|E log.version is|E log.creator is"},
	{"pages", "[{\"startedDateTime\":\"2026-11-22T08:01:02Z\",\"title\":\"\","
	    "\"pageTimings\":{\"onLoad\":\"x\"}}]",
	    "E log.pages[0].pageTimings.onLoad must be a number|E log.pages[0].id is missing|"
	    "E log.version|E log.creator"},
	{"x", "1", "W log.x is not in HAR 1.2|E log.version|E log.creator|W log.pages"},
	{"_x", "1", "E log.version|E log.creator|W log.pages"},
	{"entries", "{}", "E log.entries must be an array|E log.version|E log.creator|W log.pages"},
};

START_TEST(of_the_file)
{
	struct buf said = {0};
	struct har_rules *r = har_rules_new(note, &said);

	har_rules_member(r, str_z(members[_i].name), str_z(members[_i].value));
	har_rules_end(r, true, strcmp(members[_i].name, "entries") != 0);
	ck_assert_msg(says(buf_str(&said), members[_i].says), "%s: %.*s", members[_i].name,
	    STR_ARG(buf_str(&said)));
	har_rules_free(&r);
	buf_free(&said);
}
END_TEST

START_TEST(two_pages_of_one_name)
{
	struct buf said = {0};
	struct har_rules *r = har_rules_new(note, &said);
	static const char page[] = "{\"startedDateTime\":\"2026-11-22T08:01:02Z\",\"id\":\"p\","
	    "\"title\":\"\",\"pageTimings\":{}}";
	struct buf pages = {0};

	buf_printf(&pages, "[%s,%s]", page, page);
	har_rules_member(r, STR("pages"), buf_str(&pages));
	ck_assert(says(buf_str(&said), "W log.pages[1].id is that of another page"));
	har_rules_free(&r);
	buf_free(&said);
	buf_free(&pages);
}
END_TEST

START_TEST(no_log)
{
	struct buf said = {0};
	struct har_rules *r = har_rules_new(note, &said);

	har_rules_end(r, false, false);
	ck_assert(says(buf_str(&said), "E log is missing"));
	har_rules_free(&r);
	buf_free(&said);
}
END_TEST

Suite *
har_rules_suite(void)
{
	Suite *s = suite_create("har_rules");
	TCase *tc = tcase_create("har_rules");

	tcase_add_loop_test(tc, entries, 0, (int)NELEM(rows));
	tcase_add_test(tc, a_cut_body_is_not_held_against_it);
	tcase_add_loop_test(tc, of_the_file, 0, (int)NELEM(members));
	tcase_add_test(tc, two_pages_of_one_name);
	tcase_add_test(tc, no_log);
	suite_add_tcase(s, tc);
	return s;
}
