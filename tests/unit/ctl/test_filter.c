/* SPDX-License-Identifier: ISC */
/* test_filter.c - which entries an expression takes, and what is said of a bad one. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ctl/filter.h"
#include "suites.h"

static const char page[] =
    "{\"request\":{\"method\":\"GET\",\"url\":\"https://www.example.com/api/users?id=7\","
    "\"headers\":[{\"name\":\"Host\",\"value\":\"www.example.com\"},"
    "{\"name\":\"Accept\",\"value\":\"text/html, \\\"q\\\"\"}]},"
    "\"response\":{\"status\":404,\"headers\":[{\"name\":\"Content-Type\","
    "\"value\":\"text/html; charset=utf-8\"},{\"name\":\"Server\",\"value\":\"nginx\"}],"
    "\"content\":{\"mimeType\":\"text/html; charset=utf-8\","
    "\"text\":\"<p>not\\nfound \\u00fc</p>\"}},\"comment\":\"look here\","
    "\"serverIPAddress\":\"192.0.2.1\",\"_serverPort\":443,"
    "\"_clientAddress\":\"127.0.0.1:5000\",\"_tag\":\"job-1\"}";
static const char upload[] =
    "{\"request\":{\"method\":\"POST\",\"url\":\"http://up.example/\",\"headers\":[],"
    "\"postData\":{\"mimeType\":\"application/json\",\"text\":\"eyJrZXkiOiAidmFsdWUifQ==\","
    "\"encoding\":\"base64\"}},\"response\":{\"status\":0,\"headers\":[],\"content\":{},"
    "\"_error\":\"connection refused\"},\"serverIPAddress\":\"2001:db8::1\","
    "\"_serverPort\":80}";
static const char image[] =
    "{\"request\":{\"method\":\"GET\",\"url\":\"https://cdn.example/a.png\",\"headers\":[]},"
    "\"response\":{\"status\":200,\"headers\":[],\"content\":{\"mimeType\":\"image/png\","
    "\"text\":\"iVBORw0K\\/w==\",\"encoding\":\"base64\"}}}";
static const char tunnel[] =
    "{\"request\":{\"method\":\"CONNECT\",\"url\":\"https://db.internal:5432/\"},"
    "\"response\":{\"status\":200},\"_tunnel\":{\"reason\":\"ignore_hosts\"}}";
static const char chat[] =
    "{\"request\":{\"method\":\"GET\",\"url\":\"wss://chat.example/\"},"
    "\"response\":{\"status\":101},\"_resourceType\":\"websocket\",\"_webSocketMessages\":["
    "{\"type\":\"send\",\"time\":1,\"opcode\":1,\"data\":\"hello \\\"you\\\"\"},"
    "{\"type\":\"receive\",\"time\":2,\"opcode\":2,\"data\":\"AAEC\"}]}";
static const char rejected[] =
    "{\"request\":{\"method\":\"CONNECT\",\"url\":\"https://pinned.example/\"},"
    "\"response\":{\"status\":0},\"_error\":\"TLS\",\"_tlsError\":{\"cause\":\"closed\"}}";

/* A letter for each of them. */
static const char *const entries[] = {page, upload, image, tunnel, chat, rejected};
static const char letters[] = "puitwr";

