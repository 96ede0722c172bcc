/* SPDX-License-Identifier: ISC */
/*
 * har_rules.c - see har_rules.h: tables of what an object may have and must have,
 * and one walk that compares.  What takes more than a table is in har_values.c.
 * Runs in: mitmctl, tests, fuzzers.
 */
#include "config.h"

#include "ctl/har_rules.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "ctl/har_values.h"

enum flags { REQUIRED = 1, NULLABLE = 2, WANTED = 4 };

struct member {
	const char *name;
	enum har_type type;
	unsigned flags;
	const struct shape *shape;	/* of an object, or of an array's elements */
	har_value_fn *check;		/* of a value that has the type */
	const char *missing;		/* a warning: who wants it */
};

struct shape {
	const struct member *v;
	size_t n;
};

#define SHAPE(members) {members, NELEM(members)}

static const struct member named_members[] = {
	{"name", HAR_STRING, REQUIRED, NULL, NULL, NULL},
	{"version", HAR_STRING, REQUIRED, NULL, NULL, NULL},
	{"comment", HAR_STRING, 0, NULL, NULL, NULL},
};
static const struct shape named = SHAPE(named_members);

static const struct member page_timings_members[] = {
	{"onContentLoad", HAR_NUMBER, 0, NULL, NULL, NULL},
	{"onLoad", HAR_NUMBER, 0, NULL, NULL, NULL},
	{"comment", HAR_STRING, 0, NULL, NULL, NULL},
};
static const struct shape page_timings = SHAPE(page_timings_members);

static const struct member page_members[] = {
	{"startedDateTime", HAR_STRING, REQUIRED, NULL, har_value_date, NULL},
	{"id", HAR_STRING, REQUIRED, NULL, har_value_page_id, NULL},
	{"title", HAR_STRING, REQUIRED, NULL, NULL, NULL},
	{"pageTimings", HAR_OBJECT, REQUIRED, &page_timings, NULL, NULL},
	{"comment", HAR_STRING, 0, NULL, NULL, NULL},
};
static const struct shape page = SHAPE(page_members);

static const struct member cookie_members[] = {
	{"name", HAR_STRING, REQUIRED, NULL, NULL, NULL},
	{"value", HAR_STRING, REQUIRED, NULL, NULL, NULL},
	{"path", HAR_STRING, 0, NULL, NULL, NULL},
	{"domain", HAR_STRING, 0, NULL, NULL, NULL},
	{"expires", HAR_STRING, NULLABLE, NULL, har_value_date, NULL},
	{"httpOnly", HAR_BOOL, 0, NULL, NULL, NULL},
	{"secure", HAR_BOOL, 0, NULL, NULL, NULL},
	{"sameSite", HAR_STRING, 0, NULL, NULL, NULL},	/* everybody's */
	{"comment", HAR_STRING, 0, NULL, NULL, NULL},
};
static const struct shape cookie = SHAPE(cookie_members);

static const struct member header_members[] = {
	{"name", HAR_STRING, REQUIRED, NULL, har_value_header_name, NULL},
	{"value", HAR_STRING, REQUIRED, NULL, NULL, NULL},
	{"comment", HAR_STRING, 0, NULL, NULL, NULL},
};
static const struct shape header = SHAPE(header_members);

static const struct member pair_members[] = {
	{"name", HAR_STRING, REQUIRED, NULL, NULL, NULL},
	{"value", HAR_STRING, REQUIRED, NULL, NULL, NULL},
	{"comment", HAR_STRING, 0, NULL, NULL, NULL},
};
static const struct shape pair = SHAPE(pair_members);

static const struct member param_members[] = {
	{"name", HAR_STRING, REQUIRED, NULL, NULL, NULL},
	{"value", HAR_STRING, 0, NULL, NULL, NULL},
	{"fileName", HAR_STRING, 0, NULL, NULL, NULL},
	{"contentType", HAR_STRING, 0, NULL, NULL, NULL},
	{"comment", HAR_STRING, 0, NULL, NULL, NULL},
};
static const struct shape param = SHAPE(param_members);

