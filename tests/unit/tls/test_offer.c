/* SPDX-License-Identifier: ISC */
/*
 * The ClientHello as it goes onto the wire.  What is sent for nobody in
 * particular is what a current browser would send (the "A" of Durumeric et
 * al., The Security Impact of HTTPS Interception, NDSS 2017).
 */
#include "config.h"

#include <string.h>

#include <openssl/bio.h>

#include "certs.h"
#include "curl_hello.h"
#include "suites.h"
#include "tls/origin.h"

struct wire {
	uint16_t ciphers[64], extensions[64];
	size_t nciphers, nextensions;
	uint8_t compressions[8];
	size_t ncompressions;
};

static unsigned
u16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void
read_wire(const uint8_t *p, size_t size, struct wire *w)
{
	const uint8_t *end = p + size;
	size_t n;

	ck_assert_uint_eq(p[0], 22);	/* one record, one ClientHello */
	ck_assert_uint_eq(u16(p + 3) + 5, size);
	ck_assert_uint_eq(p[5], 1);
	p += 5 + 4 + 2 + 32;
	p += 1 + p[0];
	for (n = u16(p), p += 2; n > 0; n -= 2, p += 2)
		w->ciphers[w->nciphers++] = (uint16_t)u16(p);
	w->ncompressions = p[0];
	memcpy(w->compressions, p + 1, p[0]);
	p += 1 + p[0];
	for (p += 2; p < end; p += 4 + u16(p + 2))
		w->extensions[w->nextensions++] = (uint16_t)u16(p);
	ck_assert_ptr_eq(p, end);
}

static struct wire
wire_of(const struct tls_hello *hello, bool sni)
{
	struct tls_origin_conf conf = {.roots = certs_store(), .min_version = TLS1_2_VERSION};
	struct tls_origin_ask ask = {.name = STR("www.test"), .send_sni = sni, .port = 443,
		.hello = hello};
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	struct tls_origin *origin;
	struct wire w = {.nciphers = 0};
	struct errmsg err;
	uint8_t *p;
	SSL *ssl;
	long n;

	origin = tls_origin_new(&conf, &err);
	ck_assert_ptr_nonnull(origin);
	ssl = tls_origin_start(origin, &ask);
	BIO_set_mem_eof_return(in, -1);
	SSL_set_bio(ssl, in, out);
	ck_assert_int_le(SSL_connect(ssl), 0);
	n = BIO_get_mem_data(out, (char **)&p);
	read_wire(p, (size_t)n, &w);
	tls_origin_stop(&ssl);
	tls_origin_free(&origin);
	return w;
}

static bool
among(uint16_t v, const uint16_t *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (list[i] == v)
			return true;
	return false;
}

enum { SNI = 0, STATUS = 5, GROUPS = 10, SIGALGS = 13, HEARTBEAT = 15, ALPN = 16, EMS = 23,
	EARLY_DATA = 42, VERSIONS = 43, KEY_SHARE = 51, NPN = 13172 };
#define RENEGOTIATION_INFO 0x00ff	/* the SCSV of RFC 5746 3.3 */

static const uint16_t with_fs_and_aead[] = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c, 0xc02f,
	0xc030, 0xcca8, 0xcca9};

START_TEST(grade_a)
{
	static const uint16_t want[] = {SNI, STATUS, GROUPS, SIGALGS, ALPN, EMS, VERSIONS,
		KEY_SHARE};
	struct wire w = wire_of(NULL, true);
	size_t i;

	ck_assert_uint_eq(w.nciphers, NELEM(with_fs_and_aead) + 1);
	for (i = 0; i < NELEM(with_fs_and_aead); i++)
		ck_assert(among(with_fs_and_aead[i], w.ciphers, w.nciphers));
	for (i = 0; i < NELEM(want); i++)
		ck_assert_msg(among(want[i], w.extensions, w.nextensions), "%u", want[i]);
}
END_TEST

/* Whoever it is sent for: secure renegotiation, no compression, no 0-RTT. */
START_TEST(always)
{
	struct tls_hello h;
	struct wire w;

	ck_assert_int_eq(tls_hello_parse(curl_hello, sizeof(curl_hello), &h), 0);
	w = wire_of(_i == 0 ? NULL : &h, _i < 2);
	ck_assert(among(RENEGOTIATION_INFO, w.ciphers, w.nciphers));
	ck_assert_uint_eq(w.ncompressions, 1);
	ck_assert_uint_eq(w.compressions[0], 0);
	ck_assert(among(EMS, w.extensions, w.nextensions));
	ck_assert(!among(EARLY_DATA, w.extensions, w.nextensions));
	ck_assert(!among(HEARTBEAT, w.extensions, w.nextensions));
	ck_assert(!among(NPN, w.extensions, w.nextensions));
	ck_assert_int_eq(among(SNI, w.extensions, w.nextensions), _i < 2);
}
END_TEST

/* What no client's wish brings back, though OpenSSL could do it. */
START_TEST(never)
{
	static const uint16_t bad[] = {0x0000, 0x0001, 0x0002, 0x0003, 0x0004, 0x0005, 0x0007,
		0x000a, 0x0016, 0x0033, 0x0039, 0x0067, 0x006b, 0x009e, 0x009f, 0x0018, 0x001b,
		0x0034, 0x006c, 0xc007, 0xc008, 0xc011, 0xc012, 0xc015, 0xc018, 0xc006, 0x008d,
		0x00a8, 0x1304, 0x1305, 0xccaa};
	struct tls_hello h = {.nversions = 2, .versions = {0x0304, 0x0303}, .nsigalgs = 5,
		.sigalgs = {0x0403, 0x0804, 0x0201, 0x0203, 0x0402}};
	struct wire w;
	size_t i;

	memcpy(h.ciphers, bad, sizeof(bad));
	h.nciphers = NELEM(bad);
	h.ciphers[h.nciphers++] = 0xc02f;
	h.ciphers[h.nciphers++] = 0x1301;
	w = wire_of(&h, true);
	for (i = 0; i < NELEM(bad); i++)
		ck_assert_msg(!among(bad[i], w.ciphers, w.nciphers), "%04x", bad[i]);
	ck_assert_uint_eq(w.nciphers, 3);
}
END_TEST

START_TEST(fallback_is_passed_on)
{
	struct tls_hello h;
	struct wire w;

	ck_assert_int_eq(tls_hello_parse(curl_hello, sizeof(curl_hello), &h), 0);
	h.fallback_scsv = _i == 1;
	w = wire_of(&h, true);
	ck_assert_int_eq(among(0x5600, w.ciphers, w.nciphers), _i == 1);
}
END_TEST

Suite *
offer_suite(void)
{
	Suite *s = suite_create("tls offer");
	TCase *t = tcase_create("offer");

	tcase_add_unchecked_fixture(t, NULL, certs_cleanup);
	tcase_add_test(t, grade_a);
	tcase_add_loop_test(t, always, 0, 3);
	tcase_add_test(t, never);
	tcase_add_loop_test(t, fallback_is_passed_on, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
