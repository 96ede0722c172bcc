/* SPDX-License-Identifier: ISC */
/* h2_write.c - see h2_write.h.  Runs in: worker, tests. */
#include "config.h"

#include "http/h2_write.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "http/hop.h"

void
h2_block_free(struct h2_block_out *b)
{
	free(b->v);
	buf_free(&b->text);
	*b = (struct h2_block_out){.n = 0};
}

/* Room for all names at once, so that views into the text stay good. */
static void
begin(struct h2_block_out *b, const struct fields *f)
{
	size_t names = 0;
	uint32_t i;

	b->n = 0;
	buf_clear(&b->text);
	for (i = 0; i < f->n; i++)
		names += f->v[i].name_len;
	CHECK(buf_reserve(&b->text, names + 16) != NULL);
}

static void
put(struct h2_block_out *b, struct str name, struct str value)
{
	if (b->n == b->cap) {
		b->cap = b->cap == 0 ? 32 : b->cap * 2;
		b->v = mem_grow(b->v, b->cap, sizeof(*b->v));
	}
	b->v[b->n++] = (struct h2_pair){.name = name, .value = value};
}

/* RFC 9113 8.2.1: names are in lower case. */
static struct str
lower(struct h2_block_out *b, struct str name)
{
	size_t at = b->text.len, i;
	struct str out;

	buf_puts(&b->text, name);
	out = str_from(buf_str(&b->text), at);
	for (i = 0; i < out.n; i++)
		buf_data(&b->text)[at + i] = (uint8_t)ascii_lower(name.p[i]);
	return out;
}

/* A cookie that short could be guessed byte by byte where it is indexed. */
#define SHORT_COOKIE 20

static bool
is_secret(const struct fields *f, const struct field *x)
{
	struct str name;

	if (x->id == FIELD_COOKIE)
		return x->value_len < SHORT_COOKIE;
	if (x->id != FIELD_OTHER)
		return false;
	name = fields_name(f, x);
	return str_ieq(name, STR("authorization"));
}

static void
put_field(struct h2_block_out *b, const struct fields *f, const struct field *x)
{
	put(b, lower(b, fields_name(f, x)), str_trim(fields_value(f, x)));
	b->v[b->n - 1].secret = is_secret(f, x);
}

static void
put_fields(struct h2_block_out *b, const struct message *m)
{
	const struct fields *f = &m->fields;
	struct hop hop;
	uint32_t i;

	/* A message with more options than the reader lets through is our own. */
	(void)hop_init(&hop, f);
	for (i = 0; i < f->n; i++) {
		const struct field *x = &f->v[i];

		/* Host is :authority; Alt-Svc would lead clients past the proxy. */
		if (x->id == FIELD_HOST || (x->id == FIELD_ALT_SVC && !m->is_request))
			continue;
		if (x->id == FIELD_TE && m->is_request &&
		    str_list_has(fields_value(f, x), STR("trailers"))) {
			put(b, STR("te"), STR("trailers"));
			continue;
		}
		/* Two framings at once end here: the reader has dropped the length. */
		if (x->id == FIELD_CONTENT_LENGTH && m->chunked)
			continue;
		if (!hop_drops(&hop, f, x))
			put_field(b, f, x);
	}
}

void
h2_write_request(struct h2_block_out *b, const struct message *m, struct str scheme)
{
	begin(b, &m->fields);
	put(b, STR(":method"), m->method);
	if (!m->is_connect) {
		put(b, STR(":scheme"), m->scheme.n > 0 ? m->scheme : scheme);
		put(b, STR(":path"), m->path);
	}
	/* RFC 9113 8.3.1: HTTP/1.0 may have had none. */
	if (m->authority.n > 0)
		put(b, STR(":authority"), m->authority);
	if (m->protocol.n > 0)
		put(b, STR(":protocol"), m->protocol);
	put_fields(b, m);
}

void
h2_write_response(struct h2_block_out *b, const struct message *m)
{
	char status[8];
	size_t at;

	begin(b, &m->fields);
	(void)snprintf(status, sizeof(status), "%03u", m->status);
	at = b->text.len;
	buf_put(&b->text, status, 3);
	put(b, STR(":status"), str_sub(buf_str(&b->text), at, 3));
	put_fields(b, m);
}

void
h2_write_own(struct h2_block_out *b, struct str name, struct str value)
{
	put(b, name, value);
}

void
h2_write_trailers(struct h2_block_out *b, const struct fields *f)
{
	struct hop hop;
	uint32_t i;

	begin(b, f);
	(void)hop_init(&hop, f);
	for (i = 0; i < f->n; i++)
		if (hop_may_trail(&hop, f, &f->v[i]))
			put_field(b, f, &f->v[i]);
}
