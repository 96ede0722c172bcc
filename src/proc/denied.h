/* SPDX-License-Identifier: ISC */
/*
 * denied.h - the system calls that the filter has refused, counted.  The kernel would
 * tell of them in its own log only.  Instead it sends the thread a signal in the call's
 * place; the handler counts, and gives the caller EPERM.  That the call is not made is
 * the filter's work: whoever has taken over the process can change what is counted, not
 * what is refused.
 * Runs in: every role but the master (count), master (look).
 */
#ifndef MITMD_PROC_DENIED_H
#define MITMD_PROC_DENIED_H

#include <stdbool.h>

#include "base/attr.h"

struct counters;

/*
 * Count in `mine` from now on; where denied_watched() is true then, the filter may send
 * SIGSYS. A thread that blocks that signal is killed with its process.
 */
void denied_watch(struct counters *mine) NONNULL(1);
/* False also on machines whose registers we do not know: there EPERM comes from the filter. */
bool denied_watched(void);

/* The numbers of the latest kinds of calls that a living process was denied, newest first. */
#define DENIED_LATEST 4
unsigned denied_latest(const struct counters *, int calls[DENIED_LATEST]) NONNULL(1, 2);

#endif
