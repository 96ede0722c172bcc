/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "har/spill.h"
#include "suites.h"
#include "world.h"

static struct world w;
static struct found f;

static void
setup(void)
{
	world_init(&w);
}

static void
teardown(void)
{
	world_fini(&w);
}

static void
look(const char *order)
{
	world_sync(&w);
	world_look(&w, order, &f);
	ck_assert_uint_eq(f.invalid, 0);
	ck_assert_uint_eq(f.other, 0);
}

START_TEST(from_all_rings)
{
	unsigned id;

	for (id = 0; id < 400; id++)
		world_put(&w, id % WORLD_SLOTS, id % 3 ? "a" : "b", id, 50);
	world_start(&w);
	world_take_all(&w);
	look(NULL);
	for (id = 0; id < 400; id++)
		ck_assert_uint_eq(f.ids[id], 1);
	ck_assert_uint_eq(f.part, 2);
	for (id = 0; id < WORLD_SLOTS; id++)
		ck_assert_uint_eq(ring_taken(w.writer[id]), ring_written(w.writer[id]));
}
END_TEST

static const char *const bad[] = {"{\"id\":7", "{\"id\":7}}", "{\"id\":7},{\"id\":8}",
    "{\"id\":7,}", "{\"id\":7}\n", "{\"id\":7,\n\"a\":1}", "[{\"id\":7}]", "7", "\"x\"", "nul",
    "]}}", "{\"id\":7}\n]}}\n{\"id\":8}", "{\"id\":7,\"a\":\"\xff\"}",
    "{\"id\":7,\"a\":\"\x01\"}"};

START_TEST(what_is_not_one_object_is_dropped)
{
	world_start(&w);
	world_put(&w, 0, "a", 1, 5);
	ck_assert_int_eq(world_put_text(&w, 0, "a", bad[_i]), 0);
	world_put(&w, 0, "a", 2, 5);
	world_take_all(&w);
	look("a");
	ck_assert_str_eq(f.order, "1 2 ");
	ck_assert_uint_eq(ring_taken(w.writer[0]), ring_written(w.writer[0]));
}
END_TEST

static void
check_body(const char *tag, uint64_t n)
{
	char command[700], path[600], *text, *body;
	uint64_t i, extents = (n + SPILL_EXTENT - 1) / SPILL_EXTENT;
	size_t size;
	FILE *p;

	(void)snprintf(command, sizeof(command), "grep -l '\"body\"' %s/%s/*", w.dir, tag);
	p = popen(command, "r");
	ck_assert_ptr_nonnull(fgets(path, sizeof(path), p));
	(void)pclose(p);
	path[strcspn(path, "\n")] = '\0';
	text = read_all(path, &size);
	body = strstr(text, "\"body\":\"") + 8;
	for (i = 0; i < extents; i++)
		ck_assert_int_eq(body[i * SPILL_EXTENT], 'A' + (int)(i % 26));
	ck_assert_int_eq(body[n - 1], 'b');
	ck_assert_int_eq(body[n], '"');
	free(text);
}

static const uint64_t sizes[] = {2, SPILL_EXTENT - 1, SPILL_EXTENT + 2, 1000000,
    SPOOL_LARGE - 100, SPOOL_LARGE + 5, 12345678, 20000000};

START_TEST(spilled_body)
{
	bool large = sizes[_i] > SPOOL_LARGE;

	world_start(&w);
	world_put(&w, 0, "a", 1, 5);
	ck_assert_int_eq(world_put_spilled(&w, 0, "a", 2, 3, sizes[_i]), 0);
	world_put(&w, 0, "a", 3, 5);
	world_put(&w, 1, "b", 4, 5);
	world_take_all(&w);
	look("a");
	ck_assert_str_eq(f.order, "1 2 3 ");
	ck_assert_uint_eq(f.ids[4], 1);
	ck_assert_uint_eq(f.har, large ? 1 : 0);
	check_body("a", sizes[_i]);
}
END_TEST

START_TEST(large_without_unnamed_files)
{
	struct spool_dir *d;

	world_start(&w);
	d = (struct spool_dir *)(uintptr_t)spool_where(w.spool);
	d->unnamed = false;
	ck_assert_int_eq(world_put_spilled(&w, 0, "a", 2, 0, SPOOL_LARGE + 5), 0);
	world_take_all(&w);
	look("a");
	ck_assert_str_eq(f.order, "2 ");
}
END_TEST

/* _i: small and large. */
START_TEST(spill_that_lies)
{
	uint64_t n = _i == 0 ? 100000 : SPOOL_LARGE + 100000;

	world_start(&w);
	world_put(&w, 0, "a", 1, 5);
	ck_assert_int_eq(world_put_spilled(&w, 0, "a", 2, 0, n), 0);
	ck_assert_int_eq(pwrite(w.spill[0], "\"", 1, 70000), 1);	/* ends the string */
	ck_assert_int_eq(world_put_spilled(&w, 0, "a", 3, 1000, n), 0);
	ck_assert_int_eq(ftruncate(w.spill[0], 1000 * (off_t)SPILL_EXTENT), 0);	/* is gone */
	world_put(&w, 0, "a", 4, 5);
	world_take_all(&w);
	look("a");
	ck_assert_str_eq(f.order, "1 4 ");
}
END_TEST

