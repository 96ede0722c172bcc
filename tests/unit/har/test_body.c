/* SPDX-License-Identifier: ISC */
/* test_body.c - what of a body is kept, and in which form. */
#include "config.h"

#include <string.h>

#include "base/err.h"
#include "har/body.h"
#include "help.h"
#include "suites.h"

#define MAX_BODY (16u << 20)

static struct spill *
spill_of(uint64_t max)
{
	return spill_new(help_tmpfile(), max);
}

static struct body *
fed(struct str type, struct str bytes, size_t piece, uint64_t max, struct spill *spill)
{
	struct body_conf conf = {.max_body = max, .spill = spill};
	struct body *b = body_new(&conf, type, STR_NONE);
	size_t k;

	for (; bytes.n > 0; bytes = str_from(bytes, k)) {
		k = MIN(bytes.n, piece);
		body_feed(b, (const uint8_t *)bytes.p, k);
	}
	return b;
}

static void
end(struct body *b, bool whole)
{
	int err = body_end(b, whole);

	while (err == ERR_AGAIN)
		err = body_step(b);
	ck_assert_int_eq(err, 0);
}

/* The bytes kept are the first ones of want. */
static void
holds(struct body *b, struct str want)
{
	struct buf got = {0};

	help_body_bytes(b, &got);
	ck_assert_uint_eq(got.len, body_kept(b));
	ck_assert_uint_eq(got.len, want.n);
	ck_assert(want.n == 0 || memcmp(buf_data(&got), want.p, want.n) == 0);
	buf_free(&got);
}

static const struct {
	struct str type, bytes;
	bool base64;
} forms[] = {
	{STR("text/plain"), STR("plain \"text\"\r\n\t\f"), false},
	{STR_NONE, STR("no type"), false},
	{STR("image/png"), STR("text by its bytes"), false},
	{STR("text/html; charset=UTF-8"), STR("\xc3\xa4"), false},
	{STR("text/html;charset=\"utf-8\"; x=y"), STR("\xc3\xa4"), false},
	{STR("text/html; x=y ; CHARSET=us-ascii"), STR("a"), false},
	{STR("text/html; charset=iso-8859-1"), STR("a"), true},
	{STR("text/html; charset=utf-16"), STR("a\0b\0"), true},
	{STR("text/html; charset="), STR("a"), true},
	{STR("text/plain"), STR("a\0b"), true},
	{STR("text/plain"), STR("\x1b[0m"), true},
	{STR("text/plain"), STR("M\xfcller"), true},
	{STR("text/plain"), STR("\xef\xbf\xbf"), true},
	{STR("text/plain"), STR("half \xe2\x82"), true},
	{STR("text/plain"), STR("\xe2\x80\xa8"), false},
};

START_TEST(text_or_base64)
{
	struct body *b = fed(forms[_i].type, forms[_i].bytes, 1, MAX_BODY, NULL);

	end(b, true);
	ck_assert_int_eq(body_is_base64(b), forms[_i].base64);
	ck_assert(!body_truncated(b) && !body_still_encoded(b));
	ck_assert_str_eq(body_note(b), "");
	ck_assert(str_eq(body_raw(b), forms[_i].bytes));
	holds(b, forms[_i].bytes);
	body_free(&b);
}
END_TEST

START_TEST(nothing_fed)
{
	struct body *b = fed(STR("text/plain"), STR(""), 1, MAX_BODY, NULL);

	end(b, true);
	ck_assert_uint_eq(body_wire_bytes(b), 0);
	ck_assert(!body_is_base64(b) && !body_truncated(b) && !body_has_run(b));
	ck_assert_uint_eq(body_text(b).n, 0);
	body_free(&b);
}
END_TEST

static const size_t sizes[] = {BODY_MEMORY - 1, BODY_MEMORY, BODY_MEMORY + 1, BODY_MEMORY + 2,
	BODY_MEMORY + 3, 700001, 3000000};
static const size_t pieces[] = {1000, 16384, 65537, SIZE_MAX};