static const struct member post_data_members[] = {
	{"mimeType", HAR_STRING, REQUIRED, NULL, NULL, NULL},
	{"text", HAR_STRING, WANTED, NULL, har_value_text,
	    "is missing (mitmproxy refuses the file)"},
	{"params", HAR_ARRAY, 0, &param, NULL, NULL},
	{"encoding", HAR_STRING, 0, NULL, har_value_encoding, NULL},	/* proposed for 1.3 */
	{"comment", HAR_STRING, 0, NULL, NULL, NULL},
};
static const struct shape post_data = SHAPE(post_data_members);

static const struct member request_members[] = {
	{"method", HAR_STRING, REQUIRED, NULL, NULL, NULL},
	{"url", HAR_STRING, REQUIRED, NULL, har_value_url, NULL},
	{"httpVersion", HAR_STRING, REQUIRED, NULL, har_value_version, NULL},
	{"cookies", HAR_ARRAY, REQUIRED, &cookie, NULL, NULL},
	{"headers", HAR_ARRAY, REQUIRED, &header, NULL, NULL},
	{"queryString", HAR_ARRAY, REQUIRED, &pair, NULL, NULL},
	{"headersSize", HAR_INTEGER, REQUIRED, NULL, NULL, NULL},
	{"bodySize", HAR_INTEGER, REQUIRED, NULL, NULL, NULL},
	{"postData", HAR_OBJECT, 0, &post_data, har_value_body, NULL},
	{"comment", HAR_STRING, 0, NULL, NULL, NULL},
};
static const struct shape request = SHAPE(request_members);

static const struct member content_members[] = {
	{"size", HAR_INTEGER, REQUIRED, NULL, NULL, NULL},
	{"mimeType", HAR_STRING, REQUIRED, NULL, NULL, NULL},
	{"compression", HAR_INTEGER, 0, NULL, NULL, NULL},
	{"text", HAR_STRING, 0, NULL, har_value_text, NULL},
	{"encoding", HAR_STRING, 0, NULL, har_value_encoding, NULL},
	{"comment", HAR_STRING, 0, NULL, NULL, NULL},
};
static const struct shape content = SHAPE(content_members);

static const struct member response_members[] = {
	{"status", HAR_INTEGER, REQUIRED, NULL, NULL, NULL},
	{"statusText", HAR_STRING, REQUIRED, NULL, NULL, NULL},
	{"httpVersion", HAR_STRING, REQUIRED, NULL, har_value_version, NULL},
	{"cookies", HAR_ARRAY, REQUIRED, &cookie, NULL, NULL},
	{"headers", HAR_ARRAY, REQUIRED, &header, NULL, NULL},
	{"content", HAR_OBJECT, REQUIRED, &content, har_value_body, NULL},
	{"redirectURL", HAR_STRING, REQUIRED, NULL, NULL, NULL},
	{"headersSize", HAR_INTEGER, REQUIRED, NULL, NULL, NULL},
	{"bodySize", HAR_INTEGER, REQUIRED, NULL, NULL, NULL},
	{"comment", HAR_STRING, 0, NULL, NULL, NULL},
};
static const struct shape response = SHAPE(response_members);

static const struct member cached_members[] = {
	{"expires", HAR_STRING, 0, NULL, NULL, NULL},
	{"lastAccess", HAR_STRING, REQUIRED, NULL, har_value_date, NULL},
	{"eTag", HAR_STRING, REQUIRED, NULL, NULL, NULL},
	{"hitCount", HAR_INTEGER, REQUIRED, NULL, NULL, NULL},
	{"comment", HAR_STRING, 0, NULL, NULL, NULL},
};
static const struct shape cached = SHAPE(cached_members);

