/* SPDX-License-Identifier: ISC */
/*
 * room.h - how much memory a process should be content with: a share of what the
 * machine, the control group and the process's own limits leave.
 * Runs in: worker.
 */
#ifndef MITMD_PROC_ROOM_H
#define MITMD_PROC_ROOM_H

#include <stddef.h>

#include "base/attr.h"

/*
 * A quarter of the machine's or the control group's memory is for all n of them, and
 * half of what RLIMIT_DATA allows one; never less than 64 MiB.
 */
size_t room_for_one_of(size_t n) MUSTCHECK;
/* The same from /proc/self/cgroup's text, with the groups below root, for tests. */
size_t room_of_groups(const char *root, const char *cgroup) NONNULL(1, 2) MUSTCHECK;

#endif
