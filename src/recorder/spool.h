/* SPDX-License-Identifier: ISC */
/*
 * spool.h - entries by tag, their files, and when a file is finished.  Entries
 * wait in memory until spool_commit() writes all that wait as one transaction
 * (shm/receipts.h says how it survives a kill).
 * A file that a reader has locked (flock -s) is waited for, for up to a second;
 * then it is finished and the tag goes on in a new one, so that a reader never
 * sees a write and never holds up the others.
 * Runs in: recorder.
 */
#ifndef MITMD_RECORDER_SPOOL_H
#define MITMD_RECORDER_SPOOL_H

#include "recorder/finish.h"
#include "shm/receipts.h"

#define SPOOL_BATCH_BYTES (256u << 10)	/* of one tag: write them */
#define SPOOL_WAITING_MAX (2u << 20)	/* of all tags */
#define SPOOL_WAITING_TAGS 128
#define SPOOL_OPEN_MAX 256
#define SPOOL_LARGE (8u << 20)		/* an entry above starts a file of its own */

struct spool;

struct spool_conf {
	uint64_t rotate_size, rotate_age_us, rotate_idle_us;	/* 0: not for that reason */
	struct quota quota;
	bool block;	/* while it cannot be written nothing is lost: all waits in the rings */
};

/* It takes entries, or does not and why. */
typedef void spool_state_fn(void *arg, bool ok, const char *reason);

/* Borrows all of them; positions a predecessor owed are set right. */
struct spool *spool_new(struct finish *, struct receipts *, struct counters *,
    spool_state_fn *, void *arg) NONNULL(1, 2, 3, 4);
void spool_free(struct spool **);	/* files that grow stay as they are: valid .part */
/*
 * Use that directory (fd: as in spool_dir_open(); taken). Nothing may be
 * waiting. -1: the one before stays in use; if there is none, it is tried
 * again from spool_tick().
 */
int spool_set(struct spool *, struct str dir, int fd, struct str instance,
    const struct spool_conf *, struct errmsg *) NONNULL(1, 5, 6) MUSTCHECK;
bool spool_is_set(const struct spool *) NONNULL(1);
bool spool_takes(const struct spool *) NONNULL(1);	/* false: entries would be lost ... */
bool spool_waits(const struct spool *) NONNULL(1);	/* ... or belong left in their rings */
/* No time is left to wait: one more try, then what cannot be written is lost. */
void spool_last_try(struct spool *) NONNULL(1);
const struct spool_dir *spool_where(const struct spool *) NONNULL(1);

/*
 * Where the text of the next entry goes: put ",\n" and one line behind what is
 * there, then call spool_added(); or, to take it back, spool_refused() with the
 * length that was found.
 */
struct buf *spool_text(struct spool *, struct str tag) NONNULL(1);
void spool_added(struct spool *, struct str tag, size_t bytes) NONNULL(1);
void spool_refused(struct spool *, struct str tag, size_t length) NONNULL(1);
void spool_lost(struct spool *) NONNULL(1);	/* count one that was not taken ... */
void spool_bad(struct spool *, uint64_t entries) NONNULL(1);	/* ... that were none at all */
uint64_t spool_lost_total(const struct spool *) NONNULL(1);
uint64_t spool_lost_lately(const struct spool *) NONNULL(1);	/* since the trouble began */
bool spool_due(const struct spool *) NONNULL(1);	/* commit now */
bool spool_full(const struct spool *) NONNULL(1);	/* commit now, whoever reads */

struct spool_pos {
	unsigned slot;
	uint64_t pos;
	uint32_t aborted;	/* as in receipts_aborted() */
};
/*
 * Write all that waits; then these positions are taken. 0, or
 *
 *	ERR_AGAIN	a reader has a file locked (only when patient); nothing was written
 *	ERR_UNAVAILABLE	spool_waits() has become true: no position is taken, nothing waits
 *			in memory any more; read the rings again from their receipts
 *
 * What else cannot be written is lost and counted.
 */
int spool_commit(struct spool *, const struct spool_pos *, size_t n, uint64_t now_us,
    bool patient) NONNULL(1) MUSTCHECK;

/*
 * An entry of its own file, fed in pieces. Nothing of its tag may be waiting. 0, or
 * it is dropped:
 *
 *	ERR_AGAIN	spool_waits(): it is to be read again
 *	ERR_SYS		it is lost, and counted
 */
int spool_large_begin(struct spool *, struct str tag, struct har_file *)
    NONNULL(1, 3) MUSTCHECK;
int spool_large_feed(struct spool *, struct har_file *, struct str piece)
    NONNULL(1, 2) MUSTCHECK;
/* Publish it; then the position is taken. */
int spool_large_end(struct spool *, struct str tag, struct har_file *, struct spool_pos,
    uint64_t now_us) NONNULL(1, 3) MUSTCHECK;
void spool_large_drop(struct spool *, struct har_file *) NONNULL(1, 2);

/* Finish the files of the tag (empty: all). How many are on their way. */
unsigned spool_flush(struct spool *, struct str tag) NONNULL(1);
/* Every file that grows, least recently written first. */
typedef void spool_file_fn(void *arg, const char *tag, const struct har_file *);
void spool_each(const struct spool *, spool_file_fn *, void *arg) NONNULL(1, 2);
/* Rotation by age and idleness, retries, quota; call about four times a second. */
void spool_tick(struct spool *, uint64_t now_us) NONNULL(1);

#endif