START_TEST(extents_that_do_not_fit)
{
	static const uint32_t extents[2] = {0, 1};
	static const uint64_t lengths[] = {0, SPILL_EXTENT, 2 * SPILL_EXTENT + 1, UINT64_MAX};
	struct ring_entry e = {.tag = STR("a"), .text = STR("{\"id\":1}"), .ninserts = 1,
	    .extents = {extents}};
	uint64_t pos;

	world_start(&w);
	e.inserts[0] = (struct ring_insert){.at = 7, .nextents = 2, .len = lengths[_i]};
	ck_assert_int_eq(ring_put(w.writer[0], &e, NULL, &pos), 0);
	world_put(&w, 0, "a", 2, 5);
	world_take_all(&w);
	look("a");
	ck_assert_str_eq(f.order, "2 ");
}
END_TEST

START_TEST(entry_beyond_the_bound)
{
	world_start(&w);
	intake_set_max(w.intake, 1000000);
	ck_assert_int_eq(world_put_spilled(&w, 0, "a", 1, 0, 1000000), 0);
	ck_assert_int_eq(world_put_spilled(&w, 0, "a", 2, 10, 999000), 0);
	world_take_all(&w);
	look("a");
	ck_assert_str_eq(f.order, "2 ");
}
END_TEST

START_TEST(ended_ring_is_drained_first)
{
	unsigned id;

	world_start(&w);
	for (id = 0; id < 1000; id++)
		world_put(&w, 1, "a", id, 2000);
	intake_end(w.intake, 1);
	while (w.drained == 0) {
		ck_assert(!w.drained);
		ev_run(w.loop, EVRUN_ONCE);
	}
	ck_assert_uint_eq(w.drained, 1u << 1);
	look(NULL);
	for (id = 0; id < 1000; id++)
		ck_assert_uint_eq(f.ids[id], 1);
}
END_TEST

START_TEST(broken_ring_harms_no_other)
{
	uint64_t *map = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, w.ring[0], 0);

	world_put(&w, 0, "a", 1, 5);
	world_put(&w, 1, "a", 2, 5);
	*map += 8;
	world_start(&w);
	world_take_all(&w);
	look("a");
	ck_assert_uint_eq(f.ids[1], 1);	/* what came before was good */
	ck_assert_uint_eq(f.ids[2], 1);
	world_put(&w, 1, "a", 3, 5);
	world_take_all(&w);
	intake_end(w.intake, 0);
	while (w.drained == 0)
		ev_run(w.loop, EVRUN_ONCE);
	look("a");
	ck_assert_uint_eq(f.ids[3], 1);
	(void)munmap(map, 65536);
}
END_TEST

/* A worker whose ring is never empty does not keep the others waiting. */
START_TEST(turns_are_shared)
{
	unsigned id;

	for (id = 0; id < 3000; id++)
		world_put(&w, 0, "a", id, 2000);
	world_put(&w, 3, "b", 3001, 5);
	world_start(&w);
	(void)intake_turn(w.intake);
	ck_assert_uint_gt(ring_written(w.writer[0]) - ring_taken(w.writer[0]), 3000000);
	intake_commit(w.intake);
	ck_assert_uint_eq(ring_taken(w.writer[3]), ring_written(w.writer[3]));
	ck_assert_uint_ne(ring_taken(w.writer[0]), ring_written(w.writer[0]));
}
END_TEST

START_TEST(waits_no_longer_than_100_ms)
{
	ev_tstamp begin;

	world_start(&w);
	while (ev_run(w.loop, EVRUN_NOWAIT), intake_turn(w.intake))
		;
	world_put(&w, 0, "a", 1, 5);
	begin = ev_time();
	ring_kick(w.writer[0]);
	while (ring_taken(w.writer[0]) == 0 && ev_time() - begin < 5)
		ev_run(w.loop, EVRUN_ONCE);
	ck_assert_double_ge(ev_time() - begin, 0.05);
	ck_assert_double_lt(ev_time() - begin, 2.);
}
END_TEST

Suite *
intake_suite(void)
{
	Suite *s = suite_create("intake");
	TCase *t = tcase_create("intake");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, from_all_rings);
	tcase_add_loop_test(t, what_is_not_one_object_is_dropped, 0, (int)NELEM(bad));
	tcase_add_loop_test(t, spilled_body, 0, (int)NELEM(sizes));
	tcase_add_test(t, large_without_unnamed_files);
	tcase_add_loop_test(t, spill_that_lies, 0, 2);
	tcase_add_loop_test(t, extents_that_do_not_fit, 0, 4);
	tcase_add_test(t, entry_beyond_the_bound);
	tcase_add_test(t, ended_ring_is_drained_first);
	tcase_add_test(t, broken_ring_harms_no_other);
	tcase_add_test(t, turns_are_shared);
	tcase_add_test(t, waits_no_longer_than_100_ms);
	suite_add_tcase(s, t);
	return s;
}
