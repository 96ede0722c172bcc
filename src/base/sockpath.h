/* SPDX-License-Identifier: ISC */
/*
 * sockpath.h - addresses of unix sockets with paths of any length: the kernel
 * takes 107 bytes, longer ones go through a descriptor of their directory.
 */
#ifndef MITMD_BASE_SOCKPATH_H
#define MITMD_BASE_SOCKPATH_H

#include <sys/socket.h>
#include <sys/un.h>

#include "base/attr.h"

struct sockpath {
	struct sockaddr_un sun;
	socklen_t len;
	int dir;	/* keeps the address alive; -1: not needed */
};

/* 0, or -1 with errno. Also -1 leaves something that sockpath_close() may get. */
int sockpath_open(struct sockpath *, const char *path) NONNULL(1, 2) MUSTCHECK;
void sockpath_close(struct sockpath *) NONNULL(1);

#endif
