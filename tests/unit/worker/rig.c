/* SPDX-License-Identifier: ISC */
/* rig.c - see rig.h. */
#include "config.h"

#include "rig.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

int client;
static struct buf heard;

void
rig_setup(void)
{
	world_init(&world);
	client = world_client(&world);
}

void
rig_teardown(void)
{
	fd_close(&client);
	world_fini(&world);
	buf_free(&heard);
}

void
say(int fd, const char *text)
{
	size_t n = strlen(text);

	ck_assert_int_eq(send(fd, text, n, MSG_NOSIGNAL), (ssize_t)n);
	world_run(&world);
}

void
say_slowly(int fd, const char *text)
{
	for (; *text != '\0'; text++) {
		ck_assert_int_eq(send(fd, text, 1, MSG_NOSIGNAL), 1);
		world_run(&world);
	}
}

const char *
hear(int fd)
{
	char piece[65536];
	ssize_t n;

	world_run(&world);
	buf_clear(&heard);
	while ((n = recv(fd, piece, sizeof(piece), 0)) > 0) {
		buf_put(&heard, piece, (size_t)n);
		world_run(&world);
	}
	if (n == 0)
		buf_putz(&heard, "[FIN]");
	else if (errno == ECONNRESET)
		buf_putz(&heard, "[RST]");
	buf_putc(&heard, '\0');
	return (const char *)buf_data(&heard);
}

void
hears(int fd, const char *want, const char *file, int line)
{
	const char *got = hear(fd);

	if (strcmp(got, want) != 0)
		ck_abort_msg("%s:%d:\nwant %s\ngot  %s", file, line, want, got);
}

void
hang_up(int *fd)
{
	fd_close(fd);
	world_run(&world);
}

void
half_close(int fd)
{
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	world_run(&world);
}

void
reset(int *fd)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	ck_assert_int_eq(setsockopt(*fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	hang_up(fd);
}

const char *
only_entry(void)
{
	unsigned before = world.recorded;

	while (world_entry(&world) != NULL)
		continue;
	ck_assert_uint_eq(world.recorded, before + 1);
	return entry_last();
}

void
no_entry(void)
{
	const char *e = world_entry(&world);

	ck_assert_msg(e == NULL, "recorded: %s", e);
}
