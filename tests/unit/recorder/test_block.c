/* SPDX-License-Identifier: ISC */
/* spool.when_full: block: what cannot be written waits in the rings, and nothing is lost. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "suites.h"
#include "world.h"

static struct world w;
static struct found f;

static void
setup(void)
{
	world_init(&w);
	w.conf.block = true;
	world_start(&w);
}

static void
teardown(void)
{
	fail_errno = fail_reserve = 0;
	world_fini(&w);
}

/* All that it will take. */
static void
take(void)
{
	intake_mark(w.intake);
	while (intake_turn(w.intake))
		;
	intake_commit(w.intake);
}

static void
recover(void)
{
	fail_errno = fail_reserve = 0;
	world_sync(&w);		/* one repair at a time */
	spool_tick(w.spool, clock_mono_us() + 60000000);
	ck_assert(!spool_waits(w.spool));
	take();
}

static void
look(unsigned last)
{
	unsigned id;

	(void)spool_flush(w.spool, STR_NONE);
	world_sync(&w);
	world_look(&w, NULL, &f);
	ck_assert_uint_eq(f.invalid, 0);
	ck_assert_uint_eq(f.part, 0);
	ck_assert_uint_eq(f.other, 0);
	for (id = 1; id <= last; id++)
		ck_assert_msg(f.ids[id] == 1, "entry %u is there %u times", id, f.ids[id]);
	ck_assert_uint_eq(spool_lost_total(w.spool), 0);
}

/* Before a byte is written, or in the middle of the second of three files. */
static const struct {
	_Atomic int *what;
	int err;
} faults[] = {{&fail_reserve, ENOSPC}, {&fail_reserve, EDQUOT}, {&fail_errno, ENOSPC},
    {&fail_errno, EIO}, {&fail_errno, EROFS}};

START_TEST(waits_and_goes_on)
{
	unsigned id;

	for (id = 1; id <= 30; id++)
		world_put(&w, id % 2, id % 3 ? "a" : "b", id, 1000);
	take();
	*faults[_i].what = faults[_i].err;
	for (; id <= 60; id++)
		world_put(&w, id % 2, id % 3 ? id % 5 ? "a" : "c" : "b", id, 10000);
	take();
	ck_assert(spool_waits(w.spool));
	ck_assert(receipts_refused(w.receipts));
	ck_assert(!w.state_ok);
	ck_assert(ring_refused(w.writer[0]));
	for (; id <= 70; id++)
		world_put(&w, id % 2, "d", id, 10);
	take();
	ck_assert_uint_lt(ring_taken(w.writer[0]), ring_written(w.writer[0]));
	spool_tick(w.spool, clock_mono_us() + 1000000);
	ck_assert(spool_waits(w.spool));
	recover();
	ck_assert(!receipts_refused(w.receipts));
	ck_assert_uint_eq(ring_taken(w.writer[0]), ring_written(w.writer[0]));
	look(70);
}
END_TEST

/*
 * The first file of the transaction is written, the second one not. _i: and a repair that
 * is under way, as after a start, comes to these files before that is taken back.
 */
START_TEST(half_a_transaction_is_taken_back)
{
	unsigned id;

	for (id = 1; id <= 3; id++)
		world_put(&w, 0, id == 1 ? "a" : id == 2 ? "b" : "c", id, 10);
	take();
	for (; id <= 6; id++)
		world_put(&w, 0, id == 4 ? "a" : id == 5 ? "b" : "c", id, 1000);
	fail_after = 1;
	fail_errno = EIO;
	take();
	ck_assert(spool_waits(w.spool));
	world_sync(&w);
	if (_i == 1)
		ck_assert(finish_recover(w.finish, spool_where(w.spool), "host", false));
	recover();
	look(6);
}
END_TEST

START_TEST(followers_are_told_once)
{
	int p[2];
	char text[1000];
	ssize_t n;

	ck_assert_int_eq(pipe(p), 0);
	ck_assert_int_eq(tails_add(w.tails, p[1]), 0);
	fail_errno = ENOSPC;
	world_put(&w, 0, "a", 1, 1);
	take();
	recover();
	(void)ev_run(w.loop, EVRUN_NOWAIT);
	n = read(p[0], text, sizeof(text));
	ck_assert_int_eq(n, 19);
	fd_close(&p[0]);
	look(1);
}
END_TEST

