/* SPDX-License-Identifier: ISC */
/* ca_file.c - see ca_file.h.  Runs in: signer, mitmctl. */
#include "config.h"

#include "signer/ca_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define FILE_MAX (64u << 10)

static int
kind_acceptable(const struct stat *st, const char *path, struct errmsg *err)
{
	if (!S_ISREG(st->st_mode))
		return errmsg_set(err, "%s is not a file", path);
	if (st->st_size > FILE_MAX)
		return errmsg_set(err, "%s is too large for a CA: it needs the key, the "
		    "certificate and its chain", path);
	return 0;
}

int
ca_file_acceptable(const struct stat *st, uid_t uid, const char *path, struct errmsg *err)
{
	if (kind_acceptable(st, path, err) != 0)
		return -1;
	if (!files_trust(st->st_uid, uid))
		return errmsg_set(err, "%s belongs to user %u, who could change the CA: "
		    "chown %u %s", path, (unsigned)st->st_uid, (unsigned)uid, path);
	if ((st->st_mode & 077) != 0)
		return errmsg_set(err, "others can read the CA key in %s: chmod 600 %s, and "
		    "make a new CA if somebody may have done so", path, path);
	return 0;
}

int
ca_credential_acceptable(const struct stat *st, uid_t uid, const char *path,
    struct errmsg *err)
{
	if (kind_acceptable(st, path, err) != 0)
		return -1;
	if (!files_trust(st->st_uid, uid))
		return errmsg_set(err, "the credential %s belongs to user %u, not to root or "
		    "user %u", path, (unsigned)st->st_uid, (unsigned)uid);
	if ((st->st_mode & 027) != 0)
		return errmsg_set(err, "others can read or change the CA key in the "
		    "credential %s (mode %03o): systemd makes it 0400", path,
		    (unsigned)(st->st_mode & 0777));
	return 0;
}

/*
 * A link is followed only when somebody who may have the key anyway has put it
 * there: whoever else can write in the directory must not lead root to another
 * file.
 */
static int
open_linked(int dir, const char *path, struct errmsg *err)
{
	int fd = openat(dir, CA_FILE, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char target[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (fd == -1 || fstat(fd, &st) == -1 ||
	    (n = readlinkat(fd, "", target, sizeof(target) - 1)) == -1) {
		(void)errmsg_sys(err, "cannot read the link %s", path);
		fd_close(&fd);
		return -1;
	}
	(void)close(fd);
	target[n] = '\0';
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return errmsg_set(err, "%s is a link that belongs to user %u, who could lead it "
		    "elsewhere: put the file there, or chown -h %u %s", path,
		    (unsigned)st.st_uid, (unsigned)geteuid(), path);
	fd = openat(dir, target, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd == -1 ? errmsg_sys(err, "cannot open %s, to which %s leads", target, path) :
	    fd;
}

/* Descriptor, or -1 with a reason; *missing without one. */
static int
open_file(int dir, const char *path, bool *missing, struct errmsg *err)
{
	int fd = openat(dir, CA_FILE,
	    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);

	*missing = fd == -1 && errno == ENOENT;
	if (fd != -1 || *missing)
		return fd;
	return errno == ELOOP ? open_linked(dir, path, err) :
	    errmsg_sys(err, "cannot open %s", path);
}

static int
read_text(struct ca_text *text, int fd, uid_t uid, struct errmsg *err)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) == -1)
		return errmsg_sys(err, "cannot read %s", text->path);
	if ((text->credential ? ca_credential_acceptable : ca_file_acceptable)(&st, uid,
	    text->path, err) != 0)
		return -1;
	text->p = OPENSSL_secure_zalloc(FILE_MAX);
	CHECK(text->p != NULL);
	n = pread(fd, text->p, FILE_MAX, 0);
	if (n == -1)
		return errmsg_sys(err, "cannot read %s", text->path);
	text->n = (size_t)n;
	return 1;
}

static int
read_in(struct ca_text *text, int dir, const char *dir_path, uid_t uid, struct errmsg *err)
{
	bool missing;
	int fd, ret;

	text->path = mem_printf("%s/%s", dir_path, CA_FILE);
	fd = open_file(dir, text->path, &missing, err);
	if (fd == -1 && missing) {
		ca_text_free(text);
		return 0;
	}
	ret = fd == -1 ? -1 : read_text(text, fd, uid, err);
	fd_close(&fd);
	if (ret == -1)
		ca_text_free(text);
	return ret;
}

static int
read_credential(struct ca_text *text, uid_t uid, struct errmsg *err)
{
	const char *path = getenv("CREDENTIALS_DIRECTORY");
	int dir, ret;

	if (path == NULL || path[0] != '/')
		return 0;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1)
		return errno == ENOENT ? 0 : errmsg_sys(err, "cannot open the directory of "
		    "credentials %s", path);
	text->credential = true;
	ret = read_in(text, dir, path, uid, err);
	(void)close(dir);
	return ret;
}

int
ca_file_read(struct ca_text *text, struct files *f, struct errmsg *err)
{
	uid_t uid = files_uid(f);
	int ret;

	*text = (struct ca_text){.p = NULL};
	ret = read_credential(text, uid, err);
	return ret != 0 ? ret : read_in(text, f->dir, f->path, uid, err);
}

void
ca_text_free(struct ca_text *text)
{
	if (text->p != NULL)
		OPENSSL_secure_clear_free(text->p, FILE_MAX);
	free(text->path);
	*text = (struct ca_text){.p = NULL};
}
