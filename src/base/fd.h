/* SPDX-License-Identifier: ISC */
/*
 * fd.h - file descriptors.  Everything is close-on-exec.
 */
#ifndef MITMD_BASE_FD_H
#define MITMD_BASE_FD_H

#include <stddef.h>
#include <sys/types.h>

#include "base/attr.h"

void fd_close(int *fd) NONNULL(1);	/* -1 is fine; *fd is -1 afterwards */
/* All that are open, from..to; where close_range(2) is missing, with the help of /proc. */
void fd_close_range(unsigned from, unsigned to);
int fd_nonblock(int fd) MUSTCHECK;	/* 0 or -1 with errno */
/*
 * One message with up to FD_PASS_MAX descriptors over a SOCK_SEQPACKET
 * socket.  Send: bytes sent or -1.  Receive: bytes, 0 at the end, or -1; a
 * message that did not fit is -1 with EMSGSIZE; *nfds says how many came, and
 * the caller owns them.
 */
#define FD_PASS_MAX 4
ssize_t fd_send_msg(int sock, const void *p, size_t n, const int *fds, size_t nfds);
ssize_t fd_recv_msg(int sock, void *p, size_t n, int fds[FD_PASS_MAX], size_t *nfds)
    NONNULL(2, 4, 5);
/* Write all of it to a blocking descriptor; 0 or -1. */
int fd_write_all(int fd, const void *p, size_t n) MUSTCHECK;
/* The whole file, at most max bytes, NUL-terminated; NULL with errno (EFBIG). */
char *fd_read_file(const char *path, size_t max, size_t *out_n) NONNULL(1, 3);
/* The same of memory that was passed: whoever else has it may read at the same time. */
char *fd_read_memory(int fd, size_t max, size_t *out_n) NONNULL(3);

#endif
