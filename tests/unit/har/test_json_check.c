/* SPDX-License-Identifier: ISC */
/* test_json_check.c - exactly one object on one line, wherever it is cut. */
#include "config.h"

#include <string.h>

#include "har/json.h"
#include "suites.h"

static const struct {
	struct str text;
	bool good;
} rows[] = {
	{STR("{}"), true},
	{STR("{ }"), true},
	{STR("{\"a\":1}"), true},
	{STR("{\"a\" : [ ] , \"b\" : { } }"), true},
	{STR("{\"a\":[1,-2,0,-0,0.5,1e5,1E+5,1.25e-10,true,false,null,\"x\"]}"), true},
	{STR("{\"a\":[[[]],[{}]],\"b\":{\"c\":{}}}"), true},
	{STR("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00aF\"}"), true},
	{STR("{\"\xc3\xa4\":\"\xe2\x82\xac\xf0\x9f\x98\x80 more than sixteen bytes\"}"), true},
	{STR("{\"\":\"\x7f\"}"), true},
	{STR("{\"a\":\"\xed\x9f\xbf\xf4\x8f\xbf\xbf\"}"), true},
	{STR("{\"a\":[{\"b\":\"x\"},{\"b\":\"y\",\"c\":\"z\"},{\"d\":\"e\"}],\"f\":\"g\"}"), true},
	{STR("{\"a\":[\"x\",\"y\",\"z\"],\"b\":{\"c\":\"d\",\"e\":\"f\"}}"), true},
	{STR(""), false},
	{STR(" {}"), false},
	{STR("{} "), false},
	{STR("{}{}"), false},
	{STR("{}\n"), false},
	{STR("{\n}"), false},
	{STR("{\t}"), false},
	{STR("[]"), false},
	{STR("1"), false},
	{STR("{"), false},
	{STR("{\"a\""), false},
	{STR("{\"a\":"), false},
	{STR("{\"a\":1"), false},
	{STR("{\"a\":1,"), false},
	{STR("{\"a\":1,}"), false},
	{STR("{,}"), false},
	{STR("{\"a\"}"), false},
	{STR("{\"a\",1}"), false},
	{STR("{\"a\"::1}"), false},
	{STR("{a:1}"), false},
	{STR("{1:1}"), false},
	{STR("{\"a\":}"), false},
	{STR("{\"a\":[1,]}"), false},
	{STR("{\"a\":[,1]}"), false},
	{STR("{\"a\":[1 2]}"), false},
	{STR("{\"a\":[1}}"), false},
	{STR("{\"a\":{1]}"), false},
	{STR("{\"a\":]}"), false},
	{STR("{\"a\":[}}"), false},
	{STR("{\"a\":1]"), false},
	{STR("{\"a\":01}"), false},
	{STR("{\"a\":-}"), false},
	{STR("{\"a\":-x}"), false},
	{STR("{\"a\":+1}"), false},
	{STR("{\"a\":.5}"), false},
	{STR("{\"a\":1.}"), false},
	{STR("{\"a\":1.e5}"), false},
	{STR("{\"a\":1e}"), false},
	{STR("{\"a\":1e+}"), false},
	{STR("{\"a\":1e5.5}"), false},
	{STR("{\"a\":1e5e5}"), false},
	{STR("{\"a\":0x1}"), false},
	{STR("{\"a\":NaN}"), false},
	{STR("{\"a\":tru}"), false},
	{STR("{\"a\":truE}"), false},
	{STR("{\"a\":truee}"), false},
	{STR("{\"a\":nul}"), false},
	{STR("{\"a\":'x'}"), false},
	{STR("{\"a\":\"\\x\"}"), false},
	{STR("{\"a\":\"\\u12g4\"}"), false},
	{STR("{\"a\":\"\\u123\"}"), false},
	{STR("{\"a\":\"\\\0\"}"), false},
	{STR("{\"a\":\"\n\"}"), false},
	{STR("{\"a\":\"0123456789abcdefg\x1f\"}"), false},
	{STR("{\"a\":\"\0\"}"), false},
	{STR("{\"a\":\"x}"), false},
	{STR("{\"a\":{\"b\":\"x\"},{\"c\":\"d\"}}"), false},
	{STR("{\"a\":[\"x\"},{\"c\":\"d\"}]}"), false},
	{STR("{\"a\":\"b\"},{\"c\":\"d\"}"), false},
	{STR("{\"a\":[{\"b\",\"c\":\"d\"}]}"), false},
	{STR("{\"a\":[{\"b\"},{\"c\":\"d\"}]}"), false},
	{STR("{\"a\":[\"x\",\"y\":\"z\"]}"), false},
	{STR("{\"a\":[\"x\":\"y\"]}"), false},
	{STR("{\"a\":\"b\":\"c\"}"), false},
	{STR("{\"a\":\"b\",\"c\",\"d\":\"e\"}"), false},
	{STR("{\"a\":\"\xc3\"}"), false},
	{STR("{\"a\":\"\xc3\xc3\"}"), false},
	{STR("{\"a\":\"\x80\"}"), false},
	{STR("{\"a\":\"\xc0\xaf\"}"), false},
	{STR("{\"a\":\"\xe0\x9f\xbf\"}"), false},
	{STR("{\"a\":\"\xed\xa0\x80\"}"), false},
	{STR("{\"a\":\"\xf0\x8f\xbf\xbf\"}"), false},
	{STR("{\"a\":\"\xf4\x90\x80\x80\"}"), false},
	{STR("{\"a\":\"\xe2\x82\"}"), false},
	{STR("{\"a\":\xc3\xa4}"), false},
	{STR("{\"a\":1}\0"), false},
};

