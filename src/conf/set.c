/* SPDX-License-Identifier: ISC */
/*
 * set.c - see set.h.  With set_pair.c the only file that knows how each type of
 * the option table lies in struct conf.
 * Runs in: master.
 */
#include "config.h"

#include "conf/set.h"

#include <limits.h>
#include <stdlib.h>

#include "base/mem.h"
#include "conf/value.h"

#define GOT_MAX 60	/* of a strange value, in a message */

void *
set_place(const struct conf *c, const struct opt *o)
{
	CHECK(o->size > 0);
	return (char *)(uintptr_t)c + o->offset;
}

void *
set_second_place(const struct conf *c, const struct opt *o)
{
	CHECK(o->count > 0);
	return (char *)(uintptr_t)c + o->count;
}

int
set_expected(const struct opt *o, const char *got, struct errmsg *err)
{
	struct buf kind;

	buf_init(&kind, 0);
	schema_put_kind(&kind, o);
	(void)errmsg_set(err, "expected %.*s, got %s", STR_ARG(buf_str(&kind)), got);
	buf_free(&kind);
	return -1;
}

int
set_expected_not(const struct opt *o, struct str text, const char *hint, struct errmsg *err)
{
	size_t n = MIN(text.n, GOT_MAX);
	char *got;
	int rc;

	while (n < text.n && n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
		n--;	/* never cut a character in two */
	got = mem_printf("'%.*s%s'%s", (int)n, text.n > 0 ? text.p : "",
	    n < text.n ? "..." : "", hint);
	rc = set_expected(o, got, err);
	free(got);
	return rc;
}

static void
store_number(struct conf *c, const struct opt *o, uint64_t v)
{
	void *at = set_place(c, o);
	uint32_t v32 = (uint32_t)v;
	bool b = v != 0;

	if (o->size == sizeof(v))
		memcpy(at, &v, sizeof(v));
	else if (o->size == sizeof(v32))
		memcpy(at, &v32, sizeof(v32));
	else if (o->size == sizeof(b))
		memcpy(at, &b, sizeof(b));
	else
		CHECK(!"a number of this width");
}

uint64_t
set_get_number(const struct conf *c, const struct opt *o)
{
	const void *at = set_place(c, o);
	uint64_t v = 0;
	uint32_t v32 = 0;
	bool b = false;

	if (o->size == sizeof(v)) {
		memcpy(&v, at, sizeof(v));
		return v;
	}
	if (o->size == sizeof(v32)) {
		memcpy(&v32, at, sizeof(v32));
		return v32;
	}
	CHECK(o->size == sizeof(b));
	memcpy(&b, at, sizeof(b));
	return b;
}

static int
set_number(struct conf *c, const struct opt *o, struct str text, struct errmsg *err)
{
	bool later, bare = true;
	uint64_t v;
	size_t i;

	if (schema_number(o, text, &v, &later)) {
		if (o->size > 0)
			store_number(c, o, v);
		return 0;
	}
	if (later)
		return errmsg_set(err, "not yet supported: '%.*s'", STR_ARG(text));
	for (i = 0; i < text.n; i++)
		bare = bare && text.p[i] >= '0' && text.p[i] <= '9';
	return set_expected_not(o, text, o->type == OPT_TIME && bare
	    ? " without a unit (500ms, 10s, 5m, 24h, 7d)" : "", err);
}

static void
replace_text(struct conf *c, const struct opt *o, char *z)
{
	char **at = set_place(c, o);

	free(*at);
	*at = z;
}

static int
set_name(struct conf *c, const struct opt *o, struct str text, struct errmsg *err)
{
	size_t i;

	/* A leading '-' would read as an option wherever the name is passed on. */
	if (text.n == 0 || text.n > o->max || text.p[0] == '-')
		return set_expected_not(o, text, "", err);
	for (i = 0; i < text.n; i++)
		if (strchr(o->chars, text.p[i]) == NULL)
			return set_expected_not(o, text, "", err);
	replace_text(c, o, str_dup(text));
	return 0;
}

char *
set_absolute(const struct opt *o, struct str text, const char *base, struct errmsg *err)
{
	struct str rest = text;
	char *path;

	while (str_starts(rest, STR("./")))
		rest = str_from(rest, 2);
	if (rest.n == 0) {
		(void)set_expected_not(o, text, "", err);
		return NULL;
	}
	if (rest.p[0] == '/')
		path = str_dup(rest);
	else
		path = mem_printf("%s%s%.*s", base, str_ends(str_z(base), STR("/")) ? "" : "/",
		    STR_ARG(rest));
	if (strlen(path) >= PATH_MAX) {
		(void)errmsg_set(err, "'%.*s...' is too long: it would be a path of %zu bytes, "
		    "and one may have %d", GOT_MAX, path, strlen(path), PATH_MAX - 1);
		free(path);
		path = NULL;
	}
	return path;
}

static int
set_path(struct conf *c, const struct opt *o, struct str text, const char *base,
    struct errmsg *err)
{
	bool later, none = text.n == 0 && schema_may_be_empty(o);
	char *path = NULL;
	uint64_t v;

	if (!none && !schema_number(o, text, &v, &later)) {
		path = set_absolute(o, text, base, err);
		if (path == NULL)
			return -1;
	}
	replace_text(c, o, path);
	return 0;
}

static void
add_string(struct conf *c, const struct opt *o, char *z, unsigned line)
{
	struct conf_strings *list = set_place(c, o);

	list->v = mem_grow(list->v, list->n + 1, sizeof(list->v[0]));
	list->line = mem_grow(list->line, list->n + 1, sizeof(list->line[0]));
	list->v[list->n] = z;
	list->line[list->n++] = line;
}

static int
add_cidr(struct conf *c, const struct opt *o, struct str text, struct errmsg *err)
{
	struct cidr **list = set_place(c, o), one;
	size_t *n = set_second_place(c, o);

	if (!cidr_parse(text, &one))
		return errmsg_set(err, "'%.*s' is not an address or a network (192.0.2.1, "
		    "10.0.0.0/8, fd00::/8)", (int)MIN(text.n, GOT_MAX), text.p);
	*list = mem_grow(*list, *n + 1, sizeof(one));
	(*list)[(*n)++] = one;
	return 0;
}

static int
add_listen(struct conf *c, const struct opt *o, struct str text, struct mark at,
    struct errmsg *err)
{
	struct conf_listen one = {.line = at.line, .col = at.col};

	if (!addr_parse(text, &one.address))
		return set_expected_not(o, text, " (127.0.0.1:8080, \"[::1]:8080\")", err);
	c->listen = mem_grow(c->listen, c->nlisten + 1, sizeof(one));
	c->listen[c->nlisten++] = one;
	return 0;
}

/* What a constraint of RFC 5280 4.2.1.10 can say. */
static int
add_limit(struct conf *c, const struct opt *o, struct str text, unsigned line,
    struct errmsg *err)
{
	struct str name = text;
	const char *fault = NULL;
	struct cidr net;
	char *z;
	size_t i;

	if (!cidr_parse(text, &net)) {
		if (str_starts(name, STR("*.")))
			name = str_from(name, 2);
		else if (str_starts(name, STR(".")))
			name = str_from(name, 1);
		fault = name.n == 0 ? "has no name" : hosts_name_fault(name);
	}
	if (fault != NULL)
		return errmsg_set(err, "'%.*s' %s: a CA can be limited to www.example.com, "
		    "\"*.example.com\", .example.com, 10.0.0.0/8", (int)MIN(text.n, GOT_MAX),
		    text.p, fault);
	z = str_dup(text);
	for (i = 0; i < text.n; i++)
		z[i] = ascii_lower(z[i]);
	add_string(c, o, z, line);
	return 0;
}

static int
add_host(struct conf *c, const struct opt *o, struct str text, unsigned line,
    struct errmsg *err)
{
	struct hosts **list = set_place(c, o);
	bool all;

	/* Of a row that takes true and false beside a list. */
	if (o->words != NULL && value_bool(text, &all)) {
		if (!all)
			return 0;
		text = STR("*");
	}
	if (*list == NULL)
		*list = hosts_new();
	return hosts_add(*list, text, line, err);
}

int
set_value(struct conf *c, const struct opt *o, struct str text, struct mark at,
    const char *base, struct errmsg *err)
{
	char *path;

	switch (o->type) {
	case OPT_BOOL:
	case OPT_INT:
	case OPT_SIZE:
	case OPT_TIME:
	case OPT_WORD:
		return set_number(c, o, text, err);
	case OPT_NAME:
		return set_name(c, o, text, err);
	case OPT_TEXT:
		replace_text(c, o, str_dup(text));
		return 0;
	case OPT_PATH:
		return set_path(c, o, text, base, err);
	case OPT_PATHS:
		path = set_absolute(o, text, base, err);
		if (path == NULL)
			return -1;
		add_string(c, o, path, at.line);
		return 0;
	case OPT_LIMITS:
		return add_limit(c, o, text, at.line, err);
	case OPT_CIDRS:
		return add_cidr(c, o, text, err);
	case OPT_HOSTS:
		return add_host(c, o, text, at.line, err);
	case OPT_ADDRESS:
	case OPT_LISTEN:
		return add_listen(c, o, text, at, err);
	case OPT_MAP:
	case OPT_LIST:
	case OPT_TEXTS:
		break;	/* no row that is supported has them */
	case OPT_HOST_WORDS:
	case OPT_NAME_PATHS:
		break;	/* these have pairs */
	}
	CHECK(!"a type that can be set");
	return -1;
}

static void
free_listen(struct conf *c)
{
	size_t i;

	for (i = 0; i < c->nlisten; i++)
		free(c->listen[i].proxy_protocol);
	free(c->listen);
	c->listen = NULL;
	c->nlisten = 0;
}

static void
free_strings(struct conf_strings *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		free(list->v[i]);
	free(list->v);
	free(list->line);
	*list = (struct conf_strings){NULL, NULL, 0};
}

void
set_free(struct conf *c, const struct opt *o)
{
	if (o->size == 0 || schema_in_entry(o))
		return;
	switch (o->type) {
	case OPT_NAME:
	case OPT_TEXT:
	case OPT_PATH:
		replace_text(c, o, NULL);
		break;
	case OPT_TEXTS:
	case OPT_LIMITS:
	case OPT_PATHS:
		free_strings(set_place(c, o));
		break;
	case OPT_CIDRS:
		free(*(struct cidr **)set_place(c, o));
		break;
	case OPT_HOSTS:
		hosts_free(set_place(c, o));
		break;
	case OPT_LISTEN:
		free_listen(c);
		break;
	case OPT_HOST_WORDS:
	case OPT_NAME_PATHS:
		pairs_free(c, o);
		break;
	default:
		break;	/* numbers */
	}
}
