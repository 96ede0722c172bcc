/* SPDX-License-Identifier: ISC */
/* control_socket.c - see control_socket.h.  Runs in: master. */
#include "config.h"

#include "master/control_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/sockpath.h"

#define BACKLOG 64

static bool
is_found(const struct control_socket *s)
{
	struct stat st;

	return lstat(s->path, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_dev == s->dev &&
	    st.st_ino == s->ino;
}

bool
control_socket_serves(const struct control_socket *s, const char *path)
{
	return s->fd != -1 && strcmp(s->path, path) == 0 && is_found(s);
}

void
control_socket_close(struct control_socket *s)
{
	if (s->fd != -1 && is_found(s))
		(void)unlink(s->path);
	fd_close(&s->fd);
	free(s->path);
	*s = CONTROL_SOCKET_NONE;
}

static int
make_directory(const char *path, struct errmsg *err)
{
	const char *slash = strrchr(path, '/');
	char *dir = mem_strndup(path, slash != NULL ? (size_t)(slash - path) : 0);
	int rc = 0;

	/* mkdir() alone would do as the umask says. */
	if (dir[0] != '\0' && mkdir(dir, 0755) == 0)
		rc = chmod(dir, 0755);
	else if (dir[0] != '\0' && errno != EEXIST)
		rc = -1;
	if (rc == -1)
		(void)errmsg_sys(err, "control: cannot make the directory %s", dir);
	free(dir);
	return rc;
}

static int
somebody_answers(const char *path, int fd, struct errmsg *err)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.pid > 0)
		return errmsg_set(err, "control: another mitmd (pid %d) answers on %s: stop it, "
		    "or give this one another socket with 'control:'", (int)peer.pid, path);
	return errmsg_set(err, "control: another mitmd answers on %s: stop it, or give this "
	    "one another socket with 'control:'", path);
}

/* What is there may be replaced: nothing, or a socket that nobody listens on. */
static int
check_place(const char *path, struct errmsg *err)
{
	struct sockpath at;
	struct stat st;
	int fd = -1, rc = 0;

	if (lstat(path, &st) == -1)
		return errno == ENOENT ? 0 : errmsg_sys(err, "control: %s", path);
	if (!S_ISSOCK(st.st_mode))
		return errmsg_set(err, "control: %s is there and is no socket", path);
	if (sockpath_open(&at, path) == -1 ||
	    (fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) == -1)
		rc = errmsg_sys(err, "control: %s", path);
	/* A full queue (EAGAIN) is somebody's too. */
	else if (connect(fd, (struct sockaddr *)&at.sun, at.len) == 0 || errno == EAGAIN)
		rc = somebody_answers(path, fd, err);
	else if (errno != ECONNREFUSED && errno != ENOENT)
		rc = errmsg_sys(err, "control: cannot tell whether %s is in use", path);
	fd_close(&fd);
	sockpath_close(&at);
	return rc;
}

/*
 * Bound under another name and renamed when all is right: nobody meets a socket
 * that does not listen yet, and a dead one is replaced in one step.
 */
static int
bind_as(struct control_socket *s, const char *made, struct errmsg *err)
{
	struct sockpath at;
	struct stat st;
	int rc = -1;

	if (sockpath_open(&at, made) == 0 &&
	    (s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) != -1 &&
	    bind(s->fd, (struct sockaddr *)&at.sun, at.len) == 0 && chmod(made, 0666) == 0 &&
	    listen(s->fd, BACKLOG) == 0 && lstat(made, &st) == 0 && rename(made, s->path) == 0) {
		s->dev = st.st_dev;
		s->ino = st.st_ino;
		rc = 0;
	} else {
		(void)errmsg_sys(err, "control: cannot make the socket %s", s->path);
		(void)unlink(made);
	}
	sockpath_close(&at);
	return rc;
}

int
control_socket_open(struct control_socket *s, const char *path, struct errmsg *err)
{
	char *made;
	int rc;

	*s = CONTROL_SOCKET_NONE;
	if (make_directory(path, err) == -1 || check_place(path, err) == -1)
		return -1;
	s->path = mem_strdup(path);
	made = mem_printf("%s.%d", path, (int)getpid());
	(void)unlink(made);	/* of an earlier process of that number */
	rc = bind_as(s, made, err);
	free(made);
	if (rc == -1) {
		fd_close(&s->fd);
		control_socket_close(s);
	}
	return rc;
}
