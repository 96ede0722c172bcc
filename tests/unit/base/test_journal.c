/* SPDX-License-Identifier: ISC */
/* test_journal.c - the journal's native protocol. */
#include "config.h"

#include "base/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "suites.h"

START_TEST(a_message_arrives_as_it_was_put)
{
	char dir[] = "/tmp/mitmd-journal-XXXXXX", got[200];
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int server = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), fd;
	struct buf b = {0};
	static const char want[] = "MESSAGE=hello\nMITMD_TAG\n\4\0\0\0\0\0\0\0a\nb=\nEMPTY=\n";
	ssize_t n;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s/socket", dir);
	ck_assert_int_eq(bind(server, (struct sockaddr *)&to, sizeof(to)), 0);
	fd = journal_open(to.sun_path);
	ck_assert_int_ge(fd, 0);
	/* The path is not needed any more. */
	ck_assert_int_eq(unlink(to.sun_path), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	journal_put(&b, "MESSAGE", STR("hello"));
	journal_put(&b, "MITMD_TAG", STR("a\nb="));
	journal_put(&b, "EMPTY", STR_NONE);
	ck_assert(journal_send(fd, &b));
	n = recv(server, got, sizeof(got), MSG_DONTWAIT);
	ck_assert_int_eq(n, (ssize_t)sizeof(want) - 1);
	ck_assert_mem_eq(got, want, sizeof(want) - 1);
	/* Its end is told, not waited for. */
	(void)close(server);
	ck_assert(!journal_send(fd, &b));
	buf_free(&b);
	fd_close(&fd);
}
END_TEST

START_TEST(no_journal_is_none)
{
	ck_assert_int_eq(journal_open("/nonexistent/socket"), -1);
}
END_TEST

START_TEST(a_journal_that_does_not_read_holds_nobody_up)
{
	struct buf b = {0};
	int pair[2], i;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	journal_put(&b, "MESSAGE", STR("hello"));
	for (i = 0; i < 1000000 && journal_send(pair[0], &b); i++)
		;
	ck_assert_int_lt(i, 1000000);
	buf_free(&b);
	fd_close(&pair[0]);
	fd_close(&pair[1]);
}
END_TEST

START_TEST(the_stream_is_known_by_its_numbers)
{
	char text[64];
	struct stat st;

	ck_assert_int_eq(fstat(STDIN_FILENO, &st), 0);
	(void)snprintf(text, sizeof(text), "%llu:%llu", (unsigned long long)st.st_dev,
	    (unsigned long long)st.st_ino);
	ck_assert(journal_is(STDIN_FILENO, text));
	ck_assert(!journal_is(STDIN_FILENO, NULL));
	ck_assert(!journal_is(STDIN_FILENO, ""));
	ck_assert(!journal_is(STDIN_FILENO, "1"));
	(void)snprintf(text, sizeof(text), "%llu:%llu", (unsigned long long)st.st_dev,
	    (unsigned long long)st.st_ino + 1);
	ck_assert(!journal_is(STDIN_FILENO, text));
}
END_TEST

Suite *
journal_suite(void)
{
	Suite *s = suite_create("journal");
	TCase *tc = tcase_create("core");

	tcase_add_test(tc, a_message_arrives_as_it_was_put);
	tcase_add_test(tc, no_journal_is_none);
	tcase_add_test(tc, a_journal_that_does_not_read_holds_nobody_up);
	tcase_add_test(tc, the_stream_is_known_by_its_numbers);
	suite_add_tcase(s, tc);
	return s;
}
