/* SPDX-License-Identifier: ISC */
/*
 * Every single call that has to do with a file fails, once or from then on: files
 * stay valid, no entry is there twice, what is missing was counted, and all goes on
 * once it can.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "recorder/spool_dir.h"
#include "suites.h"
#include "world.h"

#define IDS 40
#define LARGE 31

static struct world w;

static const int errors[] = {ENOSPC, EIO, EROFS, EDQUOT, EMFILE, EACCES};

/* All that it will take, and everything finished. */
static void
take(void)
{
	intake_mark(w.intake);
	while (intake_turn(w.intake))
		;
	intake_commit(w.intake);
}

static void
put(unsigned from, unsigned to, bool large)
{
	static const char *const tags[] = {"a", "b", "c"};
	unsigned id;

	for (id = from; id <= to; id++) {
		if (id == LARGE && large)
			ck_assert_int_eq(world_put_spilled(&w, 0, "a", id, 0, SPOOL_LARGE + 100),
			    0);
		else if (id % 5 == 0)
			world_put_error(&w, id % 2, tags[id % 3], id);
		else
			world_put(&w, id % 2, tags[id % 3], id, id % 7 == 0 ? 20000 : 100);
	}
}

static void
work(uint64_t now_us, bool large)
{
	put(1, 10, large);
	take();
	put(11, 20, large);
	take();
	(void)spool_flush(w.spool, STR("a"));
	put(21, 32, large);
	take();
	spool_tick(w.spool, now_us + 10000000);
	(void)spool_flush(w.spool, STR_NONE);
	world_sync(&w);
}

/* The trouble is over: no more than these are missing. */
static void
end_well(uint64_t now_us)
{
	unsigned i;

	for (i = 1; i <= 3; i++) {
		spool_tick(w.spool, now_us + i * 100000000);
		take();
		world_sync(&w);
	}
	ck_assert(spool_takes(w.spool));
	put(33, IDS, false);
	take();
	(void)spool_flush(w.spool, STR_NONE);
	world_sync(&w);
}

static void
check(const char *what, unsigned n, uint64_t lost, unsigned may_miss_from)
{
	unsigned id, missing = 0;
	struct found f;

	world_look(&w, NULL, &f);
	for (id = 1; id <= IDS; id++) {
		ck_assert_msg(f.ids[id] <= 1, "%s at %s, call %u: entry %u is there twice", what,
		    fault_name, n, id);
		missing += f.ids[id] == 0;
		ck_assert_msg(f.ids[id] == 1 || (id >= may_miss_from && id < 33),
		    "%s at %s, call %u: entry %u is missing", what, fault_name, n, id);
	}
	ck_assert_msg(missing == lost, "%s at %s, call %u: %u entries are missing, %llu counted",
	    what, fault_name, n, missing, (unsigned long long)lost);
	ck_assert_msg(f.invalid == 0, "%s at %s, call %u: a file is invalid", what, fault_name, n);
	ck_assert_msg(f.part == 0, "%s at %s, call %u: a file was left", what, fault_name, n);
}

static const struct way {
	bool lasts, block, large;
	bool cut;	/* writes do half of what they should */
} ways[] = {
    {false, false, false, false},
    {true, false, false, false},
    {false, true, false, false},
    {true, true, false, false},
    {false, false, true, false},
    {false, true, true, false},
    {true, true, true, false},
    {false, false, true, true},
    {false, true, false, true},
};

/*
 * With block all entries wait, but for a large one, and where the error is that of a
 * single directory or file (EACCES) or the rest of the system goes on (EMFILE).
 */
static unsigned
may_miss(const struct way *way, int err)
{
	return !way->block || err == EACCES || err == EMFILE ? 1 : way->large ? LARGE : 33;
}

/* false: there are not that many calls. */
static bool
one(const struct way *way, unsigned n, int err)
{
	uint64_t lost, now_us = clock_mono_us();
	char what[100];
	bool reached;

	(void)snprintf(what, sizeof(what), "%s%s%s", way->cut ? "half a write" : strerror(err),
	    way->lasts ? " from then on" : "", way->block ? ", block" : "");
	world_init(&w);
	w.conf.rotate_size = 30000;
	w.conf.block = way->block;
	world_start(&w);
	world_sync(&w);
	fault_errno = err;
	fault_lasts = way->lasts;
	fault_short = way->cut;
	fault_calls = 0;
	fault_at = n;
	work(now_us, way->large);
	reached = fault_calls >= n;
	fault_at = 0;
	end_well(now_us);
	lost = spool_lost_total(w.spool) + WORLD_COUNT(w, har_dropped[DROPPED_BAD]);
	world_stop(&w);
	world_start(&w);
	world_sync(&w);
	check(what, n, lost, may_miss(way, err));
	world_fini(&w);
	return reached;
}

/* With MITMD_LONG=1 every error at every call. */
START_TEST(at_every_call)
{
	const struct way *way = &ways[_i];
	bool all = getenv("MITMD_LONG") != NULL, reached = true;
	unsigned n, e;

	for (n = 1; reached; n += way->large && !all ? 3 : 1)
		for (e = 0; e < NELEM(errors); e++)
			if (way->cut ? e == 0 : all || e == n % NELEM(errors))
				reached = one(way, n, errors[e]);
	ck_assert_uint_gt(n, 100);
}
END_TEST

/* A file system that cannot keep a name from being taken, nor tell now whether it is. */
START_TEST(name_that_nobody_can_look_at)
{
	world_init(&w);
	world_start(&w);
	world_sync(&w);
	fault_errno = EINVAL;
	fault_lasts = true;
	fault_only = NULL;
	fault_calls = 0;
	fault_at = 1;
	ck_assert_int_eq(spool_seal(spool_where(w.spool)->fd, "name.har"), -1);
	fault_at = 0;
	ck_assert_str_eq(fault_name, "faccessat");	/* and no rename behind it */
	world_fini(&w);
}
END_TEST

Suite *
faults_suite(void)
{
	Suite *s = suite_create("faults");
	TCase *t = tcase_create("faults");

	tcase_set_timeout(t, getenv("MITMD_LONG") != NULL ? 3600 : 300);
	tcase_add_loop_test(t, at_every_call, 0, (int)NELEM(ways));
	suite_add_tcase(s, t);
	t = tcase_create("names");
	tcase_add_test(t, name_that_nobody_can_look_at);
	suite_add_tcase(s, t);
	return s;
}
