/* SPDX-License-Identifier: ISC */
/* test_split.c - the members of log and the entries, whoever laid the file out. */
#include "config.h"

#include "har/split.h"
#include "suites.h"

#define MARK "\xef\xbb\xbf"

/* What happens, in letters, with the text of names and entries. */
static void
trace(struct buf *out, const char *text, size_t n, size_t piece)
{
	struct split s;
	size_t used, at = 0, from = 0;
	enum split_event event = SPLIT_MORE;

	split_init(&s);
	while (at < n && event != SPLIT_BAD) {
		event = split_next(&s, text + at, MIN(piece, n - at), &used);
		at += used;
		switch (event) {
		case SPLIT_VALUE:
			from = at;
			break;
		case SPLIT_MEMBER:
			buf_printf(out, "%.*s=%.*s;", STR_ARG(split_name(&s)),
			    (int)(at - 1 - from), text + from);
			break;
		case SPLIT_ENTRIES:
			buf_putz(out, "[");
			break;
		case SPLIT_ENTRY:
			from = at - 1;
			break;
		case SPLIT_ENTRY_END:
			buf_printf(out, "<%.*s>", (int)(at - from), text + from);
			break;
		case SPLIT_ODD:
			buf_putz(out, "#");
			break;
		case SPLIT_ENTRIES_END:
			buf_putz(out, "]");
			break;
		case SPLIT_BAD:
			buf_printf(out, "!%zu", at);
			break;
		case SPLIT_MORE:
			break;
		}
	}
	buf_putz(out, split_done(&s) ? "." : "...");
	buf_putc(out, '\0');
}

static const struct {
	const char *text, *trace;
} rows[] = {
	{"{\"log\":{\"version\":\"1.2\",\"entries\":[]}}", "version=\"1.2\";[]."},
	{"{\"log\":{\"entries\":[\n{\"a\":1},\n{\"b\":[{}]}\n]}}\n", "[<{\"a\":1}><{\"b\":[{}]}>]."},
	{"{\"log\":{\"entries\":[{\"a\":\"b\"},{\"c\":\"d\"},{\"e\":[{\"f\":\"g\"},{\"h\":\"i\"}]}]}}",
	    "[<{\"a\":\"b\"}><{\"c\":\"d\"}><{\"e\":[{\"f\":\"g\"},{\"h\":\"i\"}]}>]."},
	{MARK " \r\n\t{ \"log\" : { \"entries\" : [ { \"a\" : \"}]\" } , {} ] , \"x\" : [1] } } ",
	    "[<{ \"a\" : \"}]\" }><{}>]x= [1] ;."},
	{"{\"log\":{\"a\":{\"entries\":[{}]},\"b\":\"entries\",\"c\":[{\"log\":{\"entries\":[]}}]}}",
	    "a={\"entries\":[{}]};b=\"entries\";c=[{\"log\":{\"entries\":[]}}];."},
	{"{\"entries\":[{}],\"x\":{\"entries\":[{}]}}", "."},
	{"{\"log\":[{\"entries\":[{}]}]}", "."},
	{"{\"log\":{\"entries\":{\"a\":1},\"b\":2}}", "entries={\"a\":1};b=2;."},
	{"{\"log\":{\"entries\":[1,{},[{},2],\"{\",null,{\"a\":2}]}}", "[#<{}>###<{\"a\":2}>]."},
	{"{\"log\":{\"entries\":[{}],\"entries\":[{\"a\":1}]}}", "[<{}>][<{\"a\":1}>]."},
	{"{\"log\":{},\"log\":{\"entries\":[{}]}}", "[<{}>]."},
	{"{\"log\":{\"\":1,\"a\\\"b\":2}}", "=1;a\\\"b=2;."},
	{"{\"log\":{\"a\":\"\\\"}\"}}", "a=\"\\\"}\";."},
	{"{\"log\":{\"entries\":[{\"a\":1}", "[<{\"a\":1}>..."},
	{"{\"log\":{\"entries\":[{\"a\":1,", "[..."},
	{"{\"log\":{\"entries\":[{\"a\":1}{", "[<{\"a\":1}>!26..."},
	{"{\"log\":{\"entries\":[{\"a\":tru}]}}", "[!27..."},
	{"{\"log\":{}}x", "!10..."},
	{"", "..."},
	{MARK, "..."},
	{"\xef\xbbx", "!2..."},
	{MARK MARK "{}", "!3..."},
	{"[]", "!0..."},
	{"{\"a\":1}", "."},
};

START_TEST(events)
{
	static const size_t pieces[] = {1000, 1, 2, 3, 7};
	size_t i, n = strlen(rows[_i].text);
	struct buf b;

	for (i = 0; i < NELEM(pieces); i++) {
		buf_init(&b, 0);
		trace(&b, rows[_i].text, n, pieces[i]);
		ck_assert_msg(strcmp((char *)buf_data(&b), rows[_i].trace) == 0,
		    "%s in %zu: %s instead of %s", rows[_i].text, pieces[i],
		    (char *)buf_data(&b), rows[_i].trace);
		buf_free(&b);
	}
}
END_TEST

Suite *
split_suite(void)
{
	Suite *s = suite_create("split");
	TCase *tc = tcase_create("split");

	tcase_add_loop_test(tc, events, 0, (int)NELEM(rows));
	suite_add_tcase(s, tc);
	return s;
}
