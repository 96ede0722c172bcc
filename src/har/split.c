/* SPDX-License-Identifier: ISC */
/*
 * split.c - see split.h.  Outside of entries there are few bytes, which are looked
 * at one by one; an entry is run through at the checker's speed.
 * Runs in: mitmctl, tests, fuzzers.
 */
#include "config.h"

#include "har/split.h"

#define DEPTH_LOG 2	/* brackets that are open among the members of log */
#define DEPTH_ENTRIES 3

static const uint8_t byte_order_mark[3] = {0xef, 0xbb, 0xbf};

void
split_init(struct split *s)
{
	memset(s, 0, sizeof(*s));
	json_check_init_lines(&s->check);
}

bool
split_done(const struct split *s)
{
	return json_check_end(&s->check);
}

struct str
split_name(const struct split *s)
{
	return str_of(s->name[1], s->name_len[1]);
}

static void
note_name(struct split *s, unsigned depth, bool first, char b)
{
	uint8_t *n = &s->name_len[depth - 1];

	if (first)
		*n = 0;
	else if (*n < SPLIT_NAME_MAX)
		s->name[depth - 1][(*n)++] = b;
}

static bool
name_is(const struct split *s, unsigned depth, struct str name)
{
	return str_eq(str_of(s->name[depth - 1], s->name_len[depth - 1]), name);
}

static bool
is_space(char b)
{
	return b == ' ' || b == '\n' || b == '\r' || b == '\t';
}

/* A bracket or a comma directly in the array of entries. */
static enum split_event
in_entries(struct split *s, char b)
{
	switch (b) {
	case '{':
		if (s->in_odd)
			return SPLIT_MORE;
		s->in_entry = true;
		return SPLIT_ENTRY;
	case ']':
		s->in_entries = s->in_odd = false;
		return SPLIT_ENTRIES_END;
	case ',':
		s->in_odd = false;
		return SPLIT_MORE;
	default:
		if (s->in_odd || is_space(b))
			return SPLIT_MORE;
		s->in_odd = true;
		return SPLIT_ODD;
	}
}

/* Between the tokens of log. */
static enum split_event
in_log(struct split *s, char b)
{
	if (b == ':') {
		s->in_value = true;
		return SPLIT_VALUE;
	}
	if (b == '[' && s->in_value && name_is(s, DEPTH_LOG, STR("entries"))) {
		s->in_value = false;
		s->in_entries = s->seen_entries = true;
		return SPLIT_ENTRIES;
	}
	if ((b == ',' || b == '}') && s->in_value) {
		s->in_value = false;
		return SPLIT_MEMBER;
	}
	return SPLIT_MORE;
}

/* What the byte, which the checker has taken, means; depth: of brackets before it. */
static enum split_event
meaning(struct split *s, char b, unsigned depth)
{
	enum split_event event = SPLIT_MORE;

	if (depth == 1 && b == '{' && name_is(s, 1, STR("log")))
		s->in_log = s->seen_log = true;
	if (depth == DEPTH_ENTRIES && s->in_entries)
		return in_entries(s, b);
	if (depth == DEPTH_LOG && s->in_log) {
		event = in_log(s, b);
		if (s->check.depth < DEPTH_LOG)
			s->in_log = false;
	}
	return event;
}

static enum split_event
outside(struct split *s, char b)
{
	unsigned depth = s->check.depth;
	bool was_name = json_check_in_name(&s->check);
	bool was_string = json_check_in_string(&s->check), is_name;

	if (!json_check_feed(&s->check, &b, 1))
		return SPLIT_BAD;
	is_name = json_check_in_name(&s->check);
	if (is_name && depth <= DEPTH_LOG)
		note_name(s, depth, !was_name, b);
	return was_string ? SPLIT_MORE : meaning(s, b, depth);
}

/* Nothing but a byte order mark may stand before the object. */
static bool
is_mark(struct split *s, uint8_t b)
{
	if (s->bom >= sizeof(byte_order_mark) || b != byte_order_mark[s->bom]) {
		if (s->bom == 0)
			s->bom = sizeof(byte_order_mark);
		return false;
	}
	s->bom++;
	return true;
}

enum split_event
split_next(struct split *s, const void *bytes, size_t n, size_t *used)
{
	const char *p = bytes;
	enum split_event event = SPLIT_MORE;
	size_t i = 0;

	while (i < n && event == SPLIT_MORE) {
		if (s->in_entry) {
			i += json_check_until(&s->check, p + i, n - i, DEPTH_ENTRIES);
			if (json_check_bad(&s->check)) {
				event = SPLIT_BAD;
			} else if (s->check.depth == DEPTH_ENTRIES) {
				s->in_entry = false;
				event = SPLIT_ENTRY_END;
			}
		} else if (s->bom < sizeof(byte_order_mark) && is_mark(s, (uint8_t)p[i])) {
			i++;
		} else {
			event = outside(s, p[i]);
			i += event != SPLIT_BAD;
		}
	}
	*used = i;
	return event;
}
