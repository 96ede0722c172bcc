/* SPDX-License-Identifier: ISC */
/*
 * recover.h - what a dead recorder (or a power cut) left in the spool: every
 * *.har.part is repaired by line and gets its final name.  Every step may be
 * interrupted and repeated.  Memory is constant whatever the files' sizes.
 * Runs in: recorder (helper thread), tests, fuzzers.
 */
#ifndef MITMD_RECORDER_RECOVER_H
#define MITMD_RECORDER_RECOVER_H

#include "recorder/spool_dir.h"

struct recover;

/*
 * What may not be on disk, whatever a next fsync(2) says: it is told of a failure once.
 * Bytes: each file is copied; names: the directories are synced again.
 */
struct doubt {
	bool bytes, names;
};

/* Is it one of the caller's own, growing files? Called from the helper thread. */
typedef bool recover_live_fn(void *arg, uint64_t inode);

/*
 * The directory is opened anew; NULL never. Touched is only what is ours: a regular
 * file with one name, of our user; where the directory cannot be locked, of our
 * instance. All else is left alone; name_odd: and named in the log.
 */
struct recover *recover_new(const struct spool_dir *, const char *instance, bool name_odd,
    struct doubt, recover_live_fn *, void *arg) NONNULL(1, 2, 5) MUSTCHECK;
void recover_free(struct recover **);
/* Look at the next names, repair at most one file. false: that was all. */
bool recover_step(struct recover *) NONNULL(1);
bool recover_left(const struct recover *) NONNULL(1);	/* something it could not repair ... */
struct doubt recover_doubt(const struct recover *) NONNULL(1);	/* ... or sync */
/* Files repaired so far, and the entries in them. */
void recover_sums(const struct recover *, uint64_t *out_files, uint64_t *out_entries)
    NONNULL(1, 2, 3);

/*
 * Repair one file in place or, always if `copy`, by copy. What it was: entries kept, or -1 with
 * errno. 0 entries: removed. name ends with ".part".
 */
int64_t recover_file(int dir, const char *name, const char *instance, bool copy, int *fd)
    NONNULL(2, 3, 5);

#endif