static const struct {
	const char *filter, *takes;
} rows[] = {
	{"", "puitwr"},
	{"  ", "puitwr"},
	{"~all", "puitwr"},
	{"!~all", ""},
	{"example", "puiwr"},
	{"~u example", "puiwr"},
	{"EXAMPLE", "puiwr"},
	{"api/users\\?id=[0-9]$", "p"},
	{"~u api", "p"},
	{"~u 'api/(users|x)'", "p"},
	{"~d ^www\\.", "p"},
	{"~d internal$", "t"},
	{"~d api", ""},
	{"~m POST", "u"},
	{"~m ^get$", "piw"},
	{"~c 404", "p"},
	{"~c 4xx", "p"},
	{"~c 1XX", "w"},
	{"~c 200-299", "it"},
	{"~c 101-404", "pitw"},
	{"~e", "ur"},
	{"~q", "ur"},
	{"~s", "pitw"},
	{"~a", "i"},
	{"~http", "puiwr"},
	{"~tcp", "t"},
	{"~tls", "r"},
	{"~websocket", "w"},
	{"~t html", "p"},
	{"~t json", "u"},
	{"~tq json", "u"},
	{"~ts json", ""},
	{"~ts image", "i"},
	{"~h ^host:", "p"},
	{"~h ^server:.nginx$", "p"},
	{"~hq nginx", ""},
	{"~hs nginx", "p"},
	{"~hq '\"q\"$'", "p"},
	{"~h host.*server", ""},
	{"~b found", "p"},
	{"~b not.found", "p"},
	{"~b \"not\\nfound\"", "p"},
	{"~bq key", "u"},
	{"~bs key", ""},
	{"~b value", "u"},
	{"~b hello", "w"},
	{"~bq 'hello \"you\"'", "w"},
	{"~bq \"hello \\\"you\\\"\"", "w"},
	{"~bs hello", ""},
	{"~bs \\x01\\x02", "w"},
	{"~bs ^\\x89PNG", "i"},
	{"~bs \\xff$", "i"},
	{"~tag ^job-1$", "p"},
	{"~tag .", "p"},
	{"~comment here", "p"},
	{"~src 127.0.0.1:5000", "p"},
	{"~dst ^192", "p"},
	{"~dst '\\[2001:db8::1\\]:80$'", "u"},
	{"~m GET & ~c 404", "p"},
	{"~m GET ~c 404", "p"},
	{"~m GET & !~c 404", "iw"},
	{"~c 404 | ~c 101", "pw"},
	{"!~c 404 & !~c 101", "uitr"},
	{"!(~c 404 | ~c 101)", "uitr"},
	{"! ! ~c 404", "p"},
	/* "&" before "|", and side by side last. */
	{"~c 404 | ~m GET & ~c 101", "pw"},
	{"~c 404 | ~c 200 ~m CONNECT", "t"},
	{"(~c 404) (~m GET)", "p"},
	{"~e|~a", "uir"},
	{"~s&!~tcp", "piw"},
	{"zz|b&c", ""},
	{"zz|cdn", "i"},
};

START_TEST(takes)
{
	struct view v = {.text = STR_NONE};
	char taken[16] = "";
	struct errmsg err;
	struct filter *f = filter_parse(rows[_i].filter, &err);
	size_t i, n = 0;

	ck_assert_msg(f != NULL, "%s: %s", rows[_i].filter, err.text);
	for (i = 0; i < NELEM(entries); i++) {
		ck_assert(view_parse(&v, str_z(entries[i])));
		if (filter_match(f, &v))
			taken[n++] = letters[i];
	}
	ck_assert_msg(strcmp(taken, rows[_i].takes) == 0, "'%s' takes %s instead of %s",
	    rows[_i].filter, taken, rows[_i].takes);
	ck_assert_uint_eq(filter_given_up(f), 0);
	view_free(&v);
	filter_free(&f);
}
END_TEST

static const struct {
	const char *filter;
	unsigned column;
	const char *says;
} faults[] = {
	{"~x", 1, "'~x'"},
	{"~", 1, "no operator '~'"},
	{"foo ~zz", 5, "'~zz'"},
	{"~u", 3, "missing at the end"},
	{"~c", 3, "missing at the end"},
	{"~c ok", 4, "a status is"},
	{"~c 500-400", 4, "a status is"},
	{"~c 5x", 4, "a status is"},
	{"~c 4xx-", 4, "a status is"},
	{"~u (", 4, "quote it"},
	{"~u [a", 4, "missing terminating ]"},
	{"(~e", 1, "not closed"},
	{"~e)", 3, "closes none"},
	{"()", 2, "closes none, or an empty one"},
	{"~e &", 5, "missing at the end"},
	{"& ~e", 1, "missing before"},
	{"~e | | ~e", 6, "missing before"},
	{"!", 2, "missing at the end"},
	{"~u \"abc", 4, "not closed"},
	{"~u abc|~e", 7, "space before"},
	{"~u a& ~e", 5, "space before"},
	{"~e\"x\"~aa", 6, "'~aa'"},
	{"~uABC", 3, "space was expected"},
};

