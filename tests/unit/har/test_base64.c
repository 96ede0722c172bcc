/* SPDX-License-Identifier: ISC */
/* test_base64.c - base64 in pieces of any size, with and without vectors. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "har/base64.h"
#include "help.h"
#include "suites.h"

static const struct {
	struct str in;
	const char *out;
} vectors[] = {	/* RFC 4648 10 */
	{STR(""), ""},
	{STR("f"), "Zg=="},
	{STR("fo"), "Zm8="},
	{STR("foo"), "Zm9v"},
	{STR("foob"), "Zm9vYg=="},
	{STR("fooba"), "Zm9vYmE="},
	{STR("foobar"), "Zm9vYmFy"},
	{STR("\xfb\xff\xfe"), "+//+"},
};

START_TEST(rfc_vectors)
{
	struct base64 b = {0};
	char out[BASE64_ROOM(8)] = "";
	size_t n;

	n = base64_feed(&b, out, (const uint8_t *)vectors[_i].in.p, vectors[_i].in.n);
	n += base64_end(&b, out + n);
	out[n] = '\0';
	ck_assert_str_eq(out, vectors[_i].out);
}
END_TEST

START_TEST(round_trip)
{
	static const size_t pieces[] = {1, 2, 3, 4, 5, 31, 64, 67, 100, 1000};
	struct buf in = {0}, out = {0}, back = {0};
	size_t i, n, k, at;

	help_binary(&in, 700);
	for (i = 0; i < NELEM(pieces); i++) {
		for (n = 0; n <= in.len; n += n < 300 ? 1 : 37) {
			struct base64 b = {0};

			buf_clear(&out);
			buf_clear(&back);
			for (at = 0; at < n; at += k) {
				uint8_t *piece;	/* of its own, so that reading past it shows */

				k = MIN(pieces[i], n - at);
				piece = mem_dup(buf_data(&in) + at, k);
				buf_commit(&out, base64_feed(&b,
				    (char *)buf_reserve(&out, BASE64_ROOM(k)), piece, k));
				free(piece);
			}
			buf_commit(&out, base64_end(&b, (char *)buf_reserve(&out, 4)));
			help_unbase64(&back, buf_str(&out));
			ck_assert_uint_eq(back.len, n);
			ck_assert(n == 0 || memcmp(buf_data(&back), buf_data(&in), n) == 0);
		}
	}
	buf_free(&in);
	buf_free(&out);
	buf_free(&back);
}
END_TEST

Suite *
base64_suite(void)
{
	Suite *s = suite_create("base64");
	TCase *t = tcase_create("base64");

	tcase_add_loop_test(t, rfc_vectors, 0, NELEM(vectors));
	tcase_add_test(t, round_trip);
	suite_add_tcase(s, t);
	return s;
}
