/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "shm/open_flows.h"
#include "shm/receipts.h"
#include "suites.h"

static struct receipts *receipts;
static int ring = -1, wake = -1;
static struct ring_writer *writer;
static struct ring_reader *reader;

static void
setup(void)
{
	struct errmsg err;

	receipts = receipts_create(&err);
	ring = ring_create(7, &err);
	wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	writer = ring_writer_new(ring, wake, receipts, 7, &err);
	reader = ring_reader_new(ring, receipts, 7, &err);
	ck_assert_ptr_nonnull(writer);
	ck_assert_ptr_nonnull(reader);
}

static void
teardown(void)
{
	ring_writer_free(&writer);
	ring_reader_free(&reader);
	receipts_free(&receipts);
	fd_close(&ring);
	fd_close(&wake);
}

static int
put(const char *tag, struct str text)
{
	struct ring_entry e = {.tag = str_z(tag), .text = text};
	uint64_t pos;

	return ring_put(writer, &e, NULL, &pos);
}

START_TEST(round_trip)
{
	static const uint32_t a[] = {3, 9}, b[] = {1};
	struct ring_entry e = {.tag = STR("job-1"), .text = STR("{\"a\":\"\",\"b\":\"\"}"),
	    .ninserts = 2, .inserts = {{6, 2, 300000}, {13, 1, 5}}, .extents = {a, b}}, got;
	uint64_t pos;

	ck_assert_int_eq(ring_next(reader, &got), ERR_AGAIN);
	ck_assert_int_eq(ring_put(writer, &e, NULL, &pos), 0);
	ck_assert_int_eq(ring_next(reader, &got), 0);
	ck_assert(str_eq(got.tag, e.tag) && str_eq(got.text, e.text));
	ck_assert_uint_eq(got.ninserts, 2);
	ck_assert_mem_eq(got.inserts, e.inserts, sizeof(e.inserts));
	ck_assert_mem_eq(got.extents[0], a, sizeof(a));
	ck_assert_mem_eq(got.extents[1], b, sizeof(b));
	ck_assert_uint_eq(ring_reader_pos(reader), pos);
	ck_assert_int_eq(ring_next(reader, &got), ERR_AGAIN);
}
END_TEST

START_TEST(goes_round_and_round)
{
	size_t n = RING_TEXT_MAX - 1001, i;
	char *text = mem_alloc(n);
	struct ring_entry got;

	for (i = 0; i < 20; i++) {
		memset(text, 'a' + (int)i, n - i);
		ck_assert_int_eq(put("t", str_of(text, n - i)), 0);
		ck_assert_int_eq(ring_next(reader, &got), 0);
		ck_assert(str_eq(got.text, str_of(text, n - i)));
		ring_receipt(reader, ring_reader_pos(reader));
	}
	free(text);
}
END_TEST

START_TEST(full_until_the_receipt)
{
	char *text = mem_zalloc(RING_TEXT_MAX);
	struct ring_entry got;
	unsigned n = 0;

	while (put("t", str_of(text, RING_TEXT_MAX)) == 0)
		n++;
	ck_assert_uint_eq(n, RING_BYTES / RING_TEXT_MAX);
	ck_assert_int_eq(ring_next(reader, &got), 0);
	ck_assert_int_eq(put("t", str_of(text, RING_TEXT_MAX)), ERR_AGAIN);
	ring_receipt(reader, ring_reader_pos(reader));
	ck_assert_uint_eq(ring_taken(writer), ring_reader_pos(reader));
	ck_assert_int_eq(put("t", str_of(text, RING_TEXT_MAX)), 0);
	free(text);
}
END_TEST

