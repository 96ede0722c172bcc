/* SPDX-License-Identifier: ISC */
/* test_sniff.c - what the first bytes of a tunnel are, and no sooner than it is sure. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "suites.h"
#include "worker/sniff.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

static const struct {
	struct str bytes;
	enum sniffed is;
	size_t sure;	/* with so many bytes, not with fewer */
} table[] = {
    {STR("\x16\x03\x01\x00\x05"), SNIFF_TLS, 2},
    {STR("\x16\x03\x03"), SNIFF_TLS, 2},
    {STR("\x16\x02\x01"), SNIFF_OTHER, 2},
    {STR("\x16\x00"), SNIFF_OTHER, 2},
    {STR("\x15\x03\x01"), SNIFF_OTHER, 1},	/* an alert begins nothing */
    {STR("\x80\x2e\x01"), SNIFF_OTHER, 1},	/* SSLv2 */
    {STR("GET / HTTP/1.1\r\n"), SNIFF_HTTP, 16},
    {STR("GET / HTTP/1.0\n"), SNIFF_HTTP, 15},
    {STR("GET / HTTP/1.9\r\nHost"), SNIFF_HTTP, 16},
    {STR("\r\nGET / HTTP/1.1\r\n"), SNIFF_HTTP, 18},
    {STR("OPTIONS * HTTP/1.1\r\n"), SNIFF_HTTP, 20},
    {STR("M-SEARCH http://x/ HTTP/1.1\r\n"), SNIFF_HTTP, 29},
    {STR("PRI * HTTP/1.1\r\n"), SNIFF_HTTP, 16},
    {STR("PRIVATE / HTTP/1.1\r\n"), SNIFF_HTTP, 20},
    {STR("GET  HTTP/1.1\r\n"), SNIFF_HTTP, 15},	/* the reader's business */
    {STR("GET / HTTP/2.0\r\n"), SNIFF_OTHER, 16},
    {STR("GET /\r\n"), SNIFF_OTHER, 7},		/* HTTP/0.9 */
    {STR("A HTTP/1.1\r\n"), SNIFF_OTHER, 12},	/* one space for two */
    {STR("GET / HTTP/1.1 \r\n"), SNIFF_OTHER, 17},
    {STR(PREFACE), SNIFF_H2, 24},
    {STR(PREFACE "\0\0\0\4"), SNIFF_H2, 24},
    {STR("SSH-2.0-OpenSSH_9.2\r\n"), SNIFF_OTHER, 20},
    {STR("EHLO x\r\n"), SNIFF_OTHER, 8},
    {STR("\0\0\0"), SNIFF_OTHER, 1},
    {STR(" GET / HTTP/1.1\r\n"), SNIFF_OTHER, 1},
    {STR("GET\t/ HTTP/1.1\r\n"), SNIFF_OTHER, 4},
    {STR("G\0T / HTTP/1.1\r\n"), SNIFF_OTHER, 2},
    {STR("\rGET / HTTP/1.1\r\n"), SNIFF_OTHER, 2},
    {STR("\r\n\r\nGET"), SNIFF_OTHER, 3},
    {STR("abcdefghijklmnopqrstuvwxyzabcdef / HTTP/1.1\r\n"), SNIFF_OTHER, 32},
    {STR("abcdefghijklmnopqrstuvwxyzabcde / HTTP/1.1\r\n"), SNIFF_HTTP, 44},
};

START_TEST(every_cut)
{
	struct str s = table[_i].bytes;
	size_t n;

	for (n = 0; n <= s.n; n++) {
		uint8_t *exact = mem_alloc(n + 1);
		enum sniffed want = n < table[_i].sure ? SNIFF_MORE : table[_i].is, got;

		memcpy(exact, s.p, n);
		got = sniff(exact, n);
		free(exact);
		ck_assert_msg(got == want, "%.*s at %zu: %d, not %d", (int)s.n, s.p, n, (int)got,
		    (int)want);
	}
}
END_TEST

START_TEST(line_without_end)
{
	size_t n = 65536 + 10;
	uint8_t *line = mem_alloc(n);

	memset(line, 'x', n);
	memcpy(line, "GET /", 5);
	ck_assert_int_eq(sniff(line, 65535), SNIFF_MORE);
	ck_assert_int_eq(sniff(line, 65536), SNIFF_OTHER);
	ck_assert_int_eq(sniff(line, n), SNIFF_OTHER);
	free(line);
}
END_TEST

static const struct {
	struct str bytes;
	enum sniffed is;
} prefaces[] = {
    {STR(""), SNIFF_MORE},
    {STR("P"), SNIFF_MORE},
    {STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r"), SNIFF_MORE},
    {STR(PREFACE), SNIFF_H2},
    {STR(PREFACE "x"), SNIFF_H2},
    {STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\rx"), SNIFF_OTHER},
    {STR("PRI * HTTP/1.1\r\n"), SNIFF_OTHER},
    {STR("PO"), SNIFF_OTHER},
    {STR("GET"), SNIFF_OTHER},
};

START_TEST(preface_alone)
{
	ck_assert_int_eq(sniff_preface((const uint8_t *)prefaces[_i].bytes.p,
	    prefaces[_i].bytes.n), prefaces[_i].is);
}
END_TEST

static const struct {
	struct str bytes;
	bool is;
} settings[] = {
    {STR("\0\0\0\4\0\0\0\0\0"), true},
    {STR("\0\0\14\4\0\0\0\0\0\0\3"), true},
    {STR("\0\100\0\4\0\0\0\0\0"), false},	/* no multiple of six */
    {STR("\0\77\374\4\0\0\0\0\0"), true},		/* the largest that is */
    {STR("\0\0\7\4\0\0\0\0\0"), false},
    {STR("\1\0\2\4\0\0\0\0\0"), false},		/* too long */
    {STR("\0\0\0\4\1\0\0\0\0"), false},		/* an answer */
    {STR("\0\0\0\4\0\0\0\0\1"), false},
    {STR("\0\0\0\10\0\0\0\0\0"), false},
    {STR("\0\0\0\4\0\0\0\0"), false},
    {STR("220 mail ESMTP\r\n"), false},
    {STR("\112\0\0\0\012" "8.0.33"), false},	/* MySQL */
};

START_TEST(settings_of_an_origin)
{
	ck_assert_int_eq(sniff_settings((const uint8_t *)settings[_i].bytes.p,
	    settings[_i].bytes.n), settings[_i].is);
}
END_TEST

Suite *
sniff_suite(void)
{
	Suite *s = suite_create("sniff");
	TCase *tc = tcase_create("sniff");

	tcase_add_loop_test(tc, every_cut, 0, (int)NELEM(table));
	tcase_add_test(tc, line_without_end);
	tcase_add_loop_test(tc, preface_alone, 0, (int)NELEM(prefaces));
	tcase_add_loop_test(tc, settings_of_an_origin, 0, (int)NELEM(settings));
	suite_add_tcase(s, tc);
	return s;
}