static const struct member cache_members[] = {
	{"beforeRequest", HAR_OBJECT, NULLABLE, &cached, NULL, NULL},
	{"afterRequest", HAR_OBJECT, NULLABLE, &cached, NULL, NULL},
	{"comment", HAR_STRING, 0, NULL, NULL, NULL},
};
static const struct shape cache = SHAPE(cache_members);

static const struct member timings_members[] = {
	{"blocked", HAR_NUMBER, 0, NULL, har_value_blocked, NULL},
	{"dns", HAR_NUMBER, 0, NULL, har_value_dns, NULL},
	{"connect", HAR_NUMBER, 0, NULL, har_value_connect, NULL},
	{"send", HAR_NUMBER, REQUIRED, NULL, har_value_send, NULL},
	{"wait", HAR_NUMBER, REQUIRED, NULL, har_value_wait, NULL},
	{"receive", HAR_NUMBER, REQUIRED, NULL, har_value_receive, NULL},
	{"ssl", HAR_NUMBER, 0, NULL, har_value_ssl, NULL},
	{"comment", HAR_STRING, 0, NULL, NULL, NULL},
};
static const struct shape timings = SHAPE(timings_members);

static const struct member message_members[] = {
	{"type", HAR_STRING, REQUIRED, NULL, har_value_direction, NULL},
	{"time", HAR_NUMBER, REQUIRED, NULL, NULL, NULL},
	{"opcode", HAR_NUMBER, REQUIRED, NULL, NULL, NULL},
	{"data", HAR_STRING, REQUIRED, NULL, NULL, NULL},
};
static const struct shape message = SHAPE(message_members);

static const struct member entry_members[] = {
	{"startedDateTime", HAR_STRING, REQUIRED, NULL, har_value_date, NULL},
	{"time", HAR_NUMBER, REQUIRED, NULL, har_value_time, NULL},
	{"request", HAR_OBJECT, REQUIRED, &request, NULL, NULL},
	{"response", HAR_OBJECT, REQUIRED, &response, NULL, NULL},
	{"cache", HAR_OBJECT, REQUIRED, &cache, NULL, NULL},
	{"timings", HAR_OBJECT, REQUIRED, &timings, NULL, NULL},
	{"pageref", HAR_STRING, 0, NULL, har_value_pageref, NULL},
	{"serverIPAddress", HAR_STRING, 0, NULL, har_value_address, NULL},
	{"connection", HAR_STRING, 0, NULL, NULL, NULL},
	{"_initiator", HAR_ANY, 0, NULL, har_value_initiator, NULL},
	{"_webSocketMessages", HAR_ARRAY, 0, &message, NULL, NULL},
	{"comment", HAR_STRING, 0, NULL, NULL, NULL},
};
static const struct shape entry_shape = SHAPE(entry_members);

static const struct member log_members[] = {
	{"version", HAR_STRING, REQUIRED, NULL, har_value_log_version, NULL},
	{"creator", HAR_OBJECT, REQUIRED, &named, NULL, NULL},
	{"browser", HAR_OBJECT, 0, &named, NULL, NULL},
	{"pages", HAR_ARRAY, WANTED, &page, har_value_pages,
	    "is missing (Firefox and Safari refuse the file)"},
	{"comment", HAR_STRING, 0, NULL, NULL, NULL},
};

struct har_rules {
	har_rules_fn *report;
	void *arg;
	uint64_t entry;			/* that is looked at; 0: none */
	uint64_t seen;			/* members of log, by bit */
	bool odd_entries;		/* they are told to be no array */
	struct har_values values;
};

/* ---- telling ---- */

static void
put_place(struct buf *out, const struct har_place *at)
{
	if (at->up != NULL)
		put_place(out, at->up);
	if (at->index >= 0) {
		buf_printf(out, "[%lld]", (long long)at->index);
		return;
	}
	if (out->len > 0)
		buf_putc(out, '.');
	/* Anybody's name: as JSON has it, but no longer than a line. */
	buf_puts(out, str_sub(at->name, 0, 64));
}

