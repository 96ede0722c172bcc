/* SPDX-License-Identifier: ISC */
/* recorder.h - the one process that opens files in the spool.  Runs in: recorder. */
#ifndef MITMD_RECORDER_RECORDER_H
#define MITMD_RECORDER_RECORDER_H

#include "proc/proc.h"

int recorder_main(struct proc *);
/* In a process of its own: could it use this spool? */
int recorder_try_out(const struct conf *, struct errmsg *);

#endif
