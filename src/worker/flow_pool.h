/* SPDX-License-Identifier: ISC */
/*
 * flow_pool.h - flows are used again, with the memory their messages grew, so
 * that a request on a warm connection allocates nothing.
 * Runs in: worker, tests.
 */
#ifndef MITMD_WORKER_FLOW_POOL_H
#define MITMD_WORKER_FLOW_POOL_H

#include "worker/flow.h"

struct flow_pool;

struct flow_pool *flow_pool_new(void);
void flow_pool_free(struct flow_pool **);
struct flow *flow_pool_take(struct worker *);
/* It rests, as it is, until flow_pool_turn(). */
void flow_pool_give(struct flow *);
/* The loop turn ends. true: some flow still has a body to recode; come again. */
bool flow_pool_turn(struct flow_pool *);

#endif
