/* SPDX-License-Identifier: ISC */
/*
 * filter.c - see filter.h: the language.  As in mitmproxy, "!" binds more tightly than
 * "&", that more than "|", and expressions that stand side by side must all hold.
 * Runs in: mitmctl, tests, fuzzers.
 */
#include "config.h"

#include "ctl/filter.h"

#include <stdlib.h>

#include "base/mem.h"
#include "ctl/filter_tree.h"

#define DEPTH_MAX 50

static const struct filter_op ops[] = {
	{"a", FILTER_ASSET, FILTER_ALONE, "assets: images, fonts, scripts, style sheets"},
	{"all", FILTER_ALL, FILTER_ALONE, "every entry"},
	{"b", FILTER_BODY, FILTER_REGEX, "body, or message of a WebSocket"},
	{"bq", FILTER_BODY_REQUEST, FILTER_REGEX, "body of the request"},
	{"bs", FILTER_BODY_RESPONSE, FILTER_REGEX, "body of the response"},
	{"c", FILTER_CODE, FILTER_STATUS, "status: 404, 4xx or 500-503"},
	{"comment", FILTER_COMMENT, FILTER_REGEX, "comment of the entry"},
	{"d", FILTER_DOMAIN, FILTER_REGEX, "host of the URL"},
	{"dst", FILTER_DST, FILTER_REGEX, "address:port of the server"},
	{"e", FILTER_ERROR, FILTER_ALONE, "something failed"},
	{"h", FILTER_HEADER, FILTER_REGEX, "a line \"Name: value\" of either header"},
	{"hq", FILTER_HEADER_REQUEST, FILTER_REGEX, "... of the request"},
	{"hs", FILTER_HEADER_RESPONSE, FILTER_REGEX, "... of the response"},
	{"http", FILTER_HTTP, FILTER_ALONE, "no tunnel"},
	{"m", FILTER_METHOD, FILTER_REGEX, "method"},
	{"q", FILTER_UNANSWERED, FILTER_ALONE, "no response came"},
	{"s", FILTER_ANSWERED, FILTER_ALONE, "a response came"},
	{"src", FILTER_SRC, FILTER_REGEX, "address:port of the client"},
	{"t", FILTER_TYPE, FILTER_REGEX, "Content-Type of either"},
	{"tag", FILTER_TAG, FILTER_REGEX, "tag"},
	{"tcp", FILTER_TUNNEL, FILTER_ALONE, "a tunnel that was not opened"},
	{"tls", FILTER_TLS, FILTER_ALONE, "TLS with the client failed"},
	{"tq", FILTER_TYPE_REQUEST, FILTER_REGEX, "Content-Type of the request"},
	{"ts", FILTER_TYPE_RESPONSE, FILTER_REGEX, "Content-Type of the response"},
	{"u", FILTER_URL, FILTER_REGEX, "URL; also a word without operator"},
	{"websocket", FILTER_WEBSOCKET, FILTER_ALONE, "a WebSocket"},
};

struct parser {
	const char *from, *p;
	struct filter *filter;
	struct errmsg *err;
	unsigned depth;
};

static int
fail(struct parser *s, const char *at, const char *why)
{
	return errmsg_set(s->err, "filter, column %zu: %s", (size_t)(at - s->from) + 1, why);
}

