/* SPDX-License-Identifier: ISC */
/* test_coding.c - content codings as bodies see them. */
#include "config.h"

#include <string.h>
#include <time.h>

#include "base/err.h"
#include "har/coding.h"
#include "help.h"
#include "suites.h"

static const struct {
	struct str field;
	int err;
	unsigned n;
} fields[] = {
	{STR(""), 0, 0},
	{STR("identity"), 0, 0},
	{STR("gzip"), 0, 1},
	{STR("X-GZIP"), 0, 1},
	{STR("gzip, identity ,br"), 0, 2},
	{STR("br, zstd, deflate"), 0, 3},
	{STR("gzip, gzip, gzip, gzip"), ERR_LIMIT, 3},
	{STR("compress"), ERR_UNSUPPORTED, 0},
	{STR("gzip, aes128gcm"), ERR_UNSUPPORTED, 1},
	{STR("gzip;q=1"), ERR_UNSUPPORTED, 0},
};

START_TEST(field)
{
	struct coding_list list;

	ck_assert_int_eq(coding_parse(fields[_i].field, &list), fields[_i].err);
	if (fields[_i].err == 0)
		ck_assert_uint_eq(list.n, fields[_i].n);
}
END_TEST

static const struct {
	struct str field;
	enum help_coding v[3];
	unsigned n;
} streams[] = {
	{STR("gzip"), {HELP_GZIP}, 1},
	{STR("x-gzip"), {HELP_GZIP}, 1},
	{STR("gzip"), {HELP_ZLIB}, 1},		/* some servers mix them up */
	{STR("deflate"), {HELP_ZLIB}, 1},
	{STR("deflate"), {HELP_RAW}, 1},
	{STR("br"), {HELP_BR}, 1},
	{STR("zstd"), {HELP_ZSTD}, 1},
	{STR("deflate, gzip"), {HELP_ZLIB, HELP_GZIP}, 2},
	{STR("br, identity, zstd, gzip"), {HELP_BR, HELP_ZSTD, HELP_GZIP}, 3},
};

static struct body *
body_of(struct str type, struct str coding, uint64_t max, struct spill *spill)
{
	struct body_conf conf = {.max_body = max, .spill = spill};

	return body_new(&conf, type, coding);
}

static void
feed(struct body *b, struct str bytes, size_t piece)
{
	size_t k;

	for (; bytes.n > 0; bytes = str_from(bytes, k)) {
		k = MIN(bytes.n, piece);
		body_feed(b, (const uint8_t *)bytes.p, k);
	}
}

static void
encode_all(struct buf *out, struct str plain, const enum help_coding *v, unsigned n)
{
	struct buf next = {0};
	unsigned i;

	buf_clear(out);
	buf_puts(out, plain);
	for (i = 0; i < n; i++) {
		buf_clear(&next);
		help_encode(&next, v[i], out->len > 0 ? buf_str(out) : STR(""));
		buf_clear(out);
		buf_puts(out, buf_str(&next));
	}
	buf_free(&next);
}

START_TEST(decoded_whatever_the_pieces)
{
	static const size_t pieces[] = {1, 2, 7, 1000, SIZE_MAX};
	struct buf plain = {0}, wire = {0}, got = {0};
	struct body *b;
	size_t i;

	help_text(&plain, 20000);
	encode_all(&wire, buf_str(&plain), streams[_i].v, streams[_i].n);
	for (i = 0; i < NELEM(pieces); i++) {
		b = body_of(STR("text/plain"), streams[_i].field, 1 << 20, NULL);
		feed(b, buf_str(&wire), pieces[i]);
		ck_assert_int_eq(body_end(b, true), 0);
		ck_assert_str_eq(body_note(b), "");
		ck_assert(!body_truncated(b) && !body_still_encoded(b) && !body_is_base64(b));
		ck_assert_uint_eq(body_wire_bytes(b), wire.len);
		ck_assert_uint_eq(body_size(b), plain.len);
		buf_clear(&got);
		help_body_bytes(b, &got);
		ck_assert(str_eq(buf_str(&got), buf_str(&plain)));
		body_free(&b);
	}
	buf_free(&plain);
	buf_free(&wire);
	buf_free(&got);
}
END_TEST

START_TEST(nothing_inside)
{
	struct buf wire = {0};
	struct body *b;

	encode_all(&wire, STR(""), streams[_i].v, streams[_i].n);
	b = body_of(STR_NONE, streams[_i].field, 1 << 20, NULL);
	feed(b, buf_str(&wire), 1);
	ck_assert_int_eq(body_end(b, true), 0);
	ck_assert_uint_eq(body_size(b), 0);
	ck_assert(!body_still_encoded(b) && !body_truncated(b));
	body_free(&b);
	buf_free(&wire);
}
END_TEST

