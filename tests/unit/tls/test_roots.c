/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tls/roots.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "base/mem.h"
#include "certs.h"
#include "suites.h"

static char dir[] = "roots-test-XXXXXX";

static char *
path_of(const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

static void
write_file(const char *name, X509 *cert, const char *text)
{
	char *path = path_of(name);
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	if (text != NULL)
		(void)fputs(text, f);
	if (cert != NULL)
		ck_assert_int_eq(PEM_write_X509(f, cert), 1);
	(void)fclose(f);
	free(path);
}

static void
setup(void)
{
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
teardown(void)
{
	static const char *const names[] = {"a.pem", "b.pem", "README", "0.0"};
	size_t i;

	for (i = 0; i < NELEM(names); i++) {
		char *path = path_of(names[i]);

		(void)unlink(path);
		free(path);
	}
	ck_assert_int_eq(rmdir(dir), 0);
}

static bool
holds(X509_STORE *store, X509 *cert)
{
	STACK_OF(X509) *all = X509_STORE_get1_all_certs(store);
	bool found = false;
	int i;

	for (i = 0; i < sk_X509_num(all); i++)
		found |= X509_cmp(sk_X509_value(all, i), cert) == 0;
	sk_X509_pop_free(all, X509_free);
	return found;
}

static X509_STORE *
load(const char *name, const uint8_t (*own)[32], size_t nown, struct errmsg *err)
{
	char *path = name[0] != '\0' ? path_of(name) : mem_strdup(dir);
	X509_STORE *store = tls_roots_load(&path, 1, own, nown, err);

	free(path);
	return store;
}

START_TEST(file)
{
	struct errmsg err;
	X509_STORE *store;

	write_file("a.pem", certs_root()->cert, "a comment\n");
	store = load("a.pem", NULL, 0, &err);
	ck_assert_ptr_nonnull(store);
	ck_assert(holds(store, certs_root()->cert));
	ck_assert(!holds(store, certs_stranger()->cert));
	X509_STORE_free(store);
}
END_TEST

START_TEST(directory)
{
	struct errmsg err;
	X509_STORE *store;
	char *link = path_of("0.0");

	write_file("a.pem", certs_root()->cert, NULL);
	write_file("b.pem", certs_stranger()->cert, NULL);
	write_file("README", NULL, "what lies here\n");
	ck_assert_int_eq(symlink("a.pem", link), 0);
	store = load("", NULL, 0, &err);
	ck_assert_ptr_nonnull(store);
	ck_assert(holds(store, certs_root()->cert) && holds(store, certs_stranger()->cert));
	X509_STORE_free(store);
	free(link);
}
END_TEST

START_TEST(own_ca_left_out)
{
	struct errmsg err;
	X509_STORE *store;
	uint8_t own[1][32];

	write_file("a.pem", certs_root()->cert, NULL);
	write_file("b.pem", certs_stranger()->cert, NULL);
	certs_spki(certs_root()->cert, own[0]);
	store = load("", own, 1, &err);
	ck_assert_ptr_nonnull(store);
	ck_assert(!holds(store, certs_root()->cert) && holds(store, certs_stranger()->cert));
	X509_STORE_free(store);
}
END_TEST

static const struct {
	const char *name, *text, *want;
} faults[] = {
	{"b.pem", NULL, "b.pem: No such file or directory"},
	{"a.pem", "no certificate\n", "a.pem: there is no PEM certificate in it"},
	{"a.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	    "a.pem: certificate 1 is broken"},
	{"", "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
	    "a.pem: certificate 1 is broken"},
	{"", "nothing\n", "there is no PEM certificate in it"},
};

START_TEST(faults_name_the_file)
{
	struct errmsg err;

	if (faults[_i].text != NULL)
		write_file("a.pem", NULL, faults[_i].text);
	ck_assert_ptr_null(load(faults[_i].name, NULL, 0, &err));
	ck_assert_msg(strstr(err.text, faults[_i].want) != NULL, "%s", err.text);
	ck_assert_ptr_nonnull(strstr(err.text, dir));
}
END_TEST

START_TEST(environment_ignored)
{
	struct errmsg err;
	X509_STORE *store;
	char *path = path_of("b.pem");

	write_file("a.pem", certs_root()->cert, NULL);
	write_file("b.pem", certs_stranger()->cert, NULL);
	(void)setenv("SSL_CERT_FILE", path, 1);
	(void)setenv("SSL_CERT_DIR", dir, 1);
	store = load("a.pem", NULL, 0, &err);
	ck_assert(!holds(store, certs_stranger()->cert));
	X509_STORE_free(store);
	(void)unsetenv("SSL_CERT_FILE");
	(void)unsetenv("SSL_CERT_DIR");
	free(path);
}
END_TEST

START_TEST(hash_of_a_key)
{
	uint8_t mine[32], theirs[2][32];

	tls_spki_sha256(certs_root()->cert, mine);
	certs_spki(certs_stranger()->cert, theirs[0]);
	certs_spki(certs_root()->cert, theirs[1]);
	ck_assert_mem_eq(mine, theirs[1], 32);
	ck_assert(tls_spki_among(certs_root()->cert, theirs, 2));
	ck_assert(!tls_spki_among(certs_root()->cert, theirs, 1));
	ck_assert(!tls_spki_among(certs_root()->cert, NULL, 0));
}
END_TEST

Suite *
roots_suite(void)
{
	Suite *s = suite_create("tls roots");
	TCase *t = tcase_create("roots");

	tcase_add_unchecked_fixture(t, NULL, certs_cleanup);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, file);
	tcase_add_test(t, directory);
	tcase_add_test(t, own_ca_left_out);
	tcase_add_loop_test(t, faults_name_the_file, 0, NELEM(faults));
	tcase_add_test(t, environment_ignored);
	tcase_add_test(t, hash_of_a_key);
	suite_add_tcase(s, t);
	return s;
}
