/* SPDX-License-Identifier: ISC */
/* test_shelf.c - files of keys and certificates as people have them. */
#include "config.h"

#include "tls/shelf.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "base/mem.h"
#include "certs.h"
#include "suites.h"

static char dir[64], path[96];
static EVP_PKEY *keys[4];	/* EC, RSA, Ed25519, another EC */
static X509 *leafs[4];

/* Making an RSA key takes longer than all tests together. */
static void
make_keys(void)
{
	int i;

	keys[0] = certs_key();
	EVP_PKEY_up_ref(keys[0]);
	keys[1] = certs_rsa(2048);
	EVP_PKEY_up_ref(keys[1]);
	keys[2] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	keys[3] = EVP_EC_gen("P-384");
	for (i = 0; i < 4; i++)
		leafs[i] = certs_leaf(&(struct spec){.cn = "shelf", .key = keys[i]});
}

static void
drop_keys(void)
{
	int i;

	for (i = 0; i < 4; i++) {
		EVP_PKEY_free(keys[i]);
		X509_free(leafs[i]);
	}
}

static void
setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/shelf-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/pair.pem", dir);
}

static void
teardown(void)
{
	char *command = mem_printf("rm -r %s", dir);

	ck_assert_int_eq(system(command), 0);
	free(command);
}

static void
put_key(FILE *f, char kind, EVP_PKEY *key)
{
	unsigned char pass[] = "secret";
	BIO *bio = BIO_new_fp(f, BIO_NOCLOSE);

	if (kind == 'k')
		ck_assert_int_eq(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL,
		    NULL), 1);
	else if (kind == 't')
		ck_assert_int_eq(PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0,
		    NULL, NULL), 1);
	else if (kind == 'e')
		ck_assert_int_eq(PEM_write_bio_PrivateKey(bio, key, EVP_aes_128_cbc(), pass, 6,
		    NULL, NULL), 1);
	else
		ck_assert_int_eq(PEM_write_bio_PrivateKey_traditional(bio, key,
		    EVP_aes_128_cbc(), pass, 6, NULL, NULL), 1);
	BIO_free(bio);
}

/*
 * k t e E: the key, in the old form, encrypted in either form; K: another key;
 * c o r: its certificate, that of another key, the root; x: text; p: parameters;
 * b B: a broken block, a certificate that is none.
 */
static void
write_parts(const char *file, const char *parts, int pair)
{
	FILE *f = fopen(file, "w");

	ck_assert_ptr_nonnull(f);
	for (; *parts != '\0'; parts++) {
		if (strchr("kteE", *parts) != NULL)
			put_key(f, *parts, keys[pair]);
		else if (*parts == 'K')
			put_key(f, 'k', keys[3]);
		else if (*parts == 'c')
			ck_assert_int_eq(PEM_write_X509(f, leafs[pair]), 1);
		else if (*parts == 'o')
			ck_assert_int_eq(PEM_write_X509(f, leafs[3]), 1);
		else if (*parts == 'r')
			ck_assert_int_eq(PEM_write_X509(f, certs_root()->cert), 1);
		else if (*parts == 'x')
			(void)fputs("Bag Attributes\n    friendlyName: x\nsubject=CN = y\n\n",
			    f);
		else if (*parts == 'p')
			(void)fputs("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n"
			    "-----END EC PARAMETERS-----\n", f);
		else if (*parts == 'b')
			(void)fputs("-----BEGIN CERTIFICATE-----\nMIIB!!!!\n", f);
		else
			(void)fputs("-----BEGIN CERTIFICATE-----\nAAAA\n"
			    "-----END CERTIFICATE-----\n", f);
	}
	ck_assert_int_eq(fclose(f), 0);
}

static const struct {
	const char *parts;
	int pair, nchain;
} good[] = {
	{"kc", 0, 0}, {"ck", 0, 0}, {"kcr", 0, 1}, {"rck", 0, 1}, {"crk", 0, 1},
	{"xcxkxrx", 0, 1},
	{"ptc", 0, 0}, {"tc", 1, 0}, {"rkc", 1, 1}, {"kcr", 2, 1}, {"ockr", 0, 2},
};