START_TEST(large_entry_waits)
{
	world_put(&w, 0, "a", 1, 10);
	ck_assert_int_eq(world_put_spilled(&w, 0, "a", 2, 0, SPOOL_LARGE + 100), 0);
	world_put(&w, 0, "a", 3, 10);
	take();
	fail_reserve = EIO;
	world_put(&w, 0, "a", 4, 10);
	ck_assert_int_eq(world_put_spilled(&w, 0, "b", 5, 100, SPOOL_LARGE + 100), 0);
	world_put(&w, 0, "b", 6, 10);
	take();
	ck_assert(spool_waits(w.spool));
	recover();
	look(6);
}
END_TEST

/* Its body lies on the same disk: it would keep the room that it waits for. */
START_TEST(large_entry_without_room_is_lost)
{
	fail_reserve = ENOSPC;
	ck_assert_int_eq(world_put_spilled(&w, 0, "a", 1, 0, SPOOL_LARGE + 100), 0);
	take();
	ck_assert(!spool_waits(w.spool));
	ck_assert_uint_eq(spool_lost_total(w.spool), 1);
	ck_assert_uint_eq(ring_taken(w.writer[0]), ring_written(w.writer[0]));
	fail_reserve = 0;
	world_put(&w, 0, "a", 2, 10);
	take();
	(void)spool_flush(w.spool, STR_NONE);
	world_sync(&w);
	world_look(&w, NULL, &f);
	ck_assert_uint_eq(f.ids[2], 1);
	ck_assert_uint_eq(f.invalid + f.part + f.other, 0);
}
END_TEST

/* Nobody is there any more for whom it could wait. */
START_TEST(last_try)
{
	world_put(&w, 0, "a", 1, 10);
	take();
	fail_errno = EIO;
	world_put(&w, 0, "a", 2, 10);
	world_put(&w, 1, "b", 3, 10);
	take();
	ck_assert(spool_waits(w.spool));
	if (_i == 0)
		fail_errno = 0;
	spool_last_try(w.spool);
	ck_assert(!spool_waits(w.spool));
	take();
	ck_assert_uint_eq(ring_taken(w.writer[0]), ring_written(w.writer[0]));
	ck_assert_uint_eq(ring_taken(w.writer[1]), ring_written(w.writer[1]));
	ck_assert_uint_eq(spool_lost_total(w.spool), _i == 0 ? 0 : 2);
	if (_i == 0)
		look(3);
}
END_TEST

/* As a crash does, too: what the intent says is undone by the next one. */
START_TEST(killed_while_it_waits)
{
	world_put(&w, 0, "a", 1, 10);
	take();
	fail_errno = EIO;
	world_put(&w, 0, "a", 2, 10);
	take();
	world_stop(&w);
	ck_assert(receipts_refused(w.receipts));
	fail_errno = 0;
	world_start(&w);
	ck_assert(!receipts_refused(w.receipts));
	take();
	look(2);
}
END_TEST

START_TEST(one_bad_tag_blocks_nobody)
{
	char path[600];

	(void)snprintf(path, sizeof(path), "%s/file", w.dir);
	write_file(path, "x", 1);
	world_put(&w, 0, "file", 1, 10);
	world_put(&w, 0, "good", 2, 10);
	take();
	ck_assert(!spool_waits(w.spool));
	ck_assert_uint_eq(spool_lost_total(w.spool), 1);
	(void)unlink(path);
}
END_TEST

Suite *
block_suite(void)
{
	Suite *s = suite_create("block");
	TCase *t = tcase_create("block");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, waits_and_goes_on, 0, (int)NELEM(faults));
	tcase_add_loop_test(t, half_a_transaction_is_taken_back, 0, 2);
	tcase_add_test(t, followers_are_told_once);
	tcase_add_test(t, large_entry_waits);
	tcase_add_test(t, large_entry_without_room_is_lost);
	tcase_add_loop_test(t, last_try, 0, 2);
	tcase_add_test(t, killed_while_it_waits);
	tcase_add_test(t, one_bad_tag_blocks_nobody);
	suite_add_tcase(s, t);
	return s;
}
