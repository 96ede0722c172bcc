/* SPDX-License-Identifier: ISC */
/*
 * har_file.h - one growing HAR file: header, entries, tail.  Whenever no
 * function of this module is inside a write, the file is complete, valid JSON.
 * Runs in: recorder.
 */
#ifndef MITMD_RECORDER_HAR_FILE_H
#define MITMD_RECORDER_HAR_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "recorder/spool_dir.h"
#include "recorder/tls_errors.h"

struct har_file {
	int fd, dir;			/* the tag's directory */
	char name[SPOOL_NAME];		/* without ".part" */
	char hidden[SPOOL_NAME];	/* of one that is not published yet */
	uint64_t inode;
	uint64_t end;			/* where the tail stands */
	uint64_t reserved;		/* disk space is promised up to here */
	uint64_t entries;
	uint64_t first_us, last_us;	/* monotonic; of entries */
	bool no_reserve;		/* the file system has no fallocate(2) */
	bool torn;			/* the tail could not be put back */
	struct tls_errors errors;	/* among its entries */
};

/*
 * A new file, empty but valid, in the directory (taken, also on failure): as
 * NAME.part and locked, or unnamed (to be published). 0, or -1 with errno; EEXIST: another
 * name, please. The caller has set f->name.
 */
int har_file_create(struct har_file *f, const struct spool_dir *, int dir,
    const char *instance, bool unnamed) NONNULL(1, 2, 4) MUSTCHECK;
void har_file_close(struct har_file *) NONNULL(1);
/* A reader has it locked: false. The lock is held until har_file_unlock(). */
bool har_file_lock(struct har_file *) NONNULL(1) MUSTCHECK;
void har_file_unlock(struct har_file *) NONNULL(1);
/*
 * Entries, each with ",\n" in front. 0, or -1 with errno and the file as it
 * was before.
 */
int har_file_append(struct har_file *, struct str entries, uint64_t count, uint64_t now_us)
    NONNULL(1) MUSTCHECK;
/* Of an unpublished file: one entry in pieces, then its end. 0 or -1 with errno. */
int har_file_feed(struct har_file *, struct str piece) NONNULL(1) MUSTCHECK;
int har_file_feed_end(struct har_file *, uint64_t now_us) NONNULL(1) MUSTCHECK;
/*
 * There is no more to come: the tail tells the TLS failures.  Where a reader
 * stays or the disk is full it goes without.  Waits.  0, or -1 with errno: torn.
 */
int har_file_end(struct har_file *) NONNULL(1) MUSTCHECK;
/* Its name, with ".part". 0 or -1 with errno. */
int har_file_publish(struct har_file *) NONNULL(1) MUSTCHECK;

/* Readers are out: true. Waits for them up to a second. */
bool har_lock_patiently(int fd);
/* Another tail over the one that stands at `offset`, which stays if it does not fit. */
int har_file_retail(int fd, uint64_t offset, struct str tail) MUSTCHECK;
/* Put it back to where the tail stood at `offset`. 0 or -1 with errno. */
int har_file_cut(int fd, uint64_t offset) MUSTCHECK;

#endif
