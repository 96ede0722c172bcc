/* SPDX-License-Identifier: ISC */
/* shelf.c - see shelf.h.  Runs in: master (load), worker (use), mitmctl, tests. */
#include "config.h"

#include "tls/shelf.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/addr.h"
#include "base/domain.h"
#include "base/mem.h"
#include "tls/name.h"

struct place {
	char *name;		/* lower case */
	char *file;		/* NULL: it came without one */
	struct tls_leaf *leaf;	/* NULL: only names were read */
};

struct shelf {
	struct place *v;
	size_t n;
	char *ignored;		/* a file whose name says no host */
	size_t nignored;
};

struct shelf *
shelf_new(void)
{
	return mem_new(struct shelf);
}

void
shelf_free(struct shelf **sp)
{
	struct shelf *s = sp != NULL ? *sp : NULL;
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < s->n; i++) {
		free(s->v[i].name);
		free(s->v[i].file);
		tls_leaf_unref(&s->v[i].leaf);
	}
	free(s->v);
	free(s->ignored);
	free(s);
	*sp = NULL;
}

static void
add(struct shelf *s, char *name, char *file, struct tls_leaf *leaf)
{
	s->v = mem_grow(s->v, s->n + 1, sizeof(s->v[0]));
	s->v[s->n++] = (struct place){name, file, leaf};
}

void
shelf_add(struct shelf *s, struct str name, struct tls_leaf *leaf)
{
	add(s, str_dup(name), NULL, leaf);
}

/* "www.example.com.pem", "*.example.com.pem", "default.pem"; NULL: no such name. */
static char *
name_of(const char *file)
{
	struct str s = str_z(file), host;
	char text[ADDR_TEXT_SIZE], *z;
	struct addr a;
	size_t i;

	if (!str_ends(s, STR(".pem")))
		return NULL;
	s.n -= sizeof(".pem") - 1;
	if (str_eq(s, STR("default")))
		return mem_strdup("*");
	if (addr_parse_ip(s, 0, &a))
		return mem_strdup(addr_ip_text(&a, text));
	host = str_starts(s, STR("*.")) ? str_from(s, 2) : s;
	if (!name_is_asked_host(host))
		return NULL;
	z = str_dup(s);
	for (i = 0; i < s.n; i++)
		z[i] = ascii_lower(z[i]);
	return z;
}

static int
take_entry(struct shelf *s, const char *dir, const char *entry, struct errmsg *err)
{
	char *path = mem_printf("%s/%s", dir, entry), *name = name_of(entry);
	struct stat st;
	size_t i;

	if (name == NULL || (stat(path, &st) == 0 && !S_ISREG(st.st_mode))) {
		if (s->nignored++ == 0)
			s->ignored = mem_strdup(entry);
		free(name);
		free(path);
		return 0;
	}
	for (i = 0; i < s->n; i++) {
		if (strcmp(s->v[i].name, name) != 0)
			continue;
		(void)errmsg_set(err, "%s is for the same host as %s", path, s->v[i].file);
		free(name);
		free(path);
		return -1;
	}
	add(s, name, path, NULL);
	return 0;
}

static int
is_visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* In an order that does not depend on the file system, for the sake of messages. */
static int
read_names(struct shelf *s, const char *path, struct errmsg *err)
{
	struct dirent **entries;
	int i, n = scandir(path, &entries, is_visible, alphasort), rc = 0;

	if (n == -1)
		return errmsg_sys(err, "cannot read the directory %s", path);
	for (i = 0; i < n; i++) {
		if (rc == 0)
			rc = take_entry(s, path, entries[i]->d_name, err);
		free(entries[i]);
	}
	free(entries);
	return rc;
}

struct shelf *
shelf_names(const char *path, struct errmsg *err)
{
	struct shelf *s;
	struct stat st;

	if (stat(path, &st) == -1) {
		(void)errmsg_sys(err, "cannot read %s", path);
		return NULL;
	}
	s = shelf_new();
	if (!S_ISDIR(st.st_mode))
		add(s, mem_strdup("*"), mem_strdup(path), NULL);
	else if (read_names(s, path, err) < 0)
		shelf_free(&s);
	return s;
}

struct shelf *
shelf_load(const char *path, struct errmsg *err)
{
	struct shelf *s = shelf_names(path, err);
	size_t i;

	for (i = 0; s != NULL && i < s->n; i++) {
		s->v[i].leaf = tls_pair_load(s->v[i].file, err);
		if (s->v[i].leaf == NULL ||
		    tls_pair_check(s->v[i].leaf, s->v[i].file, err) < 0)
			shelf_free(&s);
	}
	return s;
}

size_t
shelf_count(const struct shelf *s)
{
	return s != NULL ? s->n : 0;
}

static const struct place *
place_at(const struct shelf *s, size_t i)
{
	CHECK(i < s->n);
	return &s->v[i];
}

struct tls_leaf *
shelf_leaf(const struct shelf *s, size_t i)
{
	return place_at(s, i)->leaf;
}

struct str
shelf_name(const struct shelf *s, size_t i)
{
	return str_z(place_at(s, i)->name);
}

const char *
shelf_file(const struct shelf *s, size_t i)
{
	return place_at(s, i)->file;
}

size_t
shelf_ignored(const struct shelf *s, const char **out_first)
{
	*out_first = s->ignored;
	return s->nignored;
}

int
shelf_find(const struct shelf *s, struct str host)
{
	ssize_t best = -1;
	int found = -1;
	size_t i;

	for (i = 0; i < shelf_count(s); i++) {
		ssize_t rank = domain_rank(str_z(s->v[i].name), host);

		if (rank > best) {
			best = rank;
			found = (int)i;
		}
	}
	return found;
}
