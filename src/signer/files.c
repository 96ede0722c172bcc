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

uid_t
files_uid(const struct files *f)
{
	return f->uid == (uid_t)-1 ? geteuid() : f->uid;
}

bool
files_trust(uid_t owner, uid_t uid)
{
	return owner == uid || owner == 0 || owner == geteuid();
}

static bool
others_may_write(const struct files *f, const struct stat *st, struct errmsg *err)
{
	if ((st->st_mode & S_IWOTH) != 0)
		(void)errmsg_set(err, "everybody can replace files in the CA directory %s: "
		    "chmod o-w %s", f->path, f->path);
	else if (!files_trust(st->st_uid, files_uid(f)))
		(void)errmsg_set(err, "the CA directory %s belongs to user %u, who could "
		    "replace the CA: chown %u %s", f->path, (unsigned)st->st_uid,
		    (unsigned)files_uid(f), f->path);
	else
		return false;
	return true;
}

int
files_open(struct files *f, const char *path, uid_t uid, gid_t gid, struct errmsg *err)
{
	bool made = mkdir(path, 0755) == 0;
	struct stat st;

	*f = (struct files){.dir = -1, .path = path, .uid = uid, .gid = gid, .made = made};
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
	if (!made && others_may_write(f, &st, err)) {
		files_close(f);
		return -1;
	}
	return 0;
}

int
files_look(struct files *f, const char *path, struct errmsg *err)
{
	struct stat st;

	*f = (struct files){.path = path, .uid = (uid_t)-1, .gid = (gid_t)-1};
	f->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dir == -1 || fstat(f->dir, &st) == -1) {
		(void)errmsg_sys(err, "cannot open the CA directory %s", path);
		files_close(f);
		return -1;
	}
	f->uid = st.st_uid;
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
	/* Given away last: what is another's, only a capability more could change. */
	good = fchmod(fd, mode) == 0 &&
	    (f->uid == (uid_t)-1 || fchown(fd, f->uid, f->gid) == 0) && fd_write_all(fd, bytes.p, bytes.n) == 0 && fsync(fd) == 0;
	if (close(fd) == 0 && good)
		return 0;
	(void)unlinkat(f->dir, name, 0);
	return -1;
}

static int
sync_dir(struct files *f, struct errmsg *err)
{
	if (fsync(f->dir) == 0)
		return 0;
	(void)errmsg_sys(err, "cannot sync %s", f->path);
	return ERR_SYS;
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
	return sync_dir(f, err);
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

static int
put(struct files *f, const char *name, mode_t mode, struct str bytes, struct errmsg *err)
{
	char temp[TEMP_NAME_SIZE];

	if (write_temp(f, temp, name, mode, bytes) == 0) {
		if (renameat(f->dir, temp, f->dir, name) == 0)
			return 0;
		(void)unlinkat(f->dir, temp, 0);
	}
	(void)errmsg_sys(err, "cannot write %s/%s", f->path, name);
	return ERR_SYS;
}

int
files_update(struct files *f, const char *name, mode_t mode, struct str bytes,
    struct errmsg *err)
{
	return holds(f, name, mode, bytes) ? 0 : put(f, name, mode, bytes, err);
}

int
files_replace(struct files *f, const char *name, mode_t mode, struct str bytes,
    struct errmsg *err)
{
	int ret = put(f, name, mode, bytes, err);

	return ret == 0 ? sync_dir(f, err) : ret;
}

int
files_remove(struct files *f, const char *name, struct errmsg *err)
{
	if (unlinkat(f->dir, name, 0) == 0 || errno == ENOENT)
		return sync_dir(f, err);
	(void)errmsg_sys(err, "cannot remove %s/%s", f->path, name);
	return ERR_SYS;
}

static int
read_fd(struct files *f, int fd, const char *name, size_t max, char **out, size_t *out_n,
    struct errmsg *err)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) == -1)
		return errmsg_sys(err, "cannot read %s/%s", f->path, name);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > max)
		return errmsg_set(err, "%s/%s is not a file, or too large", f->path, name);
	if (!files_trust(st.st_uid, files_uid(f)) || (st.st_mode & S_IWOTH) != 0)
		return errmsg_set(err, "%s/%s can be changed by others: chown %u, chmod 644",
		    f->path, name, (unsigned)files_uid(f));
	*out = mem_alloc((size_t)st.st_size + 1);
	n = pread(fd, *out, (size_t)st.st_size, 0);
	if (n == -1) {
		free(*out);
		return errmsg_sys(err, "cannot read %s/%s", f->path, name);
	}
	*out_n = (size_t)n;
	return 1;
}

int
files_read(struct files *f, const char *name, size_t max, char **out, size_t *out_n,
    struct errmsg *err)
{
	int fd = openat(f->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), ret;

	if (fd == -1)
		return errno == ENOENT ? 0 : errmsg_sys(err, "cannot open %s/%s", f->path,
		    name);
	ret = read_fd(f, fd, name, max, out, out_n, err);
	(void)close(fd);
	return ret;
}
