/* SPDX-License-Identifier: ISC */
/*
 * stats.h - what was counted: requests, errors by kind, and latencies in a
 * histogram of fixed size (each bucket is less than 1 % wide).
 */
#ifndef MITMD_BENCH_STATS_H
#define MITMD_BENCH_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

enum stat_err {
	STAT_CONNECT,	/* the peer cannot be connected to */
	STAT_REFUSED,	/* the proxy answered the CONNECT with something else than 200 */
	STAT_TLS,	/* handshake, or an alert later */
	STAT_CLOSED,	/* the end came before the whole answer */
	STAT_STALE,	/* the same, on a connection that had answered before, without a byte */
	STAT_PROTOCOL,	/* not HTTP, or more than was asked for */
	STAT_STATUS,
	STAT_BODY,	/* other bytes than expected */
	STAT_TIMEOUT,
	STAT_IDLE,	/* an idle connection was closed */
	STAT_NERR,
};

#define STATS_SUB 128	/* buckets per power of two */
#define STATS_NBUCKET ((32 - 7 + 1) * STATS_SUB)

struct stats {
	uint64_t requests, bytes;	/* since the clock started */
	uint64_t connections, resumed;	/* the same */
	uint64_t errors[STAT_NERR];	/* from the very beginning */
	uint64_t latency[STATS_NBUCKET];
	uint32_t latency_max;
	uint64_t start_us, end_us;
	uint64_t start_cpu_us, end_cpu_us;	/* our own processor time */
};

/* The clock starts: all but the errors begins anew. */
void stats_start(struct stats *) NONNULL(1);
void stats_stop(struct stats *) NONNULL(1);
void stats_latency(struct stats *, uint64_t us) NONNULL(1);
const char *stats_err_name(enum stat_err);
uint64_t stats_errors(const struct stats *) NONNULL(1);
void stats_print(const struct stats *, bool json) NONNULL(1);

#endif