START_TEST(test_good)
{
	struct errmsg err;
	struct tls_leaf *leaf;

	write_parts(path, good[_i].parts, good[_i].pair);
	leaf = tls_pair_load(path, &err);
	ck_assert_msg(leaf != NULL, "%s", err.text);
	ck_assert_int_eq(X509_cmp(leaf->cert, leafs[good[_i].pair]), 0);
	ck_assert_int_eq(EVP_PKEY_eq(leaf->key, keys[good[_i].pair]), 1);
	ck_assert_int_eq(sk_X509_num(leaf->chain), good[_i].nchain);
	if (good[_i].nchain > 0)
		ck_assert_int_eq(X509_cmp(sk_X509_value(leaf->chain, good[_i].nchain - 1),
		    certs_root()->cert), 0);
	ck_assert_int_gt(leaf->refresh_at, INT64_C(1) << 40);
	ck_assert_ptr_null(leaf->ocsp);
	tls_leaf_unref(&leaf);
}
END_TEST

static const struct {
	const char *parts;
	int pair;
	const char *error;
} bad[] = {
	{"", 0, "%s: there is nothing in PEM form in it (-----BEGIN ...)"},
	{"x", 0, "%s: there is nothing in PEM form in it (-----BEGIN ...)"},
	{"c", 0, "%s: there is no private key in it: key, certificate and chain belong into "
	    "one file"},
	{"k", 0, "%s: there is no certificate in it: key, certificate and chain belong into "
	    "one file"},
	{"ko", 0, "%s: the key is not that of the certificate"},
	{"ko", 1, "%s: the key is not that of the certificate"},
	{"kor", 0, "%s: the key is not that of any certificate in it"},
	{"kKc", 0, "%s: there are several private keys in it: leave the one of the "
	    "certificate"},
	{"kck", 0, "%s: there are several private keys in it: leave the one of the "
	    "certificate"},
	{"kcb", 0, "%s: block 3 is broken"},
	{"kcB", 0, "%s: certificate 2 cannot be read"},
	{"kcrrrrrrrrrrrrrrrr", 0, "%s: there are more than 16 certificates in it: leave the "
	    "one of the key and its issuers"},
};

static const char *const encrypted[] = {"ec", "ce", "Ec", "cE", "cke"};

static void
must_fail(const char *error)
{
	struct errmsg err = {""};
	struct tls_leaf *leaf = tls_pair_load(path, &err);

	ck_assert_ptr_null(leaf);
	ck_assert_str_eq(err.text, error);
}

START_TEST(test_bad)
{
	struct str rest = str_from(str_z(bad[_i].error), 2);
	char *error = mem_printf("%s%s", path, rest.p);

	write_parts(path, bad[_i].parts, bad[_i].pair);
	must_fail(error);
	free(error);
}
END_TEST

START_TEST(test_encrypted)
{
	char *error = mem_printf("%s: the key is encrypted, and nobody is there to ask: write "
	    "it without a passphrase (openssl pkey -in %s)", path, path);

	write_parts(path, encrypted[_i], 1);
	must_fail(error);
	free(error);
}
END_TEST

START_TEST(test_unreadable)
{
	char *error = mem_printf("cannot read %s: No such file or directory", path);

	must_fail(error);
	free(error);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	error = mem_printf("cannot read %s: Is a directory", path);
	must_fail(error);
	free(error);
}
END_TEST

START_TEST(test_large)
{
	char *error = mem_printf("%s: larger than 256 KiB", path);

	write_parts(path, "kc", 0);
	ck_assert_int_eq(truncate(path, (256 << 10) + 1), 0);
	must_fail(error);
	free(error);
}
END_TEST

START_TEST(test_broken_key)
{
	char *error = mem_printf("%s: the private key cannot be read", path);
	FILE *f = fopen(path, "w");

	(void)fputs("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", f);
	(void)fclose(f);
	must_fail(error);
	free(error);
}
END_TEST

