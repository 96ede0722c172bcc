/* SPDX-License-Identifier: ISC */
/*
 * system_files.c - /etc/hosts and resolv.conf for the workers, who can open no
 * file: given at fork, and sent again when they have changed.  They are looked at
 * once a second: no event tells of a file that is mounted over, as in a
 * container, or that a link somewhere on the way points to.
 * Runs in: master.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "master/state.h"

#define LOOK_SECONDS 1.0

static const char *const paths[FILE_COUNT] = {
    [FILE_HOSTS] = "/etc/hosts",
    [FILE_RESOLV_CONF] = "/etc/resolv.conf",
};

/* Of the file that the path leads to; all zero: there is none. */
static struct file_stamp
stamp_of(const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return (struct file_stamp){0};
	return (struct file_stamp){.dev = st.st_dev, .ino = st.st_ino, .size = st.st_size,
	    .mtime = st.st_mtim, .ctime = st.st_ctim};
}

static bool
same_stamp(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	    a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec &&
	    a->ctime.tv_sec == b->ctime.tv_sec && a->ctime.tv_nsec == b->ctime.tv_nsec;
}

/* True when there is another text now. One that cannot be read leaves the old one. */
static bool
take(struct system_file *f, const char *path)
{
	struct file_stamp now = stamp_of(path);
	size_t n = 0;
	char *text;
	bool other;

	if (same_stamp(&now, &f->stamp))
		return false;
	f->stamp = now;
	text = fd_read_file(path, FILE_TEXT_MAX, &n);
	if (text == NULL && errno != ENOENT) {
		log_warning("cannot read %s: %s", path, strerror(errno));
		return false;
	}
	other = n != f->n || (n > 0 && memcmp(text, f->text, n) != 0);
	free(f->text);
	f->text = text;
	f->n = n;
	return other;
}

/* Sealed: what one worker is sent, none can change for another. -1 with errno. */
static int
sealed_copy(const struct system_file *f)
{
	int fd = memfd_create("mitmd-file", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd != -1 && (f->n == 0 || fd_write_all(fd, f->text, f->n) == 0) &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ==
	    0)
		return fd;
	fd_close(&fd);
	return -1;
}

/* Those that drain, too: they still look up names. */
static void
send_all(struct master *m, unsigned which)
{
	struct msg_file file = {.which = (uint8_t)which};
	int fd = sealed_copy(&m->system_files[which]);
	struct generation *gen;
	unsigned i;

	if (fd == -1) {
		log_warning("workers do not get the new %s: %s", paths[which],
		    strerror(errno));
		return;
	}
	TAILQ_FOREACH(gen, &m->generations, link)
		for (i = 0; i < gen->nworkers; i++)
			if (gen->workers[i].channel != NULL)
				(void)CHANNEL_TELL_FDS(gen->workers[i].channel, FILE, file,
				    &file, &fd, 1);
	fd_close(&fd);
}

static void
on_look(struct ev_loop *loop UNUSED, ev_timer *w, int events UNUSED)
{
	struct master *m = w->data;
	unsigned i;

	for (i = 0; i < FILE_COUNT; i++)
		if (take(&m->system_files[i], paths[i]))
			send_all(m, i);
}

void
system_files_start(struct master *m)
{
	unsigned i;

	for (i = 0; i < FILE_COUNT; i++)
		(void)take(&m->system_files[i], paths[i]);
	ev_timer_init(&m->files_look, on_look, LOOK_SECONDS, LOOK_SECONDS);
	m->files_look.data = m;
	ev_timer_start(m->loop, &m->files_look);
}
