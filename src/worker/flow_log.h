/* SPDX-License-Identifier: ISC */
/*
 * flow_log.h - one line per finished flow, as log.flows asks: off, errors, all.
 * With errors, lines that come too fast are only counted (base/log.h).
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_FLOW_LOG_H
#define MITMD_WORKER_FLOW_LOG_H

#include "base/str.h"

struct flow;

/* url as it is recorded. */
void flow_log(const struct flow *, struct str url) NONNULL(1);

#endif
