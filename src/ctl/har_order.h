/* SPDX-License-Identifier: ISC */
/*
 * har_order.h - the entries of many files by the time they started, each once.  Only
 * where they stand is kept: in memory up to ORDER_RUN of them, the rest in sorted
 * runs in an unnamed file.
 * Runs in: mitmctl, tests.
 */
#ifndef MITMD_CTL_HAR_ORDER_H
#define MITMD_CTL_HAR_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define ORDER_RUN 400000u	/* 20 MB */

struct order_item {
	int64_t start_us;
	uint8_t digest[16];	/* of what the entry says: two that are equal are one */
	uint32_t file;
	uint32_t flags;		/* the caller's */
	uint64_t at, size, number;
};

struct order;

/* run: items of a run, 0 for ORDER_RUN. */
struct order *order_new(uint32_t run) MUSTCHECK;
void order_free(struct order **);
/* 0, or -1 and why. */
int order_add(struct order *, const struct order_item *, struct errmsg *) NONNULL(1, 2, 3)
    MUSTCHECK;
int order_sort(struct order *, struct errmsg *) NONNULL(1, 2) MUSTCHECK;
/*
 * After that: the next one, 1; at the end 0; -1 and why. Those that started at the same
 * time come as they were added.
 */
int order_next(struct order *, struct order_item *, struct errmsg *) NONNULL(1, 2, 3) MUSTCHECK;
/* So far, since they were there already. */
uint64_t order_dropped(const struct order *) NONNULL(1);

#endif
