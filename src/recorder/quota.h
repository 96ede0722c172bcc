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

struct quota_job *quota_new(const struct spool_dir *, const struct quota *)
    NONNULL(1, 2) MUSTCHECK;
void quota_free(struct quota_job **);
unsigned quota_run(struct quota_job **) NONNULL(1);	/* freed; files deleted */

#endif
