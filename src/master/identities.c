/* SPDX-License-Identifier: ISC */
/* identities.c - see identities.h.  Runs in: master. */
#include "config.h"

#include "master/identities.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "tls/roots.h"

#define DAY 86400
#define SOON (14 * DAY)

static struct conf_place
place_of_cert(const struct conf_cert *cert)
{
	return (struct conf_place){cert->line, cert->col};
}

static int
load_certs(struct identities *ids, const struct conf *c, struct errmsg *err)
{
	struct tls_leaf *leaf;
	size_t i;

	if (c->ncerts > 0)
		ids->certs = shelf_new();
	for (i = 0; i < c->ncerts; i++) {
		leaf = tls_pair_load(c->certs[i].file, err);
		if (leaf == NULL)
			return conf_blame(c, "certs", place_of_cert(&c->certs[i]), err);
		shelf_add(ids->certs, str_z(c->certs[i].name), leaf);
	}
	return 0;
}

static int
check_store(const struct conf *c, const char *path, const char *key, struct errmsg *err)
{
	X509_STORE *store = tls_store_load(path, err);

	if (store == NULL)
		return conf_blame(c, key, conf_place(c, key), err);
	X509_STORE_free(store);
	return 0;
}

/* They are loaded with the system's roots, once the signer has told which are our own. */
static int
check_origin_ca(const struct conf *c, struct errmsg *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < c->origin.ca.n && rc == 0; i++)
		rc = check_store(c, c->origin.ca.v[i], "origin.ca", err);
	return rc;
}

int
identities_load(struct identities *ids, const struct conf *c, struct errmsg *err)
{
	int rc;

	*ids = (struct identities){.certs = NULL};
	rc = load_certs(ids, c, err);
	if (rc == 0)
		rc = check_origin_ca(c, err);
	if (rc == 0 && c->client_certs != NULL) {
		ids->client_certs = shelf_load(c->client_certs, err);
		if (ids->client_certs == NULL)
			rc = conf_blame(c, "client_certs", conf_place(c, "client_certs"), err);
	}
	if (rc == 0 && c->client_ca != NULL) {
		ids->client_ca = tls_store_load(c->client_ca, err);
		if (ids->client_ca == NULL)
			rc = conf_blame(c, "client_ca", conf_place(c, "client_ca"), err);
	}
	if (rc < 0)
		identities_free(ids);
	return rc;
}

void
identities_free(struct identities *ids)
{
	shelf_free(&ids->certs);
	shelf_free(&ids->client_certs);
	X509_STORE_free(ids->client_ca);
	ids->client_ca = NULL;
}

/* ---- what will not do for long ---- */

static void
warn_of_pair(const struct tls_leaf *leaf, const char *file, const char *key)
{
	int64_t left = tls_pair_left(leaf, (int64_t)time(NULL));
	struct stat st;

	if (left < 0)
		log_warning("%s: a certificate in %s has ended: replace it", key, file);
	else if (left < SOON)
		log_warning("%s: a certificate in %s ends in %lld days: replace it", key, file,
		    (long long)(left / DAY));
	if (stat(file, &st) == 0 && (st.st_mode & (S_IROTH | S_IWOTH)) != 0)
		log_warning("%s: every user of this machine can %s the key in %s: chmod o= %s",
		    key, (st.st_mode & S_IROTH) != 0 ? "read" : "replace", file,
		    file);
}

static void
warn_of_names(const struct shelf *s, const char *path)
{
	const char *first;
	size_t n = shelf_ignored(s, &first);

	if (n > 0)
		log_warning("client_certs: the names of %zu entries in %s are for no host, "
		    "as that of %s: they are HOST.pem, *.example.com.pem, default.pem", n, path,
		    first);
	if (shelf_count(s) == 0)
		log_warning("client_certs: there is no certificate in %s", path);
}

/* One file may be there for several names. */
static bool
is_known(const struct conf *c, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++)
		if (strcmp(c->certs[j].file, c->certs[i].file) == 0)
			return true;
	return false;
}

void
identities_warn(const struct identities *ids, const struct conf *c)
{
	size_t i;

	for (i = 0; i < shelf_count(ids->certs); i++)
		if (!is_known(c, i))
			warn_of_pair(shelf_leaf(ids->certs, i), c->certs[i].file, "certs");
	for (i = 0; i < shelf_count(ids->client_certs); i++)
		warn_of_pair(shelf_leaf(ids->client_certs, i),
		    shelf_file(ids->client_certs, i), "client_certs");
	if (ids->client_certs != NULL)
		warn_of_names(ids->client_certs, c->client_certs);
}

/* ---- mitmd -t ---- */

/* True, with a line in the log: whoever started the test may not, and mitmd will. */
static bool
is_closed(const char *path, const char *key)
{
	if (access(path, R_OK) == 0 || errno != EACCES)
		return false;
	log_warning("%s: %s is not checked: you may not read it", key, path);
	return true;
}

static int
check_pair(const struct conf *c, const char *file, const char *key, struct conf_place at,
    bool to_origins, struct errmsg *err)
{
	struct tls_leaf *leaf;
	int rc;

	if (is_closed(file, key))
		return 0;
	leaf = tls_pair_load(file, err);
	if (leaf == NULL)
		return conf_blame(c, key, at, err);
	rc = to_origins ? tls_pair_check(leaf, file, err) : 0;
	if (rc == 0)
		warn_of_pair(leaf, file, key);
	tls_leaf_unref(&leaf);
	return rc == 0 ? 0 : conf_blame(c, key, at, err);
}

static int
check_client_certs(const struct conf *c, struct errmsg *err)
{
	struct conf_place at = conf_place(c, "client_certs");
	struct shelf *names;
	size_t i;
	int rc = 0;

	if (is_closed(c->client_certs, "client_certs"))
		return 0;
	names = shelf_names(c->client_certs, err);
	if (names == NULL)
		return conf_blame(c, "client_certs", at, err);
	for (i = 0; i < shelf_count(names) && rc == 0; i++)
		rc = check_pair(c, shelf_file(names, i), "client_certs", at, true, err);
	if (rc == 0)
		warn_of_names(names, c->client_certs);
	shelf_free(&names);
	return rc;
}

static int
check_roots(const struct conf *c, const char *path, const char *key, struct errmsg *err)
{
	return is_closed(path, key) ? 0 : check_store(c, path, key, err);
}

int
identities_check(const struct conf *c, struct errmsg *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < c->ncerts && rc == 0; i++)
		rc = is_known(c, i) ? 0 : check_pair(c, c->certs[i].file, "certs",
		    place_of_cert(&c->certs[i]), false, err);
	if (rc == 0 && c->client_certs != NULL)
		rc = check_client_certs(c, err);
	if (rc == 0 && c->client_ca != NULL)
		rc = check_roots(c, c->client_ca, "client_ca", err);
	for (i = 0; i < c->origin.ca.n && rc == 0; i++)
		rc = check_roots(c, c->origin.ca.v[i], "origin.ca", err);
	return rc;
}