START_TEST(test_left)
{
	struct tls_leaf *leaf;
	X509 *early = certs_leaf(&(struct spec){.cn = "early", .from = -9, .until = -3});
	STACK_OF(X509) *chain = certs_chain(certs_root()->cert, _i == 0 ? NULL : early);
	int64_t now = (int64_t)time(NULL), left, want = _i == 0 ? 30 : -3;

	X509_up_ref(leafs[0]);
	EVP_PKEY_up_ref(keys[0]);
	leaf = tls_leaf_new(leafs[0], keys[0], chain);
	left = tls_pair_left(leaf, now);
	ck_assert_int_ge(left, want * 86400 - 300);
	ck_assert_int_le(left, want * 86400 + 300);
	tls_leaf_unref(&leaf);
	sk_X509_pop_free(chain, X509_free);
	X509_free(early);
}
END_TEST

static struct tls_leaf *
any_leaf(void)
{
	X509_up_ref(leafs[0]);
	EVP_PKEY_up_ref(keys[0]);
	return tls_leaf_new(leafs[0], keys[0], NULL);
}

static const struct {
	const char *host;
	int place;
} finds[] = {
	{"www.b.example", 3}, {"x.b.example", 2}, {"a.x.b.example", 2}, {"b.example", 1},
	{"example", 0}, {"other", 0}, {"192.0.2.1", 4}, {"", -1},
};

START_TEST(test_find)
{
	static const char *const names[] = {"*", "*.example", "*.b.example", "www.b.example",
		"192.0.2.1"};
	struct shelf *s = shelf_new();
	size_t i;

	for (i = 0; i < NELEM(names); i++)
		shelf_add(s, str_z(names[i]), any_leaf());
	ck_assert_int_eq(shelf_find(s, str_z(finds[_i].host)), finds[_i].place);
	ck_assert_int_eq(shelf_find(NULL, str_z(finds[_i].host)), -1);
	ck_assert_uint_eq(shelf_count(s), 5);
	ck_assert_uint_eq(shelf_count(NULL), 0);
	ck_assert(str_eq(shelf_name(s, 2), STR("*.b.example")));
	ck_assert_ptr_null(shelf_file(s, 2));
	shelf_free(&s);
	ck_assert_ptr_null(s);
	shelf_free(&s);
}
END_TEST

START_TEST(test_find_nothing)
{
	struct shelf *s = shelf_new();

	shelf_add(s, STR("*.example"), any_leaf());
	ck_assert_int_eq(shelf_find(s, STR("example")), -1);
	ck_assert_int_eq(shelf_find(s, STR("notexample")), -1);
	ck_assert_int_eq(shelf_find(s, STR("a.example")), 0);
	shelf_free(&s);
}
END_TEST

START_TEST(test_one_file)
{
	struct errmsg err;
	struct shelf *s;

	write_parts(path, "kcr", 1);
	s = shelf_load(path, &err);
	ck_assert_msg(s != NULL, "%s", err.text);
	ck_assert_uint_eq(shelf_count(s), 1);
	ck_assert_int_eq(shelf_find(s, STR("any.example")), 0);
	ck_assert_int_eq(X509_cmp(shelf_leaf(s, 0)->cert, leafs[1]), 0);
	ck_assert_str_eq(shelf_file(s, 0), path);
	shelf_free(&s);
}
END_TEST

static void
write_in_dir(const char *name, const char *parts)
{
	char *file = mem_printf("%s/%s", dir, name);

	write_parts(file, parts, 0);
	free(file);
}

START_TEST(test_directory)
{
	static const char *const hosts[][2] = {
		{"www.b.example", "WWW.b.example.pem"}, {"x.b.example", "*.b.example.pem"},
		{"other", "default.pem"}, {"2001:db8::1", "2001:DB8::1.pem"},
		{"192.0.2.1", "192.0.2.1.pem"},
	};
	static const char *const others[] = {"README", "a.key", ".hidden.pem", "a b.pem",
		".pem", "*.pem", "a.*.b.pem", "127.1.pem", "default.pem~"};
	const char *ignored;
	struct errmsg err;
	struct shelf *s;
	size_t i;

	for (i = 0; i < NELEM(hosts); i++)
		write_in_dir(hosts[i][1], "kc");
	for (i = 0; i < NELEM(others); i++)
		write_in_dir(others[i], "x");
	s = shelf_load(dir, &err);
	ck_assert_msg(s != NULL, "%s", err.text);
	ck_assert_uint_eq(shelf_count(s), NELEM(hosts));
	for (i = 0; i < NELEM(hosts); i++) {
		int at = shelf_find(s, str_z(hosts[i][0]));

		ck_assert_int_ge(at, 0);
		ck_assert_str_eq(shelf_file(s, (size_t)at) + strlen(dir) + 1, hosts[i][1]);
	}
	/* Hidden files are nobody's business. */
	ck_assert_uint_eq(shelf_ignored(s, &ignored), NELEM(others) - 2);
	ck_assert_ptr_nonnull(ignored);
	shelf_free(&s);
}
END_TEST

