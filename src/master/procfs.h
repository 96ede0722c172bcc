/* SPDX-License-Identifier: ISC */
/*
 * procfs.h - what the kernel tells of a process of ours.
 * Runs in: master.
 */
#ifndef MITMD_MASTER_PROCFS_H
#define MITMD_MASTER_PROCFS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

struct procfs {
	uint64_t cpu_ms;	/* user and system time */
	uint64_t memory;	/* resident bytes that it shares with nobody */
};

/* False: it is gone, or /proc does not show it. */
bool procfs_read(pid_t pid, struct procfs *out) NONNULL(2);

#endif
