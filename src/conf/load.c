/* SPDX-License-Identifier: ISC */
/*
 * load.c - from YAML nodes to struct conf, along the option table.  Whatever
 * the table does not want ends the walk at once, so how deep and how wide a
 * file may be is decided by the table and LIST_MAX.
 * Runs in: master.
 */
#include "config.h"

#include "conf/load.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/reader.h"
#include "conf/schema.h"
#include "conf/set.h"
#include "conf/value.h"

#define LIST_MAX 10000
#define PAIRS_MAX 4000	/* each is compared with all before it */
#define KEY_MAX 64	/* "section.key" of the table is shorter */

struct loader {
	struct reader *r;
	struct conf *conf;
	char *base;		/* where relative paths start */
	unsigned *set;		/* by row: the line that sets it, or 0 */
	unsigned *sections;	/* by a section's first row: likewise */
	struct errmsg *err;
};

static int load_map(struct loader *, struct str prefix);

static int
fail_value(struct loader *l, const char *key, struct mark at)
{
	struct errmsg why = *l->err;

	return reader_fail(l->r, at, l->err, "key '%s': %s", key, why.text);
}

static int
not_supported(struct loader *l, const struct opt *o, struct mark at)
{
	return reader_fail(l->r, at, l->err, "key '%s': not yet supported", o->path);
}

static int
unknown_key(struct loader *l, struct str prefix, const struct node *key)
{
	struct buf b;
	size_t n = MIN(key->text.n, (size_t)KEY_MAX);

	buf_init(&b, 0);
	buf_printf(&b, "unknown key '%.*s%.*s%s'", STR_ARG(prefix), (int)n, key->text.p,
	    n < key->text.n ? "..." : "");
	schema_put_hint(&b, prefix, key->text);
	(void)reader_fail(l->r, key->mark, l->err, "%.*s", STR_ARG(buf_str(&b)));
	buf_free(&b);
	return -1;
}

static int
wrong_kind(struct loader *l, const struct opt *o, const struct node *n)
{
	static const char *const got[] = {
		[NODE_NULL] = "nothing",
		[NODE_LIST] = "a list",
		[NODE_MAP] = "a mapping",
	};

	/* [::]:8080 without quotes is a list to YAML. */
	(void)set_expected(o, n->kind == NODE_LIST && o->type == OPT_LISTEN
	    ? "a list (an IPv6 address needs quotes: \"[::1]:8080\")" : got[n->kind], l->err);
	return fail_value(l, o->path, n->mark);
}

static int
fail_got_text(struct loader *l, const struct opt *o, const struct node *n)
{
	(void)set_expected_not(o, n->text, "", l->err);
	return fail_value(l, o->path, n->mark);
}

static int
load_scalar(struct loader *l, const struct opt *o, const struct node *n)
{
	if (n->kind != NODE_SCALAR)
		return wrong_kind(l, o, n);
	if (set_value(l->conf, o, n->text, n->mark, l->base, l->err) < 0)
		return fail_value(l, o->path, n->mark);
	return 0;
}

/* An entry of listen that is a mapping: it has been opened. */
static int
load_listen_map(struct loader *l, const struct opt *o, struct mark at)
{
	size_t before = l->conf->nlisten, i;

	for (i = 0; i < schema_count(); i++)
		if (schema_in_entry(schema_row(i)))
			l->set[i] = 0;
	if (load_map(l, STR("listen[].")) < 0)
		return -1;
	if (l->conf->nlisten == before)
		return reader_fail(l->r, at, l->err, "key '%s': an entry needs an address",
		    o->path);
	return 0;
}

static int
load_entry(struct loader *l, const struct opt *o, const struct node *n)
{
	if (o->type == OPT_LISTEN && n->kind == NODE_MAP)
		return load_listen_map(l, o, n->mark);
	return load_scalar(l, o, n);
}

/* true and false stand for a whole list, never in one. */
static int
check_not_word(struct loader *l, const struct opt *o, const struct node *n)
{
	bool b;

	if (o->words == NULL || n->kind != NODE_SCALAR || !value_bool(n->text, &b))
		return 0;
	return reader_fail(l->r, n->mark, l->err, "key '%s': '%.*s' cannot be one of a list",
	    o->path, STR_ARG(n->text));
}

