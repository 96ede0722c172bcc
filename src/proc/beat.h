/* SPDX-License-Identifier: ISC */
/*
 * beat.h - a sign of life once a second, in the process's own counters: a loop
 * that turns raises `beat`, one that stands still does not.  Beside it, how late
 * the loop was for it, and what the process uses: the others may not see its /proc.
 * Runs in: master, every role.
 */
#ifndef MITMD_PROC_BEAT_H
#define MITMD_PROC_BEAT_H

#include <ev.h>

#include "base/attr.h"

struct beat;
struct counters;

/*
 * Opens what it reads later (/proc/self): before a sandbox closes. From then on
 * it needs clock_gettime, pread64 and newfstatat of a descriptor. What it uses is
 * told now, too.
 */
struct beat *beat_new(struct ev_loop *, struct counters *mine) NONNULL(1, 2);
/* The first one at once. It does not keep the loop alive. */
void beat_start(struct beat *) NONNULL(1);
void beat_free(struct beat **) NONNULL(1);

#endif