START_TEST(too_large_for_ever)
{
	char *text = mem_zalloc(RING_TEXT_MAX + 1);
	struct ring_entry e = {.tag = STR("t"), .text = {text, 1}, .ninserts = 1,
	    .inserts = {{0, RING_EXTENTS_MAX + 1, 1}}};
	uint64_t pos;

	ck_assert_int_eq(put("t", str_of(text, RING_TEXT_MAX + 1)), ERR_LIMIT);
	ck_assert_int_eq(put("t", STR_NONE), ERR_LIMIT);
	ck_assert_int_eq(ring_put(writer, &e, NULL, &pos), ERR_LIMIT);
	free(text);
}
END_TEST

static uint64_t
wakes(void)
{
	uint64_t n = 0;

	return read(wake, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

START_TEST(wakes_at_256_kib_or_when_kicked)
{
	char *text = mem_zalloc(100u << 10);
	struct str s = {text, 100u << 10};

	ck_assert(!ring_untold(writer));
	ck_assert_int_eq(put("t", s), 0);
	ck_assert_int_eq(put("t", s), 0);
	ck_assert_uint_eq(wakes(), 0);
	ck_assert(ring_untold(writer));
	ck_assert_int_eq(put("t", s), 0);
	ck_assert_uint_eq(wakes(), 1);
	ck_assert(!ring_untold(writer));
	ring_kick(writer);
	ck_assert_uint_eq(wakes(), 0);
	ck_assert_int_eq(put("t", s), 0);
	ring_kick(writer);
	ck_assert_uint_eq(wakes(), 1);
	free(text);
}
END_TEST

START_TEST(next_reader_starts_at_the_receipt)
{
	struct ring_entry got;
	struct errmsg err;
	uint64_t first;

	ck_assert_int_eq(put("t", STR("{\"n\":1}")), 0);
	ck_assert_int_eq(put("t", STR("{\"n\":2}")), 0);
	ck_assert_int_eq(ring_next(reader, &got), 0);
	first = ring_reader_pos(reader);
	ck_assert_int_eq(ring_next(reader, &got), 0);
	ring_receipt(reader, first);
	ring_reader_free(&reader);
	reader = ring_reader_new(ring, receipts, 7, &err);
	ck_assert_int_eq(ring_next(reader, &got), 0);
	ck_assert(str_eq(got.text, STR("{\"n\":2}")));
}
END_TEST

/* Offsets as in struct record, behind the head block. */
static const struct {
	size_t at;
	uint64_t value;
	size_t bytes;
} lies[] = {
    {0, 8, 4},			/* size: too small */
    {0, 1u << 30, 4},		/* beyond what was written */
    {0, 129, 4},		/* no multiple */
    {4, 0, 4},			/* text: none */
    {4, RING_TEXT_MAX + 1, 4},
    {4, 0xffffffff, 4},
    {4, 900, 4},		/* does not fit the size */
    {8, 0, 2},			/* magic */
    {10, 0, 1},			/* tag length */
    {10, 65, 1},
    {10, 255, 1},
    {11, 3, 1},			/* inserts */
    {11, 255, 1},
    {16, 8, 4},			/* first insert: behind the text */
    {32, 1, 4},			/* second insert: before the first */
    {20, 0xffffffff, 4},	/* extents */
    {36, 0xffffffff, 4},
    {20, RING_EXTENTS_MAX, 4},
    {48, '.', 1},		/* tag: hidden file */
    {49, '/', 1},
    {49, '\0', 1},
};

START_TEST(lies_are_found_out)
{
	static const uint32_t a[] = {3, 9}, b[] = {1};
	struct ring_entry e = {.tag = STR("tt"), .text = STR("{\"a\":1}"), .ninserts = 2,
	    .inserts = {{2, 2, 300000}, {5, 1, 5}}, .extents = {a, b}}, got;
	uint8_t *map = mmap(NULL, 65536 + RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ring,
	    0);
	uint64_t pos;

	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_int_eq(ring_put(writer, &e, NULL, &pos), 0);
	memcpy(map + 65536 + lies[_i].at, &lies[_i].value, lies[_i].bytes);
	ck_assert_int_eq(ring_next(reader, &got), ERR_SYNTAX);
	ck_assert_uint_eq(ring_reader_pos(reader), 0);
	(void)munmap(map, 65536 + RING_BYTES);
}
END_TEST

static const uint64_t positions[] = {1, 7, 8, 112, RING_BYTES + 8, RING_BYTES * 2ull,
    1ull << 63, UINT64_MAX};

START_TEST(positions_are_not_believed)
{
	uint64_t *map = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, ring, 0);
	struct ring_entry got;

	*map = positions[_i];
	ck_assert_int_eq(ring_next(reader, &got), ERR_SYNTAX);
	(void)munmap(map, 65536);
}
END_TEST

START_TEST(position_that_falls)
{
	uint64_t *map = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, ring, 0);
	struct ring_entry got;

	ck_assert_int_eq(put("t", STR("{}")), 0);
	ck_assert_int_eq(ring_next(reader, &got), 0);
	*map -= 8;
	ck_assert_int_eq(ring_next(reader, &got), ERR_SYNTAX);
	(void)munmap(map, 65536);
}
END_TEST

