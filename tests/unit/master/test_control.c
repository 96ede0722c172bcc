/* SPDX-License-Identifier: ISC */
/* test_control.c - requests on the control socket, and answers at once and later. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "control_rig.h"
#include "suites.h"

/* ---- requests ---- */

static const struct {
	const char *request, *answer;
} exchanges[] = {
	{"say it\n", "ok\nn\tword\n"},
	{"say it a b%20c%25\n", "ok\nn\tword\neven\ta\nodd\tb%20c%25\n"},
	{"say it a%0Ab\n", "ok\nn\tword\neven\ta%0Ab\n"},
	{"fail x\n", "error failed no: x\n"},
	{"fail a%0Aok\n", "error failed no: a?ok\n"},
	{"nothing\n", "error usage this mitmd knows no command 'nothing'\n"},
	{"say\n", "error usage this mitmd knows no command 'say'\n"},
	{"say that\n", "error usage this mitmd knows no command 'say that'\n"},
	{"\n", "error usage this mitmd knows no command ''\n"},
	{"say it %\n", "error usage the request cannot be read\n"},
	{"say it %00\n", "error usage the request cannot be read\n"},
	{"say it\nand more\n", "ok\nn\tword\n"},
	{"at-once\n", "ok\nnow\n"},
};

START_TEST(answers)
{
	ck_assert_str_eq(ask(exchanges[_i].request), exchanges[_i].answer);
}
END_TEST

START_TEST(a_request_in_pieces)
{
	int fd = dial(path);

	ck_assert_int_eq(send(fd, "say", 3, 0), 3);
	ck_assert_ptr_null(hear(fd));
	ck_assert_int_eq(send(fd, " it", 3, 0), 3);
	ck_assert_ptr_null(hear(fd));
	ck_assert_int_eq(send(fd, "\n", 1, 0), 1);
	ck_assert_str_eq(hear(fd), "ok\nn\tword\n");
	(void)close(fd);
}
END_TEST

START_TEST(a_nul_is_no_end)
{
	int fd = dial(path);

	ck_assert_int_eq(send(fd, "say it\0 x\n", 10, 0), 10);
	ck_assert_str_eq(hear(fd), "error usage the request cannot be read\n");
	(void)close(fd);
}
END_TEST

START_TEST(too_long_a_request)
{
	char *line = mem_alloc(CONTROL_LINE + 2);
	int fd = dial(path);

	memset(line, 'x', CONTROL_LINE + 2);
	ck_assert_int_eq(send(fd, line, CONTROL_LINE, 0), CONTROL_LINE);
	ck_assert_ptr_null(hear(fd));
	ck_assert_int_eq(send(fd, line, 1, 0), 1);
	ck_assert_str_eq(hear(fd), "error usage the request is longer than 8192 bytes\n");
	(void)close(fd);
	line[CONTROL_LINE] = '\n';
	line[CONTROL_LINE + 1] = '\0';
	ck_assert_ptr_nonnull(strstr(ask(line), "error usage this mitmd knows no command 'xxx"));
	free(line);
}
END_TEST

START_TEST(too_many_words)
{
	char line[2 * CONTROL_WORDS + 3] = "";
	size_t i;

	for (i = 0; i <= CONTROL_WORDS; i++)
		memcpy(line + 2 * i, i < CONTROL_WORDS ? "a " : "a\n", 2);
	ck_assert_str_eq(ask(line), "error usage the request cannot be read\n");
}
END_TEST

START_TEST(a_long_answer_waits_for_its_reader)
{
	size_t total = 0, want = 3 + 2000 * 1001;
	int fd = dial(path), idle = 0;
	char part[65536];
	ssize_t n;

	ck_assert_int_eq(send(fd, "much\n", 5, 0), 5);
	turn();
	ck_assert_str_eq(ask("say it\n"), "ok\nn\tword\n");
	while ((n = recv(fd, part, sizeof(part), 0)) != 0 && idle < 1000) {
		total += n > 0 ? (size_t)n : 0;
		idle = n > 0 ? 0 : idle + 1;
		turn();
	}
	ck_assert_uint_eq(total, want);
	(void)close(fd);
}
END_TEST

