/* SPDX-License-Identifier: ISC */
/*
 * test_promises.c - thousands of requests as a broken worker might make them:
 * whatever carries our CA's signature keeps what is promised of it.
 */
#include "config.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "fixture.h"
#include "ipc/bundle.h"
#include "proc/counters.h"
#include "shm/cert_cache.h"
#include "signer/ask.h"
#include "signer/desk.h"
#include "suites.h"
#include "tls/name.h"

#define DAY 86400
#define HOUR 3600
#define ASKS 20000
#define ASKS_MIN 300		/* under valgrind */
#define SECONDS_MAX 8
#define YEAR (INT64_C(365) * DAY)

static struct counters counters;
static struct ca ca;
static struct permit *some;
static struct segment certs, keys;
static struct desk *desk;
static uint64_t state;

/* xorshift64*: the same requests in every run. */
static unsigned
dice(unsigned sides)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (unsigned)((state * UINT64_C(2685821657736338717)) >> 33) % sides;
}

static void
setup(void)
{
	static const char *const patterns[] = {".example.com", "192.0.2.0/24"};
	struct desk_conf conf = {.cert_cache = &certs, .keyring = &keys,
	    .counters = &counters, .lifetime = DAY};
	struct errmsg err;

	state = 88172645463325252;
	log_init(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	fixture_ca(&ca, false);
	some = fixture_permit(patterns, NELEM(patterns));
	conf.ca = &ca;
	conf.permit = some;
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
	permit_free(&some);
	ca_free(&ca);
}

static const struct str texts[] = {
	STR(""), STR("www.example.com"), STR("*.example.com"), STR("w*.example.com"),
	STR("*.com"), STR("*"), STR("other.test"), STR("192.0.2.7"), STR("10.0.0.1"),
	STR("Example Inc."), STR("a\nb"), STR("\xff"), STR("a\0b"), STR("*.*.example.com"),
	STR("example.com"), STR("*.test"), STR("t*.com"),
	STR("www.example.com."), STR("*.com."),
};

static int64_t
any_date(void)
{
	static const int64_t far[] = {0, 1, -1, INT64_MAX, INT64_MIN, ASK_DATE_MIN,
	    ASK_DATE_MAX, NOW, NOW + 10 * YEAR, NOW - 10 * YEAR, NOW + 48 * HOUR, NOW + 48 * HOUR + 1};

	return dice(2) == 0 ? far[dice(NELEM(far))] :
	    NOW + ((int64_t)dice(2000) - 1000) * HOUR + dice(HOUR);
}

static void
any_names(struct buf *names)
{
	static const struct str ips[] = {STR("\xc0\0\2\7"), STR("\12\0\0\1"), STR("abc")};
	static const uint8_t types[] = {NAME_DNS, NAME_DNS, NAME_DNS, NAME_IP, NAME_URI, 0};
	unsigned n = dice(4);

	while (n-- > 0) {
		uint8_t type = types[dice(dice(4) == 0 ? NELEM(types) : 4)];

		names_add(names, type, type == NAME_IP ? ips[dice(dice(4) == 0 ? 3 : 2)] :
		    texts[dice(dice(4) == 0 ? NELEM(texts) : 4)]);
	}
	if (dice(20) == 0)
		buf_putc(names, 2);
}

/* Mostly what passes, but for one thing or two. */
static struct msg_sign_ask
any_ask(struct buf *names)
{
	struct msg_sign_ask m = ask_for("www.example.com");
	unsigned i;

	m.recipe = (uint8_t)(dice(3) > 0 ? dice(2) * RECIPE_NOT_CA : dice(RECIPE_COUNT + 1));
	m.copy = dice(3) == 0 ? 0 : dice(COPY_ALL + 1);
	if (dice(20) == 0)
		m.copy = dice(0xffff);
	m.key = dice(10) == 0 ? (uint8_t)dice(SIGN_KEY_COUNT + 1) :
	    fixture_key_for(m.recipe, m.copy, false);
	m.staple = (uint8_t)(dice(10) == 0 ? dice(6) : m.recipe == RECIPE_GOOD ? dice(4) : 0);
	m.key_usage = dice(10) == 0 ? dice(0x10000) : dice(0x100);
	if ((m.copy & COPY_DATES) != 0 || dice(4) == 0) {
		m.not_before = any_date();
		m.not_after = any_date();
	}
	if ((m.copy & COPY_NO_NAMES) == 0 || dice(10) == 0)
		any_names(names);
	m.names = buf_str(names);
	m.cn = texts[dice(dice(4) == 0 ? NELEM(texts) : 10)];
	m.org = texts[dice(dice(4) == 0 ? NELEM(texts) : 10)];
	m.why = texts[dice(10)];
	if (dice(10) == 0)
		m.asked_name = texts[dice(NELEM(texts))];
	for (i = 0; i < sizeof(m.origin.b); i++)
		m.origin.b[i] = (uint8_t)dice(256);
	return m;
}

static int64_t
seconds(const ASN1_TIME *t)
{
	struct tm tm;

	ck_assert_int_eq(ASN1_TIME_to_tm(t, &tm), 1);
	return (int64_t)timegm(&tm);
}

static bool
is_permitted_host(const char *p, size_t n)
{
	return str_iends(str_of(p, n), STR(".example.com")) ||
	    str_ieq(str_of(p, n), STR("example.com"));
}

static void
assert_names(X509 *cert)
{
	STACK_OF(GENERAL_NAME) *list = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	char cn[80] = "";
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(list); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(list, i);
		const ASN1_STRING *s = name->type == GEN_DNS ? name->d.dNSName : name->d.ip;

		ck_assert(name->type == GEN_DNS || name->type == GEN_IPADD);
		if (name->type == GEN_DNS)
			ck_assert(is_permitted_host((const char *)ASN1_STRING_get0_data(s),
			    (size_t)ASN1_STRING_length(s)));
		else
			ck_assert_mem_eq(ASN1_STRING_get0_data(s), "\xc0\0\2", 3);
	}
	if (X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, cn,
	    sizeof(cn)) > 0)
		ck_assert_msg(is_permitted_host(cn, strlen(cn)) ||
		    strchr(cn, ' ') != NULL || str_starts(str_z(cn), STR("192.0.2.")) ||
		    strcmp(cn, "mirror.invalid") == 0, "CN %s", cn);
	sk_GENERAL_NAME_pop_free(list, GENERAL_NAME_free);
}