/* Every cut of the stream: what could be decoded stays, else the bytes themselves. */
START_TEST(cut_anywhere)
{
	struct buf plain = {0}, wire = {0}, got = {0};
	struct body *b;
	size_t n;

	help_text(&plain, 3000);
	encode_all(&wire, buf_str(&plain), streams[_i].v, streams[_i].n);
	for (n = 1; n < wire.len; n++) {
		b = body_of(STR_NONE, streams[_i].field, 1 << 20, NULL);
		feed(b, str_sub(buf_str(&wire), 0, n), SIZE_MAX);
		ck_assert_int_eq(body_end(b, true), 0);
		buf_clear(&got);
		help_body_bytes(b, &got);
		ck_assert_uint_eq(got.len, body_kept(b));
		if (body_still_encoded(b)) {
			ck_assert(str_eq(buf_str(&got), str_sub(buf_str(&wire), 0, n)));
		} else if (got.len > 0) {
			ck_assert_str_eq(body_note(b), "content coding incomplete");
			ck_assert(body_truncated(b) && !body_size_known(b));
			ck_assert(str_eq(buf_str(&got), str_sub(buf_str(&plain), 0, got.len)));
		}
		body_free(&b);
	}
	buf_free(&plain);
	buf_free(&wire);
	buf_free(&got);
}
END_TEST

START_TEST(gzip_members_and_padding)
{
	struct buf wire = {0}, got = {0};
	struct body *b = body_of(STR_NONE, STR("gzip"), 1 << 20, NULL);

	help_encode(&wire, HELP_GZIP, STR("one "));
	help_encode(&wire, HELP_GZIP, STR("two"));
	buf_put(&wire, "\0\0\0\0", 4);
	feed(b, buf_str(&wire), 1);
	ck_assert_int_eq(body_end(b, true), 0);
	help_body_bytes(b, &got);
	ck_assert(str_eq(buf_str(&got), STR("one two")));
	ck_assert_str_eq(body_note(b), "");
	body_free(&b);
	buf_free(&wire);
	buf_free(&got);
}
END_TEST

static const struct str lies[] = {
	STR("gzip"), STR("deflate"), STR("br"), STR("zstd"), STR("compress"), STR("br, gzip"),
};

/* Not coded at all although the field says so. */
START_TEST(kept_as_received)
{
	struct str plain = STR("<html>this is no coding at all, but quite a few bytes</html>");
	struct buf got = {0};
	struct body *b;
	size_t piece;

	for (piece = 1; piece < 100; piece += 30) {
		b = body_of(STR("application/json"), lies[_i], 1 << 20, NULL);
		feed(b, plain, piece);
		ck_assert_int_eq(body_end(b, true), 0);
		ck_assert(body_still_encoded(b));
		ck_assert(body_is_base64(b));
		ck_assert(!body_truncated(b) && body_size_known(b));
		ck_assert_ptr_nonnull(strstr(body_note(b), "kept as received"));
		ck_assert_uint_eq(body_size(b), plain.n);
		buf_clear(&got);
		help_body_bytes(b, &got);
		ck_assert(str_eq(buf_str(&got), plain));
		body_free(&b);
	}
	buf_free(&got);
}
END_TEST

START_TEST(broken_in_the_middle)
{
	struct buf plain = {0}, wire = {0}, got = {0};
	struct body *b = body_of(STR_NONE, STR("gzip"), 1 << 20, NULL);

	help_binary(&plain, 100000);
	help_encode(&wire, HELP_GZIP, buf_str(&plain));
	memset(buf_data(&wire) + wire.len / 2, 0xff, 1000);
	feed(b, buf_str(&wire), 4096);
	ck_assert_int_eq(body_end(b, true), 0);
	ck_assert_ptr_nonnull(strstr(body_note(b), "broken"));
	ck_assert(body_truncated(b) && !body_size_known(b) && !body_still_encoded(b));
	ck_assert_uint_eq(body_wire_bytes(b), wire.len);
	help_body_bytes(b, &got);
	ck_assert_uint_gt(got.len, 10000);
	body_free(&b);
	buf_free(&plain);
	buf_free(&wire);
	buf_free(&got);
}
END_TEST

static double
cpu(void)
{
	struct timespec ts;

	ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts), 0);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* 10 GiB of zeros behind 10 MiB; and the same once more compressed. */
START_TEST(bomb)
{
	struct buf wire = {0}, twice = {0};
	struct body *b;
	double start;

	help_gzip_zeros(&wire, 10240);
	if (_i == 1)
		help_encode(&twice, HELP_GZIP, buf_str(&wire));
	b = body_of(STR_NONE, _i == 0 ? STR("gzip") : STR("gzip, gzip"), 1 << 20, NULL);
	start = cpu();
	feed(b, buf_str(_i == 0 ? &wire : &twice), 16384);
	ck_assert_int_eq(body_end(b, true), 0);
	ck_assert(cpu() - start < 2.0);
	ck_assert(body_truncated(b) && !body_size_known(b));
	ck_assert_ptr_nonnull(strstr(body_note(b), "expands too much"));
	ck_assert_uint_eq(body_wire_bytes(b), _i == 0 ? wire.len : twice.len);
	ck_assert_uint_lt(body_size(b), 101u << 20);
	body_free(&b);
	buf_free(&wire);
	buf_free(&twice);
}
END_TEST