START_TEST(says_what_is_wrong)
{
	struct errmsg err;
	struct filter *f = filter_parse(faults[_i].filter, &err);
	char column[64];

	ck_assert_msg(f == NULL, "'%s' is taken", faults[_i].filter);
	(void)snprintf(column, sizeof(column), "filter, column %u: ", faults[_i].column);
	ck_assert_msg(strncmp(err.text, column, strlen(column)) == 0 &&
	    strstr(err.text, faults[_i].says) != NULL, "'%s': %s", faults[_i].filter, err.text);
}
END_TEST

START_TEST(has_limits)
{
	char *text = mem_alloc(FILTER_MAX + 2);
	struct errmsg err;
	struct filter *f;

	memset(text, '(', FILTER_MAX);
	text[FILTER_MAX] = '\0';
	ck_assert_ptr_null(filter_parse(text, &err));
	ck_assert_msg(strstr(err.text, "too deeply") != NULL, "%s", err.text);
	memset(text, 'a', FILTER_MAX + 1);
	text[FILTER_MAX + 1] = '\0';
	ck_assert_ptr_null(filter_parse(text, &err));
	memset(text, '!', FILTER_MAX);
	memcpy(text + FILTER_MAX - 2, "~e", 3);
	f = filter_parse(text, &err);
	ck_assert_ptr_nonnull(f);
	filter_free(&f);
	free(text);
}
END_TEST

/* An expression whose time grows exponentially is given up, counted, and no match. */
START_TEST(gives_up)
{
	struct buf b = {0};
	struct view v = {.text = STR_NONE};
	struct errmsg err;
	struct filter *f = filter_parse("~b '^(a+)+$'", &err);
	int i;

	ck_assert_ptr_nonnull(f);
	buf_putz(&b, "{\"response\":{\"content\":{\"text\":\"");
	for (i = 0; i < 5000; i++)
		buf_putc(&b, 'a');
	buf_putz(&b, "!\"}}}");
	ck_assert(view_parse(&v, buf_str(&b)));
	ck_assert(!filter_match(f, &v));
	ck_assert_uint_gt(filter_given_up(f), 0);
	view_free(&v);
	filter_free(&f);
	buf_free(&b);
}
END_TEST

/* What a search may cost depends on how much there is to search: the same, on a long text. */
START_TEST(gives_up_sooner_on_a_long_text)
{
	struct buf b = {0};
	struct view v = {.text = STR_NONE};
	struct errmsg err;
	struct filter *f = filter_parse("~b '^(a?){15}a{16}'", &err);
	size_t pad = _i == 0 ? 10 : 1000000;

	ck_assert_ptr_nonnull(f);
	buf_putz(&b, "{\"response\":{\"content\":{\"text\":\"aaaaaaaaaaaaaaax");
	memset(buf_reserve(&b, pad), 'x', pad);
	buf_commit(&b, pad);
	buf_putz(&b, "\"}}}");
	ck_assert(view_parse(&v, buf_str(&b)));
	ck_assert(!filter_match(f, &v));
	ck_assert_uint_eq(filter_given_up(f), _i == 0 ? 0 : 1);
	view_free(&v);
	filter_free(&f);
	buf_free(&b);
}
END_TEST

Suite *
filter_suite(void)
{
	Suite *s = suite_create("filter");
	TCase *tc = tcase_create("filter");

	tcase_add_loop_test(tc, takes, 0, (int)NELEM(rows));
	tcase_add_loop_test(tc, says_what_is_wrong, 0, (int)NELEM(faults));
	tcase_add_test(tc, has_limits);
	tcase_add_test(tc, gives_up);
	tcase_add_loop_test(tc, gives_up_sooner_on_a_long_text, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}
