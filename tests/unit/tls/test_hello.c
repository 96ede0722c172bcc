/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tls/hello.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "curl_hello.h"
#include "suites.h"

/* A ClientHello written by hand; text in quotes is the bytes. */
struct made {
	const char *session, *ciphers, *ext;
	size_t nsession, nciphers, next;
	uint16_t version;	/* 0: 0x0303 */
};
#define BYTES(field, lit) .field = (lit), .n##field = sizeof(lit) - 1

static void
put16(struct buf *b, size_t v)
{
	buf_putc(b, (char)(v >> 8));
	buf_putc(b, (char)v);
}

static void
put_body(struct buf *b, const struct made *m)
{
	static const char random[32] = {7};

	put16(b, m->version != 0 ? m->version : 0x0303);
	buf_put(b, random, sizeof(random));
	buf_putc(b, (char)m->nsession);
	buf_put(b, m->session, m->nsession);
	put16(b, m->nciphers);
	buf_put(b, m->ciphers, m->nciphers);
	buf_put(b, "\1\0", 2);
	if (m->ext == NULL)
		return;
	put16(b, m->next);
	buf_put(b, m->ext, m->next);
}

/* In records of at most piece bytes. */
static struct buf
put_records(struct str message, size_t piece)
{
	struct buf b;

	buf_init(&b, 0);
	while (message.n > 0) {
		struct str part = str_sub(message, 0, piece);

		buf_put(&b, "\x16\3\1", 3);
		put16(&b, part.n);
		buf_puts(&b, part);
		message = str_from(message, part.n);
	}
	return b;
}

static struct buf
make(const struct made *m, size_t piece)
{
	struct buf body, message, out;

	buf_init(&body, 0);
	buf_init(&message, 0);
	put_body(&body, m);
	buf_put(&message, "\1\0", 2);
	put16(&message, body.len);
	buf_puts(&message, buf_str(&body));
	out = put_records(buf_str(&message), piece);
	buf_free(&body);
	buf_free(&message);
	return out;
}

static int
parse(const struct made *m, size_t piece, struct tls_hello *h)
{
	struct buf b = make(m, piece);
	int rc = tls_hello_parse(buf_data(&b), b.len, h);

	buf_free(&b);
	return rc;
}

/* As Chrome does it: GREASE in every list. */
static const struct made chrome = {
	BYTES(session, "0123456789abcdef0123456789abcdef"),
	BYTES(ciphers, "\x3a\x3a\x13\x01\x13\x02\x13\x03"
	    "\xc0\x2b\xc0\x2f\xc0\x2c\xc0\x30\xcc\xa9\xcc\xa8"),
	BYTES(ext, "\x8a\x8a\0\0"
	    "\0\0\0\x0d\0\x0b\0\0\x08" "a.ex.ORG"
	    "\0\x17\0\0" "\xff\x01\0\1\0"
	    "\0\x0a\0\x0c\0\x0a\xda\xda\x11\xec\0\x1d\0\x17\0\x18"
	    "\0\x0b\0\2\1\0" "\0\x23\0\0"
	    "\0\x10\0\x0e\0\x0c\2h2\x08http/1.1"
	    "\0\5\0\5\1\0\0\0\0"
	    "\0\x0d\0\x12\0\x10\4\3\x08\4\4\1\5\3\x08\5\5\1\x08\6\6\1"
	    "\0\x2b\0\7\6\x1a\x1a\3\4\3\3"
	    "\x4a\x4a\0\1\0"),
};

START_TEST(chrome_without_grease)
{
	struct tls_hello h;

	ck_assert_int_eq(parse(&chrome, 16384, &h), 0);
	ck_assert_str_eq(h.sni, "a.ex.org");
	ck_assert_uint_eq(h.sni_len, 8);
	ck_assert_uint_eq(h.nciphers, 9);
	ck_assert_uint_eq(h.ciphers[0], 0x1301);
	ck_assert_uint_eq(h.ngroups, 4);
	ck_assert_uint_eq(h.groups[0], 0x11ec);
	ck_assert_uint_eq(h.nversions, 2);
	ck_assert_uint_eq(h.versions[0], 0x0304);
	ck_assert_uint_eq(h.nsigalgs, 8);
	ck_assert(h.status_request && h.has_alpn && !h.fallback_scsv && !h.has_session &&
	    !h.early_data);
	ck_assert_uint_eq(h.alpn_len, 12);
	ck_assert_mem_eq(h.alpn, "\2h2\x08http/1.1", 12);
	ck_assert(tls_hello_takes_ecdsa(&h) && !tls_hello_no_http(&h));
}
END_TEST

