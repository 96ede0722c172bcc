/* SPDX-License-Identifier: ISC */
/* fields.c - see fields.h.  Runs in: worker, tests. */
#include "config.h"

#include "http/fields.h"

#include <stdlib.h>

#include "base/mem.h"

static const struct str NAMES[FIELD_COUNT] = {
	[FIELD_HOST] = STR("host"),
	[FIELD_CONTENT_LENGTH] = STR("content-length"),
	[FIELD_TRANSFER_ENCODING] = STR("transfer-encoding"),
	[FIELD_CONTENT_TYPE] = STR("content-type"),
	[FIELD_CONTENT_ENCODING] = STR("content-encoding"),
	[FIELD_CONNECTION] = STR("connection"),
	[FIELD_PROXY_CONNECTION] = STR("proxy-connection"),
	[FIELD_KEEP_ALIVE] = STR("keep-alive"),
	[FIELD_UPGRADE] = STR("upgrade"),
	[FIELD_TE] = STR("te"),
	[FIELD_TRAILER] = STR("trailer"),
	[FIELD_EXPECT] = STR("expect"),
	[FIELD_PROXY_AUTHORIZATION] = STR("proxy-authorization"),
	[FIELD_PROXY_AUTHENTICATE] = STR("proxy-authenticate"),
	[FIELD_PROXY_AUTHENTICATION_INFO] = STR("proxy-authentication-info"),
	[FIELD_PROXY_STATUS] = STR("proxy-status"),
	[FIELD_COOKIE] = STR("cookie"),
	[FIELD_SET_COOKIE] = STR("set-cookie"),
	[FIELD_LOCATION] = STR("location"),
	[FIELD_ALT_SVC] = STR("alt-svc"),
	[FIELD_HTTP2_SETTINGS] = STR("http2-settings"),
	[FIELD_VIA] = STR("via"),
};

static const bool TOKEN[256] = {
	['0' ... '9'] = true,
	['A' ... 'Z'] = true,
	['a' ... 'z'] = true,
	['!'] = true,
	['#'] = true,
	['$'] = true,
	['%'] = true,
	['&'] = true,
	['\''] = true,
	['*'] = true,
	['+'] = true,
	['-'] = true,
	['.'] = true,
	['^'] = true,
	['_'] = true,
	['`'] = true,
	['|'] = true,
	['~'] = true,
};

enum field_id
field_id_of(struct str name)
{
	unsigned id;

	for (id = FIELD_OTHER + 1; id < FIELD_COUNT; id++)
		if (NAMES[id].n == name.n && str_ieq(NAMES[id], name))
			return (enum field_id)id;
	return FIELD_OTHER;
}

bool
field_name_ok(struct str name)
{
	size_t i;

	for (i = 0; i < name.n; i++)
		if (!TOKEN[(uint8_t)name.p[i]])
			return false;
	return name.n > 0;
}

bool
field_value_ok(struct str value)
{
	size_t i;

	for (i = 0; i < value.n; i++) {
		uint8_t c = (uint8_t)value.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

void
fields_init(struct fields *f)
{
	*f = (struct fields){.n = 0};
	buf_init(&f->text, 0);
}

void
fields_clear(struct fields *f)
{
	buf_clear(&f->text);
	f->n = 0;
}

void
fields_free(struct fields *f)
{
	buf_free(&f->text);
	free(f->v);
	fields_init(f);
}

static struct field *
fields_more(struct fields *f)
{
	if (f->n == f->cap) {
		f->cap = f->cap > 0 ? f->cap * 2 : 32;
		f->v = mem_grow(f->v, f->cap, sizeof(*f->v));
	}
	return &f->v[f->n++];
}

void
fields_add(struct fields *f, struct str name, struct str value)
{
	struct field *to = fields_more(f);

	CHECK(f->text.len <= UINT32_MAX && name.n <= UINT32_MAX && value.n <= UINT32_MAX &&
	    name.n + value.n <= UINT32_MAX - f->text.len);
	to->name = (uint32_t)f->text.len;
	to->name_len = (uint32_t)name.n;
	to->value = (uint32_t)(f->text.len + name.n);
	to->value_len = (uint32_t)value.n;
	to->id = field_id_of(name);
	buf_puts(&f->text, name);
	buf_puts(&f->text, value);
}

void
fields_extend(struct fields *f, struct str more)
{
	struct field *last;

	CHECK(f->n > 0 && f->text.len < UINT32_MAX && more.n < UINT32_MAX - f->text.len);
	last = &f->v[f->n - 1];
	if (more.n == 0)
		return;
	if (last->value_len > 0) {
		buf_putc(&f->text, ' ');
		last->value_len++;
	}
	buf_puts(&f->text, more);
	last->value_len += (uint32_t)more.n;
}

static struct str
text_at(const struct fields *f, uint32_t off, uint32_t n)
{
	return str_of(buf_data(&f->text) + off, n);
}

struct str
fields_name(const struct fields *f, const struct field *x)
{
	return text_at(f, x->name, x->name_len);
}

struct str
fields_value(const struct fields *f, const struct field *x)
{
	return text_at(f, x->value, x->value_len);
}

const struct field *
fields_find(const struct fields *f, enum field_id id)
{
	uint32_t i;

	for (i = 0; i < f->n; i++)
		if (f->v[i].id == id)
			return &f->v[i];
	return NULL;
}

const struct field *
fields_find_name(const struct fields *f, struct str name)
{
	uint32_t i;

	for (i = 0; i < f->n; i++)
		if (f->v[i].name_len == name.n && str_ieq(fields_name(f, &f->v[i]), name))
			return &f->v[i];
	return NULL;
}

struct str
fields_get(const struct fields *f, enum field_id id)
{
	const struct field *x = fields_find(f, id);

	return x != NULL ? fields_value(f, x) : STR_NONE;
}

unsigned
fields_count(const struct fields *f, enum field_id id)
{
	unsigned n = 0;
	uint32_t i;

	for (i = 0; i < f->n; i++)
		n += f->v[i].id == id;
	return n;
}

bool
fields_has_token(const struct fields *f, enum field_id id, struct str token)
{
	uint32_t i;

	for (i = 0; i < f->n; i++)
		if (f->v[i].id == id && str_list_has(fields_value(f, &f->v[i]), token))
			return true;
	return false;
}

size_t
fields_held(const struct fields *f)
{
	return f->text.cap + f->cap * sizeof(*f->v);
}

void
fields_copy(struct fields *to, const struct fields *from)
{
	fields_clear(to);
	buf_puts(&to->text, buf_str(&from->text));
	if (to->cap < from->n) {
		to->cap = from->n;
		to->v = mem_grow(to->v, to->cap, sizeof(*to->v));
	}
	if (from->n > 0)
		memcpy(to->v, from->v, from->n * sizeof(*to->v));
	to->n = from->n;
}
