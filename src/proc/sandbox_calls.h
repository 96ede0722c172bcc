/* SPDX-License-Identifier: ISC */
/*
 * sandbox_calls.h - the system calls a process has left.  A call that is in no
 * row of its role fails with EPERM, and the kernel's log tells which it was; one
 * that only an attacker makes ends the process.
 * Runs in: every process.
 */
#ifndef MITMD_PROC_SANDBOX_CALLS_H
#define MITMD_PROC_SANDBOX_CALLS_H

#include <stdbool.h>

#include "ipc/msg.h"

/* For good, for every thread. False: this kernel has no filters. */
bool sandbox_calls(enum role) MUSTCHECK;

#endif