START_TEST(who_leaves_half_way_leaves_nothing)
{
	int fd, i;

	for (i = 0; i < 3 * CONTROL_CLIENTS; i++) {
		fd = dial(path);
		ck_assert_int_ge(fd, 0);
		ck_assert_int_gt(send(fd, i % 2 == 0 ? "sa" : "much\n", 2 + 3 * (i % 2), 0), 0);
		turn();
		(void)close(fd);
		turn();
	}
	ck_assert_str_eq(ask("say it\n"), "ok\nn\tword\n");
}
END_TEST

/* Turns until it has its answer: each is an event, the one of GRACE too. */
static const char *
hear_soon(int fd)
{
	const char *answer = hear(fd);

	while (answer == NULL) {
		(void)ev_run(loop, EVRUN_ONCE);
		answer = hear(fd);
	}
	return answer;
}

START_TEST(who_dawdles_makes_room)
{
	int silent[3 * CONTROL_CLIENTS], last, i;

	serve_with(FOREVER, GRACE);
	for (i = 0; i < 3 * CONTROL_CLIENTS; i++) {
		silent[i] = dial(path);
		ck_assert_int_eq(send(silent[i], "sa", 2, 0), 2);
		turn();
	}
	last = dial(path);
	ck_assert_int_eq(send(last, "say it\n", 7, 0), 7);
	ck_assert_str_eq(hear_soon(last), "ok\nn\tword\n");
	/* The first ones made room, the last ones have lost nothing. */
	ck_assert_str_eq(hear(silent[0]), "");
	i = 3 * CONTROL_CLIENTS - 1;
	ck_assert_int_eq(send(silent[i], "y it\n", 5, MSG_NOSIGNAL), 5);
	ck_assert_str_eq(hear(silent[i]), "ok\nn\tword\n");
	(void)close(last);
	for (i = 0; i < 3 * CONTROL_CLIENTS; i++)
		(void)close(silent[i]);
	turn();
}
END_TEST

START_TEST(nobody_is_cut_before_he_had_his_time)
{
	int first, silent[CONTROL_CLIENTS], i;

	serve_with(FOREVER, FOREVER);
	first = dial(path);
	turn();
	for (i = 0; i < CONTROL_CLIENTS; i++)
		silent[i] = dial(path);
	turn();
	ck_assert_int_eq(send(first, "say it\n", 7, MSG_NOSIGNAL), 7);
	ck_assert_str_eq(hear(first), "ok\nn\tword\n");
	(void)close(first);
	for (i = 0; i < CONTROL_CLIENTS; i++)
		(void)close(silent[i]);
	turn();
}
END_TEST

/* ---- later ---- */

static int
ask_later(void)
{
	int fd = dial(path);

	ck_assert_int_eq(send(fd, "later\n", 6, MSG_NOSIGNAL), 6);
	ck_assert_ptr_null(hear(fd));
	return fd;
}

START_TEST(an_answer_takes_its_time)
{
	int fd = ask_later(), silent = dial(path);

	/* Longer than anybody's patience: its timer is the last event there is. */
	ck_assert_str_eq(hear_soon(silent), "");
	ck_assert_ptr_null(hear(fd));
	control_row(pending, "n", NULL);
	control_row(pending, "1", NULL);
	control_done(pending);
	ck_assert_str_eq(hear(fd), "ok\nn\n1\n");
	ck_assert_int_eq(gone, 0);
	(void)close(fd);
	(void)close(silent);
}
END_TEST

START_TEST(a_failure_takes_its_time)
{
	int fd = ask_later();

	control_fail(pending, "config", "a:1:2: no");
	control_done(pending);
	ck_assert_str_eq(hear(fd), "error config a:1:2: no\n");
	(void)close(fd);
}
END_TEST

