/* SPDX-License-Identifier: ISC */
/*
 * filter_match.c - see filter.h: asking an entry.  What several expressions may look at
 * (header lines, decoded bodies) is made once per entry, and only if it is asked for.
 * Runs in: mitmctl, tests, fuzzers.
 */
#include "config.h"

#include "ctl/filter_tree.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "har/base64.h"
#include "har/json_read.h"

/*
 * Each place of the text may cost so many steps: all of them together are what a second
 * or two is enough for, whatever the text and the expression.
 */
#define STEPS_ALL 200000000u
#define STEPS_LEAST 1000u
#define STEPS_MOST 1000000u
#define MATCH_DEPTH 10000
#define MATCH_HEAP_KIB 4096

struct filter_regex {
	pcre2_code *code;
};

/* Text made of an entry, for as long as that entry is looked at. */
struct made {
	bool done;
	struct str text;	/* in the entry, or in: */
	struct buf own;
};

struct filter_scratch {
	pcre2_match_context *limits;
	pcre2_match_data *found;
	uint64_t given_up;
	struct made header[2], body[2];	/* request, response */
	struct buf line, escaped;
};

static struct filter_scratch *
scratch_new(void)
{
	struct filter_scratch *s = mem_new(struct filter_scratch);

	s->limits = pcre2_match_context_create(NULL);
	s->found = pcre2_match_data_create(1, NULL);
	CHECK(s->limits != NULL && s->found != NULL);
	(void)pcre2_set_depth_limit(s->limits, MATCH_DEPTH);
	(void)pcre2_set_heap_limit(s->limits, MATCH_HEAP_KIB);
	return s;
}

static void
scratch_free(struct filter_scratch *s)
{
	int i;

	if (s == NULL)
		return;
	pcre2_match_context_free(s->limits);
	pcre2_match_data_free(s->found);
	for (i = 0; i < 2; i++) {
		buf_free(&s->header[i].own);
		buf_free(&s->body[i].own);
	}
	buf_free(&s->line);
	buf_free(&s->escaped);
	free(s);
}

void
filter_free(struct filter **fp)
{
	struct filter *f = *fp;
	int i;

	*fp = NULL;
	if (f == NULL)
		return;
	for (i = 0; i < f->n; i++)
		if (f->v[i].regex != NULL) {
			pcre2_code_free(f->v[i].regex->code);
			free(f->v[i].regex);
		}
	scratch_free(f->scratch);
	free(f->v);
	free(f);
}

uint64_t
filter_given_up(const struct filter *f)
{
	return f->scratch != NULL ? f->scratch->given_up : 0;
}

/* ---- expressions ---- */

/* ^ and $ are those of a header line; a body's lines do not end what "." takes. */
static uint32_t
options(enum filter_what what)
{
	uint32_t all = PCRE2_CASELESS | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP |
	    PCRE2_NEVER_BACKSLASH_C;

	switch (what) {
	case FILTER_HEADER:
	case FILTER_HEADER_REQUEST:
	case FILTER_HEADER_RESPONSE:
		return all | PCRE2_MULTILINE;
	case FILTER_BODY:
	case FILTER_BODY_REQUEST:
	case FILTER_BODY_RESPONSE:
		return all | PCRE2_DOTALL;
	default:
		return all;
	}
}

bool
filter_compile(struct filter *f, int node, struct str expression, char *why, size_t n)
{
	PCRE2_UCHAR text[160];
	pcre2_code *code;
	PCRE2_SIZE at;
	int fault;

	code = pcre2_compile((PCRE2_SPTR)expression.p, expression.n, options(f->v[node].what),
	    &fault, &at, NULL);
	if (code == NULL) {
		(void)pcre2_get_error_message(fault, text, sizeof(text));
		(void)snprintf(why, n, "'%.*s': %s, at its character %zu",
		    (int)MIN(expression.n, (size_t)60), expression.p, (const char *)text,
		    (size_t)at + 1);
		return false;
	}
	f->v[node].regex = mem_new(struct filter_regex);
	f->v[node].regex->code = code;
	if (f->scratch == NULL)
		f->scratch = scratch_new();
	return true;
}

static bool
search(struct filter_scratch *s, const struct filter_node *node, struct str text)
{
	uint64_t steps = STEPS_ALL / (text.n + 1);
	int rc;

	steps = MIN(MAX(steps, STEPS_LEAST), STEPS_MOST);
	(void)pcre2_set_match_limit(s->limits, (uint32_t)steps);
	rc = pcre2_match(node->regex->code, (PCRE2_SPTR)(text.p != NULL ? text.p : ""), text.n,
	    0, 0, s->found, s->limits);
	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
		s->given_up++;
	return rc >= 0;
}

/* ---- what is searched ---- */

enum side { REQUEST, RESPONSE };

static void
put_header_lines(struct buf *out, struct str headers)
{
	struct str name, value;

	while (view_next_header(&headers, &name, &value)) {
		json_read_decode(out, name);
		buf_puts(out, STR(": "));
		json_read_decode(out, value);
		buf_putc(out, '\n');
	}
}

static bool
header_has(struct filter_scratch *s, const struct filter_node *node, const struct view *v,
    enum side side)
{
	struct made *m = &s->header[side];

	if (!m->done) {
		buf_clear(&m->own);
		put_header_lines(&m->own,
		    side == REQUEST ? v->request_headers : v->response_headers);
		m->text = buf_str(&m->own);
		m->done = true;
	}
	return search(s, node, m->text);
}

