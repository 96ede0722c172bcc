/* SPDX-License-Identifier: ISC */
/*
 * unrecorded.h - with spool.when_full: block nothing is let through that could
 * not be recorded.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_UNRECORDED_H
#define MITMD_WORKER_UNRECORDED_H

#include <stdbool.h>

#include "base/attr.h"

struct flow;

/*
 * A request whose head is there, with its facts, before anything is sent for it.
 * true: it was refused, and leaves no entry either: 503 where the hop is ours,
 * else its connection or stream ends.
 */
bool unrecorded_refuse(struct flow *) NONNULL(1) MUSTCHECK;

#endif
