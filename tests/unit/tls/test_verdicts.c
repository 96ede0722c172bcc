/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "certs.h"
#include "suites.h"
#include "tls/verdicts.h"

static void
key_of(X509 *leaf, X509 *second, struct str name, bool is_ip, bool strict, uint8_t out[32])
{
	STACK_OF(X509) *chain = certs_chain(leaf, second);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();

	ck_assert_int_eq(X509_STORE_CTX_init(ctx, certs_store(), leaf, chain), 1);
	verdicts_key(ctx, name, is_ip, strict, out);
	X509_STORE_CTX_free(ctx);
	sk_X509_pop_free(chain, X509_free);
}

static bool
same(const uint8_t a[32], const uint8_t b[32])
{
	return memcmp(a, b, 32) == 0;
}

START_TEST(key_is_all_that_is_verified)
{
	X509 *leaf = certs_leaf(&(struct spec){.cn = "a"});
	X509 *other = certs_leaf(&(struct spec){.cn = "b"});
	uint8_t key[32], again[32];

	key_of(leaf, NULL, STR("www.test"), false, false, key);
	key_of(leaf, NULL, STR("www.test"), false, false, again);
	ck_assert(same(key, again));
	key_of(other, NULL, STR("www.test"), false, false, again);
	ck_assert(!same(key, again));
	key_of(leaf, other, STR("www.test"), false, false, again);
	ck_assert(!same(key, again));
	key_of(leaf, NULL, STR("ww.test"), false, false, again);
	ck_assert(!same(key, again));
	key_of(leaf, NULL, STR("www.test\0x"), false, false, again);
	ck_assert(!same(key, again));
	key_of(leaf, NULL, STR("www.test"), true, false, again);
	ck_assert(!same(key, again));
	key_of(leaf, NULL, STR("www.test"), false, true, again);
	ck_assert(!same(key, again));
	X509_free(leaf);
	X509_free(other);
}
END_TEST

static const struct {
	bool verified;
	int from, until;	/* seconds from now */
	bool kept;
} cases[] = {
	{true, -100, 100, true},
	{false, -100, 100, false},
	{true, -100, -1, false},
	{true, 50, 100, false},
};

START_TEST(keeps_good_ones)
{
	int64_t now = (int64_t)time(NULL);
	struct verdicts *v = verdicts_new();
	struct tls_facts *f = mem_new(struct tls_facts), *found;
	uint8_t key[32] = {7};

	f->refs = 1;
	f->verified = cases[_i].verified;
	f->latest_not_before = now + cases[_i].from;
	f->earliest_not_after = now + cases[_i].until;
	ck_assert_ptr_null(verdicts_find(v, key));
	verdicts_keep(v, key, f);
	found = verdicts_find(v, key);
	ck_assert_ptr_eq(found, cases[_i].kept ? f : NULL);
	tls_facts_unref(&found);
	key[31] = 1;	/* the same place */
	ck_assert_ptr_null(verdicts_find(v, key));
	key[31] = 0;
	f->earliest_not_after = now - 1;
	ck_assert_ptr_null(verdicts_find(v, key));
	ck_assert_uint_eq(f->refs, 1);
	tls_facts_unref(&f);
	verdicts_free(&v);
}
END_TEST

START_TEST(later_one_has_the_place)
{
	int64_t now = (int64_t)time(NULL);
	struct verdicts *v = verdicts_new();
	struct tls_facts *f[2], *found;
	uint8_t key[2][32] = {{7}, {7, 1}};
	int i;

	for (i = 0; i < 2; i++) {
		f[i] = mem_new(struct tls_facts);
		*f[i] = (struct tls_facts){.refs = 1, .verified = true,
		    .latest_not_before = now - 9, .earliest_not_after = now + 99};
		verdicts_keep(v, key[i], f[i]);
	}
	ck_assert_ptr_null(verdicts_find(v, key[0]));
	found = verdicts_find(v, key[1]);
	ck_assert_ptr_eq(found, f[1]);
	tls_facts_unref(&found);
	verdicts_free(&v);
	ck_assert_uint_eq(f[0]->refs, 1);
	tls_facts_unref(&f[0]);
	ck_assert_uint_eq(f[1]->refs, 1);
	tls_facts_unref(&f[1]);
}
END_TEST

Suite *
verdicts_suite(void)
{
	Suite *s = suite_create("verdicts");
	TCase *t = tcase_create("verdicts");

	tcase_add_test(t, key_is_all_that_is_verified);
	tcase_add_loop_test(t, keeps_good_ones, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(t, later_one_has_the_place);
	suite_add_tcase(s, t);
	return s;
}
