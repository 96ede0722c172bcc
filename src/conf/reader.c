/* SPDX-License-Identifier: ISC */
/*
 * reader.c - see reader.h.  Built on libyaml's events, so that nothing is kept
 * of what was read: a hostile file costs its own size.
 * Runs in: master.
 */
#include "config.h"

#include "conf/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <yaml.h>

#include "base/mem.h"

struct reader {
	yaml_parser_t parser;
	yaml_event_t event;
	bool have_event;
	unsigned documents;
	const char *file;
	struct str text;
	struct node node;
};

struct reader *
reader_new(const char *file, struct str text)
{
	struct reader *r = mem_new(struct reader);

	CHECK(yaml_parser_initialize(&r->parser));
	/* Said aloud, so that a byte-order mark cannot make it UTF-16. */
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r->parser, (const unsigned char *)(text.p ? text.p : ""),
	    text.n);
	r->file = file;
	r->text = text;
	return r;
}

void
reader_free(struct reader **rp)
{
	struct reader *r = *rp;

	if (r == NULL)
		return;
	if (r->have_event)
		yaml_event_delete(&r->event);
	yaml_parser_delete(&r->parser);
	free(r);
	*rp = NULL;
}

int
reader_fail(const struct reader *r, struct mark at, struct errmsg *err, const char *fmt, ...)
{
	char text[768];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return errmsg_set(err, "%s:%u:%u: %s", r->file, at.line, at.col, text);
}

static struct mark
mark_of(yaml_mark_t m)
{
	return (struct mark){(unsigned)m.line + 1, (unsigned)m.column + 1};
}

/* libyaml's decoder, which runs ahead of its scanner, only knows the offset. */
static struct mark
mark_at_offset(struct str text, size_t offset)
{
	struct mark m = {1, 1};
	size_t i;

	for (i = 0; i < offset && i < text.n; i++) {
		if (text.p[i] == '\n') {
			m.line++;
			m.col = 1;
		} else if (((unsigned char)text.p[i] & 0xc0) != 0x80) {
			m.col++;
		}
	}
	return m;
}

static void
fail_syntax(const struct reader *r, struct errmsg *err)
{
	const yaml_parser_t *p = &r->parser;
	const char *problem = p->problem != NULL ? p->problem : "not YAML", *hint = "";

	/* What *.example.com and [::]:8080 without quotes lead to. */
	if (p->context != NULL &&
	    (strstr(p->context, "alias") != NULL || strstr(p->context, "flow") != NULL))
		hint = "; a value that starts with * or [ needs quotes";
	if (p->error == YAML_READER_ERROR)
		(void)reader_fail(r, mark_at_offset(r->text, p->problem_offset), err, "%s",
		    problem);
	else if (p->context != NULL)
		(void)reader_fail(r, mark_of(p->problem_mark), err,
		    "%s (%s that starts in line %u%s)", problem, p->context,
		    mark_of(p->context_mark).line, hint);
	else
		(void)reader_fail(r, mark_of(p->problem_mark), err, "%s", problem);
}

/*
 * Characters that show as nothing or as a line break in a terminal or an
 * editor: C0, DEL, C1 (U+0080..9F), U+2028, U+2029, U+FEFF, U+FFFE, U+FFFF.
 * The text is valid UTF-8: libyaml has seen to that.
 */
static bool
has_control(struct str s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		const unsigned char *p = (const unsigned char *)s.p + i;
		size_t left = s.n - i;

		if (p[0] < 0x20 || p[0] == 0x7f)
			return true;
		if (left >= 2 && p[0] == 0xc2 && p[1] < 0xa0)
			return true;
		if (left >= 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9))
			return true;
		if (left >= 3 && p[0] == 0xef &&
		    ((p[1] == 0xbb && p[2] == 0xbf) || (p[1] == 0xbf && p[2] >= 0xbe)))
			return true;
	}
	return false;
}

static bool
is_null(const yaml_event_t *e, struct str text)
{
	return e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    (text.n == 0 || str_eq(text, STR("~")) || str_eq(text, STR("null")) ||
	    str_eq(text, STR("Null")) || str_eq(text, STR("NULL")));
}

static int
take_node(struct reader *r, enum node_kind kind, const void *anchor, const void *tag,
    struct errmsg *err)
{
	struct node *n = &r->node;

	*n = (struct node){.kind = kind, .mark = mark_of(r->event.start_mark)};
	if (anchor != NULL)
		return reader_fail(r, n->mark, err, "anchors are not supported here");
	if (tag != NULL)
		return reader_fail(r, n->mark, err, "tags are not supported here");
	if (kind != NODE_SCALAR)
		return 0;
	n->text = str_of(r->event.data.scalar.value, r->event.data.scalar.length);
	if (has_control(n->text))
		return reader_fail(r, n->mark, err, "a control character in a value");
	if (is_null(&r->event, n->text))
		n->kind = NODE_NULL;
	return 0;
}

/* 1: a node was taken; 0: an event without one; -1: refused. */
static int
take_event(struct reader *r, struct errmsg *err)
{
	const yaml_event_t *e = &r->event;

	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return take_node(r, NODE_SCALAR, e->data.scalar.anchor,
		    e->data.scalar.tag, err) < 0 ? -1 : 1;
	case YAML_SEQUENCE_START_EVENT:
		return take_node(r, NODE_LIST, e->data.sequence_start.anchor,
		    e->data.sequence_start.tag, err) < 0 ? -1 : 1;
	case YAML_MAPPING_START_EVENT:
		return take_node(r, NODE_MAP, e->data.mapping_start.anchor,
		    e->data.mapping_start.tag, err) < 0 ? -1 : 1;
	case YAML_SEQUENCE_END_EVENT:
		return take_node(r, NODE_LIST_END, NULL, NULL, err) < 0 ? -1 : 1;
	case YAML_MAPPING_END_EVENT:
		return take_node(r, NODE_MAP_END, NULL, NULL, err) < 0 ? -1 : 1;
	case YAML_STREAM_END_EVENT:
		return take_node(r, NODE_END, NULL, NULL, err) < 0 ? -1 : 1;
	case YAML_ALIAS_EVENT:
		return reader_fail(r, mark_of(e->start_mark), err,
		    "aliases are not supported (a value that starts with * needs quotes)");
	case YAML_DOCUMENT_START_EVENT:
		if (r->documents++ > 0)
			return reader_fail(r, mark_of(e->start_mark), err,
			    "a second document: only one is supported");
		return 0;
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
	case YAML_NO_EVENT:
		return 0;
	}
	return 0;
}

const struct node *
reader_next(struct reader *r, struct errmsg *err)
{
	int taken;

	if (r->node.kind == NODE_END)	/* libyaml has nothing behind its last event */
		return &r->node;
	do {
		if (r->have_event)
			yaml_event_delete(&r->event);
		r->have_event = false;
		if (!yaml_parser_parse(&r->parser, &r->event)) {
			fail_syntax(r, err);
			return NULL;
		}
		r->have_event = true;
		taken = take_event(r, err);
	} while (taken == 0);
	return taken > 0 ? &r->node : NULL;
}