static int
load_list(struct loader *l, const struct opt *o, const struct node *n)
{
	struct mark start = n->mark;
	size_t count = 0;

	if (n->kind != NODE_LIST)
		return n->kind == NODE_NULL ? wrong_kind(l, o, n) : load_entry(l, o, n);
	for (;;) {
		n = reader_next(l->r, l->err);
		if (n == NULL)
			return -1;
		if (n->kind == NODE_LIST_END)
			break;
		if (++count > LIST_MAX)
			return reader_fail(l->r, n->mark, l->err,
			    "key '%s': more than %d entries", o->path, LIST_MAX);
		if (check_not_word(l, o, n) < 0 || load_entry(l, o, n) < 0)
			return -1;
	}
	if (count == 0 && o->type == OPT_LISTEN)
		return reader_fail(l->r, start, l->err, "key '%s': needs an address", o->path);
	return 0;
}

static int
load_pair_of(struct loader *l, const struct opt *o, struct pair *p)
{
	const struct node *n;

	if (pair_check_key(l->conf, o, p, l->err) < 0)
		return fail_value(l, o->path, p->key_at);
	n = reader_next(l->r, l->err);
	if (n == NULL)
		return -1;
	if (n->kind != NODE_SCALAR)
		return wrong_kind(l, o, n);
	p->text = n->text;
	p->at = n->mark;
	if (pair_set(l->conf, o, p, l->base, l->err) < 0)
		return fail_value(l, o->path, n->mark);
	return 0;
}

static int
load_pairs(struct loader *l, const struct opt *o, const struct node *n)
{
	size_t count = 0;
	struct pair p;
	char *key;
	int rc;

	if (n->kind != NODE_MAP)
		return n->kind == NODE_SCALAR ? fail_got_text(l, o, n) : wrong_kind(l, o, n);
	for (;;) {
		n = reader_next(l->r, l->err);
		if (n == NULL)
			return -1;
		if (n->kind == NODE_MAP_END)
			return 0;
		if (n->kind != NODE_SCALAR)
			return reader_fail(l->r, n->mark, l->err, "key '%s': expected a name",
			    o->path);
		if (++count > PAIRS_MAX)
			return reader_fail(l->r, n->mark, l->err,
			    "key '%s': more than %d entries", o->path, PAIRS_MAX);
		key = str_dup(n->text);	/* which is gone with the next node */
		p = (struct pair){.key = str_of(key, n->text.n), .key_at = n->mark};
		rc = load_pair_of(l, o, &p);
		free(key);
		if (rc < 0)
			return -1;
	}
}

/* Only what mitmd does anyway is accepted, so that nothing is ignored. */
static int
load_later(struct loader *l, const struct opt *o, const struct node *n)
{
	struct mark at = n->mark;
	enum node_kind end = n->kind == NODE_LIST ? NODE_LIST_END : NODE_MAP_END;
	bool list = o->type >= OPT_LIST, same, a = false, b = false;

	if (n->kind == NODE_NULL)
		return wrong_kind(l, o, n);
	if (n->kind == NODE_SCALAR) {
		same = o->fallback != NULL && str_eq(n->text, str_z(o->fallback)) &&
		    !list && o->type != OPT_MAP;
		if (o->type == OPT_BOOL)
			same = value_bool(n->text, &a) && value_bool(str_z(o->fallback), &b) &&
			    a == b;
		return same ? 0 : not_supported(l, o, at);
	}
	if ((n->kind == NODE_LIST) != list || (n->kind == NODE_MAP) != (o->type == OPT_MAP))
		return not_supported(l, o, at);
	n = reader_next(l->r, l->err);
	if (n == NULL)
		return -1;
	return n->kind == end ? 0 : not_supported(l, o, at);
}