START_TEST(who_leaves_before_the_answer_is_told_of)
{
	(void)close(ask_later());
	turn();
	ck_assert_int_eq(gone, 1);
	ck_assert_ptr_null(pending);
	ck_assert_str_eq(ask("say it\n"), "ok\nn\tword\n");
}
END_TEST

START_TEST(who_only_ends_his_side_is_answered)
{
	int fd = ask_later();

	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	turn();
	ck_assert_int_eq(gone, 0);
	control_done(pending);
	ck_assert_str_eq(hear(fd), "ok\n");
	(void)close(fd);
}
END_TEST

START_TEST(who_waits_takes_nobodys_place)
{
	int fd[CONTROL_WAITING], i;

	for (i = 0; i < CONTROL_WAITING; i++)
		fd[i] = ask_later();
	ck_assert_str_eq(ask("say it\n"), "ok\nn\tword\n");
	ck_assert_str_eq(ask("later\n"), "error busy 64 others wait for an answer already\n");
	for (i = 0; i < CONTROL_WAITING; i++)
		(void)close(fd[i]);
	turn();
	ck_assert_int_eq(gone, CONTROL_WAITING);
}
END_TEST

START_TEST(the_end_of_the_socket_is_told_of)
{
	int fd = ask_later();

	control_free(&control);
	ck_assert_int_eq(gone, 1);
	ck_assert_str_eq(hear(fd), "");
	(void)close(fd);
}
END_TEST

START_TEST(a_connection_is_given_away)
{
	int fd = dial(path);

	ck_assert_int_eq(send(fd, "take\n", 5, 0), 5);
	turn();
	ck_assert_int_ge(taken, 0);
	control_free(&control);
	ck_assert_int_eq(send(taken, "more", 4, 0), 4);
	(void)close(taken);
	ck_assert_str_eq(hear(fd), "ok\nmore");
	(void)close(fd);
}
END_TEST

START_TEST(who_has_left_gives_nothing_away)
{
	int fd = dial(path);

	ck_assert_int_eq(send(fd, "take\n", 5, 0), 5);
	(void)close(fd);
	taken = 0;
	turn();
	ck_assert_int_eq(taken, -1);
}
END_TEST

START_TEST(patience_ends)
{
	int silent = dial(path);
	ev_tstamp begun;

	turn();
	ev_now_update(loop);
	begun = ev_now(loop);
	(void)ev_run(loop, EVRUN_ONCE);
	ck_assert_str_eq(hear(silent), "");
	ck_assert(ev_now(loop) - begun > PATIENCE * 0.9);
	(void)close(silent);
}
END_TEST

Suite *
control_suite(void)
{
	Suite *s = suite_create("control");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, control_setup, control_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, answers, 0, NELEM(exchanges));
	tcase_add_test(tc, a_request_in_pieces);
	tcase_add_test(tc, a_nul_is_no_end);
	tcase_add_test(tc, too_long_a_request);
	tcase_add_test(tc, too_many_words);
	tcase_add_test(tc, a_long_answer_waits_for_its_reader);
	tcase_add_test(tc, who_leaves_half_way_leaves_nothing);
	tcase_add_test(tc, who_dawdles_makes_room);
	tcase_add_test(tc, nobody_is_cut_before_he_had_his_time);
	tcase_add_test(tc, an_answer_takes_its_time);
	tcase_add_test(tc, a_failure_takes_its_time);
	tcase_add_test(tc, who_leaves_before_the_answer_is_told_of);
	tcase_add_test(tc, who_only_ends_his_side_is_answered);
	tcase_add_test(tc, who_waits_takes_nobodys_place);
	tcase_add_test(tc, the_end_of_the_socket_is_told_of);
	tcase_add_test(tc, a_connection_is_given_away);
	tcase_add_test(tc, who_has_left_gives_nothing_away);
	tcase_add_test(tc, patience_ends);
	suite_add_tcase(s, tc);
	return s;
}
