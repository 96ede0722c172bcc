/* SPDX-License-Identifier: ISC */
/*
 * nofile.h - how many files may be open, in the master and what it starts.
 * Runs in: master.
 */
#ifndef MITMD_MASTER_NOFILE_H
#define MITMD_MASTER_NOFILE_H

#include "conf/conf.h"

/* At the start: as many as may be, as root also for a larger limits.connections later. */
void nofile_raise(const struct conf *) NONNULL(1);
/* For each configuration: says in the log if they are too few for its limits.connections. */
void nofile_look(const struct conf *) NONNULL(1);

#endif
