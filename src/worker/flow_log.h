/* SPDX-License-Identifier: ISC */
/*
 * flow_log.h - one line per finished flow, as log.flows asks: off, errors, all.
 * Lines about errors are limited in rate; how many were left out is told.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_FLOW_LOG_H
#define MITMD_WORKER_FLOW_LOG_H

#include "base/str.h"

struct flow;

/* url as it is recorded. */
void flow_log(const struct flow *, struct str url) NONNULL(1);

#endif