/* 40 MiB of zeros: what follows the first block of them is cut off. */
static const char zeros[] =
    "\xcf\xff\xff\x7f\x00\x24\x00\xe2\xb1\x40\x72\xef\xff\xf9\xff\xff"
    "\x0f\x80\x04\x40\x1c\x16\x80\xee\xfd\x7f\xfe\xff\xff\x01\x90\x00"
    "\x88\xc3\x02\xd0\xbd\xff";

static struct body *
fed_zeros(void)
{
	struct body *b = body_of(STR_NONE, STR("br"), 1 << 20, NULL);

	body_feed(b, (const uint8_t *)zeros, sizeof(zeros) - 1);
	return b;
}

START_TEST(a_window_larger_than_all_may_have)
{
	struct body *b;

	coding_memory(8 << 20);
	b = fed_zeros();
	ck_assert_int_eq(body_end(b, true), 0);
	ck_assert(body_still_encoded(b));
	ck_assert_str_eq(body_note(b), "no memory or time to decode it, kept as received");
	ck_assert_uint_eq(body_size(b), sizeof(zeros) - 1);
	body_free(&b);
	/* All of it came back. */
	coding_memory(17 << 20);
	b = fed_zeros();
	ck_assert(!body_still_encoded(b));
	ck_assert_uint_gt(body_size(b), 0);
	body_free(&b);
}
END_TEST

/* Each alone would be decoded; the first of them have used up what is free. */
START_TEST(many_bombs_at_once)
{
	struct buf plain = {0}, wire = {0};
	struct body *b;
	unsigned i, decoded = 0;
	uint32_t x = 1;

	for (i = 0; i < 100; i++) {
		b = fed_zeros();
		(void)body_end(b, true);
		decoded += !body_still_encoded(b);
		body_free(&b);
	}
	ck_assert_uint_gt(decoded, 0);
	ck_assert_uint_lt(decoded, 50);
	/* What comes over the wire pays for itself. */
	for (i = 0; i < 100000; i++)
		buf_putc(&plain, (char)('!' + ((x = x * 1664525 + 1013904223) >> 26)));
	help_encode(&wire, HELP_BR, buf_str(&plain));
	for (i = 0; i < 100; i++) {
		b = body_of(STR_NONE, STR("br"), 1 << 20, NULL);
		feed(b, buf_str(&wire), 16384);
		ck_assert_int_eq(body_end(b, true), 0);
		ck_assert_str_eq(body_note(b), "");
		body_free(&b);
	}
	buf_free(&plain);
	buf_free(&wire);
}
END_TEST

/* A window of 4 MiB each, and what comes out of it: that is not twice the work. */
START_TEST(windows_are_no_work)
{
	struct buf plain = {0}, wire = {0};
	struct body *b;
	unsigned i;

	for (i = 0; i < 90000; i++)
		buf_printf(&plain, "{\"list\":%u,\"state\":\"active\"},", i >> 8);
	help_encode(&wire, HELP_BR, buf_str(&plain));
	for (i = 0; i < 30; i++) {
		b = body_of(STR_NONE, STR("br"), 10000, NULL);
		feed(b, buf_str(&wire), 16384);
		ck_assert_int_eq(body_end(b, true), 0);
		ck_assert_msg(strstr(body_note(b), "decode") == NULL, "body %u: %s", i,
		    body_note(b));
		body_free(&b);
	}
	buf_free(&plain);
	buf_free(&wire);
}
END_TEST

/* An honest body beyond max_body is counted to its end. */
START_TEST(true_size_is_learnt)
{
	struct buf plain = {0}, wire = {0};
	struct body *b = body_of(STR_NONE, STR("gzip"), 100000, NULL);

	help_text(&plain, 400000);
	help_encode(&wire, HELP_GZIP, buf_str(&plain));
	feed(b, buf_str(&wire), 100);
	ck_assert_int_eq(body_end(b, true), 0);
	ck_assert(body_truncated(b) && body_size_known(b));
	ck_assert_uint_eq(body_size(b), 400000);
	ck_assert_uint_eq(body_kept(b), 100000);
	body_free(&b);
	buf_free(&plain);
	buf_free(&wire);
}
END_TEST

Suite *
coding_suite(void)
{
	Suite *s = suite_create("coding");
	TCase *t = tcase_create("coding");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, field, 0, NELEM(fields));
	tcase_add_loop_test(t, decoded_whatever_the_pieces, 0, NELEM(streams));
	tcase_add_loop_test(t, nothing_inside, 0, NELEM(streams));
	tcase_add_loop_test(t, cut_anywhere, 0, NELEM(streams));
	tcase_add_test(t, gzip_members_and_padding);
	tcase_add_loop_test(t, kept_as_received, 0, NELEM(lies));
	tcase_add_test(t, broken_in_the_middle);
	tcase_add_loop_test(t, bomb, 0, 2);
	tcase_add_test(t, true_size_is_learnt);
	tcase_add_test(t, a_window_larger_than_all_may_have);
	tcase_add_test(t, many_bombs_at_once);
	tcase_add_test(t, windows_are_no_work);
	suite_add_tcase(s, t);
	return s;
}
