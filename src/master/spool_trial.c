/* SPDX-License-Identifier: ISC */
/*
 * spool_trial.c - could a recorder use this directory?  Asked by a process that
 * becomes the recorder's user, tries and ends, before the running recorder, which
 * cannot look beyond its own directory, makes place for another.
 * Runs in: master, and a child of its own.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "master/roles.h"
#include "master/state.h"

#define GOOD "+"

struct spool_trial {
	struct master *master;
	ev_io io;
	int fd;
	struct errmsg err;	/* what it said so far */
	size_t n;
	spool_trial_fn *done;
};

static NORETURN void
try_it(const struct conf *conf, int out)
{
	struct user_ids ids = users_of(conf, ROLE_RECORDER);
	struct errmsg err;

	(void)umask(027);
	if (users_become(&ids) == -1)
		(void)errmsg_sys(&err, "cannot become user %u", (unsigned)ids.uid);
	else if (roles[ROLE_RECORDER].try_out(conf, &err) == 0)
		(void)errmsg_set(&err, GOOD);
	(void)!fd_write_all(out, err.text, strlen(err.text));
	_exit(0);
}

void
spool_trial_drop(struct master *m)
{
	struct spool_trial *t = m->spool_trial;

	if (t == NULL)
		return;
	m->spool_trial = NULL;
	ev_io_stop(m->loop, &t->io);
	fd_close(&t->fd);
	free(t);
}

static void
on_said(struct ev_loop *loop UNUSED, ev_io *w, int events UNUSED)
{
	struct spool_trial *t = w->data;
	struct master *m = t->master;
	ssize_t n = read(t->fd, t->err.text + t->n, sizeof(t->err.text) - 1 - t->n);
	struct errmsg err;
	spool_trial_fn *done = t->done;

	if (n > 0) {
		t->n += (size_t)n;
		return;
	}
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	t->err.text[t->n] = '\0';
	err = t->err;
	spool_trial_drop(m);
	if (err.text[0] == '\0')
		(void)errmsg_set(&err, "who tried the spool was killed");
	done(m, strcmp(err.text, GOOD) == 0 ? NULL : &err);
}

int
spool_trial_start(struct master *m, const struct conf *conf, spool_trial_fn *done,
    struct errmsg *err)
{
	struct spool_trial *t;
	int out[2];
	pid_t pid;

	spool_trial_drop(m);
	if (pipe2(out, O_CLOEXEC | O_NONBLOCK) == -1)
		return errmsg_sys(err, "cannot try the spool %s", conf->spool.dir);
	recording_make_dir(conf);
	pid = fork();
	if (pid == 0)
		try_it(conf, out[1]);
	fd_close(&out[1]);
	if (pid == -1) {
		fd_close(&out[0]);
		return errmsg_sys(err, "cannot try the spool %s", conf->spool.dir);
	}
	t = m->spool_trial = mem_new(struct spool_trial);
	t->master = m;
	t->fd = out[0];
	t->done = done;
	ev_io_init(&t->io, on_said, t->fd, EV_READ);
	t->io.data = t;
	ev_io_start(m->loop, &t->io);
	return 0;
}