START_TEST(worker_cannot_write_receipts)
{
	struct receipts *r;
	struct errmsg err;

	receipts_take(receipts, 3, 4711);
	r = receipts_open(receipts_fd(receipts), &err);
	ck_assert_ptr_nonnull(r);
	ck_assert_uint_eq(receipts_taken(r, 3), 4711);
	ck_assert_ptr_eq(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
	    receipts_fd(receipts), 0), MAP_FAILED);
	receipts_free(&r);
}
END_TEST

START_TEST(what_is_no_ring)
{
	struct errmsg err;
	int fd = memfd_create("short", MFD_ALLOW_SEALING);

	ck_assert_ptr_null(ring_reader_new(fd, receipts, 1, &err));
	ck_assert_int_eq(ftruncate(fd, RING_OPEN_FLOWS_AT + OPEN_FLOWS_BYTES), 0);
	ck_assert_ptr_null(ring_reader_new(fd, receipts, 1, &err));	/* could still shrink */
	ck_assert_ptr_null(ring_reader_new(ring, receipts, RING_SLOTS, &err));
	fd_close(&fd);
}
END_TEST

START_TEST(intent_is_redone)
{
	receipts_begin(receipts, "/spool");
	receipts_slot(receipts, 1, 100, 0);
	receipts_slot(receipts, 2, 200, 0);
	receipts_ready(receipts);
	ck_assert_uint_eq(receipts_taken(receipts, 1), 0);
	receipts_written(receipts);
	receipts_take(receipts, 1, 100);	/* killed half-way through */
	receipts_done(receipts);
	ck_assert_uint_eq(receipts_taken(receipts, 1), 100);
	ck_assert_uint_eq(receipts_taken(receipts, 2), 200);
	ck_assert_int_eq(receipts_state(receipts), INTENT_NONE);
	receipts_reset(receipts, 2);
	ck_assert_uint_eq(receipts_taken(receipts, 2), 0);
}
END_TEST

Suite *
ring_suite(void)
{
	Suite *s = suite_create("ring");
	TCase *t = tcase_create("ring");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, round_trip);
	tcase_add_test(t, goes_round_and_round);
	tcase_add_test(t, full_until_the_receipt);
	tcase_add_test(t, too_large_for_ever);
	tcase_add_test(t, wakes_at_256_kib_or_when_kicked);
	tcase_add_test(t, next_reader_starts_at_the_receipt);
	tcase_add_loop_test(t, lies_are_found_out, 0, (int)NELEM(lies));
	tcase_add_loop_test(t, positions_are_not_believed, 0, (int)NELEM(positions));
	tcase_add_test(t, position_that_falls);
	tcase_add_test(t, worker_cannot_write_receipts);
	tcase_add_test(t, what_is_no_ring);
	tcase_add_test(t, intent_is_redone);
	suite_add_tcase(s, t);
	return s;
}
