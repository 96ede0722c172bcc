/* SPDX-License-Identifier: ISC */
/* input.c - see input.h.  Runs in: mitmctl. */
#include "config.h"

#include "ctl/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

#define CHUNK (256u << 10)
#define GZIP_WINDOW (15 + 16)	/* the largest, and gzip's header */

struct gzip {
	z_stream z;
	uint8_t in[64 << 10];
	bool between;		/* a member ended: another one may follow */
};

struct input {
	int fd;
	char *name;
	bool regular;
	uint64_t size, taken;
	struct gzip *gzip;	/* NULL: plain */
	uint8_t first[2];	/* bytes that were looked at */
	size_t nfirst;
};

int
input_scratch(struct errmsg *err)
{
	const char *dir = getenv("TMPDIR");
	char path[4096];
	int fd;

	if (dir == NULL || dir[0] == '\0')
		dir = "/tmp";
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd != -1)
		return fd;
	(void)snprintf(path, sizeof(path), "%s/mitmctl-XXXXXX", dir);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd == -1)
		return errmsg_sys(err, "no temporary file in %s (TMPDIR names another "
		    "directory)", dir);
	(void)unlink(path);
	return fd;
}

static int
open_file(struct input *in, const char *path, struct errmsg *err)
{
	struct stat st;

	if (strcmp(path, "-") == 0) {
		in->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
		in->name = mem_strdup("standard input");
	} else {
		in->fd = open(path, O_RDONLY | O_CLOEXEC);
		in->name = mem_strdup(path);
	}
	if (in->fd == -1 || fstat(in->fd, &st) == -1)
		return errmsg_sys(err, "%s", in->name);
	if (S_ISDIR(st.st_mode))
		return errmsg_set(err, "%s: is a directory", in->name);
	in->regular = S_ISREG(st.st_mode) && lseek(in->fd, 0, SEEK_CUR) == 0;
	in->size = in->regular ? (uint64_t)st.st_size : 0;
	/* Its writer changes the end of a growing file in place. */
	if (str_ends(str_z(path), STR(".part")))
		while (flock(in->fd, LOCK_SH) == -1 && errno == EINTR)
			;
	return 0;
}

static ssize_t
read_raw(struct input *in, void *p, size_t n, struct errmsg *err)
{
	ssize_t got;

	if (in->nfirst > 0) {
		n = MIN(n, in->nfirst);
		memcpy(p, in->first, n);
		memmove(in->first, in->first + n, in->nfirst - n);
		in->nfirst -= n;
		return (ssize_t)n;
	}
	do
		got = read(in->fd, p, n);
	while (got == -1 && errno == EINTR);
	if (got == -1)
		return errmsg_sys(err, "%s", in->name);
	in->taken += (uint64_t)got;
	return got;
}

static int
look_for_gzip(struct input *in, struct errmsg *err)
{
	uint8_t first[2];
	size_t n = 0;
	ssize_t got;

	while (n < sizeof(first)) {
		got = read_raw(in, first + n, sizeof(first) - n, err);
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	memcpy(in->first, first, n);
	in->nfirst = n;
	if (n < 2 || first[0] != 0x1f || first[1] != 0x8b)
		return 0;
	in->gzip = mem_new(struct gzip);
	if (inflateInit2(&in->gzip->z, GZIP_WINDOW) != Z_OK)
		return errmsg_set(err, "%s: cannot read gzip", in->name);
	return 0;
}

struct input *
input_open(const char *path, struct errmsg *err)
{
	struct input *in = mem_new(struct input);

	in->fd = -1;
	if (open_file(in, path, err) < 0 || look_for_gzip(in, err) < 0)
		input_free(&in);
	return in;
}

void
input_free(struct input **inp)
{
	struct input *in = *inp;

	*inp = NULL;
	if (in == NULL)
		return;
	if (in->gzip != NULL)
		(void)inflateEnd(&in->gzip->z);
	free(in->gzip);
	fd_close(&in->fd);
	free(in->name);
	free(in);
}

const char *
input_name(const struct input *in)
{
	return in->name;
}

/* Files of several members, one behind the other, are one file (RFC 1952 2.2). */
static ssize_t
inflate_some(struct input *in, size_t n, struct errmsg *err)
{
	struct gzip *g = in->gzip;
	int rc;

	if (g->between && inflateReset(&g->z) != Z_OK)
		return errmsg_set(err, "%s: cannot read gzip", in->name);
	g->between = false;
	rc = inflate(&g->z, Z_NO_FLUSH);
	if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
		return errmsg_set(err, "%s: its gzip is broken: %s", in->name,
		    g->z.msg != NULL ? g->z.msg : "no more is known");
	g->between = rc == Z_STREAM_END;
	return (ssize_t)(n - g->z.avail_out);
}

static ssize_t
read_gzip(struct input *in, void *p, size_t n, struct errmsg *err)
{
	struct gzip *g = in->gzip;
	ssize_t got, made = 0;

	g->z.next_out = p;
	g->z.avail_out = (uInt)MIN(n, (size_t)1 << 30);
	n = g->z.avail_out;
	while (made == 0) {
		if (g->z.avail_in == 0) {
			got = read_raw(in, g->in, sizeof(g->in), err);
			if (got < 0)
				return -1;
			if (got == 0)
				return g->between ? 0 :
				    errmsg_set(err, "%s: its gzip is cut off", in->name);
			g->z.next_in = g->in;
			g->z.avail_in = (uInt)got;
		}
		made = inflate_some(in, n, err);
	}
	return made;
}

ssize_t
input_read(struct input *in, void *p, size_t n, struct errmsg *err)
{
	return in->gzip != NULL ? read_gzip(in, p, n, err) : read_raw(in, p, n, err);
}

bool
input_again(const struct input *in)
{
	return in->regular && in->gzip == NULL;
}

int
input_keep(struct input *in, struct errmsg *err)
{
	char *chunk;
	ssize_t got = 0;
	int fd, rc = 0;

	if (input_again(in))
		return 0;
	fd = input_scratch(err);
	if (fd == -1)
		return -1;
	chunk = mem_alloc(CHUNK);
	in->size = 0;
	while (rc == 0 && (got = input_read(in, chunk, CHUNK, err)) > 0) {
		rc = fd_write_all(fd, chunk, (size_t)got);
		in->size += (uint64_t)got;
	}
	if (rc != 0)
		(void)errmsg_sys(err, "the copy of %s", in->name);
	free(chunk);
	fd_close(&in->fd);
	in->fd = fd;
	in->regular = true;
	if (in->gzip != NULL)
		(void)inflateEnd(&in->gzip->z);
	free(in->gzip);
	in->gzip = NULL;
	input_rewind(in);
	return rc != 0 || got < 0 ? -1 : 0;
}

void
input_rewind(struct input *in)
{
	CHECK(input_again(in));
	in->nfirst = 0;
	in->taken = 0;
	(void)lseek(in->fd, 0, SEEK_SET);
}

int
input_read_at(struct input *in, void *p, size_t n, uint64_t at, struct errmsg *err)
{
	char *to = p;

	while (n > 0) {
		ssize_t got = pread(in->fd, to, n, (off_t)at);

		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return errmsg_sys(err, "%s", in->name);
		if (got == 0)
			return errmsg_set(err, "%s: became shorter while it was read",
			    in->name);
		to += got;
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

uint64_t
input_size(const struct input *in)
{
	return in->size;
}

uint64_t
input_taken(const struct input *in)
{
	return in->taken;
}
