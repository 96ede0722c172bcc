/* SPDX-License-Identifier: ISC */
/* test_control.c - the control socket, with a table of commands of its own. */
#include "config.h"

#include "master/control.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sockpath.h"
#include "suites.h"

#define PATIENCE 0.5
#define GRACE 0.05
#define FOREVER 3600.0

static struct ev_loop *loop;
static struct control *control;
static char *dir, *path;
static struct errmsg err;

/* ---- commands ---- */

static void
say(void *arg UNUSED, struct control_call *call, int nwords, char **words)
{
	int i;

	control_row(call, "n", "word", NULL);
	for (i = 0; i < nwords; i++)
		control_row(call, i % 2 == 0 ? "even" : "odd", words[i], NULL);
}

static void
give_up(void *arg UNUSED, struct control_call *call, int nwords UNUSED, char **words)
{
	control_row(call, "not shown", NULL);
	control_fail(call, "failed", "no: %s", words[0]);
}

static void
much(void *arg UNUSED, struct control_call *call, int nwords UNUSED, char **words UNUSED)
{
	static char line[1001];
	unsigned i;

	memset(line, 'x', sizeof(line) - 1);
	for (i = 0; i < 2000; i++)
		control_row(call, line, NULL);
}

/* One that answers when the test says so. */
static struct control_call *pending;
static int gone;

static void
on_gone(void *arg)
{
	ck_assert_ptr_eq(arg, &gone);
	gone++;
	pending = NULL;
}

static void
later(void *arg UNUSED, struct control_call *call, int nwords UNUSED, char **words UNUSED)
{
	if (control_later(call, on_gone, &gone))
		pending = call;
}

/* One that answers although it said that it would take its time. */
static void
at_once(void *arg, struct control_call *call, int nwords, char **words)
{
	later(arg, call, nwords, words);
	control_row(call, "now", NULL);
	control_done(call);
}

static int taken;

static void
take(void *arg UNUSED, struct control_call *call, int nwords UNUSED, char **words UNUSED)
{
	taken = control_take(call);
}

static const struct control_command commands[] = {
	{"say", "it", say},
	{"fail", NULL, give_up},
	{"much", NULL, much},
	{"later", NULL, later},
	{"at-once", NULL, at_once},
	{"take", NULL, take},
};

/* ---- the world ---- */

static void
turn(void)
{
	int i;

	for (i = 0; i < 6; i++)
		(void)ev_run(loop, EVRUN_NOWAIT);
}

static void
serve(const char *at)
{
	ck_assert_msg(control_prepare(control, at, &err) == 0, "%s", err.text);
	control_commit(control);
}

/* Another one in its place. */
static void
serve_with(double patience, double grace)
{
	control_free(&control);
	control = control_new(loop, commands, NELEM(commands), patience, grace, NULL);
	serve(path);
}

static void
setup(void)
{
	char name[] = "/tmp/mitmd-control-XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(name));
	dir = mem_strdup(name);
	path = mem_printf("%s/run/control.sock", dir);
	pending = NULL;
	gone = 0;
	taken = -1;
	loop = ev_loop_new(EVBACKEND_EPOLL);
	control = control_new(loop, commands, NELEM(commands), PATIENCE, GRACE, NULL);
	serve(path);
}

static void
teardown(void)
{
	char *run = mem_printf("%s/run", dir);

	control_free(&control);
	ev_loop_destroy(loop);
	(void)rmdir(run);
	ck_assert_int_eq(rmdir(dir), 0);
	free(run);
	free(path);
	free(dir);
}

static int
dial(const char *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct sockpath sp;

	ck_assert_int_eq(sockpath_open(&sp, at), 0);
	if (connect(fd, (struct sockaddr *)&sp.sun, sp.len) == -1) {
		(void)close(fd);
		fd = -1;
	}
	sockpath_close(&sp);
	return fd;
}