void
har_values_tell(struct har_values *v, bool warning, const struct har_place *at,
    const char *rule)
{
	struct har_rules *r = v->rules;
	struct buf path;

	buf_init(&path, 0);
	put_place(&path, at);
	buf_putc(&path, '\0');
	r->report(r->arg, warning || v->own > 0, r->entry, (const char *)buf_data(&path), rule);
	buf_free(&path);
}

/* ---- the walk ---- */

static const char *const wrong_type[] = {
	[HAR_STRING] = "must be a string",
	[HAR_NUMBER] = "must be a number",
	[HAR_INTEGER] = "must be a whole number",
	[HAR_BOOL] = "must be true or false",
	[HAR_OBJECT] = "must be an object",
	[HAR_ARRAY] = "must be an array",
};

static void walk_object(struct har_values *, struct json_read *, const struct shape *,
    const struct har_place *);

static bool
type_is(struct json_read *r, enum har_type type)
{
	char c = json_read_peek(r);

	switch (type) {
	case HAR_STRING:
		return c == '"';
	case HAR_NUMBER:
	case HAR_INTEGER:
		return c == '-' || (c >= '0' && c <= '9');
	case HAR_BOOL:
		return c == 't' || c == 'f';
	case HAR_OBJECT:
		return c == '{';
	case HAR_ARRAY:
		return c == '[';
	case HAR_ANY:
		break;
	}
	return true;
}

static void
walk_array(struct har_values *v, struct json_read *r, const struct shape *elements,
    const struct har_place *at)
{
	struct har_place here = {.up = at};
	struct str skipped;

	if (!json_read_enter(r, '['))
		return;
	for (; json_read_element(r); here.index++) {
		if (json_read_peek(r) == '{') {
			walk_object(v, r, elements, &here);
			continue;
		}
		har_values_tell(v, false, &here, wrong_type[HAR_OBJECT]);
		json_read_value(r, &skipped);
	}
	v->elements = here.index;
}

static void
walk_scalar(struct har_values *v, struct json_read *r, const struct member *m,
    const struct har_place *at)
{
	struct str text;

	if (m->type == HAR_STRING)
		(void)json_read_string(r, &text);
	else
		json_read_value(r, &text);
	if (m->type == HAR_INTEGER && !har_value_is_whole(text))
		har_values_tell(v, false, at, wrong_type[HAR_INTEGER]);
	if (m->check != NULL)
		m->check(v, at, text);
}

static void
walk_value(struct har_values *v, struct json_read *r, const struct member *m,
    const struct har_place *at)
{
	struct str text;

	if (!type_is(r, m->type)) {
		bool null = json_read_peek(r) == 'n' && (m->flags & NULLABLE) != 0;

		json_read_value(r, &text);
		if (!null)
			har_values_tell(v, m->name[0] == '_', at, wrong_type[m->type]);
	} else if (m->type == HAR_OBJECT || m->type == HAR_ARRAY) {
		v->own += m->name[0] == '_';
		if (m->type == HAR_OBJECT)
			walk_object(v, r, m->shape, at);
		else
			walk_array(v, r, m->shape, at);
		if (m->check != NULL)
			m->check(v, at, STR_NONE);
		v->own -= m->name[0] == '_';
	} else {
		walk_scalar(v, r, m, at);
	}
}

static ssize_t
find_member(const struct shape *s, struct str name)
{
	size_t i;

	for (i = 0; i < s->n && name.n > 0; i++)
		if (strncmp(s->v[i].name, name.p, name.n) == 0 && s->v[i].name[name.n] == '\0')
			return (ssize_t)i;
	return -1;
}