START_TEST(curl_captured)
{
	struct tls_hello h;

	ck_assert_int_eq(tls_hello_parse(curl_hello, sizeof(curl_hello), &h), 0);
	ck_assert_str_eq(h.sni, "www.example.com");
	ck_assert_mem_eq(h.alpn, "\2h2\x08http/1.1", 12);
	ck_assert(tls_hello_offers_version(&h, 0x0304) && tls_hello_offers_version(&h, 0x0303));
	ck_assert_uint_eq(h.nciphers, 30);	/* 31 with the signalling value */
}
END_TEST

/* Every cut of a good hello may become one; and none reads past its end. */
START_TEST(cut_anywhere)
{
	struct tls_hello h;
	size_t n;

	for (n = 0; n < sizeof(curl_hello); n++) {
		uint8_t *copy = malloc(n + 1);

		memcpy(copy, curl_hello, n);
		ck_assert_int_eq(tls_hello_parse(copy, n, &h), ERR_AGAIN);
		free(copy);
	}
}
END_TEST

START_TEST(cut_anywhere_in_records)
{
	static const size_t pieces[] = {1, 2, 3, 5, 64, 200};
	struct buf b = make(&chrome, pieces[_i]);
	struct tls_hello h;
	size_t n;

	for (n = 0; n < b.len; n++)
		ck_assert_int_eq(tls_hello_parse(buf_data(&b), n, &h), ERR_AGAIN);
	ck_assert_int_eq(tls_hello_parse(buf_data(&b), b.len, &h), 0);
	ck_assert_str_eq(h.sni, "a.ex.org");
	buf_free(&b);
}
END_TEST

START_TEST(bytes_behind_are_left_alone)
{
	struct buf b = make(&chrome, 16384);
	struct tls_hello h;

	buf_put(&b, "\x17\3\3\0\1x", 6);	/* early data */
	ck_assert_int_eq(tls_hello_parse(buf_data(&b), b.len, &h), 0);
	buf_free(&b);
}
END_TEST

static const struct {
	const char *p;
	size_t n;
	int rc;
} starts[] = {
#define START(lit, rc) {(lit), sizeof(lit) - 1, (rc)}
	START("GET / HTTP/1.1\r\n", ERR_SYNTAX),
	START("\x80\x2e\1\3\1", ERR_SYNTAX),	/* SSLv2 */
	START("\x16\2\0\0\x10", ERR_SYNTAX),
	START("\x16\3\1\0\0", ERR_SYNTAX),	/* empty fragment */
	START("\x16\3\1\x40\1", ERR_SYNTAX),	/* too long a fragment */
	START("\x16\3\1\0\4\2\0\0\0", ERR_SYNTAX),	/* ServerHello */
	START("\x16\3\1\0\1\1\x15\3\3\0\2\2\x28", ERR_SYNTAX),	/* alert in between */
	START("\x16\3\1\x40\0\1\1\0\0", ERR_LIMIT),
	START("\x16\3\1\0\4\1\0\0\0", ERR_SYNTAX),	/* nothing inside */
	START("\x16", ERR_AGAIN),
	START("\x16\3", ERR_AGAIN),
	START("", ERR_AGAIN),
};

START_TEST(first_bytes)
{
	struct tls_hello h;

	ck_assert_int_eq(tls_hello_parse((const uint8_t *)starts[_i].p, starts[_i].n, &h),
	    starts[_i].rc);
}
END_TEST

START_TEST(too_long)
{
	uint8_t *p = calloc(1, TLS_HELLO_MAX + 105);
	struct tls_hello h;
	size_t i;

	/* A message of 65000 bytes in records so small that it passes the limit. */
	for (i = 0; i < TLS_HELLO_MAX; i += 105)
		memcpy(p + i, "\x16\3\1\0\x64\1\0\xfd\xe8", 9);
	ck_assert_int_eq(tls_hello_parse(p, TLS_HELLO_MAX - 1, &h), ERR_AGAIN);
	ck_assert_int_eq(tls_hello_parse(p, TLS_HELLO_MAX, &h), ERR_LIMIT);
	free(p);
}
END_TEST