START_TEST(large_bodies)
{
	struct spill *spill = spill_of(64 << 20);
	struct buf in = {0};
	struct body *b;
	size_t i, binary;

	for (binary = 0; binary < 2; binary++) {
		buf_clear(&in);
		(binary ? help_binary : help_text)(&in, sizes[_i]);
		for (i = 0; i < NELEM(pieces); i++) {
			b = fed(STR_NONE, buf_str(&in), pieces[i], MAX_BODY, spill);
			end(b, true);
			ck_assert_int_eq(body_is_base64(b), binary == 1);
			ck_assert_int_eq(body_has_run(b), in.len > BODY_MEMORY);
			ck_assert(!body_truncated(b));
			ck_assert_uint_eq(body_size(b), in.len);
			holds(b, buf_str(&in));
			body_free(&b);
			ck_assert_uint_eq(spill_in_use(spill), 0);
		}
	}
	buf_free(&in);
	spill_free(&spill);
}
END_TEST

/* Letters fall over the edges of memory and pieces in every way. */
START_TEST(letters_cut_by_pieces)
{
	struct spill *spill = spill_of(64 << 20);
	struct buf in = {0};
	struct body *b;

	while (buf_str(&in).n < BODY_MEMORY + 50000)
		buf_put(&in, "\xf0\x9f\x98\x80\xe2\x82\xac\xc3\xa4", 9);
	b = fed(STR_NONE, buf_str(&in), (size_t)_i, MAX_BODY, spill);
	end(b, true);
	ck_assert(!body_is_base64(b));
	holds(b, buf_str(&in));
	body_free(&b);
	buf_free(&in);
	spill_free(&spill);
}
END_TEST

static const struct {
	size_t at;		/* of the first odd byte */
	struct str odd;
} turns[] = {
	{BODY_MEMORY, STR("\xff")},
	{BODY_MEMORY + 1, STR("\0")},
	{600000, STR("\xe2\x82x")},
	{600001, STR("\x01")},
	{600002, STR("\xef\xbf\xbf")},
	{999998, STR("\xe2\x82")},	/* half a letter at the very end */
};

START_TEST(text_that_turns_binary)
{
	struct spill *spill = spill_of(64 << 20);
	struct buf in = {0};
	struct body *b;
	size_t i;

	help_text(&in, turns[_i].at);
	buf_puts(&in, turns[_i].odd);
	if (turns[_i].at < 999998)
		help_binary(&in, 1000000);
	for (i = 0; i < NELEM(pieces); i++) {
		b = fed(STR_NONE, buf_str(&in), pieces[i], MAX_BODY, spill);
		end(b, true);
		ck_assert(body_is_base64(b) && !body_truncated(b));
		holds(b, buf_str(&in));
		body_free(&b);
		ck_assert_uint_eq(spill_in_use(spill), 0);
	}
	buf_free(&in);
	spill_free(&spill);
}
END_TEST

START_TEST(recoding_is_sliced)
{
	struct spill *spill = spill_of(64 << 20);
	struct buf in = {0};
	struct body *b;
	int steps = 1;

	help_text(&in, 2000000);
	buf_putc(&in, '\0');
	b = fed(STR_NONE, buf_str(&in), 16384, MAX_BODY, spill);
	ck_assert_int_eq(body_end(b, true), ERR_AGAIN);
	while (body_step(b) == ERR_AGAIN)
		steps++;
	ck_assert_int_ge(steps, 8);
	holds(b, buf_str(&in));
	body_free(&b);
	buf_free(&in);
	spill_free(&spill);
}
END_TEST

/* No room to recode: the text before stays. */
START_TEST(recoding_without_room)
{
	struct spill *spill = spill_of(3 * SPILL_EXTENT);
	struct buf in = {0};
	struct body *b;

	help_text(&in, 300000);
	buf_putc(&in, '\0');
	help_binary(&in, 400000);
	b = fed(STR_NONE, buf_str(&in), 16384, MAX_BODY, spill);
	end(b, true);
	ck_assert(!body_is_base64(b) && body_truncated(b));
	ck_assert_str_eq(body_note(b), "no room for large bodies");
	holds(b, str_sub(buf_str(&in), 0, 300000));
	body_free(&b);
	ck_assert_uint_eq(spill_in_use(spill), 0);
	buf_free(&in);
	spill_free(&spill);
}
END_TEST

static const size_t maxima[] = {0, 1, 2, 3, 1000, BODY_MEMORY, BODY_MEMORY + 1, 400000, 400001,
	400002};

