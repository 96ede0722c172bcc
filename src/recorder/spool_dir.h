/* SPDX-License-Identifier: ISC */
/*
 * spool_dir.h - the spool's directory and the names in it.  Everything is
 * opened relative to its descriptor, nothing follows a link, nothing leaves it.
 * Runs in: recorder.
 */
#ifndef MITMD_RECORDER_SPOOL_DIR_H
#define MITMD_RECORDER_SPOOL_DIR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/str.h"

#define SPOOL_NAME 128		/* YYYYMMDDTHHMMSSZ-INSTANCE-N.har.part and a NUL */
#define SPOOL_INSTANCE_MAX 64

struct spool_dir {
	int fd;
	bool unnamed;		/* O_TMPFILE works here, and such a file can be linked */
	bool locked;		/* no other recorder uses it; else there are no locks here */
	char *path;		/* for messages, and to open it again */
};

/*
 * Open, or make the last component, and try to write. fd: opened already
 * (taken, also on failure), or -1. A directory has one recorder: it is locked;
 * wait_ms says how long a predecessor may still need to let go.
 */
int spool_dir_open(struct spool_dir *, struct str path, int fd, unsigned wait_ms,
    struct errmsg *) NONNULL(1, 5) MUSTCHECK;
/* Only that: found, or its last component made. A descriptor, or -1 with errno. */
int spool_dir_make(const char *path) NONNULL(1) MUSTCHECK;
void spool_dir_close(struct spool_dir *) NONNULL(1);
/* Can a file be made, and is there room for so much? 0 or -1 with errno. */
int spool_dir_probe(const struct spool_dir *, uint64_t bytes) NONNULL(1) MUSTCHECK;
bool spool_dir_gone(const struct spool_dir *) NONNULL(1);
/* A tag's directory; -1 with errno. */
int spool_dir_tag(const struct spool_dir *, const char *tag, bool create) NONNULL(1, 2);
/* For a worker's large bodies: no name, read and write; -1 with errno. */
int spool_dir_spill(const struct spool_dir *) NONNULL(1);

/*
 * A file without a name in `dir`; -1 with errno. Where there is no such thing
 * out_name has a hidden one, else it is "". Either way spool_publish() gives it
 * its name (0, or -1 with errno: EEXIST).
 */
int spool_unnamed(const struct spool_dir *, int dir, int mode, char out_name[SPOOL_NAME])
    NONNULL(1, 4);
int spool_publish(int dir, int fd, const char *hidden, const char *name) NONNULL(3, 4);

bool spool_instance_ok(struct str);
/* ".har" names end so, ".part" is put behind while the file grows. */
void spool_name(char out[SPOOL_NAME], uint64_t wall_us, const char *instance, unsigned n);
#define SPOOL_PART ".part"
/* Is it a name that spool_name() makes, with `suffix` behind? */
bool spool_name_ok(const char *name, const char *suffix);
bool spool_hidden_ok(const char *name);
bool spool_name_of(const char *name, const char *instance);	/* its name is that instance's */
/* A file that we may have made; not a link to somebody else's. */
bool spool_file_ours(const struct stat *) NONNULL(1);
/*
 * Give NAME.part in `dir`, which is synced, its final name, or one like it when that
 * is taken. 0, or -1 with errno.
 */
int spool_seal(int dir, const char *name) NONNULL(2) MUSTCHECK;
/* Names in that directory, and its own, survive a power cut. Waits. 0, or -1 with errno. */
int spool_sync_names(int dir) MUSTCHECK;

#endif
