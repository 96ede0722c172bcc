/* SPDX-License-Identifier: ISC */
/*
 * tally.h - what happened in a worker, as the numbers of proc/counters.def: which
 * label each event has is decided here.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_TALLY_H
#define MITMD_WORKER_TALLY_H

#include <openssl/ssl.h>

#include "base/attr.h"
#include "proc/counters.h"

struct dialled;
struct flow;
struct worker;

/* It is over and is being recorded. */
void tally_flow(const struct flow *) NONNULL(1);
/* A dial is over; what: OPENED_OK, or why not. */
void tally_dial(struct worker *, const struct dialled *, enum counter_opened what)
    NONNULL(1, 2);
/* ssl: NULL of one that failed. us: how long it took. */
void tally_handshake(struct worker *, enum counter_side, SSL *ssl, uint64_t us) NONNULL(1);
/* A client refused what it was shown; alert 0: it just went. */
void tally_reject(struct worker *, unsigned alert, enum counter_cause) NONNULL(1);

#endif
