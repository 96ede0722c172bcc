/* SPDX-License-Identifier: ISC */
/* undo.c - see undo.h.  Runs in: recorder. */
#include "config.h"

#include "recorder/undo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "recorder/har_file.h"

static int
undo_in(int dir, const struct intent_file *f)
{
	char part[INTENT_NAME + sizeof(SPOOL_PART)];
	struct stat st;
	int fd, rc = 0;

	(void)snprintf(part, sizeof(part), "%s" SPOOL_PART, f->name);
	fd = openat(dir, part, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? 0 : -1;	/* it was not published yet */
	if (fstat(fd, &st) == -1 || st.st_ino != f->inode)
		rc = 0;
	else if (f->whole)
		rc = unlinkat(dir, part, 0);
	else
		rc = har_file_cut(fd, f->offset);
	fd_close(&fd);
	return rc;
}

static void
undo_file(const struct spool_dir *d, const struct intent_file *f)
{
	int dir = spool_dir_tag(d, f->tag, false);

	if (dir == -1 ? errno != ENOENT : undo_in(dir, f) != 0)
		log_warning("cannot take back what was written to %s/%s: %s; "
		    "some entries may be there twice", f->tag, f->name, strerror(errno));
	fd_close(&dir);
}

void
undo(struct receipts *r, const struct spool_dir *dir)
{
	const struct intent *i = receipts_intent(r);
	struct spool_dir other = {.fd = -1};
	uint32_t n;

	if (strcmp(i->dir, dir->path) != 0) {
		other.fd = open(i->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		dir = &other;
	}
	for (n = 0; n < i->nfiles; n++)
		undo_file(dir, &i->files[n]);
	fd_close(&other.fd);
	receipts_undone(r);
}
