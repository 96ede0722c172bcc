/* SPDX-License-Identifier: ISC */
/* control_rig.c - see control_rig.h. */
#include "config.h"

#include "control_rig.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sockpath.h"

struct ev_loop *loop;
struct control *control;
char *dir, *path;
struct errmsg err;

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
struct control_call *pending;
int gone;

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

int taken;

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

void
turn(void)
{
	int i;

	for (i = 0; i < 6; i++)
		(void)ev_run(loop, EVRUN_NOWAIT);
}

struct control *
control_another(double patience, double grace)
{
	return control_new(loop, commands, NELEM(commands), patience, grace, NULL);
}

void
serve(const char *at)
{
	ck_assert_msg(control_prepare(control, at, &err) == 0, "%s", err.text);
	control_commit(control);
}

void
serve_with(double patience, double grace)
{
	control_free(&control);
	control = control_another(patience, grace);
	serve(path);
}

void
control_setup(void)
{
	char name[] = "/tmp/mitmd-control-XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(name));
	dir = mem_strdup(name);
	path = mem_printf("%s/run/control.sock", dir);
	pending = NULL;
	gone = 0;
	taken = -1;
	loop = ev_loop_new(EVBACKEND_EPOLL);
	control = control_another(PATIENCE, GRACE);
	serve(path);
}

void
control_teardown(void)
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

int
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

const char *
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

const char *
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
