/* SPDX-License-Identifier: ISC */
/* test_control_socket.c - the control socket as a file: made, moved, left alone; who may. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sockpath.h"
#include "control_rig.h"
#include "suites.h"

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
	struct control *other = control_another(PATIENCE, GRACE);
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
control_socket_suite(void)
{
	Suite *s = suite_create("control_socket");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, control_setup, control_teardown);
	tcase_set_timeout(tc, 60);
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
