/* SPDX-License-Identifier: ISC */
/*
 * control_socket.h - a listening unix socket and its file: no other living one
 * is pushed aside, and a dead one's file is no hindrance.
 * Runs in: master.
 */
#ifndef MITMD_MASTER_CONTROL_SOCKET_H
#define MITMD_MASTER_CONTROL_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct control_socket {
	int fd;		/* -1: none */
	char *path;
	dev_t dev;	/* of the file, to know it again */
	ino_t ino;
};
#define CONTROL_SOCKET_NONE ((struct control_socket){.fd = -1})

/*
 * Its directory is made when only that is missing. Mode 0666: who may use it is
 * decided on each connection.
 */
int control_socket_open(struct control_socket *, const char *path, struct errmsg *)
    NONNULL(1, 2, 3) MUSTCHECK;
/* Is it at that path, and still the one that is found there? */
bool control_socket_serves(const struct control_socket *, const char *path) NONNULL(1, 2);
/* The file goes too, unless it is another's by now. */
void control_socket_close(struct control_socket *) NONNULL(1);

#endif
