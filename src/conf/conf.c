/* SPDX-License-Identifier: ISC */
/*
 * conf.c - see conf.h.
 * Runs in: master.
 */
#include "config.h"

#include "conf/conf.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/mem.h"
#include "conf/load.h"
#include "conf/schema.h"
#include "conf/set.h"

#define FILE_MAX_BYTES ((size_t)1 << 20)
#define DEFAULT_FILE SYSCONFDIR "/mitmd.yaml"

static int
build(struct conf *c, const char *name, struct str text, struct errmsg *err)
{
	unsigned *set = mem_zalloc(schema_count() * sizeof(set[0]));
	struct errmsg why;
	int rc;

	rc = load_text(c, name, text, set, err);
	if (rc == 0 && defaults_apply(c, set, &why) < 0)
		rc = errmsg_set(err, "%s: %s", name, why.text);
	if (rc == 0)
		rc = check_conf(c, name, err);
	free(set);
	return rc;
}

struct conf *
conf_load_text(const char *name, struct str text, struct errmsg *err)
{
	struct conf *c;

	if (text.n > FILE_MAX_BYTES) {
		(void)errmsg_set(err, "%s: larger than 1 MiB", name);
		return NULL;
	}
	c = mem_new(struct conf);
	c->file = mem_strdup(name);
	c->places = mem_zalloc(schema_count() * sizeof(c->places[0]));
	if (build(c, name, text, err) < 0)
		conf_free(&c);
	return c;
}

struct conf_place
conf_place(const struct conf *c, const char *key)
{
	size_t row = schema_find(str_z(key));

	CHECK(row != SIZE_MAX);
	/* One that a test made has none. */
	return c->places != NULL ? c->places[row] : (struct conf_place){0, 0};
}

int
conf_blame(const struct conf *c, const char *key, struct conf_place at, struct errmsg *err)
{
	struct errmsg why = *err;

	if (at.line == 0)
		return -1;	/* it is the default */
	return errmsg_set(err, "%s:%u:%u: key '%s': %s", c->file, at.line, at.col, key,
	    why.text);
}

static struct conf *
load_defaults(struct errmsg *err)
{
	struct conf *c = conf_load_text("defaults", STR(""), err);

	if (c != NULL) {
		free(c->file);
		c->file = NULL;
	}
	return c;
}

struct conf *
conf_load(const char *file, struct errmsg *err)
{
	const char *path = file != NULL ? file : DEFAULT_FILE;
	struct conf *c;
	size_t n;
	char *text;

	text = fd_read_file(path, FILE_MAX_BYTES, &n);
	if (text == NULL) {
		if (file == NULL && errno == ENOENT)
			return load_defaults(err);
		if (errno == EFBIG)
			(void)errmsg_set(err, "%s: larger than 1 MiB", path);
		else
			(void)errmsg_sys(err, "%s", path);
		return NULL;
	}
	c = conf_load_text(path, str_of(text, n), err);
	free(text);
	return c;
}

void
conf_free(struct conf **cp)
{
	struct conf *c = *cp;
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < schema_count(); i++)
		set_free(c, schema_row(i));
	free(c->places);
	free(c->file);
	free(c);
	*cp = NULL;
}
