/* SPDX-License-Identifier: ISC */
/* test_memory.c - too much memory in use: who has to go, and who has not. */
#include "config.h"

#include <malloc.h>
#include <stdint.h>
#include <unistd.h>

#include "suites.h"
#include "worker/conn.h"
#include "worker/memory.h"
#include "world.h"

#define HELD (200u << 10)

static struct world world;
static struct counters counters[SLOT_MASTER + 1];
static int far[3];	/* ends that nobody reads */

static void
setup(void)
{
	world_init(&world);
	world.proc.counters = counters;
}

static void
teardown(void)
{
	unsigned i;

	for (i = 0; i < 3; i++)
		(void)close(far[i]);
	world_fini(&world);
}

/* One that was let go of, with output that its peer does not take. */
static void
linger(unsigned i, const char *peer)
{
	static char filler[4 << 20];
	struct addr addr;
	struct conn *c;
	int fd[2];

	world_pair(&world, fd);
	far[i] = fd[1];
	ck_assert(addr_parse(str_z(peer), &addr));
	c = conn_new(&world.worker, SIDE_CLIENT, fd[0], &addr, NULL, NULL);
	do {
		conn_relay(c, (const uint8_t *)filler, sizeof(filler));
	} while (conn_held(c) < HELD);
	conn_close(&c);
	world_run(&world);
}

static size_t
lingering_of(const char *peer)
{
	struct conn *c = NULL;
	struct addr addr;
	size_t n = 0;

	ck_assert(addr_parse(str_z(peer), &addr));
	while ((c = conn_hub_lingering(world.worker.conns, c)) != NULL)
		n += addr_same_ip(conn_peer(c), &addr);
	return n;
}

/* A byte too much is in use. */
static bool
run_short(void)
{
	struct mallinfo2 info = mallinfo2();

	if (info.uordblks == 0)
		return false;	/* a sanitizer has its own memory */
	memory_free(&world.worker.memory);
	world.worker.memory = memory_new(&world.worker, info.uordblks + info.hblkhd - 1);
	(void)memory_may_read(world.worker.memory, 1e12);
	memory_turn(world.worker.memory);
	return true;
}

/* Last bytes are still sent to who has no part in it. */
START_TEST(last_bytes_of_others)
{
	linger(0, "127.0.0.2:1");
	linger(1, "127.0.0.1:1");
	linger(2, "127.0.0.1:2");
	ck_assert_uint_eq(lingering_of("127.0.0.1:0"), 2);
	if (!run_short())
		return;
	ck_assert_uint_eq(lingering_of("127.0.0.1:0"), 1);
	ck_assert_uint_eq(lingering_of("127.0.0.2:0"), 1);
}
END_TEST

Suite *
memory_suite(void)
{
	Suite *s = suite_create("memory");
	TCase *tc = tcase_create("turn");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, last_bytes_of_others);
	suite_add_tcase(s, tc);
	return s;
}
