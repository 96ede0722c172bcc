/* SPDX-License-Identifier: ISC */
/* har_pages.c - see har_pages.h.  Runs in: mitmctl, tests. */
#include "config.h"

#include "ctl/har_pages.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "har/json_read.h"
#include "har/shorten.h"

#define BYTES_MAX (32u << 20)	/* of all that is kept */

#define OUR_CREATOR "{\"name\":\"mitmd\",\"version\":\"" PACKAGE_VERSION "\"}"

struct page {
	char *id;		/* JSON text, as its file has it */
	char *text;		/* of the page, as its file has it */
	char *new_id;		/* NULL: it keeps its own */
	bool again;		/* another file has the very same: it is not written */
	uint32_t file;
};

struct member {
	char *name, *value;
	uint32_t files;		/* that say the same */
};

struct har_pages {
	struct page *v;
	size_t n, room;
	struct member *members;
	size_t nmembers;
	uint32_t files;
	size_t bytes;
};

struct har_pages *
har_pages_new(void)
{
	return mem_new(struct har_pages);
}

void
har_pages_free(struct har_pages **pp)
{
	struct har_pages *p = *pp;
	size_t i;

	*pp = NULL;
	if (p == NULL)
		return;
	for (i = 0; i < p->n; i++) {
		free(p->v[i].id);
		free(p->v[i].text);
		free(p->v[i].new_id);
	}
	for (i = 0; i < p->nmembers; i++) {
		free(p->members[i].name);
		free(p->members[i].value);
	}
	free(p->v);
	free(p->members);
	free(p);
}

void
har_pages_file(struct har_pages *p)
{
	p->files++;
}

static char *
squeezed(struct str text)
{
	struct shorten s;
	struct buf b;

	buf_init(&b, 0);
	shorten_init(&s, SIZE_MAX);
	shorten_feed(&s, &b, text.p, text.n);
	buf_putc(&b, '\0');
	return (char *)b.mem;
}

/* ---- pages ---- */

static bool
id_taken(const struct har_pages *p, struct str id)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (str_eq(str_z(p->v[i].new_id != NULL ? p->v[i].new_id : p->v[i].id), id))
			return true;
	return false;
}

static char *
free_id(const struct har_pages *p, struct str id)
{
	unsigned i;
	char *text;

	for (i = 2;; i++) {
		text = mem_printf("%.*s_%u", STR_ARG(id), i);
		if (!id_taken(p, str_z(text)))
			return text;
		free(text);
	}
}

static const struct page *
same_page(const struct har_pages *p, const char *text)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (strcmp(p->v[i].text, text) == 0)
			return &p->v[i];
	return NULL;
}

/* A file says it again, or it has a page of its own. */
static void
add_page(struct har_pages *p, struct str id, struct str text)
{
	struct page page = {.id = str_dup(id), .text = squeezed(text), .file = p->files - 1};
	const struct page *same = same_page(p, page.text);

	if (same != NULL) {
		page.again = true;
		page.new_id = same->new_id != NULL ? mem_strdup(same->new_id) : NULL;
	} else if (id.p != NULL && id_taken(p, id)) {
		page.new_id = free_id(p, id);
	}
	if (p->n == p->room) {
		p->room = MAX(p->room * 2, 16);
		p->v = mem_grow(p->v, p->room, sizeof(p->v[0]));
	}
	p->v[p->n++] = page;
}

static struct str
page_id(struct str text)
{
	struct json_read r = json_read_from(text);
	struct str name, value;

	if (json_read_enter(&r, '{'))
		while (json_read_member(&r, &name)) {
			(void)json_read_string(&r, &value);
			if (str_eq(name, STR("id")))
				return value;
		}
	return STR_NONE;
}

static void
add_pages(struct har_pages *p, struct str value)
{
	struct json_read r = json_read_from(value);
	struct str text;

	if (!json_read_enter(&r, '['))
		return;
	while (json_read_element(&r)) {
		json_read_value(&r, &text);
		if (text.n > 0 && text.p[0] == '{')
			add_page(p, page_id(text), text);
	}
}

/* ---- the other members ---- */

static struct member *
find_member(struct har_pages *p, struct str name)
{
	size_t i;

	for (i = 0; i < p->nmembers; i++)
		if (str_eq(str_z(p->members[i].name), name))
			return &p->members[i];
	return NULL;
}

static void
add_member(struct har_pages *p, struct str name, struct str value)
{
	struct member *m = find_member(p, name);
	char *text = squeezed(value);

	if (m != NULL) {
		m->files += strcmp(m->value, text) == 0;
		free(text);
		return;
	}
	p->members = mem_grow(p->members, p->nmembers + 1, sizeof(p->members[0]));
	p->members[p->nmembers++] = (struct member){str_dup(name), text, 1};
}

int
har_pages_member(struct har_pages *p, struct str name, struct str value, struct errmsg *err)
{
	if (str_eq(name, STR("version")) || str_starts(name, STR("_tlsErrors")))
		return 0;
	p->bytes += value.n;
	if (p->bytes > BYTES_MAX)
		return errmsg_set(err, "the files have more than %u MB around their entries",
		    BYTES_MAX >> 20);
	if (str_eq(name, STR("pages")))
		add_pages(p, value);
	else
		add_member(p, name, value);
	return 0;
}

/* ---- writing ---- */

static void
put_page(struct buf *out, const struct page *page)
{
	struct str text = str_z(page->text), id;
	size_t from;

	if (out->len > 1)
		buf_putc(out, ',');
	if (page->new_id == NULL) {
		buf_puts(out, text);
		return;
	}
	id = page_id(text);
	from = id.p != NULL ? (size_t)(id.p - text.p) : 0;
	buf_puts(out, str_sub(text, 0, from));
	buf_putz(out, page->new_id);
	buf_puts(out, str_from(text, from + id.n));
}

void
har_pages_put(const struct har_pages *p, struct har_out *out)
{
	bool creator = false;
	struct buf pages;
	size_t i;

	har_out_member(out, STR("version"), STR("\"1.2\""));
	for (i = 0; i < p->nmembers; i++)
		if (strcmp(p->members[i].name, "creator") == 0)
			creator = p->members[i].files == p->files;
	if (!creator)
		har_out_member(out, STR("creator"), STR(OUR_CREATOR));
	for (i = 0; i < p->nmembers; i++)
		if (p->members[i].files == p->files)
			har_out_member(out, str_z(p->members[i].name),
			    str_z(p->members[i].value));
	buf_init(&pages, 0);
	buf_putc(&pages, '[');
	for (i = 0; i < p->n; i++)
		if (!p->v[i].again)
			put_page(&pages, &p->v[i]);
	buf_putc(&pages, ']');
	har_out_member(out, STR("pages"), buf_str(&pages));
	buf_free(&pages);
}

struct str
har_pages_renamed(const struct har_pages *p, uint32_t file, struct str id)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (p->v[i].file == file && str_eq(str_z(p->v[i].id), id))
			return str_z(p->v[i].new_id);
	return STR_NONE;
}

bool
har_pages_any_renamed(const struct har_pages *p, uint32_t file)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (p->v[i].file == file && p->v[i].new_id != NULL)
			return true;
	return false;
}