/* All there is; NULL while the end has not come. */
static const char *
hear(int fd)
{
	static char text[4096];
	size_t have = 0;
	ssize_t n;

	turn();
	do {
		n = recv(fd, text + have, sizeof(text) - 1 - have, 0);
		have += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	text[have] = '\0';
	return n == 0 ? text : NULL;
}

static const char *
ask(const char *request)
{
	const char *answer;
	int fd = dial(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(send(fd, request, strlen(request), MSG_NOSIGNAL), (int)strlen(request));
	answer = hear(fd);
	(void)close(fd);
	return answer;
}

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

/* ---- the socket ---- */

static mode_t
mode_of(const char *file)
{
	struct stat st;

	ck_assert_int_eq(lstat(file, &st), 0);
	return st.st_mode & 07777;
}

START_TEST(the_directory_is_made_and_all_may_connect)
{
	char *run = mem_printf("%s/run", dir);

	ck_assert_uint_eq(mode_of(run), 0755);
	ck_assert_uint_eq(mode_of(path), 0666);
	control_free(&control);
	ck_assert_int_eq(access(path, F_OK), -1);
	free(run);
}
END_TEST

START_TEST(only_one_directory_is_made)
{
	char *deep = mem_printf("%s/a/b/c.sock", dir);

	ck_assert_int_eq(control_prepare(control, deep, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "cannot make the directory"));
	ck_assert_str_eq(ask("say it\n"), "ok\nn\tword\n");
	free(deep);
}
END_TEST

START_TEST(a_living_socket_is_left_alone)
{
	struct control *other = control_new(loop, commands, NELEM(commands), PATIENCE, GRACE, NULL);
	char pid[32];

	ck_assert_int_eq(control_prepare(other, path, &err), -1);
	(void)snprintf(pid, sizeof(pid), "(pid %d)", (int)getpid());
	ck_assert_ptr_nonnull(strstr(err.text, "another mitmd"));
	ck_assert_ptr_nonnull(strstr(err.text, pid));
	control_free(&other);
	ck_assert_str_eq(ask("say it\n"), "ok\nn\tword\n");
}
END_TEST

START_TEST(a_dead_socket_is_replaced)
{
	char *at = mem_printf("%s/run/dead.sock", dir);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockpath sp;

	ck_assert_int_eq(sockpath_open(&sp, at), 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sp.sun, sp.len), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	(void)close(fd);
	serve(at);
	fd = dial(at);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	free(at);
}
END_TEST

START_TEST(what_is_no_socket_is_left_alone)
{
	char *at = mem_printf("%s/run/file", dir);
	int fd = open(at, O_CREAT | O_WRONLY, 0600);

	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	ck_assert_int_eq(control_prepare(control, at, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "no socket"));
	ck_assert_int_eq(unlink(at), 0);
	free(at);
}
END_TEST

START_TEST(a_reload_moves_it)
{
	char *at = mem_printf("%s/run/other.sock", dir);
	int old, fd;

	ck_assert_int_eq(control_prepare(control, at, &err), 0);
	ck_assert_str_eq(ask("say it\n"), "ok\nn\tword\n");
	old = dial(path);
	turn();
	control_commit(control);
	ck_assert_int_eq(access(path, F_OK), -1);
	fd = dial(at);
	ck_assert_int_eq(send(fd, "say it\n", 7, 0), 7);
	ck_assert_str_eq(hear(fd), "ok\nn\tword\n");
	(void)close(fd);
	ck_assert_int_eq(send(old, "say it\n", 7, 0), 7);
	ck_assert_str_eq(hear(old), "ok\nn\tword\n");
	(void)close(old);
	free(at);
}
END_TEST

START_TEST(a_reload_that_fails_leaves_it)
{
	char *at = mem_printf("%s/run/other.sock", dir);

	ck_assert_int_eq(control_prepare(control, at, &err), 0);
	control_abandon(control);
	ck_assert_int_eq(access(at, F_OK), -1);
	ck_assert_str_eq(ask("say it\n"), "ok\nn\tword\n");
	control_commit(control);
	ck_assert_str_eq(ask("say it\n"), "ok\nn\tword\n");
	free(at);
}
END_TEST

START_TEST(the_same_path_is_the_same_socket)
{
	struct stat before, after;

	ck_assert_int_eq(lstat(path, &before), 0);
	serve(path);
	ck_assert_int_eq(lstat(path, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	ck_assert_int_eq(unlink(path), 0);
	serve(path);
	ck_assert_str_eq(ask("say it\n"), "ok\nn\tword\n");
}
END_TEST

START_TEST(off_and_on_again)
{
	serve(NULL);
	ck_assert_int_eq(access(path, F_OK), -1);
	ck_assert_int_eq(dial(path), -1);
	serve(path);
	ck_assert_str_eq(ask("say it\n"), "ok\nn\tword\n");
}
END_TEST

START_TEST(another_ones_file_stays)
{
	int fd;

	ck_assert_int_eq(unlink(path), 0);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	control_free(&control);
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(a_path_longer_than_an_address)
{
	char *deep = mem_printf("%s/%0200d", dir, 1), *at = mem_printf("%s/c.sock", deep);
	int fd;

	serve(at);
	fd = dial(at);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(send(fd, "say it\n", 7, 0), 7);
	ck_assert_str_eq(hear(fd), "ok\nn\tword\n");
	(void)close(fd);
	control_free(&control);
	ck_assert_int_eq(rmdir(deep), 0);
	free(at);
	free(deep);
}
END_TEST

/* ---- who ---- */

START_TEST(others_are_refused)
{
	int fd[2], status;
	char text[512];
	ssize_t n;
	pid_t pid;

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chmod(dir, 0755), 0);
	ck_assert_int_eq(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		int c;

		if (setresuid(65534, 65534, 65534) == -1 || (c = dial(path)) == -1)
			_exit(1);
		(void)fcntl(c, F_SETFL, 0);
		while ((n = recv(c, text, sizeof(text), 0)) > 0)
			if (write(fd[1], text, (size_t)n) != n)
				_exit(2);
		_exit(0);
	}
	while (waitpid(pid, &status, WNOHANG) == 0)
		turn();
	ck_assert_int_eq(status, 0);
	n = read(fd[0], text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_ptr_eq(strstr(text, "error denied uid 65534 may not"), text);
	ck_assert_ptr_nonnull(strstr(text, "root"));
}
END_TEST

Suite *
control_suite(void)
{
	Suite *s = suite_create("control");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, setup, teardown);
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
	tcase_add_test(tc, the_directory_is_made_and_all_may_connect);
	tcase_add_test(tc, only_one_directory_is_made);
	tcase_add_test(tc, a_living_socket_is_left_alone);
	tcase_add_test(tc, a_dead_socket_is_replaced);
	tcase_add_test(tc, what_is_no_socket_is_left_alone);
	tcase_add_test(tc, a_reload_moves_it);
	tcase_add_test(tc, a_reload_that_fails_leaves_it);
	tcase_add_test(tc, the_same_path_is_the_same_socket);
	tcase_add_test(tc, off_and_on_again);
	tcase_add_test(tc, another_ones_file_stays);
	tcase_add_test(tc, a_path_longer_than_an_address);
	tcase_add_test(tc, others_are_refused);
	suite_add_tcase(s, tc);
	return s;
}
