/* SPDX-License-Identifier: ISC */
/* test_tell.c - how a worker answers the master's question for open WebSockets. */
#include "config.h"

#include "worker/tell.h"

#include <sys/socket.h>

#include "ipc/channel.h"
#include "suites.h"
#include "worker/handover.h"
#include "world.h"

static struct world world;
static struct tells *tells;
static struct channel *master;
static uint32_t answers[8];
static unsigned nanswers;

static int
on_message(void *arg UNUSED, struct channel *ch UNUSED, enum msg_type type, struct str body,
    int *fds UNUSED, size_t nfds UNUSED)
{
	struct msg_flushed m;

	ck_assert_int_eq(type, MSG_TOLD);
	ck_assert_int_eq(msg_unpack_flushed(body, &m), 0);
	ck_assert_uint_lt(nanswers, NELEM(answers));
	answers[nanswers++] = m.id;
	return 0;
}

static void
on_closed(void *arg UNUSED, struct channel *ch UNUSED)
{
}

static void
setup(void)
{
	int pair[2];

	world_init(&world);
	nanswers = 0;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	world.worker.proc->master = channel_new(world.worker.loop, pair[0], ROLE_WORKER,
	    ROLE_MASTER, on_message, on_closed, NULL);
	master = channel_new(world.worker.loop, pair[1], ROLE_MASTER, ROLE_WORKER, on_message,
	    on_closed, NULL);
	tells = tells_new(&world.worker);
}

static void
teardown(void)
{
	tells_free(&tells);
	channel_free(&master);
	channel_free(&world.worker.proc->master);
	world_fini(&world);
}

static void
ask(uint32_t id)
{
	struct msg_flush m = {.id = id, .tag = STR("some")};
	struct buf packed = {0};

	msg_pack_flush(&packed, &m);
	ck_assert_int_eq(tells_asked(tells, buf_str(&packed)), 0);
	buf_free(&packed);
}

static void
turn(void)
{
	tells_turn(tells);
	world_run(&world);
}

START_TEST(each_is_answered_once)
{
	ask(7);
	ask(8);
	turn();
	turn();
	ck_assert_uint_eq(nanswers, 2);
	ck_assert_uint_eq(answers[0], 7);
	ck_assert_uint_eq(answers[1], 8);
}
END_TEST

/* "It is in the ring" is said when it is. */
START_TEST(a_full_ring_delays_the_answer)
{
	struct har_insert none[1];
	struct buf text = {0};

	buf_printf(&text, "{\"some\":\"%*s\"}", 1 << 20, "");
	while (handover_idle(world.worker.handover))
		handover_put(world.worker.handover, STR("some"), buf_str(&text), none, 0, 0);
	buf_free(&text);
	ask(1);
	tells_turn(tells);
	tells_turn(tells);
	while (world_entry(&world) != NULL)
		ck_assert_uint_eq(nanswers, 0);
	while (!handover_idle(world.worker.handover)) {
		world_run(&world);
		while (world_entry(&world) != NULL)
			;
	}
	turn();
	ck_assert_uint_eq(nanswers, 1);
}
END_TEST

START_TEST(nonsense_is_refused)
{
	ck_assert_int_ne(tells_asked(tells, STR("x")), 0);
	turn();
	ck_assert_uint_eq(nanswers, 0);
}
END_TEST

Suite *
tell_suite(void)
{
	Suite *s = suite_create("tell");
	TCase *tc = tcase_create("tell");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, each_is_answered_once);
	tcase_add_test(tc, a_full_ring_delays_the_answer);
	tcase_add_test(tc, nonsense_is_refused);
	suite_add_tcase(s, tc);
	return s;
}
