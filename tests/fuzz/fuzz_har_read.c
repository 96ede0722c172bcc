/* SPDX-License-Identifier: ISC */
/*
 * fuzz_har_read.c - any bytes as a HAR: wherever they are cut, the same happens; what is
 * an entry is JSON, also shortened; and whatever they are, looking into them as an entry
 * stays inside of them.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/har_rules.h"
#include "ctl/view.h"
#include "har/json_read.h"
#include "har/shorten.h"
#include "har/split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Events with their places, one after the other. */
static void
trace(struct buf *out, const uint8_t *data, size_t size, size_t piece)
{
	enum split_event event = SPLIT_MORE;
	struct split s;
	size_t at = 0, used;

	split_init(&s);
	while (at < size && event != SPLIT_BAD) {
		event = split_next(&s, data + at, MIN(piece, size - at), &used);
		at += used;
		if (event != SPLIT_MORE)
			buf_printf(out, "%d@%zu ", (int)event, at);
		if (event == SPLIT_MEMBER)
			buf_puts(out, split_name(&s));
	}
	buf_printf(out, "%d", split_done(&s));
}

static void
same_when_cut(const uint8_t *data, size_t size, size_t piece)
{
	struct buf whole = {0}, cut = {0};

	trace(&whole, data, size, SIZE_MAX);
	trace(&cut, data, size, piece);
	CHECK(str_eq(buf_str(&whole), buf_str(&cut)));
	buf_free(&whole);
	buf_free(&cut);
}

static bool
is_json(struct str text)
{
	struct json_check c;

	json_check_init_lines(&c);
	return json_check_feed(&c, text.p, text.n) && json_check_end(&c);
}

static void
count(void *arg, bool warning UNUSED, uint64_t entry UNUSED, const char *path, const char *rule)
{
	CHECK(path[0] != '\0' && rule[0] != '\0');
	(*(size_t *)arg)++;
}

static void
inside(struct str entry, struct str part)
{
	CHECK(part.n == 0 || (part.p >= entry.p && part.p + part.n <= entry.p + entry.n));
}

static void
look(struct str entry)
{
	struct view v = {.text = STR_NONE};
	struct str rest, name, value;
	struct view_message m;

	(void)view_parse(&v, entry);
	inside(entry, v.request_headers);
	inside(entry, v.response_text);
	inside(entry, v.pageref_raw);
	for (rest = v.request_headers; view_next_header(&rest, &name, &value);) {
		inside(entry, name);
		inside(entry, value);
	}
	for (rest = v.messages; view_next_message(&rest, &m);)
		inside(entry, m.data);
	view_free(&v);
}

static void
entry(struct har_rules *rules, struct str text)
{
	struct shorten s;
	struct buf b = {0};

	CHECK(is_json(text));
	shorten_init(&s, 5);
	shorten_feed(&s, &b, text.p, text.n);
	CHECK(is_json(buf_str(&b)) && b.len <= text.n);
	har_rules_entry(rules, 1, text, false);
	har_rules_entry(rules, 2, buf_str(&b), true);
	look(text);
	buf_free(&b);
}

static void
entries(const uint8_t *data, size_t size)
{
	enum split_event event = SPLIT_MORE;
	size_t at = 0, used, from = 0, told = 0;
	struct har_rules *rules = har_rules_new(count, &told);
	struct split s;

	split_init(&s);
	while (at < size && event != SPLIT_BAD) {
		event = split_next(&s, data + at, size - at, &used);
		at += used;
		if (event == SPLIT_VALUE)
			from = at;
		else if (event == SPLIT_ENTRY)
			from = at - 1;
		else if (event == SPLIT_MEMBER)
			har_rules_member(rules, split_name(&s),
			    str_of(data + from, at - 1 - from));
		else if (event == SPLIT_ENTRY_END)
			entry(rules, str_of(data + from, at - from));
	}
	har_rules_end(rules, s.seen_log, s.seen_entries);
	har_rules_free(&rules);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf plain = {0};

	same_when_cut(data, size, 1);
	same_when_cut(data, size, size > 0 ? 1 + data[size / 2] % 32 : 3);
	entries(data, size);
	look(str_of(data, size));
	json_read_decode(&plain, str_of(data, size));
	buf_free(&plain);
	return 0;
}
