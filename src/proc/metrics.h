/* SPDX-License-Identifier: ISC */
/*
 * metrics.h - all counters of all processes as text for Prometheus: its own format
 * 0.0.4, or OpenMetrics 1.0.
 * Runs in: every role, tests.
 */
#ifndef MITMD_PROC_METRICS_H
#define MITMD_PROC_METRICS_H

#include "base/buf.h"

struct counters;

enum metrics_format { METRICS_TEXT, METRICS_OPEN };

/* What a client asks for with its Accept field (RFC 9110 12.5.1). */
enum metrics_format metrics_wanted(struct str accept);
const char *metrics_content_type(enum metrics_format);
/* All slots; openssl: the version's text, which becomes a label. */
void metrics_render(struct buf *out, const struct counters *all, enum metrics_format,
    struct str openssl) NONNULL(1, 2);
/* The counters of mitmd's own, without mitmd_ and whatever their labels: "requests". */
typedef void metrics_total_fn(void *arg, const char *name, uint64_t total);
void metrics_totals(const struct counters *all, metrics_total_fn *, void *arg) NONNULL(1, 2);

#endif
