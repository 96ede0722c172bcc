/* SPDX-License-Identifier: ISC */
/*
 * sandbox_calls.h - the system calls a process has left.  A call that is in no
 * row of its role fails with EPERM, and is counted (proc/denied.h); one that only an
 * attacker makes ends the process.
 * Runs in: every process.
 */
#ifndef MITMD_PROC_SANDBOX_CALLS_H
#define MITMD_PROC_SANDBOX_CALLS_H

#include <stdbool.h>

#include "ipc/msg.h"

/* For good, for every thread. False: this kernel has no filters. */
bool sandbox_calls(enum role) MUSTCHECK;

/* As in the manuals: "openat"; of a number that is none, that. */
#define SANDBOX_CALL_NAME 32
void sandbox_call_name(int call, char out[SANDBOX_CALL_NAME]) NONNULL(2);

#endif