START_TEST(too_many_records)
{
	uint8_t *p = malloc(2000 * 6);
	struct tls_hello h;
	size_t i;

	for (i = 0; i < 2000; i++)
		memcpy(p + 6 * i, "\x16\3\1\0\1\0", 6);
	p[5] = 1;
	p[17] = 0x20;	/* 8 KiB */
	ck_assert_int_eq(tls_hello_parse(p, 2000 * 6, &h), ERR_LIMIT);
	free(p);
}
END_TEST

static const struct {
	const char *name, *want;
	size_t n;
} names[] = {
#define NAME(lit, want) {(lit), (want), sizeof(lit) - 1}
	NAME("www.example.com", "www.example.com"),
	NAME("WWW.Example.COM.", "www.example.com"),
	NAME("a_b.-x.example", "a_b.-x.example"),
	NAME("localhost", "localhost"),
	NAME("192.0.2.1", ""),
	NAME("127.1", ""),
	NAME("0x7f.0x1", ""),
	NAME("2130706433", ""),
	NAME("2001:db8::1", ""),
	NAME("[::1]", ""),
	NAME("a\0b.example", ""),
	NAME("a..example", ""),
	NAME(".example", ""),
	NAME("a.example..", ""),
	NAME(".", ""),
	NAME("", ""),
	NAME("b\xc3\xbc" "cher.example", ""),
	NAME("*.example", ""),
	NAME("a b.example", ""),
	NAME("123456789012345678901234567890123456789012345678901234567890123.x",
	    "123456789012345678901234567890123456789012345678901234567890123.x"),
	NAME("1234567890123456789012345678901234567890123456789012345678901234.x", ""),
};

static void
sni_ext(struct buf *b, struct str name)
{
	put16(b, 0);
	put16(b, name.n + 5);
	put16(b, name.n + 3);
	buf_putc(b, 0);
	put16(b, name.n);
	buf_puts(b, name);
}

static int
parse_sni(struct str name, struct tls_hello *h)
{
	struct buf ext;
	struct made m = {BYTES(ciphers, "\xc0\x2f")};
	int rc;

	buf_init(&ext, 0);
	sni_ext(&ext, name);
	m.ext = (char *)buf_data(&ext);
	m.next = ext.len;
	rc = parse(&m, 16384, h);
	buf_free(&ext);
	return rc;
}

START_TEST(sni_names)
{
	struct tls_hello h;

	ck_assert_int_eq(parse_sni(str_of(names[_i].name, names[_i].n), &h), 0);
	ck_assert_str_eq(h.sni, names[_i].want);
	ck_assert_uint_eq(h.sni_len, strlen(names[_i].want));
}
END_TEST

START_TEST(sni_length)
{
	char name[300];
	struct tls_hello h;
	size_t i;

	for (i = 0; i < sizeof(name); i++)
		name[i] = i % 50 == 49 ? '.' : 'a';
	ck_assert_int_eq(parse_sni(str_of(name, 253), &h), 0);
	ck_assert_uint_eq(h.sni_len, 253);
	ck_assert_int_eq(parse_sni(str_of(name, 254), &h), 0);
	ck_assert_uint_eq(h.sni_len, 0);
	ck_assert_int_eq(parse_sni(str_of(name, 299), &h), 0);
	ck_assert_uint_eq(h.sni_len, 0);
}
END_TEST

