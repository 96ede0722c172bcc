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

/* Is it one of the caller's own, growing files? Called from the helper thread. */
typedef bool recover_live_fn(void *arg, uint64_t inode);

/* The directory is opened anew; NULL never. */
struct recover *recover_new(const struct spool_dir *, const char *instance, recover_live_fn *,
    void *arg) NONNULL(1, 2, 3) MUSTCHECK;
void recover_free(struct recover **);
/* Look at the next name, repair at most one file. false: that was all. */
bool recover_step(struct recover *) NONNULL(1);
bool recover_left(const struct recover *) NONNULL(1);	/* something it could not repair */

/*
 * Repair one file in place or by copy. What it was: entries kept, or -1 with
 * errno. 0 entries: removed. name ends with ".part".
 */
int64_t recover_file(int dir, const char *name, const char *instance, int *fd)
    NONNULL(2, 3, 4);

#endif