static int
load_section(struct loader *l, struct str path, const struct node *n)
{
	char prefix[KEY_MAX + 2];

	if (n->kind == NODE_NULL)	/* every key below it is commented out */
		return 0;
	if (n->kind != NODE_MAP)
		return reader_fail(l->r, n->mark, l->err,
		    "key '%.*s': expected keys below it, got %s", STR_ARG(path),
		    n->kind == NODE_LIST ? "a list" : "a value");
	(void)snprintf(prefix, sizeof(prefix), "%.*s.", STR_ARG(path));
	return load_map(l, str_z(prefix));
}

static int
load_pair(struct loader *l, struct str prefix, const struct node *key)
{
	size_t row, section;
	struct mark at = key->mark;
	char path[KEY_MAX + 1];
	const struct node *n;
	unsigned *seen;

	if (key->kind != NODE_SCALAR)
		return reader_fail(l->r, at, l->err, "expected a key");
	if (prefix.n + key->text.n > KEY_MAX)
		return unknown_key(l, prefix, key);
	(void)snprintf(path, sizeof(path), "%.*s%.*s", STR_ARG(prefix), STR_ARG(key->text));
	/* A dot in the key itself is not a way into a section. */
	row = str_chr(key->text, '.') < 0 ? schema_find(str_z(path)) : SIZE_MAX;
	section = prefix.n == 0 ? schema_section(str_z(path)) : SIZE_MAX;
	if (row == SIZE_MAX && section == SIZE_MAX)
		return unknown_key(l, prefix, key);
	seen = row != SIZE_MAX ? &l->set[row] : &l->sections[section];
	if (*seen != 0)
		return reader_fail(l->r, at, l->err, "key '%s': given twice, first in line %u",
		    path, *seen);
	*seen = at.line;
	n = reader_next(l->r, l->err);
	if (n == NULL)
		return -1;
	if (row == SIZE_MAX)
		return load_section(l, str_z(path), n);
	l->conf->places[row] = (struct conf_place){n->mark.line, n->mark.col};
	if (schema_row(row)->later)
		return load_later(l, schema_row(row), n);
	if (schema_row(row)->type >= OPT_LIST)
		return load_list(l, schema_row(row), n);
	if (schema_row(row)->type >= OPT_MAP)
		return load_pairs(l, schema_row(row), n);
	return load_scalar(l, schema_row(row), n);
}

/* The pairs of a mapping that has been opened, and its end. */
static int
load_map(struct loader *l, struct str prefix)
{
	for (;;) {
		const struct node *n = reader_next(l->r, l->err);

		if (n == NULL)
			return -1;
		if (n->kind == NODE_MAP_END)
			return 0;
		if (load_pair(l, prefix, n) < 0)
			return -1;
	}
}

static int
load_root(struct loader *l)
{
	const struct node *n = reader_next(l->r, l->err);

	if (n == NULL)
		return -1;
	if (n->kind == NODE_MAP) {
		if (load_map(l, STR("")) < 0)
			return -1;
	} else if (n->kind != NODE_NULL && n->kind != NODE_END) {
		return reader_fail(l->r, n->mark, l->err, "expected keys and values");
	}
	n = reader_next(l->r, l->err);
	return n != NULL ? 0 : -1;
}

/* The directory that the file is in, as an absolute path. */
static char *
directory_of(const char *file)
{
	ssize_t slash = str_rchr(str_z(file), '/');
	char cwd[PATH_MAX];

	if (slash == 0)
		return mem_strdup("/");
	if (file[0] == '/')
		return mem_strndup(file, (size_t)slash);
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		return NULL;
	return slash < 0 ? mem_strdup(cwd) : mem_printf("%s/%.*s", cwd, (int)slash, file);
}

int
load_text(struct conf *c, const char *file, struct str text, unsigned *set,
    struct errmsg *err)
{
	struct loader l = {.conf = c, .set = set, .err = err};
	int rc;

	l.base = directory_of(file);
	if (l.base == NULL)
		return errmsg_sys(err, "%s: the working directory", file);
	l.sections = mem_zalloc(schema_count() * sizeof(l.sections[0]));
	l.r = reader_new(file, text);
	rc = load_root(&l);
	reader_free(&l.r);
	free(l.sections);
	free(l.base);
	return rc;
}
