/* SPDX-License-Identifier: ISC */
/*
 * entry_ours.h - the members of an entry that HAR does not know, beside those of a
 * request or a response: who was connected to whom, how it ended, and what becomes
 * a TLS error of the log.  Each begins with its comma.
 * Runs in: worker, recorder, tests, fuzzers.
 */
#ifndef MITMD_HAR_ENTRY_OURS_H
#define MITMD_HAR_ENTRY_OURS_H

#include "har/entry.h"

void entry_put_connection(struct buf *, const struct har_flow *) NONNULL(1, 2);
/* Tunnels and WebSockets, too: what went on until then. */
void entry_put_endings(struct buf *, const struct har_flow *) NONNULL(1, 2);
/* f->tls_error is there. iso: when it started; total: in microseconds. */
void entry_put_tls_error(struct buf *, const struct har_flow *, const char *iso, int64_t total)
    NONNULL(1, 2, 3);

#endif
