/* SPDX-License-Identifier: ISC */
/*
 * finish.h - the one thread beside the loop.  Whatever waits for the disk is
 * done here: files are synced and get their final names, files of a dead
 * recorder are repaired, old ones are deleted.
 * Runs in: recorder (loop: all functions).
 */
#ifndef MITMD_RECORDER_FINISH_H
#define MITMD_RECORDER_FINISH_H

#include <ev.h>

#include "proc/counters.h"
#include "recorder/har_file.h"

#define FINISH_QUEUE 512

struct finish;

/* What may lie in the spool; zero: no limit. */
struct quota {
	uint64_t keep_size, keep_age_us, min_free;
};

/* Called from the loop after something was done. */
typedef void finish_done_fn(void *arg);

/* Borrows the loop and the counters: files_* and spool_files, spool_bytes are the thread's. */
struct finish *finish_new(struct ev_loop *, struct counters *, finish_done_fn *, void *arg)
    NONNULL(1, 2, 3);
void finish_free(struct finish **);	/* what is queued is done first; waits */
/*
 * The file is finished: taken. ERR_LIMIT: the queue is full (a hung disk), it is
 * still the caller's.
 */
int finish_file(struct finish *, struct har_file *) NONNULL(1, 2) MUSTCHECK;
/*
 * Look through that spool for what dead recorders left. name_odd: see recover.h. false:
 * that is done already, and may be past what it is asked for now: ask again.
 */
bool finish_recover(struct finish *, const struct spool_dir *, const char *instance,
    bool name_odd) NONNULL(1, 2, 3) MUSTCHECK;
/* Has anything been left unfinished or unrepaired since this was last asked? */
bool finish_left(struct finish *) NONNULL(1) MUSTCHECK;
/* now_us: the date by which a file is old. */
void finish_quota(struct finish *, const struct spool_dir *, const struct quota *,
    uint64_t now_us) NONNULL(1, 2, 3);
/* Jobs are done in order: wait until done has reached what asked is now. */
uint64_t finish_asked(const struct finish *) NONNULL(1);
uint64_t finish_done(struct finish *) NONNULL(1);
bool finish_recovering(struct finish *) NONNULL(1);

/*
 * Recovery must not touch files that are alive. A live file is made between
 * begin and end, which names its inode (0: none was made).
 */
void finish_live_begin(struct finish *) NONNULL(1);
void finish_live_end(struct finish *, uint64_t inode) NONNULL(1);
void finish_live_drop(struct finish *, uint64_t inode) NONNULL(1);	/* given up */

#endif