START_TEST(cut_at_max_body)
{
	struct spill *spill = spill_of(64 << 20);
	struct buf in = {0};
	struct body *b;
	size_t max = maxima[_i], binary;

	for (binary = 0; binary < 2; binary++) {
		buf_clear(&in);
		(binary ? help_binary : help_text)(&in, 500000);
		b = fed(STR_NONE, buf_str(&in), 4096, max, spill);
		end(b, true);
		ck_assert(body_truncated(b) && body_size_known(b));
		ck_assert_str_eq(body_note(b), "larger than capture.max_body");
		ck_assert_uint_eq(body_size(b), 500000);
		ck_assert_uint_le(body_kept(b), max);
		ck_assert_uint_ge(body_kept(b) + 3, max);	/* half a letter at most is missing */
		ck_assert(max < 4 || body_is_base64(b) == (binary == 1));
		holds(b, str_sub(buf_str(&in), 0, body_kept(b)));
		body_free(&b);
	}
	buf_free(&in);
	spill_free(&spill);
}
END_TEST

START_TEST(exactly_max_body_is_whole)
{
	struct body *b = fed(STR_NONE, STR("12345"), 2, 5, NULL);

	end(b, true);
	ck_assert(!body_truncated(b));
	holds(b, STR("12345"));
	body_free(&b);
}
END_TEST

START_TEST(half_a_letter_of_a_broken_body)
{
	struct body *b = fed(STR_NONE, STR("half \xe2\x82"), 3, MAX_BODY, NULL);

	end(b, false);
	ck_assert(!body_is_base64(b));
	holds(b, STR("half "));
	body_free(&b);
}
END_TEST

START_TEST(no_spill)
{
	struct buf in = {0};
	struct body *b;

	help_text(&in, BODY_MEMORY + 100);
	b = fed(STR_NONE, buf_str(&in), 10000, MAX_BODY, NULL);
	end(b, true);
	ck_assert(body_truncated(b));
	ck_assert_str_eq(body_note(b), "no room for large bodies");
	ck_assert_uint_eq(body_size(b), in.len);
	ck_assert_uint_ge(body_kept(b) + 3, BODY_MEMORY);
	holds(b, str_sub(buf_str(&in), 0, body_kept(b)));
	body_free(&b);
	buf_free(&in);
}
END_TEST

/* The spill gets full at once, or later; text and base64. */
START_TEST(spill_is_full)
{
	static const uint64_t room[] = {0, 1, 2, 3, 4};
	struct spill *spill = spill_of(room[_i] * SPILL_EXTENT);
	struct buf in = {0};
	struct body *b;
	size_t binary;

	for (binary = 0; binary < 2; binary++) {
		buf_clear(&in);
		(binary ? help_binary : help_text)(&in, 2000000);
		b = fed(STR_NONE, buf_str(&in), 10000, MAX_BODY, spill);
		end(b, true);
		ck_assert(body_truncated(b));
		ck_assert_str_eq(body_note(b), "no room for large bodies");
		ck_assert_int_eq(body_is_base64(b), binary == 1);
		ck_assert_uint_eq(body_size(b), in.len);
		ck_assert_uint_ge(body_kept(b), 150000);
		holds(b, str_sub(buf_str(&in), 0, body_kept(b)));
		body_free(&b);
		ck_assert_uint_eq(spill_in_use(spill), 0);
	}
	buf_free(&in);
	spill_free(&spill);
}
END_TEST

START_TEST(raw_only_while_all_is_in_memory)
{
	struct body *b = fed(STR_NONE, STR("123456"), 6, 5, NULL);

	end(b, true);
	ck_assert_uint_eq(body_raw(b).n, 0);
	body_free(&b);
}
END_TEST

Suite *
body_suite(void)
{
	Suite *s = suite_create("body");
	TCase *t = tcase_create("body");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, text_or_base64, 0, NELEM(forms));
	tcase_add_test(t, nothing_fed);
	tcase_add_loop_test(t, large_bodies, 0, NELEM(sizes));
	tcase_add_loop_test(t, letters_cut_by_pieces, 1, 11);
	tcase_add_loop_test(t, text_that_turns_binary, 0, NELEM(turns));
	tcase_add_test(t, recoding_is_sliced);
	tcase_add_test(t, recoding_without_room);
	tcase_add_loop_test(t, cut_at_max_body, 0, NELEM(maxima));
	tcase_add_test(t, exactly_max_body_is_whole);
	tcase_add_test(t, half_a_letter_of_a_broken_body);
	tcase_add_test(t, no_spill);
	tcase_add_loop_test(t, spill_is_full, 0, 5);
	tcase_add_test(t, raw_only_while_all_is_in_memory);
	suite_add_tcase(s, t);
	return s;
}
