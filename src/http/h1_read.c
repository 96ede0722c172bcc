/* SPDX-License-Identifier: ISC */
/*
 * h1_read.c - see h1_read.h.  Collects lines, hands them to the strict layer
 * (h1_strict.c, h1_framing.c, h1_chunk.c), and gives the parser library only
 * what passed; both must agree on where the message ends.
 * Runs in: worker, tests, fuzzers.
 */
#include "config.h"

#include "http/h1_read.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <http_parser.h>

#include "base/err.h"
#include "base/mem.h"
#include "http/h1_chunk.h"
#include "http/h1_framing.h"
#include "http/h1_strict.h"

/* Empty lines before a request line (RFC 9112 2.2); responses only if relaxed. */
#define EMPTY_MAX 2
/* What an idle reader keeps of its line memory. */
#define KEEP_MAX 8192

struct h1_reader {
	struct h1_reader_ops ops;
	void *arg;
	struct h1_strict strict;
	struct h1_chunk chunk;
	http_parser parser;
	struct message *m;
	enum h1_state state;
	int err;		/* of H1_FAILED */

	/*
	 * The section (head or trailers) being read. `text` holds it once it did
	 * not come in one piece; else it is read where it lies.
	 */
	struct buf text;
	size_t line;		/* offset of the line that is not complete yet */
	size_t seen;		/* bytes of the section that hold no further line end */
	unsigned empty;		/* empty lines before the start line */
	bool started;		/* the start line was read */
	bool in_trailers;

	int64_t left;		/* of a body with a length */
	unsigned parser_fields;
	bool tunnel;
	bool head_passed;
	bool complete;		/* says the parser library */
};

/* ---- what the parser library calls --------------------------------------- */

static int
on_field(http_parser *p, const char *at UNUSED, size_t n UNUSED)
{
	struct h1_reader *r = p->data;

	r->parser_fields++;
	return 0;
}

static bool
parser_agrees(const struct h1_reader *r)
{
	const struct message *m = r->m;
	const http_parser *p = &r->parser;
	bool no_length = p->content_length == ULLONG_MAX;

	if (p->http_major != 1 || p->http_minor != (m->version == HTTP_VERSION_1_1))
		return false;
	if (((p->flags & F_CHUNKED) != 0) != m->chunked)
		return false;
	/* To us a request without a length has one, nought; the library has none then. */
	if (no_length ? m->length >= (m->is_request ? 1 : 0)
		      : m->length < 0 || p->content_length != (uint64_t)m->length)
		return false;
	if (!m->is_request && p->status_code != m->status)
		return false;
	return !r->strict.plain || r->parser_fields == m->fields.n;
}

static enum h1_body
ask_about_body(struct h1_reader *r)
{
	struct message *m = r->m;
	enum h1_body body = r->ops.on_head(r->arg, m);

	if (body == H1_BODY_AS_FRAMED && (m->has_body || m->is_request))
		return body;
	if (body != H1_BODY_TUNNEL)
		body = H1_BODY_NONE;
	if (!m->is_request)
		m->keep_alive = r->strict.keep_alive;
	m->has_body = m->until_close = false;
	return body;
}

static int
on_headers_complete(http_parser *p)
{
	struct h1_reader *r = p->data;

	if (!parser_agrees(r))
		return -1;
	r->head_passed = true;
	switch (ask_about_body(r)) {
	case H1_BODY_AS_FRAMED:
		return 0;
	case H1_BODY_NONE:
		return 1;
	case H1_BODY_TUNNEL:
		r->tunnel = true;
		break;
	}
	return 2;
}

static int
on_body(http_parser *p, const char *at, size_t n)
{
	struct h1_reader *r = p->data;

	r->m->body_bytes += (int64_t)n;
	r->ops.on_body(r->arg, (const uint8_t *)at, n);
	return 0;
}

static int
on_message_complete(http_parser *p)
{
	struct h1_reader *r = p->data;

	r->complete = true;
	return 0;
}

