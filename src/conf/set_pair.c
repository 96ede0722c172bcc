/* SPDX-License-Identifier: ISC */
/*
 * set_pair.c - mappings of the option table: host patterns to words, host names
 * to files.  A second entry for the same would never be reached, so it is an
 * error and not a surprise.
 * Runs in: master, mitmctl.
 */
#include "config.h"

#include "conf/set.h"

#include <stdlib.h>

#include "base/mem.h"

#define GOT_MAX 60

/*
 * The name of a certificate as it is compared: lower case, an address canonical
 * and without brackets. NULL with what is wrong.
 */
static char *
cert_name(struct str text, struct errmsg *err)
{
	struct str name = text, plain = text;
	const char *fault = NULL;
	char ip[ADDR_TEXT_SIZE], *z;
	struct addr a;
	size_t i;

	if (str_starts(plain, STR("[")) && str_ends(plain, STR("]")))
		plain = str_sub(plain, 1, plain.n - 2);
	if (addr_parse_ip(plain, 0, &a))
		return mem_strdup(addr_ip_text(&a, ip));
	if (str_starts(name, STR("*.")))
		name = str_from(name, 2);
	if (!str_eq(text, STR("*")))
		fault = name.n == 0 ? "has no name" : hosts_name_fault(name);
	if (fault != NULL) {
		(void)errmsg_set(err, "'%.*s' %s: a certificate is for www.example.com, "
		    "\"*.example.com\" or \"*\"", (int)MIN(text.n, GOT_MAX), text.p, fault);
		return NULL;
	}
	z = str_dup(text);
	for (i = 0; i < text.n; i++)
		z[i] = ascii_lower(z[i]);
	return z;
}

static int
check_cert_name(const struct conf *c, const struct pair *p, struct errmsg *err)
{
	char *name = cert_name(p->key, err);
	size_t i;
	int rc = 0;

	if (name == NULL)
		return -1;
	for (i = 0; i < c->ncerts && rc == 0; i++)
		if (strcmp(c->certs[i].name, name) == 0)
			rc = errmsg_set(err, "'%s' is given twice, first in line %u", name,
			    c->certs[i].line);
	free(name);
	return rc;
}

static int
check_pattern(const struct conf *c, const struct opt *o, const struct pair *p,
    struct errmsg *err)
{
	struct hosts *const *list = set_place(c, o), *one = hosts_new();
	int i, rc = hosts_add(one, p->key, p->key_at.line, err);

	hosts_free(&one);
	for (i = 0; rc == 0 && i < (int)hosts_count(*list); i++)
		if (str_eq(hosts_pattern(*list, i), p->key))
			rc = errmsg_set(err, "'%.*s' is given twice, first in line %u",
			    (int)MIN(p->key.n, GOT_MAX), p->key.p, hosts_line(*list, i));
	return rc;
}

int
pair_check_key(const struct conf *c, const struct opt *o, const struct pair *p,
    struct errmsg *err)
{
	return o->type == OPT_NAME_PATHS ? check_cert_name(c, p, err)
	    : check_pattern(c, o, p, err);
}

static int
add_cert(struct conf *c, const struct opt *o, const struct pair *p, const char *base,
    struct errmsg *err)
{
	struct conf_cert one = {.line = p->at.line, .col = p->at.col};

	one.file = set_absolute(o, p->text, base, err);
	if (one.file == NULL)
		return -1;
	one.name = cert_name(p->key, err);
	CHECK(one.name != NULL);
	c->certs = mem_grow(c->certs, c->ncerts + 1, sizeof(one));
	c->certs[c->ncerts++] = one;
	return 0;
}

static int
add_word(struct conf *c, const struct opt *o, const struct pair *p, struct errmsg *err)
{
	struct hosts **list = set_place(c, o);
	enum conf_verify **words = set_second_place(c, o);
	size_t n = hosts_count(*list);
	bool later;
	uint64_t v;

	if (!schema_number(o, p->text, &v, &later))
		return set_expected_not(o, p->text, "", err);
	if (*list == NULL)
		*list = hosts_new();
	if (hosts_add(*list, p->key, p->key_at.line, err) < 0)
		return -1;
	*words = mem_grow(*words, n + 1, sizeof(**words));
	(*words)[n] = (enum conf_verify)v;
	return 0;
}

int
pair_set(struct conf *c, const struct opt *o, const struct pair *p, const char *base,
    struct errmsg *err)
{
	if (o->type == OPT_NAME_PATHS)
		return add_cert(c, o, p, base, err);
	return add_word(c, o, p, err);
}

void
pairs_free(struct conf *c, const struct opt *o)
{
	enum conf_verify **words;
	size_t i;

	if (o->type == OPT_HOST_WORDS) {
		words = set_second_place(c, o);
		hosts_free(set_place(c, o));
		free(*words);
		*words = NULL;
		return;
	}
	for (i = 0; i < c->ncerts; i++) {
		free(c->certs[i].name);
		free(c->certs[i].file);
	}
	free(c->certs);
	c->certs = NULL;
	c->ncerts = 0;
}
