/* SPDX-License-Identifier: ISC */
/*
 * quota.h - finished files are deleted, oldest first, while there is too much
 * of them or too little space left.
 * Runs in: recorder (helper thread).
 */
#ifndef MITMD_RECORDER_QUOTA_H
#define MITMD_RECORDER_QUOTA_H

#include "recorder/finish.h"

struct quota_job;

/* now_us: as finish_quota() has it. */
struct quota_job *quota_new(const struct spool_dir *, const struct quota *, uint64_t now_us)
    NONNULL(1, 2) MUSTCHECK;
void quota_free(struct quota_job **);
/* Some of the work. False: that was all. */
bool quota_step(struct quota_job *) NONNULL(1) MUSTCHECK;

/* What is left, growing files not counted, and what went. */
struct quota_sums {
	uint64_t files, bytes, deleted;
};
void quota_sums(const struct quota_job *, struct quota_sums *) NONNULL(1, 2);

#endif