static const http_parser_settings SETTINGS = {
	.on_header_field = on_field,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

static int
parse(struct h1_reader *r, const void *p, size_t n)
{
	size_t done;

	if (n == 0)
		return 0;
	done = http_parser_execute(&r->parser, &SETTINGS, p, n);
	if (done == n && HTTP_PARSER_ERRNO(&r->parser) == HPE_OK)
		return 0;
	return h1_strict_fail(&r->strict, 400, "both parsers do not agree");
}

/* ---- making ---------------------------------------------------------------- */

struct h1_reader *
h1_reader_new(enum h1_role role, const struct h1_limits *limits,
    const struct h1_reader_ops *ops, void *arg)
{
	struct h1_reader *r = mem_new(struct h1_reader);

	/* The library's own limit is one for the process; ours are below. */
	http_parser_set_max_header_size(INT32_MAX);
	r->ops = *ops;
	r->arg = arg;
	h1_strict_init(&r->strict, role, limits);
	buf_init(&r->text, limits->header_size + 1);
	return r;
}

void
h1_reader_free(struct h1_reader **rp)
{
	if (rp == NULL || *rp == NULL)
		return;
	buf_free(&(*rp)->text);
	free(*rp);
	*rp = NULL;
}

static void
section_start(struct h1_reader *r)
{
	if (r->text.cap > KEEP_MAX)
		buf_free(&r->text);
	buf_clear(&r->text);
	r->line = r->seen = 0;
}

void
h1_reader_next(struct h1_reader *r, struct message *m)
{
	CHECK(r->state == H1_IDLE || r->state == H1_DONE);
	r->m = m;
	r->state = H1_IDLE;
	r->chunk = (struct h1_chunk){.state = H1_CHUNK_SIZE};
	r->empty = r->parser_fields = 0;
	r->started = r->in_trailers = r->tunnel = r->head_passed = r->complete = false;
	r->left = 0;
	section_start(r);
	h1_strict_next(&r->strict, m);
	http_parser_init(&r->parser,
	    r->strict.role == H1_REQUESTS ? HTTP_REQUEST : HTTP_RESPONSE);
	r->parser.data = r;
}

/* ---- the end of the head, and what follows ---------------------------------- */

static void
finish(struct h1_reader *r)
{
	r->state = H1_DONE;
	section_start(r);
}

/*
 * A head that is not to be shown as it came: the same framing in words that
 * the library knows.
 */
static int
parse_restated(struct h1_reader *r)
{
	const struct message *m = r->m;
	char head[128], framing[64] = "";
	int n;

	if (m->chunked)
		(void)snprintf(framing, sizeof(framing), "Transfer-Encoding: chunked\r\n");
	else if (m->length >= 0 && (m->has_body || !m->is_request))
		(void)snprintf(framing, sizeof(framing), "Content-Length: %jd\r\n",
		    (intmax_t)m->length);
	if (m->is_request)
		n = snprintf(head, sizeof(head), "GET / %s\r\n%s\r\n",
		    http_version_text(m->version), framing);
	else
		n = snprintf(head, sizeof(head), "%s %u \r\n%s\r\n",
		    http_version_text(m->version), m->status, framing);
	CHECK(n > 0 && (size_t)n < sizeof(head));
	return parse(r, head, (size_t)n);
}

static int
head_complete(struct h1_reader *r, const uint8_t *head, size_t n)
{
	struct message *m = r->m;
	int err = h1_framing(&r->strict);

	if (err != 0)
		return err;
	m->head_bytes = (int64_t)n;
	err = r->strict.plain ? parse(r, head, n) : parse_restated(r);
	if (err != 0)
		return err;
	CHECK(r->head_passed);
	if (r->complete || r->tunnel) {
		finish(r);
		return 0;
	}
	r->state = H1_IN_BODY;
	r->left = m->length;
	section_start(r);
	return 0;
}

static int
trailers_complete(struct h1_reader *r)
{
	/* The library need not see them: it would look for framing fields there. */
	int err = parse(r, "\r\n", 2);

	if (err != 0)
		return err;
	if (!r->complete)
		return h1_strict_fail(&r->strict, 400, "both parsers do not agree");
	finish(r);
	return 0;
}

/* ---- lines ------------------------------------------------------------------- */

static int
empty_line(struct h1_reader *r)
{
	if (r->strict.role == H1_RESPONSES && !r->strict.relaxed)
		return h1_strict_fail(&r->strict, 502, "an empty line before the status line");
	if (++r->empty > EMPTY_MAX)
		return h1_strict_fail(&r->strict, 400, "too many empty lines before a request");
	return 0;
}

/* text[0..end) is the section up to and with this line's LF. */
static int
take_line(struct h1_reader *r, const uint8_t *text, size_t end, bool *out_skip)
{
	struct str line = str_of(text + r->line, end - r->line - 1);

	*out_skip = false;
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	else if (r->strict.relaxed)
		r->strict.plain = false;
	else
		return h1_strict_fail(&r->strict, 400, "a line that ends with LF alone");
	r->line = end;
	if (r->in_trailers)
		return line.n > 0 ? h1_strict_field_line(&r->strict, line)
				  : trailers_complete(r);
	if (r->started)
		return line.n > 0 ? h1_strict_field_line(&r->strict, line)
				  : head_complete(r, text, end);
	if (line.n == 0) {
		*out_skip = true;
		return empty_line(r);
	}
	r->started = true;
	return h1_strict_start_line(&r->strict, line);
}

static int
too_large(struct h1_reader *r)
{
	if (r->in_trailers)
		return h1_strict_fail(&r->strict, 431, "the trailer section is too large");
	if (!r->started)
		return h1_strict_fail(&r->strict, 414, "the start line is too long");
	return h1_strict_fail(&r->strict, 431, "the header section is too large");
}

static bool
in_section(const struct h1_reader *r)
{
	return r->state == H1_IN_HEAD || (r->state == H1_IN_BODY && r->in_trailers);
}

/*
 * A CR in text[from..n) that no LF follows: no line end will make that one right.
 * Where it shows (behind the byte after it), or 0.
 */
static size_t
bare_cr(const uint8_t *text, size_t from, size_t n)
{
	const uint8_t *cr = from < n ? memchr(text + from, '\r', n - from) : NULL;

	return cr != NULL && cr + 1 < text + n && cr[1] != '\n' ? (size_t)(cr - text) + 2 : 0;
}

/*
 * Read lines of the section at text[0..n), of which r->seen bytes were looked
 * at before. *out_end: bytes taken, the section's end or an offending line's.
 */
static int
read_lines(struct h1_reader *r, const uint8_t *text, size_t n, size_t *out_end, bool *out_skip)
{
	size_t max = r->strict.limits.header_size, window = MIN(n, max + 1);
	int err = 0;

	*out_skip = false;
	while (err == 0 && in_section(r) && !*out_skip) {
		const uint8_t *lf = r->seen < window
					? memchr(text + r->seen, '\n', window - r->seen)
					: NULL;
		size_t end = lf != NULL ? (size_t)(lf - text) + 1 : window;
		size_t bare = bare_cr(text, r->seen > r->line ? r->seen - 1 : r->seen, end);

		*out_end = end;
		if (end > max)
			return too_large(r);
		r->seen = end;
		if (bare > 0) {
			*out_end = bare;
			return h1_strict_fail(&r->strict, 400, "a CR that no LF follows");
		}
		if (lf == NULL)
			break;
		err = take_line(r, text, end, out_skip);
	}
	return err;
}

static void
keep(struct h1_reader *r, const uint8_t *p, size_t n)
{
	CHECK(buf_append(&r->text, p, n) == 0);
}

/* The section lies in these bytes from its start: read it where it is. */
static int
section_in_place(struct h1_reader *r, const uint8_t *p, size_t n, size_t *out_used)
{
	bool skip;
	int err = read_lines(r, p, n, out_used, &skip);

	if (err != 0 || (in_section(r) && !skip))
		keep(r, p, *out_used);
	else if (skip)
		r->line = r->seen = 0;
	return err;
}

/* Some of it came before: line by line, so that nothing behind it is copied. */
static int
section_continued(struct h1_reader *r, const uint8_t *p, size_t n, size_t *out_used)
{
	const uint8_t *lf = memchr(p, '\n', n);
	size_t room = r->strict.limits.header_size + 1 - r->text.len, end;
	bool skip;
	int err;

	*out_used = MIN(lf != NULL ? (size_t)(lf - p) + 1 : n, room);
	keep(r, p, *out_used);
	err = read_lines(r, buf_data(&r->text), r->text.len, &end, &skip);
	if (err != 0 && end < r->text.len) {
		*out_used -= r->text.len - end;	/* it showed before the line's end */
		buf_truncate(&r->text, end);
	}
	if (skip && err == 0)
		section_start(r);
	return err;
}

static int
feed_section(struct h1_reader *r, const uint8_t *p, size_t n, size_t *out_used)
{
	int err;

	if (r->state == H1_IDLE)
		r->state = H1_IN_HEAD;
	err = r->text.len == 0 ? section_in_place(r, p, n, out_used)
			       : section_continued(r, p, n, out_used);
	if (r->state == H1_IN_HEAD && err == 0 && r->text.len == 0)
		r->state = H1_IDLE;	/* nothing but empty lines so far */
	return err;
}

/* ---- bodies -------------------------------------------------------------------- */

static int
feed_chunks(struct h1_reader *r, const uint8_t *p, size_t n, size_t *out_used)
{
	size_t ok;
	int err = h1_chunk_check(&r->chunk, &r->strict, p, n, &ok), parsed;

	*out_used = ok;
	parsed = parse(r, p, ok);
	if (parsed != 0)
		return parsed;
	if (err != 0) {
		*out_used = ok + 1;
		return err;
	}
	if (r->complete)
		return h1_strict_fail(&r->strict, 400, "both parsers do not agree");
	if (r->chunk.state == H1_CHUNK_LAST) {
		r->in_trailers = true;
		h1_strict_trailers(&r->strict);
	}
	return 0;
}

static int
feed_length(struct h1_reader *r, const uint8_t *p, size_t n, size_t *out_used)
{
	int err;

	*out_used = (size_t)MIN((uint64_t)n, (uint64_t)r->left);
	r->left -= (int64_t)*out_used;
	err = parse(r, p, *out_used);
	if (err != 0)
		return err;
	if (r->complete != (r->left == 0))
		return h1_strict_fail(&r->strict, 400, "both parsers do not agree");
	if (r->complete)
		finish(r);
	return 0;
}

static int
feed_some(struct h1_reader *r, const uint8_t *p, size_t n, size_t *out_used)
{
	if (r->state != H1_IN_BODY || r->in_trailers)
		return feed_section(r, p, n, out_used);
	if (r->m->chunked)
		return feed_chunks(r, p, n, out_used);
	if (!r->m->until_close)
		return feed_length(r, p, n, out_used);
	*out_used = n;
	return parse(r, p, n);
}

/* ---- the contract ---------------------------------------------------------------- */

int
h1_reader_feed(struct h1_reader *r, const uint8_t *p, size_t n, size_t *out_used)
{
	size_t used;

	*out_used = 0;
	if (r->state == H1_FAILED)
		return r->err;
	CHECK(r->m != NULL && r->state != H1_DONE);
	while (*out_used < n && r->state != H1_DONE) {
		used = 0;
		r->err = feed_some(r, p + *out_used, n - *out_used, &used);
		*out_used += used;
		r->m->wire_bytes += (int64_t)used;
		if (r->err != 0) {
			r->state = H1_FAILED;
			return r->err;
		}
	}
	if (r->state == H1_DONE)
		r->ops.on_end(r->arg, r->m);
	return 0;
}

int
h1_reader_eof(struct h1_reader *r)
{
	switch (r->state) {
	case H1_IDLE:
	case H1_DONE:
		return 0;
	case H1_IN_BODY:
		if (!r->m->until_close)
			break;
		(void)http_parser_execute(&r->parser, &SETTINGS, NULL, 0);
		CHECK(r->complete);
		finish(r);
		r->ops.on_end(r->arg, r->m);
		return 0;
	case H1_IN_HEAD:
		break;
	case H1_FAILED:
		return ERR_CLOSED;
	}
	(void)h1_strict_fail(&r->strict, 400, "the connection ended inside a message");
	r->state = H1_FAILED;
	r->err = ERR_CLOSED;
	return ERR_CLOSED;
}

enum h1_state
h1_reader_state(const struct h1_reader *r)
{
	return r->state;
}

struct str
h1_reader_pending(const struct h1_reader *r)
{
	return r->head_passed || r->text.len == 0 ? STR_NONE : buf_str(&r->text);
}

const struct h1_error *
h1_reader_error(const struct h1_reader *r)
{
	return &r->strict.error;
}