static void
tell_missing(struct har_values *v, const struct shape *s, uint64_t seen,
    const struct har_place *at)
{
	struct har_place here = {.up = at, .index = -1};
	size_t i;

	for (i = 0; i < s->n; i++) {
		if ((seen >> i & 1) != 0 || (s->v[i].flags & (REQUIRED | WANTED)) == 0)
			continue;
		here.name = str_z(s->v[i].name);
		if ((s->v[i].flags & REQUIRED) != 0)
			har_values_tell(v, false, &here, "is missing");
		else
			har_values_tell(v, true, &here, s->v[i].missing);
	}
}

static void
tell_unknown(struct har_values *v, const struct har_place *at)
{
	if (at->name.n == 0 || at->name.p[0] != '_')
		har_values_tell(v, true, at,
		    "is not in HAR 1.2 (names of one's own begin with '_')");
}

static void
walk_object(struct har_values *v, struct json_read *r, const struct shape *shape,
    const struct har_place *at)
{
	struct har_place here = {.up = at, .index = -1};
	struct str skipped;
	uint64_t seen = 0;
	ssize_t i;

	(void)json_read_enter(r, '{');
	while (json_read_member(r, &here.name)) {
		i = find_member(shape, here.name);
		if (i >= 0) {
			seen |= UINT64_C(1) << i;
			walk_value(v, r, &shape->v[i], &here);
			continue;
		}
		tell_unknown(v, &here);
		json_read_value(r, &skipped);
	}
	if (seen != (UINT64_C(1) << shape->n) - 1)
		tell_missing(v, shape, seen, at);
}

/* ---- what is asked ---- */

static const struct har_place log_place = {.name = {"log", 3}, .index = -1};
static const struct har_place entries_place = {
	.up = &log_place, .name = {"entries", 7}, .index = -1};

struct har_rules *
har_rules_new(har_rules_fn *report, void *arg)
{
	struct har_rules *r = mem_new(struct har_rules);

	r->report = report;
	r->arg = arg;
	r->values.rules = r;
	return r;
}

void
har_rules_free(struct har_rules **rp)
{
	struct har_rules *r = *rp;

	*rp = NULL;
	if (r == NULL)
		return;
	har_values_free(&r->values);
	free(r);
}

void
har_rules_member(struct har_rules *r, struct str name, struct str value)
{
	static const struct shape shape = SHAPE(log_members);
	struct har_place at = {.up = &log_place, .name = name, .index = -1};
	struct json_read read = json_read_from(value);
	ssize_t i = find_member(&shape, name);

	r->entry = 0;
	if (i < 0 && str_eq(name, STR("entries"))) {
		har_values_tell(&r->values, false, &at, wrong_type[HAR_ARRAY]);
		r->odd_entries = true;
	} else if (i < 0) {
		tell_unknown(&r->values, &at);
	} else {
		r->seen |= UINT64_C(1) << i;
		walk_value(&r->values, &read, &log_members[i], &at);
	}
}

void
har_rules_entry(struct har_rules *r, uint64_t number, struct str entry, bool cut)
{
	struct har_place at = {.up = &entries_place, .index = (int64_t)number - 1};
	struct json_read read = json_read_from(entry);

	r->entry = number;
	har_values_begin(&r->values, cut);
	walk_object(&r->values, &read, &entry_shape, &at);
	har_values_end(&r->values, &at);
}

void
har_rules_odd(struct har_rules *r, uint64_t number)
{
	struct har_place at = {.up = &entries_place, .index = (int64_t)number - 1};

	r->entry = number;
	har_values_tell(&r->values, false, &at, wrong_type[HAR_OBJECT]);
}

void
har_rules_end(struct har_rules *r, bool seen_log, bool seen_entries)
{
	static const struct shape shape = SHAPE(log_members);

	r->entry = 0;
	if (!seen_log) {
		har_values_tell(&r->values, false, &log_place, "is missing");
		return;
	}
	tell_missing(&r->values, &shape, r->seen, &log_place);
	if (!seen_entries && !r->odd_entries)
		har_values_tell(&r->values, false, &entries_place, "is missing");
}
