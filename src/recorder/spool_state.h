/* SPDX-License-Identifier: ISC */
/*
 * spool_state.h - what the files of the spool share among themselves: spool.c
 * (the directory: configuration, trouble, retries, quota), spool_files.c (the
 * growing file of each tag), spool_commit.c (entries that wait, and the
 * transaction that writes them) and spool_large.c (an entry of its own file).
 * Runs in: recorder.
 */
#ifndef MITMD_RECORDER_SPOOL_STATE_H
#define MITMD_RECORDER_SPOOL_STATE_H

#include "recorder/spool.h"
#include "recorder/tags.h"

/*
 * A predecessor of this second may have had the same numbers: each step is twice as
 * large as the one before, so that few are enough however many there are.
 */
#define SPOOL_NAME_TRIES 16

struct spool {
	struct finish *finish;
	struct receipts *receipts;
	struct counters *counters;
	spool_state_fn *on_state;
	void *arg;
	struct spool_dir dir;		/* fd -1: none was usable yet */
	char *wanted;			/* the directory asked for */
	char instance[SPOOL_INSTANCE_MAX + 1];
	struct spool_conf conf;
	struct tags tags;
	unsigned number;		/* of the last file's name */
	bool due;
	bool bad;			/* entries are lost until it can be written again */
	bool torn;			/* a file was given up for recovery */
	uint64_t need;			/* room without which it would be bad again */
	bool mending;			/* a repair was asked for, and not heard of since */
	bool odd_named;			/* what is not ours in this directory */
	bool last;			/* spool_last_try(): nothing can wait any more */
	uint64_t retry_us, quota_us, free_us, logged_us;
	uint64_t began_wall_us, began_boot_us;	/* the same moment */
	uint64_t mend_us, mend_wait_us;	/* when files are repaired again */
	uint64_t finished_bytes;	/* since the quota was looked at */
	uint64_t unsaid;		/* lost for reasons of single tags, since logged_us */
	uint64_t lost, lost_before;	/* ever; when the trouble began */
};

/* ---- spool.c ---- */
/* Count, also by the reason: one of har_dropped. */
void spool_count_lost(struct spool *, _Atomic uint64_t *reason, uint64_t entries)
    NONNULL(1, 2);
void spool_count_recorded(struct spool *, uint64_t entries, uint64_t bytes) NONNULL(1);
/*
 * errno says why these entries of that tag could not be written. They are lost,
 * unless spool_waits() now.
 */
void spool_trouble(struct spool *, const char *tag, uint64_t entries) NONNULL(1, 2);
/* The same for an entry of its own file, which is closed: ERR_AGAIN or ERR_SYS. */
int spool_trouble_large(struct spool *, const char *tag, int err) NONNULL(1, 2);

/* ---- spool_files.c ---- */
/* A new file that grows; 0 or -1 with errno. */
int spool_files_create(struct spool *, const char *tag, struct har_file *, bool unnamed)
    NONNULL(1, 2, 3) MUSTCHECK;
/* Descriptors for one more; false: EBUSY. */
bool spool_files_make_room(struct spool *) NONNULL(1) MUSTCHECK;
/* The tag has a file that grows: 0, or -1 with errno. */
int spool_files_need(struct spool *, struct tag *) NONNULL(1, 2) MUSTCHECK;
/* Left as it is for recovery, which is due as soon as the spool works again. */
void spool_files_give_up(struct spool *, struct tag *) NONNULL(1, 2);
/* The same, but it stays alive: what the intent says of it is to be undone first. */
void spool_files_let_go(struct spool *, struct tag *) NONNULL(1, 2);
/* To the helper thread. false: a hung disk; the file goes on growing. */
bool spool_files_finish(struct spool *, struct tag *) NONNULL(1, 2);
bool spool_files_is_full(const struct spool *, const struct har_file *) NONNULL(1, 2);
void spool_files_rotate(struct spool *, uint64_t now_us) NONNULL(1);
/* All of them, also those for which entries wait. */
void spool_files_leave(struct spool *) NONNULL(1);

/* ---- spool_commit.c ---- */
/* A line of the intent: that file, as it is now. */
void spool_commit_file(struct spool *, const struct tag *, const struct har_file *, bool whole)
    NONNULL(1, 2, 3);
void spool_commit_positions(struct spool *, const struct spool_pos *, size_t n) NONNULL(1);

#endif
