/* SPDX-License-Identifier: ISC */
/*
 * systemd.c - see systemd.h.  The protocol is small and stable, and libsystemd
 * would bring more code into the master than all of this file.
 * Runs in: master.
 */
#include "config.h"

#include "master/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#define FIRST_FD 3
#define FDS_MAX 1024
#define TEXT_MAX 4096
#define PATIENCE_MS 2000	/* for a queue that is full */

struct systemd {
	char *address;		/* NULL: nobody listens */
	int fd;			/* connected to it; -1 */
	bool complained;
	uint64_t watchdog_us;
	struct systemd_fd *fds;
	size_t nfds;
};

/* ---- the environment ---- */

static char *
take_variable(const char *name)
{
	const char *value = getenv(name);
	char *copy = value != NULL ? mem_strdup(value) : NULL;

	(void)unsetenv(name);
	return copy;
}

static uint64_t
take_number(const char *name, uint64_t max)
{
	char *text = take_variable(name);
	uint64_t n = 0;

	if (text != NULL && !str_u64(str_z(text), max, &n))
		n = 0;
	free(text);
	return n;
}

/* Who started us may have had such variables for himself: they name a process. */
static bool
is_for_us(const char *name, bool unsaid)
{
	char *text = take_variable(name);
	uint64_t pid = 0;
	bool ours = text == NULL ? unsaid :
	    str_u64(str_z(text), INT32_MAX, &pid) && pid == (uint64_t)getpid();

	free(text);
	return ours;
}

static void
add_fd(struct systemd *s, int fd, struct str name)
{
	int flags = fcntl(fd, F_GETFD);

	if (flags == -1 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) == -1) {
		log_warning("systemd: descriptor %d is not there: %s", fd, strerror(errno));
		return;
	}
	if (name.n == 0)
		name = STR("unknown");	/* as sd_listen_fds_with_names(3) has it */
	s->fds[s->nfds++] = (struct systemd_fd){.fd = fd, .name = str_dup(name)};
}

static void
take_fds(struct systemd *s)
{
	bool ours = is_for_us("LISTEN_PID", false);
	size_t i, n = (size_t)take_number("LISTEN_FDS", FDS_MAX);
	char *names = take_variable("LISTEN_FDNAMES");
	struct str rest = str_z(names != NULL ? names : "");

	if (ours && n > 0) {
		s->fds = mem_grow(NULL, n, sizeof(*s->fds));
		for (i = 0; i < n; i++) {
			ssize_t colon = str_chr(rest, ':');
			size_t len = colon < 0 ? rest.n : (size_t)colon;

			add_fd(s, FIRST_FD + (int)i, str_sub(rest, 0, len));
			rest = str_from(rest, len + 1);
		}
	}
	free(names);
}

/* ---- datagrams ---- */

static int
dial(const char *address)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	size_t n = strlen(address);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	int fd;

	if (n >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(sun.sun_path, address, n + 1);
	if (address[0] == '@')
		sun.sun_path[0] = '\0';		/* unix(7): abstract, not terminated */
	else
		len++;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd != -1 && connect(fd, (struct sockaddr *)&sun, len) == -1)
		fd_close(&fd);
	return fd;
}

/* Its queue may be full; but a manager that stands still is not waited for long. */
static bool
send_once(struct systemd *s, struct str text, const int *fds, size_t nfds)
{
	struct pollfd room;

	if (s->fd == -1)
		s->fd = dial(s->address);
	if (s->fd == -1)
		return false;
	if (fd_send_msg(s->fd, text.p, text.n, fds, nfds) != -1)
		return true;
	if (errno != EAGAIN)
		return false;
	room = (struct pollfd){.fd = s->fd, .events = POLLOUT};
	return poll(&room, 1, PATIENCE_MS) == 1 &&
	    fd_send_msg(s->fd, text.p, text.n, fds, nfds) != -1;
}

static void
send_text(struct systemd *s, struct str text, const int *fds, size_t nfds)
{
	if (s->address == NULL || send_once(s, text, fds, nfds))
		return;
	/* A manager that was executed anew may listen on another socket of that name. */
	fd_close(&s->fd);
	if (send_once(s, text, fds, nfds))
		return;
	fd_close(&s->fd);
	if (!s->complained)
		log_warning("systemd cannot be told how we are: %s: %s", s->address,
		    strerror(errno));
	s->complained = true;
}

void
systemd_tell(struct systemd *s, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	if (s->address == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	send_text(s, str_z(text), NULL, 0);
}

void
systemd_store(struct systemd *s, int fd, const char *name)
{
	char *text = mem_printf("FDSTORE=1\nFDNAME=%s\n", name);

	send_text(s, str_z(text), &fd, 1);
	free(text);
}

void
systemd_unstore(struct systemd *s, const char *name)
{
	systemd_tell(s, "FDSTOREREMOVE=1\nFDNAME=%s\n", name);
}

/* Its end of the pipe is closed when it has done with what was told before. */
void
systemd_wait(struct systemd *s)
{
	int ends[2];
	struct pollfd gone;

	if (s->address == NULL || pipe2(ends, O_CLOEXEC) == -1)
		return;
	send_text(s, STR("BARRIER=1"), &ends[1], 1);
	fd_close(&ends[1]);
	gone = (struct pollfd){.fd = ends[0]};
	(void)poll(&gone, 1, PATIENCE_MS);
	fd_close(&ends[0]);
}

/* ---- life ---- */

struct systemd *
systemd_new(void)
{
	struct systemd *s = mem_new(struct systemd);
	bool watched = is_for_us("WATCHDOG_PID", true);

	s->fd = -1;
	s->address = take_variable("NOTIFY_SOCKET");
	if (s->address != NULL && s->address[0] != '/' && s->address[0] != '@') {
		log_warning("systemd: %s is no address to tell anything to", s->address);
		free(s->address);
		s->address = NULL;
	}
	s->watchdog_us = take_number("WATCHDOG_USEC", UINT64_MAX);
	if (!watched || s->address == NULL)
		s->watchdog_us = 0;
	take_fds(s);
	return s;
}

void
systemd_free(struct systemd **ps)
{
	struct systemd *s = *ps;
	size_t i;

	if (s == NULL)
		return;
	*ps = NULL;
	for (i = 0; i < s->nfds; i++) {
		fd_close(&s->fds[i].fd);
		free(s->fds[i].name);
	}
	free(s->fds);
	fd_close(&s->fd);
	free(s->address);
	free(s);
}

size_t
systemd_take_fds(struct systemd *s, struct systemd_fd **out)
{
	size_t n = s->nfds;

	*out = s->fds;
	s->fds = NULL;
	s->nfds = 0;
	return n;
}

bool
systemd_listens(const struct systemd *s)
{
	return s->address != NULL;
}

uint64_t
systemd_watchdog_us(const struct systemd *s)
{
	return s->watchdog_us;
}
