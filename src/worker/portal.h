/* SPDX-License-Identifier: ISC */
/*
 * portal.h - what the proxy itself answers: requests that are addressed to a
 * listener, or over plain http to portal.host.  None of it is recorded.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_PORTAL_H
#define MITMD_WORKER_PORTAL_H

#include <stdbool.h>

#include "base/attr.h"

struct addr;
struct flow;
struct worker;

/*
 * A request of the proxy hop whose head is there: answers it when it is for a page
 * of ours. false: it is for somebody else.
 */
bool portal_answer(struct worker *, struct flow *, const struct addr *client)
    NONNULL(1, 2, 3) MUSTCHECK;

#endif