#define ONE BYTES(ciphers, "\xc0\x2f")
static const struct made broken[] = {
	{.ciphers = "", .nciphers = 0},
	{BYTES(ciphers, "\xc0\x2f\xc0")},
	{ONE, BYTES(ext, "\0\x17\0\0" "\0\x17\0\0")},	/* twice */
	{ONE, BYTES(ext, "\0\x17\0\1")},
	{ONE, BYTES(ext, "\0\x17\0")},
	{ONE, BYTES(ext, "\0\0\0\0")},
	{ONE, BYTES(ext, "\0\0\0\6\0\4\0\0\2a")},
	{ONE, BYTES(ext, "\0\x0a\0\3\0\1\0")},
	{ONE, BYTES(ext, "\0\x10\0\3\0\1\0")},	/* empty protocol name */
	{ONE, BYTES(ext, "\0\x10\0\5\0\3\4h2")},
	{ONE, BYTES(ext, "\0\x2b\0\2\3\3")},
	{ONE, BYTES(ext, "\0\x0d\0\2\0\0")},
	{ONE, BYTES(ext, "\0\5\0\0")},
	{ONE, BYTES(session, "0123456789abcdef0123456789abcdef!")},
	{ONE, .version = 0x0203},
};

START_TEST(broken_hello)
{
	struct tls_hello h;

	ck_assert_int_eq(parse(&broken[_i], 16384, &h), ERR_SYNTAX);
}
END_TEST

START_TEST(without_extensions)
{
	struct made m = {BYTES(ciphers, "\xc0\x2f\0\xff\x56\0")};
	struct tls_hello h;

	ck_assert_int_eq(parse(&m, 16384, &h), 0);
	ck_assert_uint_eq(h.nciphers, 1);
	ck_assert(h.fallback_scsv && !h.has_alpn && h.sni_len == 0);
	ck_assert_uint_eq(h.nversions, 4);	/* 1.2 down to SSL 3 */
	ck_assert(tls_hello_offers_version(&h, 0x0303));
	ck_assert(!tls_hello_offers_version(&h, 0x0304));
	ck_assert(!tls_hello_takes_ecdsa(&h) && !tls_hello_no_http(&h));
}
END_TEST

START_TEST(long_lists_are_cut)
{
	static char ciphers[1200], ext[4 + 2 + 600];
	struct made m = {.ciphers = ciphers, .nciphers = sizeof(ciphers), .ext = ext,
		.next = sizeof(ext)};
	struct tls_hello h;
	size_t i;

	for (i = 0; i < sizeof(ciphers); i += 2)
		memcpy(ciphers + i, "\xc0\x2f", 2);
	memcpy(ext, "\0\x10\2\x5a\2\x58", 6);
	for (i = 6; i < sizeof(ext); i += 100) {
		memset(ext + i, 'a', 100);
		ext[i] = 99;
	}
	ck_assert_int_eq(parse(&m, 16384, &h), 0);
	ck_assert_uint_eq(h.nciphers, TLS_HELLO_LIST_MAX);
	ck_assert_uint_eq(h.alpn_len, 200);
	ck_assert(tls_hello_no_http(&h));
}
END_TEST

START_TEST(sessions_told)
{
	static const struct made m[] = {
		{ONE, BYTES(ext, "\0\x23\0\1t")},
		{ONE, BYTES(ext, "\0\x2a\0\0" "\0\x29\0\2xx")},
	};
	struct tls_hello h;

	ck_assert_int_eq(parse(&m[_i], 16384, &h), 0);
	ck_assert(h.has_session);
	ck_assert_int_eq(h.early_data, _i == 1);
}
END_TEST

/* Another GREASE, another order, another host and a ticket: the same program. */
START_TEST(fingerprint_of_a_program)
{
	static const struct made a = {BYTES(ciphers, "\x3a\x3a\xc0\x2b\xc0\x2f"),
		BYTES(ext, "\x8a\x8a\0\0" "\0\x17\0\0" "\0\x0b\0\2\1\0")};
	static const struct made b = {BYTES(ciphers, "\xaa\xaa\xc0\x2b\xc0\x2f"),
		BYTES(ext, "\0\x0b\0\2\1\0" "\0\0\0\6\0\4\0\0\1a" "\0\x17\0\0" "\x0a\x0a\0\0"
		    "\0\x23\0\1t" "\0\x15\0\0")};
	static const struct made c = {BYTES(ciphers, "\x3a\x3a\xc0\x2f\xc0\x2b"),
		BYTES(ext, "\x8a\x8a\0\0" "\0\x17\0\0" "\0\x0b\0\2\1\0")};
	static const struct made d = {BYTES(ciphers, "\x3a\x3a\xc0\x2b\xc0\x2f"),
		BYTES(ext, "\0\x17\0\0")};
	struct tls_hello ha, hb, hc, hd;

	ck_assert_int_eq(parse(&a, 16384, &ha), 0);
	ck_assert_int_eq(parse(&b, 7, &hb), 0);
	ck_assert_int_eq(parse(&c, 16384, &hc), 0);
	ck_assert_int_eq(parse(&d, 16384, &hd), 0);
	ck_assert_mem_eq(ha.fingerprint, hb.fingerprint, 32);
	ck_assert_mem_ne(ha.fingerprint, hc.fingerprint, 32);
	ck_assert_mem_ne(ha.fingerprint, hd.fingerprint, 32);
}
END_TEST

