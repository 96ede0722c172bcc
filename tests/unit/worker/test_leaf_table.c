/* SPDX-License-Identifier: ISC */
/* test_leaf_table.c - which leafs are kept, and until when. */
#include "config.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "suites.h"
#include "worker/leaf_table.h"

static struct cert_key
key_no(unsigned n)
{
	struct cert_key k = {{(uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16)}};

	return k;
}

static struct tls_leaf *
a_leaf(void)
{
	return tls_leaf_new(X509_new(), EVP_PKEY_new(), NULL);
}

static bool
has(struct leaf_table *t, unsigned n, int64_t now)
{
	struct cert_key key = key_no(n);
	struct tls_leaf *leaf;
	const char *refusal;
	bool found = leaf_table_find(t, &key, now, &leaf, &refusal);

	tls_leaf_unref(&leaf);
	return found;
}

static void
add(struct leaf_table *t, unsigned n, int64_t until)
{
	struct cert_key key = key_no(n);
	struct tls_leaf *leaf = a_leaf();

	leaf_table_add(t, &key, leaf, NULL, until);
	tls_leaf_unref(&leaf);
}

/* refresh_at is half the leaf's life: from then on the signer is asked for the next one. */
START_TEST(a_leaf_is_shown_until_its_half_life)
{
	struct leaf_table *t = leaf_table_new(4);

	add(t, 1, 1000);
	ck_assert(has(t, 1, 999));
	ck_assert(!has(t, 1, 1000));
	ck_assert(!has(t, 1, 999));	/* gone for good */
	leaf_table_free(&t);
}
END_TEST

START_TEST(the_same_leaf_is_found_again)
{
	struct leaf_table *t = leaf_table_new(4);
	struct cert_key key = key_no(1);
	struct tls_leaf *leaf = a_leaf(), *found;
	const char *refusal;

	leaf_table_add(t, &key, leaf, NULL, 1000);
	ck_assert(leaf_table_find(t, &key, 0, &found, &refusal));
	ck_assert_ptr_eq(found, leaf);
	ck_assert_uint_eq(leaf->refs, 3);
	tls_leaf_unref(&found);
	leaf_table_free(&t);
	ck_assert_uint_eq(leaf->refs, 1);
	tls_leaf_unref(&leaf);
}
END_TEST

START_TEST(a_refusal_is_remembered_for_a_while)
{
	struct leaf_table *t = leaf_table_new(4);
	struct cert_key key = key_no(1);
	struct tls_leaf *leaf;
	const char *refusal;

	leaf_table_add(t, &key, NULL, "no", 10);
	ck_assert(leaf_table_find(t, &key, 9, &leaf, &refusal));
	ck_assert_ptr_null(leaf);
	ck_assert_str_eq(refusal, "no");
	ck_assert(!leaf_table_find(t, &key, 10, &leaf, &refusal));
	leaf_table_free(&t);
}
END_TEST

START_TEST(a_newer_one_takes_its_place)
{
	struct leaf_table *t = leaf_table_new(4);
	struct cert_key key = key_no(1);

	leaf_table_add(t, &key, NULL, "no", 10);
	add(t, 1, 1000);
	ck_assert(has(t, 1, 999));
	ck_assert(!has(t, 1, 1000));
	leaf_table_free(&t);
}
END_TEST

START_TEST(the_longest_unasked_goes_first)
{
	struct leaf_table *t = leaf_table_new(3);

	/* The same bucket for all of them. */
	add(t, 1, 1000);
	add(t, 1 + (1 << 16), 1000);
	add(t, 1 + (2 << 16), 1000);
	ck_assert(has(t, 1, 0));
	add(t, 1 + (3 << 16), 1000);
	ck_assert(has(t, 1, 0));
	ck_assert(!has(t, 1 + (1 << 16), 0));
	ck_assert(has(t, 1 + (2 << 16), 0));
	ck_assert(has(t, 1 + (3 << 16), 0));
	leaf_table_free(&t);
}
END_TEST

Suite *
leaf_table_suite(void)
{
	Suite *s = suite_create("leaf table");
	TCase *tc = tcase_create("leaf table");

	tcase_add_test(tc, a_leaf_is_shown_until_its_half_life);
	tcase_add_test(tc, the_same_leaf_is_found_again);
	tcase_add_test(tc, a_refusal_is_remembered_for_a_while);
	tcase_add_test(tc, a_newer_one_takes_its_place);
	tcase_add_test(tc, the_longest_unasked_goes_first);
	suite_add_tcase(s, tc);
	return s;
}
