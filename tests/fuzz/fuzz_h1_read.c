/* SPDX-License-Identifier: ISC */
/*
 * fuzz_h1_read.c - the HTTP/1 reader.  The first byte chooses role, leniency
 * and what on_head answers, the second the cuts.  However the bytes are cut,
 * the same is told; a head that was taken is written as one that is taken.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "http/h1_read.h"
#include "http/h1_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct told {
	struct buf text;	/* everything, content included */
	enum h1_body answer;
	bool failed;
	bool rewrite;
};

static void
put_fields(struct buf *out, const struct fields *f)
{
	uint32_t i;

	for (i = 0; i < f->n; i++) {
		buf_puts(out, fields_name(f, &f->v[i]));
		buf_putc(out, '=');
		buf_puts(out, fields_value(f, &f->v[i]));
		buf_putc(out, '\n');
	}
}

static enum h1_body
again_head(void *arg, struct message *m)
{
	const struct message *first = arg;

	CHECK(m->status == first->status && str_eq(m->method, first->method));
	CHECK(str_eq(m->path, first->path));
	CHECK(first->authority.n == 0 || str_eq(m->authority, first->authority));
	return H1_BODY_AS_FRAMED;
}

static void
again_body(void *arg UNUSED, const uint8_t *p UNUSED, size_t n UNUSED)
{
}

static void
again_end(void *arg UNUSED, struct message *m UNUSED)
{
}

/* What the proxy would send is read by the strict reader as the same message. */
static void
check_rewrite(struct message *m)
{
	static const struct h1_reader_ops OPS = {again_head, again_body, again_end};
	static const struct h1_limits LIMITS = {.header_size = 1u << 20, .header_count = 200};
	struct h1_write w = {.version = HTTP_VERSION_1_1, .connection = -1};
	struct h1_reader *r;
	struct message again;
	struct buf out;
	size_t used;

	if (m->is_request && m->authority.n == 0)
		return;
	buf_init(&out, 0);
	message_init(&again);
	w.framing = h1_write_framing(m, HTTP_VERSION_1_1, false);
	h1_write_head(&out, m, &w);
	r = h1_reader_new(m->is_request ? H1_REQUESTS : H1_RESPONSES, &LIMITS, &OPS, m);
	h1_reader_next(r, &again);
	CHECK(h1_reader_feed(r, buf_data(&out), out.len, &used) == 0);
	CHECK(used == out.len && h1_reader_state(r) != H1_IN_HEAD);
	CHECK(fields_find(&again.fields, FIELD_PROXY_CONNECTION) == NULL);
	h1_reader_free(&r);
	message_free(&again);
	buf_free(&out);
}

static enum h1_body
on_head(void *arg, struct message *m)
{
	struct told *t = arg;

	CHECK(!t->failed);
	buf_printf(&t->text, "head %d %u %d %d %d %d %jd %jd\n", m->version, m->status,
	    m->has_body, m->chunked, m->until_close, m->form, (intmax_t)m->length,
	    (intmax_t)m->head_bytes);
	buf_puts(&t->text, m->method);
	buf_puts(&t->text, m->authority);
	buf_puts(&t->text, m->path);
	buf_puts(&t->text, m->reason);
	put_fields(&t->text, &m->fields);
	CHECK(m->fields.n <= 20);
	if (t->rewrite)
		check_rewrite(m);
	return m->is_connect || m->status == 101 ? H1_BODY_TUNNEL : t->answer;
}

static void
on_body(void *arg, const uint8_t *p, size_t n)
{
	struct told *t = arg;

	CHECK(!t->failed && n > 0);
	buf_put(&t->text, p, n);
}

static void
on_end(void *arg, struct message *m)
{
	struct told *t = arg;

	CHECK(!t->failed);
	buf_printf(&t->text, "end %jd %jd\n", (intmax_t)m->body_bytes, (intmax_t)m->wire_bytes);
	CHECK(m->wire_bytes >= m->head_bytes + m->body_bytes);
	put_fields(&t->text, &m->trailers);
}

static size_t
next_piece(unsigned *cuts)
{
	if (*cuts == 0)
		return SIZE_MAX;
	if (*cuts == 1)
		return 1;
	*cuts = *cuts * 1103515245u + 12345u;
	*cuts |= 2;
	return 1 + (*cuts >> 16) % 17;
}

static void
tell(struct told *t, uint8_t mode, unsigned cuts, const uint8_t *p, size_t n)
{
	static const struct h1_reader_ops OPS = {on_head, on_body, on_end};
	struct h1_limits limits = {.header_size = 600, .header_count = 20};
	struct h1_reader *r;
	struct message m;
	size_t used;
	int err = 0;

	limits.relaxed = (mode & 2) != 0;
	t->answer = (mode & 4) != 0 ? H1_BODY_NONE : H1_BODY_AS_FRAMED;
	t->rewrite = cuts == 0;
	r = h1_reader_new((mode & 1) != 0 ? H1_RESPONSES : H1_REQUESTS, &limits, &OPS, t);
	message_init(&m);
	h1_reader_next(r, &m);
	while (n > 0 && err == 0 && h1_reader_state(r) != H1_DONE) {
		size_t want = next_piece(&cuts), piece = MIN(n, want);
		uint8_t *copy = malloc(piece);

		CHECK(copy != NULL);
		memcpy(copy, p, piece);
		err = h1_reader_feed(r, copy, piece, &used);
		free(copy);
		CHECK(used <= piece && (used == piece || err != 0 ||
		    h1_reader_state(r) == H1_DONE));
		p += used;
		n -= used;
		/* Behind a tunnel's head there is no next message. */
		if (h1_reader_state(r) == H1_DONE && !m.is_connect && m.status != 101) {
			message_clear(&m);
			h1_reader_next(r, &m);
		}
	}
	if (err != 0) {
		t->failed = true;
		buf_printf(&t->text, "error %d %u %s left %zu\n", err,
		    h1_reader_error(r)->status, h1_reader_error(r)->text, n);
		CHECK(h1_reader_state(r) == H1_FAILED);
		CHECK(h1_reader_feed(r, p, n, &used) == err && used == 0);
		CHECK(strcmp(h1_reader_error(r)->text, "both parsers do not agree") != 0);
	}
	t->failed = err != 0;
	buf_puts(&t->text, h1_reader_pending(r));
	buf_printf(&t->text, "eof %d", h1_reader_eof(r));
	h1_reader_free(&r);
	message_free(&m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct told whole = {.failed = false}, bytes = {.failed = false}, cut = {.failed = false};

	if (size < 2)
		return 0;
	tell(&whole, data[0], 0, data + 2, size - 2);
	tell(&bytes, data[0], 1, data + 2, size - 2);
	tell(&cut, data[0], 2u + data[1] * 4u, data + 2, size - 2);
	CHECK(str_eq(buf_str(&whole.text), buf_str(&bytes.text)));
	CHECK(str_eq(buf_str(&whole.text), buf_str(&cut.text)));
	buf_free(&whole.text);
	buf_free(&bytes.text);
	buf_free(&cut.text);
	return 0;
}
