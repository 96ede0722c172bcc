/* SPDX-License-Identifier: ISC */
/* trace.c - see trace.h. */
#include "config.h"

#include "trace.h"

#include <stdio.h>
#include <stdlib.h>

static void
put_fields(struct buf *out, const char *title, const struct fields *f)
{
	uint32_t i;

	for (i = 0; i < f->n; i++) {
		struct str name = fields_name(f, &f->v[i]), value = fields_value(f, &f->v[i]);

		buf_printf(out, " %s<%.*s=%.*s>", title, STR_ARG(name), STR_ARG(value));
	}
}

static void
put_body(struct trace *t)
{
	if (t->body.len > 0)
		buf_printf(&t->text, "body %zu [%.*s]\n", t->body.len,
		    STR_ARG(buf_str(&t->body)));
	buf_clear(&t->body);
}

static enum h1_body
on_head(void *arg, struct message *m)
{
	struct trace *t = arg;

	if (m->is_request)
		buf_printf(&t->text, "%.*s target=%.*s form=%d scheme=%.*s authority=%.*s path=%.*s",
		    STR_ARG(m->method), STR_ARG(m->target), m->form, STR_ARG(m->scheme),
		    STR_ARG(m->authority), STR_ARG(m->path));
	else
		buf_printf(&t->text, "%u reason=%.*s", m->status, STR_ARG(m->reason));
	buf_printf(&t->text, " %s length=%jd%s%s%s%s%s%s%s%s", http_version_text(m->version),
	    (intmax_t)m->length, m->has_body ? " body" : "", m->chunked ? " chunked" : "",
	    m->until_close ? " until_close" : "", m->keep_alive ? " keep" : "",
	    m->expect_continue ? " expect" : "", m->upgrade ? " upgrade" : "",
	    m->is_head ? " head" : "", m->is_connect ? " connect" : "");
	put_fields(&t->text, "", &m->fields);
	buf_putc(&t->text, '\n');
	if (m->is_connect || m->status == 101)
		return H1_BODY_TUNNEL;
	return t->answers_head ? H1_BODY_NONE : H1_BODY_AS_FRAMED;
}

static void
on_body(void *arg, const uint8_t *p, size_t n)
{
	struct trace *t = arg;

	t->slices++;
	buf_put(&t->body, p, n);
}

static void
on_end(void *arg, struct message *m)
{
	struct trace *t = arg;

	put_body(t);
	buf_printf(&t->text, "end head=%jd body=%jd wire=%jd%s", (intmax_t)m->head_bytes,
	    (intmax_t)m->body_bytes, (intmax_t)m->wire_bytes, m->keep_alive ? " keep" : "");
	put_fields(&t->text, "trailer", &m->trailers);
	buf_putc(&t->text, '\n');
	t->messages++;
}

static void
feed_all(struct trace *t, struct h1_reader *r, struct message *m, struct str bytes)
{
	size_t want = t->cut, used;

	while (t->used < bytes.n && t->err == 0) {
		size_t n = bytes.n - t->used;

		if (want > 0 && want < n)
			n = want;
		/* Own memory, so that reading past the end shows. */
		uint8_t *copy = malloc(n);

		memcpy(copy, bytes.p + t->used, n);
		t->err = h1_reader_feed(r, copy, n, &used);
		free(copy);
		t->used += used;
		want = want > used ? want - used : t->step;
		if (h1_reader_state(r) != H1_DONE)
			continue;
		if (m->is_connect || m->status == 101)
			return;
		message_clear(m);
		h1_reader_next(r, m);
	}
}

void
trace_run(struct trace *t, struct str bytes)
{
	static const struct h1_reader_ops OPS = {on_head, on_body, on_end};
	struct h1_reader *r = h1_reader_new(t->role, &t->limits, &OPS, t);
	struct message m;
	struct str pending;

	message_init(&m);
	h1_reader_next(r, &m);
	feed_all(t, r, &m, bytes);
	put_body(t);
	if (t->eof && t->err == 0)
		t->eof_err = h1_reader_eof(r);
	put_body(t);
	t->state = h1_reader_state(r);
	if (t->err != 0 || t->eof_err != 0)
		t->error = *h1_reader_error(r);
	if (t->err != 0)
		buf_printf(&t->text, "error %d %u %s used=%zu", t->err, t->error.status,
		    t->error.text, t->used);
	pending = h1_reader_pending(r);
	(void)snprintf(t->pending, sizeof(t->pending), "%.*s", STR_ARG(pending));
	h1_reader_free(&r);
	message_free(&m);
	buf_putc(&t->text, '\0');
}

void
trace_free(struct trace *t)
{
	buf_free(&t->text);
	buf_free(&t->body);
}
