/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "suites.h"
#include "world.h"

static struct world w;
static int ends[2] = {-1, -1};	/* ours, and what the recorder was given */

static void
setup(void)
{
	world_init(&w);
	world_start(&w);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	ck_assert_int_eq(tails_add(w.tails, ends[1]), 0);
}

static void
teardown(void)
{
	fd_close(&ends[0]);
	world_fini(&w);
}

static void
turn(void)
{
	(void)ev_run(w.loop, EVRUN_NOWAIT);
}

/* What has come, at most that much. */
static struct str
hear(char *text, size_t size)
{
	ssize_t got;
	size_t n = 0;

	do {
		turn();
		got = recv(ends[0], text + n, size - n, MSG_DONTWAIT);
		n += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	return str_of(text, n);
}

START_TEST(every_entry_is_told)
{
	char text[4096];

	world_put(&w, 0, "a", 1, 3);
	world_put(&w, 1, "b", 2, 3);
	ck_assert_int_eq(world_put_text(&w, 0, "a", "{\"id\":3"), 0);
	world_take_all(&w);
	ck_assert(str_eq(hear(text, sizeof(text)),
	    STR("{\"id\":1,\"pad\":\"xxx\"}\n{\"id\":2,\"pad\":\"xxx\"}\n")));
}
END_TEST

START_TEST(what_lies_in_the_spill_is_left_out)
{
	char text[4096];

	ck_assert_int_eq(world_put_spilled(&w, 0, "a", 1, 0, 100), 0);
	world_take_all(&w);
	ck_assert(str_eq(hear(text, sizeof(text)),
	    STR("{\"_bodiesOmitted\":true,\"id\":1,\"body\":\"\"}\n")));
}
END_TEST

/* No byte is waited for, no line is cut, and the count is right. */
START_TEST(slow_reader_misses_whole_lines)
{
	char *text = mem_alloc(16u << 20), *line, *rest;
	unsigned id, told = 0, skipped = 0, sum = 0, n;
	struct str got;

	for (id = 0; id < 1000; id++) {
		world_put(&w, 0, "a", id, 10000);
		world_take_all(&w);
	}
	got = hear(text, (16u << 20) - 1);
	world_put(&w, 0, "a", 1000, 10);
	world_take_all(&w);
	got.n += hear(text + got.n, 100000).n;
	text[got.n] = '\0';
	ck_assert_int_eq(text[got.n - 1], '\n');
	rest = text;
	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
		if (sscanf(line, "{\"_skipped\":%u}", &n) == 1) {
			skipped++;
			sum += n;
			continue;
		}
		ck_assert_int_eq(sscanf(line, "{\"id\":%u", &n), 1);
		ck_assert_uint_eq(n, told + sum);
		ck_assert(str_ends(str_z(line), STR("x\"}")));
		told++;
	}
	ck_assert_uint_eq(skipped, 1);
	ck_assert_uint_gt(sum, 100);
	ck_assert_uint_eq(told + sum, 1001);
	free(text);
}
END_TEST

/* Seen at once, not when an entry comes. */
START_TEST(reader_that_goes_is_forgotten)
{
	fd_close(&ends[0]);
	turn();
	ck_assert(!tails_any(w.tails));
}
END_TEST

START_TEST(reader_that_goes_with_lines_waiting)
{
	unsigned id;

	for (id = 0; id < 100; id++)
		world_put(&w, 0, "a", id, 10000);
	world_take_all(&w);
	turn();
	fd_close(&ends[0]);
	turn();
	ck_assert(!tails_any(w.tails));
}
END_TEST

START_TEST(reader_of_a_pipe)
{
	char text[64];
	int p[2];

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	ck_assert_int_eq(tails_add(w.tails, p[1]), 0);
	world_put(&w, 0, "a", 1, 1);
	world_take_all(&w);
	turn();
	ck_assert_int_eq(read(p[0], text, sizeof(text)), 19);
	fd_close(&ends[0]);
	fd_close(&p[0]);
	turn();
	ck_assert(!tails_any(w.tails));
}
END_TEST

START_TEST(what_it_says_is_no_matter)
{
	ck_assert_int_eq(write(ends[0], "hello", 5), 5);
	turn();
	ck_assert(tails_any(w.tails));
}
END_TEST

START_TEST(neither_files_nor_too_many)
{
	int n, p[2], fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	ck_assert_int_eq(tails_add(w.tails, fd), ERR_UNSUPPORTED);
	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	for (n = 1; n < TAILS_MAX; n++)
		ck_assert_int_eq(tails_add(w.tails, dup(p[1])), 0);
	ck_assert_int_eq(tails_add(w.tails, p[1]), ERR_LIMIT);
	fd_close(&p[0]);
}
END_TEST

Suite *
tails_suite(void)
{
	Suite *s = suite_create("tails");
	TCase *t = tcase_create("tails");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, every_entry_is_told);
	tcase_add_test(t, what_lies_in_the_spill_is_left_out);
	tcase_add_test(t, slow_reader_misses_whole_lines);
	tcase_add_test(t, reader_that_goes_is_forgotten);
	tcase_add_test(t, reader_that_goes_with_lines_waiting);
	tcase_add_test(t, reader_of_a_pipe);
	tcase_add_test(t, what_it_says_is_no_matter);
	tcase_add_test(t, neither_files_nor_too_many);
	suite_add_tcase(s, t);
	return s;
}