/* As "certs.pem/", or what somebody has unpacked there. */
START_TEST(test_directory_in_it)
{
	char *inside = mem_printf("%s/sub.example.pem", dir);
	const char *ignored;
	struct errmsg err;
	struct shelf *s;

	write_in_dir("a.example.pem", "kc");
	ck_assert_int_eq(mkdir(inside, 0700), 0);
	s = shelf_load(dir, &err);
	ck_assert_int_eq(rmdir(inside), 0);
	ck_assert_msg(s != NULL, "%s", err.text);
	ck_assert_uint_eq(shelf_count(s), 1);
	ck_assert_uint_eq(shelf_ignored(s, &ignored), 1);
	ck_assert_str_eq(ignored, "sub.example.pem");
	shelf_free(&s);
	free(inside);
}
END_TEST

START_TEST(test_directory_of_nothing)
{
	const char *ignored;
	struct errmsg err;
	struct shelf *s = shelf_load(dir, &err);

	ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(shelf_count(s), 0);
	ck_assert_uint_eq(shelf_ignored(s, &ignored), 0);
	shelf_free(&s);
}
END_TEST

/* One bad file is told by its name and not left out. */
START_TEST(test_directory_bad)
{
	char *error = mem_printf("%s/b.example.pem: the key is not that of the certificate",
	    dir);
	struct errmsg err;
	struct shelf *s;

	write_in_dir("a.example.pem", "kc");
	write_in_dir("b.example.pem", "ko");
	ck_assert_ptr_null(shelf_load(dir, &err));
	ck_assert_str_eq(err.text, error);
	s = shelf_names(dir, &err);
	ck_assert_uint_eq(shelf_count(s), 2);
	ck_assert_ptr_null(shelf_leaf(s, 1));
	shelf_free(&s);
	free(error);
}
END_TEST

START_TEST(test_directory_twice)
{
	char *error = mem_printf("%s/a.example.pem is for the same host as %s/A.example.pem",
	    dir, dir);
	struct errmsg err;

	write_in_dir("a.example.pem", "kc");
	write_in_dir("A.example.pem", "kc");
	ck_assert_ptr_null(shelf_load(dir, &err));
	ck_assert_str_eq(err.text, error);
	free(error);
}
END_TEST

START_TEST(test_no_directory)
{
	struct errmsg err;

	ck_assert_ptr_null(shelf_load("/nonexistent/x", &err));
	ck_assert_str_eq(err.text, "cannot read /nonexistent/x: No such file or directory");
}
END_TEST

Suite *
shelf_suite(void)
{
	Suite *s = suite_create("shelf");
	TCase *t = tcase_create("shelf");

	tcase_add_unchecked_fixture(t, NULL, certs_cleanup);
	tcase_add_unchecked_fixture(t, make_keys, drop_keys);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, test_good, 0, (int)NELEM(good));
	tcase_add_loop_test(t, test_bad, 0, (int)NELEM(bad));
	tcase_add_loop_test(t, test_encrypted, 0, (int)NELEM(encrypted));
	tcase_add_test(t, test_unreadable);
	tcase_add_test(t, test_large);
	tcase_add_test(t, test_broken_key);
	tcase_add_loop_test(t, test_left, 0, 2);
	tcase_add_loop_test(t, test_find, 0, (int)NELEM(finds));
	tcase_add_test(t, test_find_nothing);
	tcase_add_test(t, test_one_file);
	tcase_add_test(t, test_directory);
	tcase_add_test(t, test_directory_in_it);
	tcase_add_test(t, test_directory_of_nothing);
	tcase_add_test(t, test_directory_bad);
	tcase_add_test(t, test_directory_twice);
	tcase_add_test(t, test_no_directory);
	suite_add_tcase(s, t);
	return s;
}
