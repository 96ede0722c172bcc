/* SPDX-License-Identifier: ISC */
/*
 * files.c - see files.h.  Works relative to an open directory and follows no
 * link in it: as root we may be writing where a lesser user can write too.
 * Runs in: signer.
 */
#include "config.h"

#include "signer/files.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define TEMP_NAME_SIZE 300

int
files_open(struct files *f, const char *path, uid_t uid, gid_t gid, struct errmsg *err)
{
	bool made = mkdir(path, 0755) == 0;
	struct stat st;

	*f = (struct files){.dir = -1, .path = path, .uid = uid, .gid = gid};
	if (!made && errno != EEXIST)
		return errmsg_sys(err, "cannot make the CA directory %s", path);
	f->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (made ? O_NOFOLLOW : 0));
	if (f->dir == -1 || fstat(f->dir, &st) == -1)
		return errmsg_sys(err, "cannot open the CA directory %s", path);
	if (made && (fchmod(f->dir, 0755) == -1 ||
	    (uid != (uid_t)-1 && fchown(f->dir, uid, gid) == -1))) {
		(void)errmsg_sys(err, "cannot set up the CA directory %s", path);
		files_close(f);
		return -1;
	}
	if ((st.st_mode & S_IWOTH) != 0 && !made) {
		(void)errmsg_set(err, "everybody can replace files in the CA directory %s: "
		    "chmod o-w %s", path, path);
		files_close(f);
		return -1;
	}
	return 0;
}

void
files_close(struct files *f)
{
	fd_close(&f->dir);
}

static int
write_temp(const struct files *f, char name[TEMP_NAME_SIZE], const char *base, mode_t mode,
    struct str bytes)
{
	uint32_t random;
	int fd;
	bool good;

	CHECK(RAND_bytes((uint8_t *)&random, sizeof(random)) == 1);
	(void)snprintf(name, TEMP_NAME_SIZE, ".%s.%08x", base, random);
	fd = openat(f->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	good = (f->uid == (uid_t)-1 || fchown(fd, f->uid, f->gid) == 0) &&
	    fchmod(fd, mode) == 0 && fd_write_all(fd, bytes.p, bytes.n) == 0 && fsync(fd) == 0;
	if (close(fd) == 0 && good)
		return 0;
	(void)unlinkat(f->dir, name, 0);
	return -1;
}

int
files_create(struct files *f, const char *name, mode_t mode, struct str bytes,
    struct errmsg *err)
{
	char temp[TEMP_NAME_SIZE];
	int linked, e;

	if (write_temp(f, temp, name, mode, bytes) == -1) {
		(void)errmsg_sys(err, "cannot write in %s", f->path);
		return ERR_SYS;
	}
	/* Unlike rename(2), link(2) never replaces. */
	linked = linkat(f->dir, temp, f->dir, name, 0);
	e = errno;
	(void)unlinkat(f->dir, temp, 0);
	if (linked == -1) {
		errno = e;
		(void)errmsg_sys(err, "cannot make %s/%s", f->path, name);
		return e == EEXIST ? ERR_EXISTS : ERR_SYS;
	}
	if (fsync(f->dir) == -1) {
		(void)errmsg_sys(err, "cannot sync %s", f->path);
		return ERR_SYS;
	}
	return 0;
}

/* Are these bytes there, readable with that mode? */
static bool
holds(const struct files *f, const char *name, mode_t mode, struct str bytes)
{
	int fd = openat(f->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	char *have = NULL;
	bool same = false;

	if (fd == -1)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 07777) == mode &&
	    (size_t)st.st_size == bytes.n) {
		have = mem_alloc(bytes.n + 1);
		same = pread(fd, have, bytes.n + 1, 0) == (ssize_t)bytes.n &&
		    memcmp(have, bytes.p, bytes.n) == 0;
	}
	free(have);
	(void)close(fd);
	return same;
}

int
files_update(struct files *f, const char *name, mode_t mode, struct str bytes,
    struct errmsg *err)
{
	char temp[TEMP_NAME_SIZE];

	if (holds(f, name, mode, bytes))
		return 0;
	if (write_temp(f, temp, name, mode, bytes) == 0) {
		if (renameat(f->dir, temp, f->dir, name) == 0)
			return 0;
		(void)unlinkat(f->dir, temp, 0);
	}
	(void)errmsg_sys(err, "cannot write %s/%s", f->path, name);
	return ERR_SYS;
}
