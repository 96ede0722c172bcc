/* SPDX-License-Identifier: ISC */
/*
 * clients.h - how many connections each client has in each worker: a part of the
 * worker's slot of counters, so that limits hold over all workers although none can
 * write another's numbers.
 * Runs in: worker.
 */
#ifndef MITMD_PROC_CLIENTS_H
#define MITMD_PROC_CLIENTS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/addr.h"

#define CLIENT_PLACES 4096	/* a power of two */

struct counters;

/* One writer; readers may see a place while it changes hands, and count nothing. */
struct client_table {
	struct {
		_Atomic uint64_t key;		/* clients_key(); 0: never used */
		_Atomic uint32_t connections;	/* 0: the place is free */
	} v[CLIENT_PLACES];
};

/*
 * What stands for an address. Hashed with a secret of the master's, so that nobody
 * can choose addresses that meet in one place.
 */
uint64_t clients_key(const struct counters *all, const struct addr *) NONNULL(1, 2);
/* In one's own table. Where there is no room it is left out: others do not see it. */
void clients_set(struct client_table *, uint64_t key, uint32_t connections) NONNULL(1);
/* Of all workers but that of this slot. */
uint64_t clients_elsewhere(const struct counters *all, unsigned slot, uint64_t key) NONNULL(1);

#endif
