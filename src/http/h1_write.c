/* SPDX-License-Identifier: ISC */
/* h1_write.c - see h1_write.h.  Runs in: worker, tests. */
#include "config.h"

#include "http/h1_write.h"

#include <stdio.h>

#include "http/hop.h"

/* ---- framing -------------------------------------------------------------- */

static bool
never_has_content(unsigned status)
{
	return status < 200 || status == 204 || status == 304;
}

/* RFC 9110 8.6: these mean something by their content, so its absence is said. */
static bool
expects_content(struct str method)
{
	return str_eq(method, STR("POST")) || str_eq(method, STR("PUT")) ||
	    str_eq(method, STR("PATCH"));
}

static enum h1_framing
request_framing(const struct message *m)
{
	if (m->is_connect)
		return H1_FRAME_NONE;
	if (m->length < 0)
		return H1_FRAME_CHUNKED;
	if (m->length > 0 || fields_find(&m->fields, FIELD_CONTENT_LENGTH) != NULL)
		return H1_FRAME_LENGTH;
	return m->version == HTTP_VERSION_2 && expects_content(m->method) ? H1_FRAME_LENGTH
									  : H1_FRAME_NONE;
}

enum h1_framing
h1_write_framing(const struct message *m, enum http_version peer, bool answers_head)
{
	if (m->is_request)
		return request_framing(m);
	if (answers_head || never_has_content(m->status))
		return H1_FRAME_NONE;
	if (m->length >= 0)
		return H1_FRAME_LENGTH;
	return m->until_close || peer == HTTP_VERSION_1_0 ? H1_FRAME_CLOSE : H1_FRAME_CHUNKED;
}

/* ---- the head --------------------------------------------------------------- */

struct writer {
	struct buf *out;
	const struct message *m;
	const struct h1_write *w;
	struct hop hop;
	bool host_done, framing_done, connection_done, cookie_done;
};

static void
put_field(struct buf *out, struct str name, struct str value)
{
	buf_puts(out, name);
	buf_put(out, ": ", 2);
	buf_puts(out, value);
	buf_put(out, "\r\n", 2);
}

static void
put_target(struct buf *out, const struct message *m, bool absolute)
{
	if (m->is_connect) {
		buf_puts(out, m->authority);
		return;
	}
	if (absolute) {
		buf_puts(out, m->scheme.n > 0 ? m->scheme : STR("http"));
		buf_puts(out, STR("://"));
		buf_puts(out, m->authority);
		if (str_eq(m->path, STR("*")))
			return;	/* RFC 9112 3.2.4 */
	}
	buf_puts(out, m->path);
}

static void
put_start_line(const struct writer *x)
{
	struct buf *out = x->out;
	const struct message *m = x->m;
	const char *version = http_version_text(x->w->version);

	if (m->is_request) {
		buf_puts(out, m->method);
		buf_putc(out, ' ');
		put_target(out, m, x->w->absolute);
		buf_putc(out, ' ');
		buf_putz(out, version);
	} else {
		buf_putz(out, version);
		buf_printf(out, " %03u ", m->status);
		buf_puts(out, m->reason);
	}
	buf_puts(out, STR("\r\n"));
}

/* The request target decides (RFC 9112 3.2.2); HTTP/1.1 wants the field even if empty. */
static void
put_host(struct writer *x, struct str name, struct str value)
{
	if (x->host_done)
		return;
	x->host_done = true;
	put_field(x->out, name, x->m->authority.n > 0 ? x->m->authority : value);
}

static bool
keeps_te(const struct writer *x)
{
	return x->m->is_request && fields_has_token(&x->m->fields, FIELD_TE, STR("trailers"));
}

static void
put_connection(struct writer *x, struct str name)
{
	const struct h1_write *w = x->w;
	bool te = keeps_te(x);
	const char *sep = "";

	if (x->connection_done || (w->connection < 0 && !w->upgrade && !te))
		return;
	x->connection_done = true;
	buf_puts(x->out, name);
	buf_puts(x->out, STR(": "));
	if (w->connection >= 0) {
		buf_putz(x->out, w->connection > 0 ? "keep-alive" : "close");
		sep = ", ";
	}
	if (w->upgrade) {
		buf_putz(x->out, sep);
		buf_putz(x->out, "Upgrade");
		sep = ", ";
	}
	if (te) {	/* RFC 9110 10.1.4 */
		buf_putz(x->out, sep);
		buf_putz(x->out, "TE");
	}
	buf_puts(x->out, STR("\r\n"));
}

/* HEAD and 304 say what a GET would have had (RFC 9110 8.6); 1xx, 204, CONNECT must not. */
static struct str
length_without_content(const struct message *m)
{
	struct str list, one;

	if (m->is_request || m->status < 200 || m->status == 204)
		return STR_NONE;
	list = fields_get(&m->fields, FIELD_CONTENT_LENGTH);
	return str_list_next(&list, &one) ? one : STR_NONE;
}