/* JSON text as bytes; stays where it is if it may. */
static struct str
bytes_of(struct filter_scratch *s, struct buf *own, struct str raw, bool base64)
{
	bool escapes = raw.n > 0 && memchr(raw.p, '\\', raw.n) != NULL;

	buf_clear(own);
	if (!escapes && !base64)
		return raw;
	if (!base64) {
		json_read_decode(own, raw);
		return buf_str(own);
	}
	if (escapes) {		/* some write "/" as "\/" */
		buf_clear(&s->escaped);
		json_read_decode(&s->escaped, raw);
		raw = buf_str(&s->escaped);
	}
	(void)base64_decode(own, raw);
	return buf_str(own);
}

static bool
messages_have(struct filter_scratch *s, const struct filter_node *node, const struct view *v,
    enum side side)
{
	struct str rest = v->messages;
	struct view_message m;

	while (view_next_message(&rest, &m))
		if (m.sent == (side == REQUEST) &&
		    search(s, node, bytes_of(s, &s->line, m.data, m.base64)))
			return true;
	return false;
}

static bool
body_has(struct filter_scratch *s, const struct filter_node *node, const struct view *v,
    enum side side)
{
	struct made *m = &s->body[side];

	if (!m->done) {
		m->text = side == REQUEST ?
		    bytes_of(s, &m->own, v->request_text, v->request_base64) :
		    bytes_of(s, &m->own, v->response_text, v->response_base64);
		m->done = true;
	}
	return search(s, node, m->text) || messages_have(s, node, v, side);
}

static bool
server_is(struct filter_scratch *s, const struct filter_node *node, const struct view *v)
{
	buf_clear(&s->line);
	if (v->server.n > 0) {
		bool v6 = str_chr(v->server, ':') >= 0;

		buf_printf(&s->line, "%s%.*s%s:%.*s", v6 ? "[" : "", STR_ARG(v->server),
		    v6 ? "]" : "", STR_ARG(v->server_port));
	}
	return search(s, node, buf_str(&s->line));
}

/* ---- the rest ---- */

static bool
is_asset(struct str type)
{
	static const char *const starts[] = {"image/", "font/", "application/font",
		"text/css", "text/javascript", "application/javascript",
		"application/x-javascript"};
	size_t i;

	for (i = 0; i < NELEM(starts); i++)
		if (str_istarts(type, str_z(starts[i])))
			return true;
	return false;
}

static bool
is_plainly(const struct filter_node *node, const struct view *v)
{
	switch (node->what) {
	case FILTER_ALL:
		return true;
	case FILTER_ASSET:
		return is_asset(v->response_type);
	case FILTER_ANSWERED:
		return view_answered(v);
	case FILTER_UNANSWERED:
		return !view_answered(v);
	case FILTER_ERROR:
		return v->error.n > 0;
	case FILTER_HTTP:
		return v->tunnel.n == 0;
	case FILTER_TUNNEL:
		return v->tunnel.n > 0;
	case FILTER_TLS:
		return v->tls_failed;
	case FILTER_WEBSOCKET:
		return v->websocket;
	default:
		CHECK(node->what == FILTER_CODE);
		return v->status >= node->lo && v->status <= node->hi;
	}
}

static bool
has(struct filter_scratch *s, const struct filter_node *node, const struct view *v)
{
	switch (node->what) {
	case FILTER_BODY:
		return body_has(s, node, v, REQUEST) || body_has(s, node, v, RESPONSE);
	case FILTER_BODY_REQUEST:
		return body_has(s, node, v, REQUEST);
	case FILTER_BODY_RESPONSE:
		return body_has(s, node, v, RESPONSE);
	case FILTER_HEADER:
		return header_has(s, node, v, REQUEST) || header_has(s, node, v, RESPONSE);
	case FILTER_HEADER_REQUEST:
		return header_has(s, node, v, REQUEST);
	case FILTER_HEADER_RESPONSE:
		return header_has(s, node, v, RESPONSE);
	case FILTER_TYPE:
		return search(s, node, v->request_type) || search(s, node, v->response_type);
	case FILTER_TYPE_REQUEST:
		return search(s, node, v->request_type);
	case FILTER_TYPE_RESPONSE:
		return search(s, node, v->response_type);
	case FILTER_COMMENT:
		return search(s, node, v->comment);
	case FILTER_DOMAIN:
		return search(s, node, v->host);
	case FILTER_DST:
		return server_is(s, node, v);
	case FILTER_METHOD:
		return search(s, node, v->method);
	case FILTER_SRC:
		return search(s, node, v->client);
	case FILTER_TAG:
		return search(s, node, v->tag);
	default:
		CHECK(node->what == FILTER_URL);
		return search(s, node, v->url);
	}
}

static bool
holds(const struct filter *f, int i, const struct view *v)
{
	const struct filter_node *node = &f->v[i];
	int child;

	switch (node->what) {
	case FILTER_NOT:
		return !holds(f, node->child, v);
	case FILTER_AND:
	case FILTER_OR:
		for (child = node->child; child >= 0; child = f->v[child].next)
			if (holds(f, child, v) == (node->what == FILTER_OR))
				return node->what == FILTER_OR;
		return node->what == FILTER_AND;
	default:
		return node->regex != NULL ? has(f->scratch, node, v) : is_plainly(node, v);
	}
}

bool
filter_match(const struct filter *f, const struct view *v)
{
	struct filter_scratch *s = f->scratch;

	if (s != NULL)
		s->header[0].done = s->header[1].done = s->body[0].done =
		    s->body[1].done = false;
	return holds(f, f->root, v);
}
