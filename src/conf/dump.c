/* SPDX-License-Identifier: ISC */
/*
 * dump.c - the effective configuration as YAML: every row of the table, also
 * those that have only one value so far.
 * Runs in: master.
 */
#include "config.h"

#include "conf/conf.h"
#include "conf/schema.h"
#include "conf/set.h"
#include "conf/value.h"

static const void *
place(const struct conf *c, const struct opt *o)
{
	return (const char *)c + o->offset;
}

static void
put_comma(struct buf *b, size_t i)
{
	buf_putz(b, i > 0 ? ", " : "");
}

static void
put_strings(struct buf *b, const struct conf_strings *list)
{
	size_t i;

	buf_putc(b, '[');
	for (i = 0; i < list->n; i++) {
		put_comma(b, i);
		value_put_quoted(b, str_z(list->v[i]));
	}
	buf_putc(b, ']');
}

static void
put_hosts(struct buf *b, const struct hosts *h)
{
	int i;

	buf_putc(b, '[');
	for (i = 0; i < (int)hosts_count(h); i++) {
		put_comma(b, (size_t)i);
		value_put_quoted(b, hosts_pattern(h, i));
	}
	buf_putc(b, ']');
}

static void
put_cidrs(struct buf *b, const struct cidr *v, size_t n)
{
	size_t i;

	buf_putc(b, '[');
	for (i = 0; i < n; i++) {
		buf_putz(b, i > 0 ? ", \"" : "\"");
		value_put_cidr(b, &v[i]);
		buf_putc(b, '"');
	}
	buf_putc(b, ']');
}

static void
put_listen(struct buf *b, const struct conf *c)
{
	char text[ADDR_TEXT_SIZE];
	size_t i;

	buf_putc(b, '[');
	for (i = 0; i < c->nlisten; i++) {
		put_comma(b, i);
		value_put_quoted(b, str_z(addr_text(&c->listen[i].address, text)));
	}
	buf_putc(b, ']');
}

static void
put_fixed(struct buf *b, const struct opt *o)
{
	if (o->type == OPT_PATH || o->type == OPT_TEXT)
		value_put_quoted(b, str_z(o->fallback));
	else
		buf_putz(b, o->fallback);
}

static void
put_value(struct buf *b, const struct conf *c, const struct opt *o)
{
	if (o->later || o->size == 0) {
		put_fixed(b, o);
		return;
	}
	switch (o->type) {
	case OPT_NAME:
	case OPT_TEXT:
	case OPT_PATH:
		value_put_quoted(b, str_z(*(char *const *)place(c, o)));
		break;
	case OPT_TEXTS:
	case OPT_PATHS:
		put_strings(b, place(c, o));
		break;
	case OPT_CIDRS:
		put_cidrs(b, *(struct cidr *const *)place(c, o),
		    *(const size_t *)(const void *)((const char *)c + o->count));
		break;
	case OPT_HOSTS:
		put_hosts(b, *(struct hosts *const *)place(c, o));
		break;
	case OPT_LISTEN:
		put_listen(b, c);
		break;
	default:
		schema_put_number(b, o, set_get_number(c, o));
	}
}

void
conf_dump(const struct conf *c, FILE *out)
{
	struct str section = STR_NONE, now;
	struct buf b;
	size_t i;

	buf_init(&b, 0);
	for (i = 0; i < schema_count(); i++) {
		const struct opt *o = schema_row(i);

		if (schema_in_entry(o))
			continue;
		now = schema_section_of(o);
		if (now.n > 0 && !str_eq(now, section))
			buf_printf(&b, "%.*s:\n", STR_ARG(now));
		section = now;
		buf_printf(&b, "%s%s: ", now.n > 0 ? "  " : "",
		    now.n > 0 ? o->path + now.n + 1 : o->path);
		put_value(&b, c, o);
		buf_putc(&b, '\n');
	}
	(void)fwrite(buf_data(&b), 1, b.len, out);
	buf_free(&b);
}