#define SIG_EC "\0\x0d\0\4\0\2\4\3"
#define SIG_RSA "\0\x0d\0\4\0\2\x08\4"
#define V13 "\0\x2b\0\3\2\3\4"
static const struct {
	struct made m;
	bool want;
} ecdsa[] = {
	{{BYTES(ciphers, "\x13\1"), BYTES(ext, V13 SIG_EC)}, true},
	{{BYTES(ciphers, "\x13\1"), BYTES(ext, V13 SIG_RSA)}, false},
	{{BYTES(ciphers, "\xc0\x2b"), BYTES(ext, SIG_EC)}, true},
	{{BYTES(ciphers, "\xc0\x2b"), BYTES(ext, SIG_RSA)}, false},
	{{BYTES(ciphers, "\xc0\x2f"), BYTES(ext, SIG_EC)}, false},
	{{BYTES(ciphers, "\xc0\x2b"), BYTES(ext, SIG_EC "\0\x0a\0\4\0\2\0\x1d")}, false},
	{{BYTES(ciphers, "\xc0\x2b"), BYTES(ext, SIG_EC "\0\x0a\0\4\0\2\0\x17")}, true},
};

START_TEST(takes_ecdsa)
{
	struct tls_hello h;

	ck_assert_int_eq(parse(&ecdsa[_i].m, 16384, &h), 0);
	ck_assert_int_eq(tls_hello_takes_ecdsa(&h), ecdsa[_i].want);
}
END_TEST

START_TEST(alpn_of_others)
{
	static const struct made mqtt = {ONE, BYTES(ext, "\0\x10\0\7\0\5\4mqtt")};
	static const struct made both = {ONE,
		BYTES(ext, "\0\x10\0\x10\0\x0e\4mqtt\x08http/1.0")};
	struct tls_hello h;

	ck_assert_int_eq(parse(&mqtt, 16384, &h), 0);
	ck_assert(tls_hello_no_http(&h));
	ck_assert_int_eq(parse(&both, 16384, &h), 0);
	ck_assert(!tls_hello_no_http(&h));
}
END_TEST

START_TEST(alert_bytes)
{
	uint8_t out[TLS_ALERT_SIZE];

	tls_alert(40, out);
	ck_assert_mem_eq(out, "\x15\3\3\0\2\2\x28", 7);
}
END_TEST

Suite *
hello_suite(void)
{
	Suite *s = suite_create("tls hello");
	TCase *t = tcase_create("hello");

	tcase_add_test(t, chrome_without_grease);
	tcase_add_test(t, curl_captured);
	tcase_add_test(t, cut_anywhere);
	tcase_add_loop_test(t, cut_anywhere_in_records, 0, 6);
	tcase_add_test(t, bytes_behind_are_left_alone);
	tcase_add_loop_test(t, first_bytes, 0, NELEM(starts));
	tcase_add_test(t, too_long);
	tcase_add_test(t, too_many_records);
	tcase_add_loop_test(t, sni_names, 0, NELEM(names));
	tcase_add_test(t, sni_length);
	tcase_add_loop_test(t, broken_hello, 0, NELEM(broken));
	tcase_add_test(t, without_extensions);
	tcase_add_test(t, long_lists_are_cut);
	tcase_add_loop_test(t, sessions_told, 0, 2);
	tcase_add_test(t, fingerprint_of_a_program);
	tcase_add_loop_test(t, takes_ecdsa, 0, NELEM(ecdsa));
	tcase_add_test(t, alpn_of_others);
	tcase_add_test(t, alert_bytes);
	suite_add_tcase(s, t);
	return s;
}