static void
assert_purpose(X509 *cert)
{
	EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
	char oid[64];

	ck_assert_int_eq(sk_ASN1_OBJECT_num(usages), 1);
	(void)OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(usages, 0), 1);
	ck_assert(strcmp(oid, "1.3.6.1.5.5.7.3.1") == 0 ||
	    strcmp(oid, "1.3.6.1.4.1.32473.1.1") == 0);
	EXTENDED_KEY_USAGE_free(usages);
}

/* 1 when it carries our signature. */
static unsigned
assert_promises(struct str der)
{
	const uint8_t *p = (const uint8_t *)der.p;
	X509 *cert = d2i_X509(NULL, &p, (long)der.n);
	BASIC_CONSTRAINTS *bc;
	unsigned ours;

	ck_assert_ptr_nonnull(cert);
	ours = X509_verify(cert, ca.key) == 1;
	ERR_clear_error();
	bc = X509_get_ext_d2i(cert, NID_basic_constraints, NULL, NULL);
	ck_assert_ptr_nonnull(bc);
	if (ours) {
		int64_t first = seconds(X509_get0_notBefore(cert));
		int64_t last = seconds(X509_get0_notAfter(cert));

		ck_assert_int_eq(bc->ca, 0);
		ck_assert_int_le(last - first, DAY + 48 * HOUR);
		ck_assert_int_le(first, NOW + 48 * HOUR);
		ck_assert_int_le(last, ca.not_after);
		ck_assert_int_eq(X509_get_signature_nid(cert), NID_ecdsa_with_SHA256);
		assert_purpose(cert);
		assert_names(cert);
	}
	BASIC_CONSTRAINTS_free(bc);
	X509_free(cert);
	return ours;
}

/* How many certificates of it are ours; 0 as well when it was refused. */
static unsigned
ask_once(struct desk_client *client, unsigned *out_answered)
{
	struct buf names = {0}, body = {0}, out = {0};
	struct msg_sign_ask m = any_ask(&names);
	struct msg_sign_answer answer;
	struct bundle bundle;
	unsigned ours = 0;
	size_t i;

	msg_pack_sign_ask(&body, &m);
	*client = (struct desk_client){0};
	ck_assert_int_eq(desk_serve(desk, client, 0, buf_str(&body), 2, NOW, &out), 0);
	ck_assert_int_eq(msg_unpack_sign_answer(buf_str(&out), &answer), 0);
	if (answer.status == SIGN_OK) {
		(*out_answered)++;
		ck_assert_int_gt(answer.refresh_at, NOW - 1);
		ck_assert_int_eq(bundle_unpack(answer.bundle, &bundle), 0);
		ours = assert_promises(bundle.leaf);
		ck_assert(!ours || m.recipe == RECIPE_GOOD);
		ck_assert(bundle.staple.n == 0 || ours);
		for (i = 0; i < bundle.nissuers; i++)
			ours += assert_promises(bundle.issuers[i]);
	} else {
		ck_assert_uint_eq(answer.status, SIGN_REFUSED);
		ck_assert_uint_eq(answer.bundle.n, 0);
	}
	buf_free(&out);
	buf_free(&body);
	buf_free(&names);
	return ours;
}

START_TEST(whatever_is_asked_the_promises_are_kept)
{
	uint64_t start = clock_mono_us();
	struct desk_client client;
	unsigned i, ours = 0, answered = 0;

	for (i = 0; i < ASKS; i++) {
		if (i >= ASKS_MIN && clock_mono_us() - start > SECONDS_MAX * UINT64_C(1000000))
			break;
		ours += ask_once(&client, &answered);
	}
	/* Neither all refused nor all granted: the dice are well made. */
	ck_assert_uint_gt(answered, i / 5);
	ck_assert_uint_lt(answered, i / 5 * 4);
	ck_assert_uint_gt(ours, i / 10);
}
END_TEST

Suite *
promises_suite(void)
{
	Suite *s = suite_create("promises");
	TCase *tc = tcase_create("core");

	tcase_add_unchecked_fixture(tc, fixture_warm, NULL);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, whatever_is_asked_the_promises_are_kept);
	suite_add_tcase(s, tc);
	return s;
}