static void
put_framing(struct writer *x, struct str length_name, struct str coding_name)
{
	struct str value;

	if (x->framing_done)
		return;
	x->framing_done = true;
	switch (x->w->framing) {
	case H1_FRAME_LENGTH:
		buf_puts(x->out, length_name);
		buf_printf(x->out, ": %jd\r\n", (intmax_t)x->m->length);
		break;
	case H1_FRAME_CHUNKED:
		put_field(x->out, coding_name, STR("chunked"));
		break;
	case H1_FRAME_NONE:
		value = length_without_content(x->m);
		if (value.n > 0)
			put_field(x->out, length_name, value);
		break;
	case H1_FRAME_CLOSE:
		break;
	}
}

/* HTTP/2 may cut a Cookie into several fields (RFC 9113 8.2.3). */
static void
put_cookies(struct writer *x, struct str name)
{
	const struct fields *f = &x->m->fields;
	const char *sep = "";
	uint32_t i;

	if (x->cookie_done)
		return;
	x->cookie_done = true;
	buf_puts(x->out, name);
	buf_puts(x->out, STR(": "));
	for (i = 0; i < f->n; i++) {
		if (f->v[i].id != FIELD_COOKIE)
			continue;
		buf_putz(x->out, sep);
		buf_puts(x->out, fields_value(f, &f->v[i]));
		sep = "; ";
	}
	buf_puts(x->out, STR("\r\n"));
}

static bool
is_own_proxy_auth(const struct writer *x, enum field_id id)
{
	return x->w->own_proxy_auth &&
	    (id == FIELD_PROXY_AUTHORIZATION || id == FIELD_PROXY_AUTHENTICATE);
}

static void
put_other(struct writer *x, const struct field *field)
{
	const struct fields *f = &x->m->fields;

	if (hop_drops(&x->hop, f, field) && !is_own_proxy_auth(x, field->id))
		return;
	put_field(x->out, fields_name(f, field), fields_value(f, field));
}

static void
put_one(struct writer *x, const struct field *field)
{
	const struct message *m = x->m;
	struct str name = fields_name(&m->fields, field);
	struct str value = fields_value(&m->fields, field);

	switch (field->id) {
	case FIELD_HOST:
		if (m->is_request)
			put_host(x, name, value);
		break;
	case FIELD_CONTENT_LENGTH:
		put_framing(x, name, STR("Transfer-Encoding"));
		break;
	case FIELD_TRANSFER_ENCODING:
		put_framing(x, STR("Content-Length"), name);
		break;
	case FIELD_CONNECTION:
		put_connection(x, name);
		break;
	case FIELD_TE:
		if (keeps_te(x) && fields_find(&m->fields, FIELD_TE) == field)
			put_field(x->out, name, STR("trailers"));
		break;
	case FIELD_UPGRADE:
		if (x->w->upgrade)
			put_field(x->out, name, value);
		break;
	case FIELD_ALT_SVC:
		if (m->is_request)
			put_other(x, field);
		break;
	case FIELD_COOKIE:
		if (m->version == HTTP_VERSION_2)
			put_cookies(x, name);
		else
			put_other(x, field);
		break;
	default:
		put_other(x, field);
		break;
	}
}

void
h1_write_head(struct buf *out, const struct message *m, const struct h1_write *w)
{
	struct writer x = {.out = out, .m = m, .w = w};
	uint32_t i;

	/* A message with more options than the reader lets through is our own. */
	(void)hop_init(&x.hop, &m->fields);
	put_start_line(&x);
	if (m->is_request && fields_find(&m->fields, FIELD_HOST) == NULL &&
	    (m->authority.n > 0 || w->version == HTTP_VERSION_1_1))
		put_host(&x, STR("Host"), STR(""));
	for (i = 0; i < m->fields.n; i++)
		put_one(&x, &m->fields.v[i]);
	put_framing(&x, STR("Content-Length"), STR("Transfer-Encoding"));
	put_connection(&x, STR("Connection"));
	buf_puts(out, STR("\r\n"));
}

/* ---- chunks ----------------------------------------------------------------- */

size_t
h1_write_chunk_head(char out[20], size_t n)
{
	return (size_t)snprintf(out, 20, "%zx\r\n", n);
}

static void
put_trailers(struct buf *out, const struct fields *f)
{
	struct hop hop;
	uint32_t i;

	(void)hop_init(&hop, f);
	for (i = 0; i < f->n; i++) {
		const struct field *x = &f->v[i];

		if (hop_may_trail(&hop, f, x))
			put_field(out, fields_name(f, x), fields_value(f, x));
	}
}

void
h1_write_last_chunk(struct buf *out, const struct fields *trailers)
{
	buf_puts(out, STR("0\r\n"));
	if (trailers != NULL)
		put_trailers(out, trailers);
	buf_puts(out, STR("\r\n"));
}
