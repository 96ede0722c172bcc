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
put_hosts(struct buf *b, const struct opt *o, const struct hosts *h)
{
	int i;

	if (o->words != NULL && hosts_count(h) == 0) {
		buf_putz(b, "false");
		return;
	}
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
put_host_words(struct buf *b, const struct conf *c, const struct opt *o)
{
	struct hosts *const *h = set_place(c, o);
	enum conf_verify *const *words = set_second_place(c, o);
	int i;

	buf_putc(b, '{');
	for (i = 0; i < (int)hosts_count(*h); i++) {
		put_comma(b, (size_t)i);
		value_put_quoted(b, hosts_pattern(*h, i));
		buf_putz(b, ": ");
		schema_put_number(b, o, (*words)[i]);
	}
	buf_putc(b, '}');
}

static void
put_certs(struct buf *b, const struct conf *c)
{
	size_t i;

	buf_putc(b, '{');
	for (i = 0; i < c->ncerts; i++) {
		put_comma(b, i);
		value_put_quoted(b, str_z(c->certs[i].name));
		buf_putz(b, ": ");
		value_put_quoted(b, str_z(c->certs[i].file));
	}
	buf_putc(b, '}');
}

static void
put_text(struct buf *b, const struct conf *c, const struct opt *o)
{
	const char *text = *(char *const *)set_place(c, o);

	/* A path that is none. */
	if (text == NULL && o->words != NULL)
		schema_put_number(b, o, 0);
	else
		value_put_quoted(b, str_z(text));
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
		put_text(b, c, o);
		break;
	case OPT_TEXTS:
	case OPT_LIMITS:
	case OPT_PATHS:
		put_strings(b, set_place(c, o));
		break;
	case OPT_CIDRS:
		put_cidrs(b, *(struct cidr *const *)set_place(c, o),
		    *(const size_t *)set_second_place(c, o));
		break;
	case OPT_HOSTS:
		put_hosts(b, o, *(struct hosts *const *)set_place(c, o));
		break;
	case OPT_HOST_WORDS:
		put_host_words(b, c, o);
		break;
	case OPT_NAME_PATHS:
		put_certs(b, c);
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
