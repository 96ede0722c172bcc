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
#include "tls/origin.h"

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
	static const char *const names[] = {"a.pem", "b.pem", "README", "0.0", "1.0",
		"b.der", "pipe"};
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

static void
link_to(const char *target, const char *name)
{
	char *path = path_of(name);

	ck_assert_int_eq(symlink(target, path), 0);
	free(path);
}

static int
count(X509_STORE *store)
{
	STACK_OF(X509) *all = X509_STORE_get1_all_certs(store);
	int n = sk_X509_num(all);

	sk_X509_pop_free(all, X509_free);
	return n;
}

/* As c_rehash(1) makes it, and with what else may lie there. */
START_TEST(directory)
{
	struct errmsg err;
	X509_STORE *store, *system;

	write_file("b.pem", certs_root()->cert, NULL);
	system = load("b.pem", NULL, 0, &err);
	write_file("a.pem", certs_root()->cert, NULL);
	write_file("b.pem", certs_stranger()->cert, NULL);
	write_file("README", NULL, "what lies here\n");
	link_to("a.pem", "0.0");
	link_to("b.pem", "1.0");
	link_to("/dev/null", "pipe");
	store = load("", NULL, 0, &err);
	ck_assert_msg(store != NULL, "%s", err.text);
	ck_assert(holds(store, certs_root()->cert) && holds(store, certs_stranger()->cert));
	/* to the system's, and each once */
	ck_assert_int_eq(count(store), count(system) + 1);
	X509_STORE_free(store);
	X509_STORE_free(system);
}
END_TEST

/* A link alone, its target elsewhere. */
START_TEST(hashed_directory_of_links)
{
	struct errmsg err;
	X509_STORE *store;
	char *inner = path_of("inner");

	write_file("a.pem", certs_root()->cert, NULL);
	ck_assert_int_eq(mkdir(inner, 0700), 0);
	link_to("../a.pem", "inner/0.0");
	store = load("inner", NULL, 0, &err);
	ck_assert_msg(store != NULL, "%s", err.text);
	ck_assert(holds(store, certs_root()->cert));
	X509_STORE_free(store);
	free(inner);
	inner = path_of("inner/0.0");
	ck_assert_int_eq(unlink(inner), 0);
	free(inner);
	inner = path_of("inner");
	ck_assert_int_eq(rmdir(inner), 0);
	free(inner);
}
END_TEST

START_TEST(link_to_nowhere)
{
	struct errmsg err;

	write_file("a.pem", certs_root()->cert, NULL);
	link_to("gone.pem", "0.0");
	ck_assert_ptr_null(load("", NULL, 0, &err));
	ck_assert_msg(strstr(err.text, "0.0: No such file") != NULL, "%s", err.text);
}
END_TEST

/* Opened, it would be waited for as long as nobody writes. */
START_TEST(a_pipe_is_no_file)
{
	struct errmsg err;
	char *path = path_of("pipe");

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_ptr_null(load("pipe", NULL, 0, &err));
	ck_assert_msg(strstr(err.text, "pipe is neither") != NULL, "%s", err.text);
	free(path);
}
END_TEST

START_TEST(unreadable)
{
	struct errmsg err;
	char *path = path_of("a.pem");

	write_file("a.pem", certs_root()->cert, NULL);
	ck_assert_int_eq(chmod(path, 0), 0);
	if (access(path, R_OK) == -1) {	/* root may read it */
		ck_assert_ptr_null(load(_i == 0 ? "a.pem" : "", NULL, 0, &err));
		ck_assert_msg(strstr(err.text, "a.pem: Permission denied") != NULL, "%s",
		    err.text);
	}
	free(path);
}
END_TEST

static X509 *
an_expired_root(void)
{
	return certs_make(&(struct spec){.cn = "Root of the tests", .ca = true,
		.key = certs_root()->key, .from = -9, .until = -1}, NULL);
}

/* Kept: the store knows a way up through it, and one that is good is preferred. */
START_TEST(expired_roots_stay)
{
	X509 *old = an_expired_root(), *leaf = certs_leaf(&(struct spec){.cn = "l"});
	STACK_OF(X509) *chain = certs_chain(leaf, NULL);
	struct tls_origin_conf conf = {.nown_ca = 0};
	struct tls_facts *f;
	struct errmsg err;

	write_file("a.pem", old, NULL);
	if (_i == 1)
		write_file("b.pem", certs_root()->cert, NULL);
	conf.roots = load("", NULL, 0, &err);
	ck_assert_ptr_nonnull(conf.roots);
	f = tls_verify_chain(chain, &conf, STR("www.test"), false, false);
	ck_assert_int_eq(f->verified, _i == 1);
	ck_assert_str_eq(f->reason, _i == 1 ? "" :
	    "certificate has expired (depth 1, CN = Root of the tests)");
	tls_facts_unref(&f);
	X509_STORE_free(conf.roots);
	sk_X509_pop_free(chain, X509_free);
	X509_free(leaf);
	X509_free(old);
}
END_TEST

/* Several paths: all of them. */
START_TEST(several_paths)
{
	struct errmsg err;
	char *paths[2] = {path_of("a.pem"), path_of("b.pem")};
	X509_STORE *store;

	write_file("a.pem", certs_root()->cert, NULL);
	write_file("b.pem", certs_stranger()->cert, NULL);
	store = tls_roots_load(paths, 2, NULL, 0, &err);
	ck_assert(holds(store, certs_root()->cert) && holds(store, certs_stranger()->cert));
	X509_STORE_free(store);
	free(paths[0]);
	free(paths[1]);
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
	{"a.pem", "", "a.pem: there is no PEM certificate in it"},
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
	tcase_add_test(t, hashed_directory_of_links);
	tcase_add_test(t, link_to_nowhere);
	tcase_add_test(t, a_pipe_is_no_file);
	tcase_add_loop_test(t, unreadable, 0, 2);
	tcase_add_loop_test(t, expired_roots_stay, 0, 2);
	tcase_add_test(t, several_paths);
	tcase_add_test(t, own_ca_left_out);
	tcase_add_loop_test(t, faults_name_the_file, 0, NELEM(faults));
	tcase_add_test(t, environment_ignored);
	tcase_add_test(t, hash_of_a_key);
	suite_add_tcase(s, t);
	return s;
}
