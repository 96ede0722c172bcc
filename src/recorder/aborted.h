/* SPDX-License-Identifier: ISC */
/*
 * aborted.h - the entry of a flow whose worker died: what was known of it, and
 * that it came to nothing.
 * Runs in: recorder.
 */
#ifndef MITMD_RECORDER_ABORTED_H
#define MITMD_RECORDER_ABORTED_H

#include "base/buf.h"
#include "shm/open_flows.h"

#define ABORTED_ERROR "aborted by crash"

/* Appends one line of JSON; false: the worker left nonsense there. */
bool aborted_entry(const struct open_flow *, uint64_t now_wall_us, uint64_t now_us,
    struct buf *out) NONNULL(1, 4) MUSTCHECK;

#endif
