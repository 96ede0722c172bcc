/* SPDX-License-Identifier: ISC */
/* test_desk.c - a request in, an answer out. */
#include "config.h"

#include "ipc/bundle.h"
#include "signer/desk.h"

#include "base/log.h"
#include "fixture.h"
#include "proc/counters.h"
#include "shm/cert_cache.h"
#include "signer/keys.h"
#include "suites.h"

#define SECOND 1000000u

static struct ca ca;
static struct permit *all;
static struct segment certs, keys;
static struct desk *desk;
static struct desk_client client;
static struct counters counters;
static struct buf body, out;
static struct msg_sign_answer answer;
static uint64_t mono;
static int64_t now;

static void
setup(void)
{
	struct desk_conf conf = {.cert_cache = &certs, .keyring = &keys,
	    .counters = &counters, .lifetime = 86400,
	    .issuer_id = {7}};
	struct errmsg err;

	mono = 5 * SECOND;
	now = NOW;
	memset(&counters, 0, sizeof(counters));
	client = (struct desk_client){0};
	log_init(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	fixture_ca(&ca, false);
	all = fixture_permit_all();
	conf.ca = &ca;
	conf.permit = all;
	ck_assert_int_eq(cert_cache_create(&certs, 64, &err), 0);
	ck_assert_int_eq(keyring_create(&keys, &err), 0);
	keyring_write(&keys, fixture_ring());
	desk = desk_new(&conf);
}

static void
teardown(void)
{
	desk_free(&desk);
	segment_free(&keys);
	segment_free(&certs);
	permit_free(&all);
	ca_free(&ca);
	buf_free(&body);
	buf_free(&out);
}

static void
serve(const struct msg_sign_ask *m)
{
	buf_clear(&body);
	buf_clear(&out);
	msg_pack_sign_ask(&body, m);
	ck_assert_int_eq(desk_serve(desk, &client, 0, buf_str(&body), mono, now, &out), 0);
	ck_assert_int_eq(msg_unpack_sign_answer(buf_str(&out), &answer), 0);
	ck_assert_uint_eq(answer.id, m->id);
}

START_TEST(answers_with_a_leaf)
{
	struct msg_sign_ask m = ask_for("a.test");
	struct bundle bundle;
	const uint8_t *p;
	X509 *leaf;

	m.id = 77;
	serve(&m);
	ck_assert_uint_eq(answer.status, SIGN_OK);
	ck_assert_int_eq(answer.refresh_at, NOW + 43200);
	ck_assert_int_eq(bundle_unpack(answer.bundle, &bundle), 0);
	p = (const uint8_t *)bundle.leaf.p;
	leaf = d2i_X509(NULL, &p, (long)bundle.leaf.n);
	ck_assert_ptr_nonnull(leaf);
	ck_assert_int_eq(X509_verify(leaf, ca.key), 1);
	X509_free(leaf);
}
END_TEST

/* The bytes of the last leaf, to compare with the next. */
static void
keep(struct buf *first)
{
	buf_puts(first, answer.bundle);
}

START_TEST(the_same_question_has_the_same_answer_until_half_life)
{
	struct msg_sign_ask m = ask_for("a.test");
	struct buf first = {0};

	serve(&m);
	keep(&first);
	now = NOW + 43199;
	serve(&m);
	ck_assert(str_eq(answer.bundle, buf_str(&first)));
	ck_assert_int_eq(answer.refresh_at, NOW + 43200);
	now = NOW + 43200;
	serve(&m);
	ck_assert_uint_eq(answer.status, SIGN_OK);
	ck_assert(!str_eq(answer.bundle, buf_str(&first)));
	buf_free(&first);
}
END_TEST

START_TEST(workers_find_it_under_the_agreed_key)
{
	struct msg_sign_ask m = ask_for("a.test");
	uint8_t der[CERT_CACHE_DER_MAX];
	struct cert_cache *reader;
	struct keyring ring;
	struct cert_key key;
	struct errmsg err;
	uint8_t like[32];
	int64_t refresh_at;

	memset(m.origin.b, 5, sizeof(m.origin.b));
	m.key = SIGN_KEY_MIRROR_RSA;
	m.recipe = RECIPE_UNTRUSTED_ROOT;
	m.copy = COPY_KEY_USAGE;
	m.key_usage = 0x20;
	m.why = STR("unknown root");
	serve(&m);
	keyring_read_own(&keys, &ring);
	cert_like_hash(&(struct cert_like){.origin_leaf = m.origin.b, .not_before = m.not_before,
	    .not_after = m.not_after, .cn = m.cn, .org = m.org, .names = m.names, .why = m.why,
	    .copy = m.copy, .key_usage = m.key_usage, .staple = m.staple}, like);
	key = cert_key_make(m.asked_name, like, m.recipe, ring.keys[KEYRING_MIRROR_RSA].id,
	    (const uint8_t[32]){7});
	reader = cert_cache_reader(certs.fd, &err);
	ck_assert_uint_eq(cert_cache_find(reader, &key, NOW, der, &refresh_at), answer.bundle.n);
	ck_assert_mem_eq(der, answer.bundle.p, answer.bundle.n);
	cert_cache_free(&reader);
}
END_TEST

/*
 * A worker that claims an origin of its own cannot file leafs for others, and no
 * leaf stands in for one that differs in anything.
 */
START_TEST(whatever_differs_has_another_leaf)
{
	struct msg_sign_ask m = ask_for("a.test");
	struct buf first = {0};

	m.copy = COPY_KEY_USAGE | COPY_DATES;
	m.key = SIGN_KEY_MIRROR_EC;
	m.not_before = NOW - 1000;
	m.not_after = NOW + 1000;
	serve(&m);
	keep(&first);
	switch (_i) {
	case 0: m.org = STR("Somebody Else"); break;
	case 1: m.cn = STR("b.test"); break;
	case 2: m.names = STR("\2\0\1a"); break;
	case 3: m.copy |= COPY_NO_AKI; break;
	case 4: m.key_usage = 1; break;
	case 5: m.staple = SIGN_STAPLE_GOOD; break;
	case 6: m.recipe = RECIPE_SELF; break;
	case 7: m.why = STR("another reason"); break;
	case 8: m.not_before++; break;
	case 9: m.not_after++; break;
	case 10: m.key = SIGN_KEY_MIRROR_RSA; break;
	case 11: m.asked_name = STR("c.test"); break;
	}
	serve(&m);
	ck_assert_uint_eq(answer.status, SIGN_OK);
	ck_assert(!str_eq(answer.bundle, buf_str(&first)));
	buf_free(&first);
}
END_TEST

START_TEST(a_bundle_holds_what_belongs_to_the_leaf)
{
	struct msg_sign_ask m = ask_for("a.test");
	struct bundle b;
	unsigned i;

	m.staple = SIGN_STAPLE_REVOKED;
	for (i = 0; i < 2; i++) {	/* minted, then from the cache */
		serve(&m);
		ck_assert_int_eq(bundle_unpack(answer.bundle, &b), 0);
		ck_assert(b.with_ca);
		ck_assert_uint_gt(b.staple.n, 100);
		ck_assert_uint_eq(b.nissuers, 0);
	}
	m = ask_for("a.test");
	m.recipe = RECIPE_UNTRUSTED_SUB;
	m.key = SIGN_KEY_MIRROR_EC;
	for (i = 0; i < 2; i++) {
		serve(&m);
		ck_assert_int_eq(bundle_unpack(answer.bundle, &b), 0);
		ck_assert(!b.with_ca);
		ck_assert_uint_eq(b.staple.n, 0);
		ck_assert_uint_eq(b.nissuers, 1);
	}
}
END_TEST

START_TEST(a_missing_key_is_made)
{
	struct msg_sign_ask m = ask_for("a.test");
	struct keyring ring = *fixture_ring();

	ring.keys[KEYRING_WEAK].der_len = 0;
	keyring_write(&keys, &ring);
	serve(&m);
	ck_assert_uint_eq(answer.status, SIGN_OK);
	keyring_read_own(&keys, &ring);
	ck_assert_uint_eq(ring.keys[KEYRING_WEAK].der_len, 0);
	m.key = SIGN_KEY_WEAK;
	m.copy = COPY_WEAK_KEY;
	serve(&m);
	ck_assert_uint_eq(answer.status, SIGN_OK);
	keyring_read_own(&keys, &ring);
	ck_assert_uint_gt(ring.keys[KEYRING_WEAK].der_len, 0);
}
END_TEST

START_TEST(another_origin_has_another_leaf)
{
	struct msg_sign_ask m = ask_for("a.test");
	struct buf first = {0};

	serve(&m);
	keep(&first);
	m.origin.b[31] = 1;
	serve(&m);
	ck_assert(!str_eq(answer.bundle, buf_str(&first)));
	buf_free(&first);
}
END_TEST

START_TEST(follows_a_rotation_by_another_signer)
{
	struct msg_sign_ask m = ask_for("a.test");
	struct bundle bundle;
	const uint8_t *p, *k;
	struct keyring ring;
	EVP_PKEY *key;
	X509 *leaf;

	serve(&m);
	keys_renew(&keys, NOW + KEYRING_ROTATE_SECONDS);
	keyring_read_own(&keys, &ring);
	serve(&m);
	ck_assert_int_eq(bundle_unpack(answer.bundle, &bundle), 0);
	p = (const uint8_t *)bundle.leaf.p;
	k = ring.keys[KEYRING_EC].der;
	leaf = d2i_X509(NULL, &p, (long)bundle.leaf.n);
	key = d2i_AutoPrivateKey(NULL, &k, ring.keys[KEYRING_EC].der_len);
	ck_assert_int_eq(X509_check_private_key(leaf, key), 1);
	EVP_PKEY_free(key);
	X509_free(leaf);
}
END_TEST

START_TEST(a_refusal_has_a_reason_and_no_leaf)
{
	struct msg_sign_ask m = ask_for("*.com");

	serve(&m);
	ck_assert_uint_eq(answer.status, SIGN_REFUSED);
	ck_assert_uint_eq(counters.certs_refused, 1);
	ck_assert_uint_gt(answer.reason.n, 0);
	ck_assert_uint_eq(answer.bundle.n, 0);
}
END_TEST

START_TEST(a_malformed_request_has_no_answer)
{
	struct msg_sign_ask m = ask_for("a.test");

	msg_pack_sign_ask(&body, &m);
	ck_assert_int_eq(desk_serve(desk, &client, 0, str_sub(buf_str(&body), 0, body.len - 1),
	    mono, now, &out), ERR_SYNTAX);
	buf_putc(&body, 0);
	ck_assert_int_eq(desk_serve(desk, &client, 0, buf_str(&body), mono, now, &out),
	    ERR_SYNTAX);
	ck_assert_uint_eq(out.len, 0);
}
END_TEST

START_TEST(without_keys_it_says_so)
{
	struct msg_sign_ask m = ask_for("a.test");
	struct keyring empty = {.made_at = 0};

	keyring_write(&keys, &empty);
	serve(&m);
	ck_assert_uint_eq(answer.status, SIGN_BROKEN);
}
END_TEST

START_TEST(an_expired_ca_signs_nothing)
{
	struct msg_sign_ask m = ask_for("a.test");

	now = ca.not_after;
	serve(&m);
	ck_assert_uint_eq(answer.status, SIGN_BROKEN);
	ck_assert_uint_eq(answer.bundle.n, 0);
}
END_TEST

START_TEST(a_flood_is_slowed_down)
{
	struct msg_sign_ask m = ask_for("");	/* refused, so that it costs nothing */
	struct desk_client quiet = {0};
	unsigned i, busy = 0;

	for (i = 0; i < DESK_BURST; i++) {
		serve(&m);
		ck_assert_uint_eq(answer.status, SIGN_REFUSED);
	}
	serve(&m);
	ck_assert_uint_eq(answer.status, SIGN_BUSY);
	ck_assert_uint_eq(counters.certs_refused, DESK_BURST + 1);
	mono += SECOND / 2;
	for (i = 0; i < DESK_RATE; i++) {
		serve(&m);
		busy += answer.status == SIGN_BUSY;
	}
	ck_assert_uint_eq(busy, DESK_RATE / 2);
	mono += 1000 * (uint64_t)SECOND;
	for (i = 0; i < DESK_BURST + 10; i++)
		serve(&m);
	ck_assert_uint_eq(answer.status, SIGN_BUSY);
	/* One worker's flood is not another's. */
	client = quiet;
	serve(&m);
	ck_assert_uint_eq(answer.status, SIGN_REFUSED);
}
END_TEST

Suite *
desk_suite(void)
{
	Suite *s = suite_create("desk");
	TCase *tc = tcase_create("core");

	tcase_add_unchecked_fixture(tc, fixture_warm, NULL);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, answers_with_a_leaf);
	tcase_add_test(tc, the_same_question_has_the_same_answer_until_half_life);
	tcase_add_test(tc, workers_find_it_under_the_agreed_key);
	tcase_add_loop_test(tc, whatever_differs_has_another_leaf, 0, 12);
	tcase_add_test(tc, a_bundle_holds_what_belongs_to_the_leaf);
	tcase_add_test(tc, a_missing_key_is_made);
	tcase_add_test(tc, another_origin_has_another_leaf);
	tcase_add_test(tc, follows_a_rotation_by_another_signer);
	tcase_add_test(tc, a_refusal_has_a_reason_and_no_leaf);
	tcase_add_test(tc, a_malformed_request_has_no_answer);
	tcase_add_test(tc, without_keys_it_says_so);
	tcase_add_test(tc, an_expired_ca_signs_nothing);
	tcase_add_test(tc, a_flood_is_slowed_down);
	suite_add_tcase(s, tc);
	return s;
}
