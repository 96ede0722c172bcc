/* SPDX-License-Identifier: ISC */
/* test_beat.c - a loop that turns tells so, also when it has nothing to do. */
#include "config.h"

#include "proc/beat.h"

#include <ev.h>

#include "proc/counters.h"
#include "suites.h"

static struct counters *all, *mine;
static struct ev_loop *loop;
static int fd;

static void
setup(void)
{
	struct errmsg err;

	all = counters_create(&fd, &err);
	ck_assert_ptr_nonnull(all);
	mine = &all[SLOT_MASTER];
	loop = ev_loop_new(EVFLAG_AUTO);
}

static void
teardown(void)
{
	ev_loop_destroy(loop);
}

/* Something has to keep the loop: a beat alone does not. */
static void
on_keep(struct ev_loop *l UNUSED, ev_timer *t UNUSED, int events UNUSED)
{
}

START_TEST(an_idle_loop_beats_again)
{
	struct beat *b = beat_new(loop, mine);
	ev_timer keep;

	ev_timer_init(&keep, on_keep, 1e6, 0);
	ev_timer_start(loop, &keep);
	beat_start(b);
	while (counter_get(&mine->beat) < 2)
		ev_run(loop, EVRUN_ONCE);
	beat_free(&b);
	ck_assert_ptr_null(b);
}
END_TEST

START_TEST(a_beat_keeps_no_loop_alive)
{
	struct beat *b = beat_new(loop, mine);

	beat_start(b);
	ev_run(loop, 0);
	beat_free(&b);
}
END_TEST

/* Before the loop turns: who asks when it has just begun to work gets no zeros. */
START_TEST(what_is_used_is_told_at_once)
{
	struct beat *b = beat_new(loop, mine);

	ck_assert_uint_gt(counter_get(&mine->cpu_now), 0);
	ck_assert_uint_gt(counter_get(&mine->process_private), 0);
	ck_assert_uint_gt(counter_get(&mine->process_resident),
	    counter_get(&mine->process_private));
	beat_free(&b);
}
END_TEST

/* Another process in the same slot: the counter goes on, the gauge is its own. */
START_TEST(time_of_the_living_and_of_all)
{
	struct beat *b;

	counter_set(&mine->process_cpu, 1000000000);
	counter_set(&mine->cpu_now, 1000000000);
	b = beat_new(loop, mine);
	ck_assert_uint_gt(counter_get(&mine->process_cpu), 1000000000);
	ck_assert_uint_lt(counter_get(&mine->cpu_now), 1000000000);
	beat_free(&b);
}
END_TEST

START_TEST(the_first_beat_tells_what_is_used)
{
	struct beat *b = beat_new(loop, mine);
	ev_timer keep;

	ev_timer_init(&keep, on_keep, 1e6, 0);
	ev_timer_start(loop, &keep);
	beat_start(b);
	while (counter_get(&mine->beat) == 0)
		ev_run(loop, EVRUN_ONCE);
	ck_assert_uint_gt(counter_get(&mine->process_cpu), 0);
	ck_assert_uint_gt(counter_get(&mine->process_resident), 0);
	ck_assert_uint_gt(counter_get(&mine->process_virtual),
	    counter_get(&mine->process_resident));
	beat_free(&b);
}
END_TEST

Suite *
beat_suite(void)
{
	Suite *s = suite_create("beat");
	TCase *t = tcase_create("beat");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 0);
	tcase_add_test(t, an_idle_loop_beats_again);
	tcase_add_test(t, a_beat_keeps_no_loop_alive);
	tcase_add_test(t, what_is_used_is_told_at_once);
	tcase_add_test(t, time_of_the_living_and_of_all);
	tcase_add_test(t, the_first_beat_tells_what_is_used);
	suite_add_tcase(s, t);
	return s;
}