static bool
check(const char *p, size_t n, size_t piece)
{
	struct json_check c;
	size_t k;

	json_check_init(&c);
	for (; n > 0; p += k, n -= k) {
		k = MIN(n, piece);
		if (!json_check_feed(&c, p, k))
			return false;
	}
	return json_check_end(&c);
}

START_TEST(grammar)
{
	ck_assert_int_eq(check(rows[_i].text.p, rows[_i].text.n, SIZE_MAX), rows[_i].good);
}
END_TEST

START_TEST(any_cut_says_the_same)
{
	struct str s = rows[_i].text;
	struct json_check c;
	size_t cut;

	ck_assert_int_eq(check(s.p, s.n, 1), rows[_i].good);
	ck_assert_int_eq(check(s.p, s.n, 3), rows[_i].good);
	for (cut = 0; cut <= s.n; cut++) {
		json_check_init(&c);
		(void)json_check_feed(&c, s.p, cut);
		(void)json_check_feed(&c, s.p + cut, s.n - cut);
		ck_assert_int_eq(json_check_end(&c), rows[_i].good);
	}
}
END_TEST

/* No prefix of a good line is good. */
START_TEST(no_prefix_is_good)
{
	struct str s = rows[_i].text;
	size_t n;

	if (!rows[_i].good)
		return;
	for (n = 0; n < s.n; n++)
		ck_assert(!check(s.p, n, SIZE_MAX));
}
END_TEST

static bool
nested(size_t depth)
{
	char text[2 * JSON_DEPTH_MAX + 16] = "{\"a\":";
	size_t n = strlen(text);

	memset(text + n, '[', depth - 2);
	n += depth - 2;
	memcpy(text + n, "{}", 2);	/* like the outermost, so that bits that wrap fit */
	n += 2;
	memset(text + n, ']', depth - 2);
	n += depth - 2;
	text[n++] = '}';
	return check(text, n, SIZE_MAX);
}

START_TEST(depth_is_limited)
{
	ck_assert(nested(JSON_DEPTH_MAX));
	ck_assert(!nested(JSON_DEPTH_MAX + 1));
}
END_TEST

START_TEST(brackets_are_told_apart_at_every_depth)
{
	char text[16 * JSON_DEPTH_MAX];
	size_t i, n = 0, wrong;

	for (i = 0; i < JSON_DEPTH_MAX / 2; i++) {
		memcpy(text + n, "{\"a\":[", 6);
		n += 6;
	}
	wrong = n;
	for (i = 0; i < JSON_DEPTH_MAX / 2; i++) {
		memcpy(text + n, "]}", 2);
		n += 2;
	}
	ck_assert(check(text, n, SIZE_MAX));
	for (i = wrong; i < n; i++) {
		text[i] = text[i] == ']' ? '}' : ']';
		ck_assert(!check(text, n, SIZE_MAX));
		text[i] = text[i] == ']' ? '}' : ']';
	}
}
END_TEST

Suite *
json_check_suite(void)
{
	Suite *s = suite_create("json_check");
	TCase *t = tcase_create("json_check");

	tcase_add_loop_test(t, grammar, 0, NELEM(rows));
	tcase_add_loop_test(t, any_cut_says_the_same, 0, NELEM(rows));
	tcase_add_loop_test(t, no_prefix_is_good, 0, NELEM(rows));
	tcase_add_test(t, depth_is_limited);
	tcase_add_test(t, brackets_are_told_apart_at_every_depth);
	suite_add_tcase(s, t);
	return s;
}
