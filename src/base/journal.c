/* SPDX-License-Identifier: ISC */
/* journal.c - see journal.h.  Runs in: every process. */
#include "config.h"

#include "base/journal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sockpath.h"

int
journal_open(const char *path)
{
	struct sockpath to;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool done = fd != -1 && sockpath_open(&to, path) == 0;

	if (done && connect(fd, (struct sockaddr *)&to.sun, to.len) == -1) {
		sockpath_close(&to);
		done = false;
	} else if (done) {
		sockpath_close(&to);
	}
	if (!done)
		fd_close(&fd);
	return fd;
}

bool
journal_is(int fd, const char *journal_stream)
{
	unsigned long long dev, ino;
	struct stat st;
	char end;

	return journal_stream != NULL &&
	    sscanf(journal_stream, "%llu:%llu%c", &dev, &ino, &end) == 2 &&
	    fstat(fd, &st) == 0 && dev == (unsigned long long)st.st_dev &&
	    ino == (unsigned long long)st.st_ino;
}

void
journal_put(struct buf *b, const char *name, struct str value)
{
	uint64_t n = value.n;
	uint8_t length[8];
	size_t i;

	buf_putz(b, name);
	if (value.n == 0 || memchr(value.p, '\n', value.n) == NULL) {
		buf_putc(b, '=');
	} else {
		buf_putc(b, '\n');
		for (i = 0; i < sizeof(length); i++, n >>= 8)
			length[i] = (uint8_t)n;	/* little-endian, whatever we are */
		buf_put(b, length, sizeof(length));
	}
	buf_puts(b, value);
	buf_putc(b, '\n');
}

bool
journal_send(int fd, const struct buf *b)
{
	struct iovec iov = {.iov_base = buf_data(b), .iov_len = b->len};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	/* A journal that does not read must not hold up a worker. */
	return sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) != -1;
}
