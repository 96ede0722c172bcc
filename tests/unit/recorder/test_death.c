/* SPDX-License-Identifier: ISC */
/*
 * The recorder dies before, or in the middle of, every single call that changes
 * anything; the next one must bring each entry into the files exactly once.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suites.h"
#include "world.h"

#define OPEN_LAST 220

static struct world w;

/* One recorder's life; false: killed. */
static bool
live(unsigned die_at, bool torn, bool workers_dead)
{
	pid_t pid;
	int status;

	receipts_fork(w.receipts, true);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		death_calls = 0;
		death_torn = torn;
		death_at = die_at;
		world_start(&w);
		if (workers_dead)
			intake_end_all(w.intake);
		world_take_all(&w);
		(void)spool_flush(w.spool, STR_NONE);
		world_sync(&w);
		world_stop(&w);
		_exit(0);
	}
	receipts_fork(w.receipts, false);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
	return WEXITSTATUS(status) == 0;
}

static void
fill_small(void)
{
	unsigned id;

	for (id = 1; id <= 60; id++) {
		static const char *const tags[] = {"a", "b", "c"};

		if (id % 5 == 0)
			world_put_error(&w, id % 2, tags[id % 3], id);
		else
			world_put(&w, id % 2, tags[id % 3], id, id % 7 == 0 ? 20000 : 100);
	}
}

static void
fill_large(void)
{
	world_put(&w, 0, "a", 1, 10);
	ck_assert_int_eq(world_put_spilled(&w, 0, "a", 2, 0, SPOOL_LARGE + 100), 0);
	world_put(&w, 0, "a", 3, 10);
	world_put(&w, 1, "a", 4, 10);
}

/* The very last thing that a worker does may be to announce what it does not publish. */
static enum world_stage
stage_of(unsigned id)
{
	if (id > OPEN_LAST - 2)
		return STAGE_ANNOUNCED;
	return id % 5 == STAGE_ANNOUNCED ? STAGE_KNOWN : id % 5;
}

/* Among entries, and more than one transaction has room for. */
static void
fill_open(unsigned tags)
{
	unsigned id;

	for (id = 61; id <= OPEN_LAST; id++) {
		char tag[16];

		(void)snprintf(tag, sizeof(tag), "t%u", id % tags);
		world_open(&w, id % 2, tag, id, stage_of(id));
	}
}

static void
check_open(const struct found *f, unsigned died_at, bool torn)
{
	unsigned id;

	for (id = 61; id <= OPEN_LAST; id++) {
		enum world_stage stage = stage_of(id);
		unsigned lost = stage == STAGE_KNOWN || stage == STAGE_ANNOUNCED;

		ck_assert_msg(f->aborted[id] == lost && f->ids[id] == (stage >= STAGE_PUBLISHED),
		    "dead at %u%s: flow %u at stage %u is there %u times, %u times aborted",
		    died_at, torn ? " (torn)" : "", id, stage, f->ids[id], f->aborted[id]);
	}
}

static void
check(unsigned last, unsigned died_at, bool torn)
{
	struct found f;
	unsigned id;

	world_look(&w, NULL, &f);
	for (id = 1; id <= MIN(last, 60u); id++)
		ck_assert_msg(f.ids[id] == 1, "dead at %u%s: entry %u is there %u times",
		    died_at, torn ? " (torn)" : "", id, f.ids[id]);
	for (id = 5; last >= 60 && id <= 60; id += 5)
		ck_assert_msg(f.listed[id] == 1, "dead at %u%s: error %u is listed %u times",
		    died_at, torn ? " (torn)" : "", id, f.listed[id]);
	if (last > 60)
		check_open(&f, died_at, torn);
	ck_assert_uint_eq(f.invalid, 0);
	ck_assert_uint_eq(f.part, 0);
	ck_assert_uint_eq(f.other, 0);
}

static const struct {
	bool torn, large;
	bool twice;	/* the second recorder dies, too, at another place each time */
	unsigned open;	/* the workers are dead, with open flows of so many tags */
	unsigned step;
} ways[] = {{false, false, false, 0, 1}, {true, false, true, 0, 1}, {true, true, false, 0, 1},
    {true, false, true, 2, 1}, {false, false, false, 140, 97}};

START_TEST(at_every_step)
{
	bool torn = ways[_i].torn, large = ways[_i].large, twice = ways[_i].twice;
	unsigned open = ways[_i].open;
	bool ended = false;
	unsigned n;

	for (n = 1; !ended; n += ways[_i].step) {
		world_init(&w);
		w.conf.rotate_size = 30000;
		if (large)
			fill_large();
		else
			fill_small();
		if (open > 0)
			fill_open(open);
		ended = live(n, torn, open > 0);
		if (twice && !ended)
			(void)live(1 + n % 23, torn, open > 0);
		ck_assert(live(0, false, open > 0));
		check(open > 0 ? OPEN_LAST : large ? 4 : 60, n, torn);
		world_fini(&w);
	}
	ck_assert_uint_gt(n, 30);
}
END_TEST

/* Nothing of it is in a file that was given up when it died: all is in the ring. */
START_TEST(twice_after_written)
{
	struct found f;

	world_init(&w);
	fill_small();
	ck_assert(live(0, false, false));
	ck_assert(live(0, false, false));
	world_look(&w, NULL, &f);
	ck_assert_uint_eq(f.ids[1], 1);
	world_fini(&w);
}
END_TEST

/* What needs each of the ways of repair. */
static void
leave_torn_files(void)
{
	static const char head[] = "{\"log\":{\"version\":\"1.2\",\"entries\":[\n";
	static const char *const texts[] = {
	    "{\"id\":1},\n{\"id\":100,\"a\":\"",
	    "{\"id\":2},\n{\"id\":3}\n]}}\n{\"id\":4}\n]}}\n",
	    "{\"id\":5},\n{\"id\":6,\"_tlsError\":{\"err\":6}}\n]}}\n",
	    "\n]}}\n",
	};
	char path[600], text[400];
	size_t i;

	(void)snprintf(path, sizeof(path), "%s/a", w.dir);
	ck_assert_int_eq(mkdir(path, 0750), 0);
	for (i = 0; i < NELEM(texts); i++) {
		(void)snprintf(path, sizeof(path), "%s/a/20261122T080102Z-host-%zu.har.part",
		    w.dir, i);
		(void)snprintf(text, sizeof(text), "%s%s", head, texts[i]);
		write_file(path, text, strlen(text));
	}
}

/* Each recorder gets one step further than the one before, and dies. */
START_TEST(in_the_middle_of_repairs)
{
	bool ended = false;
	unsigned n;

	for (n = 1; !ended; n++) {
		world_init(&w);
		leave_torn_files();
		ended = live(n, _i == 1, false);
		(void)live(n / 2 + 1, _i == 1, false);
		ck_assert(live(0, false, false));
		check(6, n, _i == 1);
		world_fini(&w);
	}
	ck_assert_uint_gt(n, 20);
}
END_TEST

Suite *
death_suite(void)
{
	Suite *s = suite_create("death");
	TCase *t = tcase_create("death");

	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, at_every_step, 0, (int)NELEM(ways));
	tcase_add_test(t, twice_after_written);
	tcase_add_loop_test(t, in_the_middle_of_repairs, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