static void
skip_space(struct parser *s)
{
	while (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r')
		s->p++;
}

static int
add(struct parser *s, enum filter_what what)
{
	struct filter *f = s->filter;

	if (f->n == f->room) {
		f->room = MAX(f->room * 2, 8);
		f->v = mem_grow(f->v, f->room, sizeof(f->v[0]));
	}
	f->v[f->n] = (struct filter_node){.what = what, .child = -1, .next = -1};
	return f->n++;
}

/* ---- words ---- */

static bool
ends_word(char c)
{
	return c == '\0' || strchr("()~'\" \t\r\n", c) != NULL;
}

/* Only the quote itself is escaped, so that expressions keep their backslashes. */
static int
read_quoted(struct parser *s, struct buf *out)
{
	const char *from = s->p;
	char quote = *s->p++;

	while (*s->p != '\0' && *s->p != quote) {
		if (s->p[0] == '\\' && s->p[1] == quote)
			s->p++;
		else if (s->p[0] == '\\' && s->p[1] != '\0')
			buf_putc(out, *s->p++);
		buf_putc(out, *s->p++);
	}
	if (*s->p == '\0')
		return fail(s, from, "this quote is not closed");
	s->p++;
	return 0;
}

static int
read_word(struct parser *s, struct buf *out)
{
	const char *from = s->p;

	if (*s->p == '"' || *s->p == '\'')
		return read_quoted(s, out);
	while (!ends_word(*s->p))
		s->p++;
	if (s->p == from)
		return fail(s, from, *from == '\0' ? "something is missing at the end" :
		    "an expression was expected here (quote it, if it is one)");
	/* "~u a|" before another operator: what looks like "or" would match everything. */
	if (s->p[-1] == '|' || s->p[-1] == '&')
		return fail(s, s->p - 1, "put a space before this (or quotes around the word)");
	buf_put(out, from, (size_t)(s->p - from));
	return 0;
}

/* ---- operators ---- */

static bool
status_digits(struct str s, int *lo, int *hi)
{
	uint64_t v;

	if (s.n == 3 && s.p[0] >= '1' && s.p[0] <= '9' && ascii_lower(s.p[1]) == 'x' &&
	    ascii_lower(s.p[2]) == 'x') {
		*lo = (s.p[0] - '0') * 100;
		*hi = *lo + 99;
		return true;
	}
	if (!str_u64(s, 999, &v))
		return false;
	*lo = *hi = (int)v;
	return true;
}

static bool
read_status(struct str s, struct filter_node *node)
{
	ssize_t dash = str_chr(s, '-');
	int ignored;

	if (dash < 0)
		return status_digits(s, &node->lo, &node->hi);
	return status_digits(str_sub(s, 0, (size_t)dash), &node->lo, &ignored) &&
	    status_digits(str_from(s, (size_t)dash + 1), &ignored, &node->hi) &&
	    node->lo <= node->hi;
}

/* The word is the operator's argument, at that place of the text. */
static int
set_argument(struct parser *s, int node, const struct filter_op *op, struct str word,
    const char *at)
{
	char why[256];

	if (op->argument == FILTER_STATUS)
		return read_status(word, &s->filter->v[node]) ? node :
		    fail(s, at, "a status is 404, 4xx or 500-503");
	if (!filter_compile(s->filter, node, word, why, sizeof(why)))
		return fail(s, at, why);
	return node;
}

static int
with_argument(struct parser *s, const struct filter_op *op)
{
	struct buf word;
	const char *at;
	int node;

	skip_space(s);
	at = s->p;
	buf_init(&word, 0);
	node = read_word(s, &word);
	if (node >= 0)
		node = set_argument(s, add(s, op->what), op, buf_str(&word), at);
	buf_free(&word);
	return node;
}

static const struct filter_op *
find_op(struct str name)
{
	size_t i;

	for (i = 0; i < NELEM(ops); i++)
		if (str_eq(str_z(ops[i].name), name))
			return &ops[i];
	return NULL;
}

static int
operator(struct parser *s)
{
	const char *from = s->p++;
	const struct filter_op *op;
	char why[128];
	size_t n;

	while (*s->p >= 'a' && *s->p <= 'z')
		s->p++;
	n = (size_t)(s->p - from);
	op = find_op(str_of(from + 1, n - 1));
	if (op == NULL) {
		(void)snprintf(why, sizeof(why), "there is no operator '%.*s'; 'mitmctl help "
		    "filter' lists them", (int)MIN(n, (size_t)20), from);
		return fail(s, from, why);
	}
	if (!ends_word(*s->p) && strchr("!&|", *s->p) == NULL)
		return fail(s, s->p, "a space was expected behind the operator");
	return op->argument == FILTER_ALONE ? add(s, op->what) : with_argument(s, op);
}

/* ---- expressions ---- */

static int everything(struct parser *);

static int
in_brackets(struct parser *s)
{
	const char *from = s->p++;
	int node = everything(s);

	if (node < 0)
		return -1;
	skip_space(s);
	if (*s->p != ')')
		return fail(s, from, "this bracket is not closed");
	s->p++;
	return node;
}

static int
negated(struct parser *s)
{
	int node, inner;

	skip_space(s);
	switch (*s->p) {
	case '(':
		return in_brackets(s);
	case '~':
		return operator(s);
	case '!':
		break;
	case '&':
	case '|':
		return fail(s, s->p, "something is missing before this");
	case ')':
		return fail(s, s->p, "this bracket closes none, or an empty one");
	default:
		return with_argument(s, find_op(STR("u")));
	}
	s->p++;
	inner = negated(s);
	if (inner < 0)
		return -1;
	node = add(s, FILTER_NOT);
	s->filter->v[node].child = inner;
	return node;
}

/* Terms with that sign between; alone, a term is its own node. */
static int
joined(struct parser *s, char sign, enum filter_what what, int term(struct parser *))
{
	int first = term(s), last = first, node;

	if (first < 0)
		return -1;
	skip_space(s);
	if (*s->p != sign)
		return first;
	while (*s->p == sign) {
		s->p++;
		node = term(s);
		if (node < 0)
			return -1;
		s->filter->v[last].next = node;
		last = node;
		skip_space(s);
	}
	node = add(s, what);
	s->filter->v[node].child = first;
	return node;
}

static int
conjunction(struct parser *s)
{
	return joined(s, '&', FILTER_AND, negated);
}

static int
side_by_side(struct parser *s)
{
	int first, last, node;

	first = last = joined(s, '|', FILTER_OR, conjunction);
	if (first < 0)
		return -1;
	skip_space(s);
	if (*s->p == '\0' || *s->p == ')')
		return first;
	while (*s->p != '\0' && *s->p != ')') {
		node = joined(s, '|', FILTER_OR, conjunction);
		if (node < 0)
			return -1;
		s->filter->v[last].next = node;
		last = node;
		skip_space(s);
	}
	node = add(s, FILTER_AND);
	s->filter->v[node].child = first;
	return node;
}

static int
everything(struct parser *s)
{
	int node;

	if (++s->depth > DEPTH_MAX)
		return fail(s, s->p, "brackets are nested too deeply");
	node = side_by_side(s);
	s->depth--;
	return node;
}

static int
parse(struct parser *s)
{
	int node;

	skip_space(s);
	if (*s->p == '\0')
		return add(s, FILTER_ALL);
	node = everything(s);
	if (node >= 0 && *s->p != '\0')
		return fail(s, s->p, "this bracket closes none");
	return node;
}

struct filter *
filter_parse(const char *text, struct errmsg *err)
{
	struct filter *f = mem_new(struct filter);
	struct parser s = {.from = text, .p = text, .filter = f, .err = err};

	if (strlen(text) > FILTER_MAX) {
		(void)errmsg_set(err, "a filter may have %d bytes", FILTER_MAX);
		filter_free(&f);
		return NULL;
	}
	f->root = parse(&s);
	if (f->root < 0)
		filter_free(&f);
	return f;
}

void
filter_help(FILE *out)
{
	static const char *const arguments[] = {"", " REGEX", " STATUS"};
	char head[32];
	size_t i;

	for (i = 0; i < NELEM(ops); i++) {
		(void)snprintf(head, sizeof(head), "~%s%s", ops[i].name,
		    arguments[ops[i].argument]);
		(void)fprintf(out, "  %-17s %s\n", head, ops[i].help);
	}
	(void)fputs("  ! & | ( )         not, and, or; side by side: and\n", out);
}
