/* SPDX-License-Identifier: ISC */
/* fd.c - see fd.h.  Runs in: every process. */
#include "config.h"

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

void
fd_close(int *fd)
{
	int saved = errno;

	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

static void
close_listed(unsigned from, unsigned to)
{
	DIR *d = opendir("/proc/self/fd");
	const struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		unsigned fd = (unsigned)strtoul(e->d_name, NULL, 10);

		if (e->d_name[0] != '.' && fd >= from && fd <= to && (int)fd != dirfd(d))
			(void)close((int)fd);
	}
	if (d != NULL)
		(void)closedir(d);
}

void
fd_close_range(unsigned from, unsigned to)
{
	if (close_range(from, to, 0) == -1)
		close_listed(from, to);
}

int
fd_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags == -1)
		return -1;
	return fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

ssize_t
fd_send_msg(int sock, const void *p, size_t n, const int *fds, size_t nfds)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * FD_PASS_MAX)];
	} control;
	struct iovec iov = {.iov_base = (void *)(uintptr_t)p, .iov_len = n};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t sent;

	CHECK(nfds <= FD_PASS_MAX);
	if (nfds > 0) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		m.msg_control = control.space;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
	}
	do {
		sent = sendmsg(sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (sent == -1 && errno == EINTR);
	return sent;
}

ssize_t
fd_recv_msg(int sock, void *p, size_t n, int fds[FD_PASS_MAX], size_t *nfds)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * FD_PASS_MAX)];
	} control;
	struct iovec iov = {.iov_base = p, .iov_len = n};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space,
	    .msg_controllen = sizeof(control.space)};
	struct cmsghdr *c;
	ssize_t got;

	*nfds = 0;
	do {
		got = recvmsg(sock, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (got == -1 && errno == EINTR);
	if (got == -1)
		return -1;
	for (c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
		size_t count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		CHECK(*nfds + count <= FD_PASS_MAX);
		memcpy(fds + *nfds, CMSG_DATA(c), count * sizeof(int));
		*nfds += count;
	}
	if (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		while (*nfds > 0)
			(void)close(fds[--*nfds]);
		errno = EMSGSIZE;
		return -1;
	}
	return got;
}

int
fd_write_all(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n > 0) {
		ssize_t put = write(fd, at, n);

		if (put == -1 && errno == EINTR)
			continue;
		if (put == -1)
			return -1;
		at += put;
		n -= (size_t)put;
	}
	return 0;
}

char *
fd_read_file(const char *path, size_t max, size_t *out_n)
{
	struct stat st;
	size_t cap, n = 0;
	char *text = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd == -1)
		return NULL;
	if (fstat(fd, &st) == -1)
		goto fail;
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		goto fail;
	}
	cap = st.st_size > 0 && (size_t)st.st_size <= max ? (size_t)st.st_size + 1 : 4096;
	text = mem_alloc(cap);
	for (;;) {
		ssize_t got;

		if (n + 1 >= cap) {
			cap *= 2;
			text = mem_realloc(text, cap);
		}
		got = read(fd, text + n, cap - n - 1);
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			goto fail;
		if (got == 0)
			break;
		n += (size_t)got;
		if (n > max) {
			errno = EFBIG;
			goto fail;
		}
	}
	text[n] = '\0';
	(void)close(fd);
	*out_n = n;
	return text;
fail:
	free(text);
	fd_close(&fd);
	return NULL;
}

char *
fd_read_memory(int fd, size_t max, size_t *out_n)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text;

	if (size == -1)
		return NULL;
	if ((uint64_t)size > max) {
		errno = EFBIG;
		return NULL;
	}
	text = mem_alloc((size_t)size + 1);
	if (pread(fd, text, (size_t)size, 0) != (ssize_t)size) {
		free(text);
		errno = EIO;
		return NULL;
	}
	text[size] = '\0';
	*out_n = (size_t)size;
	return text;
}
