/* SPDX-License-Identifier: ISC */
/*
 * open_flows.h - what a worker is in the middle of: a row for each flow whose
 * request is known and whose entry is not in the ring yet.  Of a worker that is
 * killed the recorder makes entries of these.  They lie behind the ring, in the
 * same memory: the worker writes, the recorder reads when the worker is dead.
 *
 * No flow is recorded twice and none is forgotten, wherever the kill strikes:
 * the row is told the position that the ring will have reached with the flow's
 * entry, then the entry is published, then the row is given up.  A row whose
 * position is behind the ring's end was published; any other one was not.
 * Runs in: worker (write), recorder (read).
 */
#ifndef MITMD_SHM_OPEN_FLOWS_H
#define MITMD_SHM_OPEN_FLOWS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

#define OPEN_FLOWS 4096		/* of a worker; more are served, but leave no trace if it dies */
#define OPEN_FLOWS_HEAD 65536u	/* a whole page wherever pages are up to 64 KiB */
#define OPEN_FLOW_SIZE 1024u
#define OPEN_FLOWS_BYTES (OPEN_FLOWS_HEAD + OPEN_FLOWS * OPEN_FLOW_SIZE)

#define OPEN_TAG_MAX 64
#define OPEN_METHOD_MAX 32
#define OPEN_HOST_MAX 253
#define OPEN_PATH_MAX 544

enum {
	OPEN_SECURE = 1,	/* https */
	OPEN_CONNECT = 2,	/* a tunnel that is asked for, or open */
	OPEN_WEBSOCKET = 4,
	OPEN_CUT = 8		/* method or path had no room */
};

struct open_flow {
	uint64_t started_wall_us, started_us;	/* the second one monotonic */
	uint64_t client_id;
	struct addr client;
	uint16_t port, path_len;	/* port 0: no host is known */
	uint8_t version;		/* enum http_version */
	uint8_t flags;
	uint8_t tag_len, method_len, host_len;
	char tag[OPEN_TAG_MAX], method[OPEN_METHOD_MAX], host[OPEN_HOST_MAX];
	char path[OPEN_PATH_MAX];
};

/* ---- worker ---- */
struct open_flows;
struct open_flows *open_flows_new(int ring_fd, struct errmsg *) NONNULL(2);
void open_flows_free(struct open_flows **);
/* A row to fill in; its number, or 0: all are in use. */
unsigned open_flows_begin(struct open_flows *, struct open_flow **out) NONNULL(1, 2);
void open_flows_known(struct open_flows *, unsigned no) NONNULL(1);	/* it is filled in */
void open_flows_flag(struct open_flows *, unsigned no, uint8_t flag) NONNULL(1);
/* For ring_put(). */
_Atomic uint64_t *open_flows_position(struct open_flows *, unsigned no) NONNULL(1);
void open_flows_end(struct open_flows *, unsigned no) NONNULL(1);	/* the entry is out */

/* ---- recorder ---- */
struct open_flows_map;
const struct open_flows_map *open_flows_map(int ring_fd, struct errmsg *) NONNULL(2);
void open_flows_unmap(const struct open_flows_map **);
/* Rows from this number on were never used. */
unsigned open_flows_used(const struct open_flows_map *) NONNULL(1);
/*
 * A copy of row 0, 1, ... if it was open and its entry does not end at or before
 * `taken`. Lengths are good, the rest is as the worker left it: any bytes at all.
 */
bool open_flows_lost(const struct open_flows_map *, unsigned row, uint64_t taken,
    struct open_flow *out) NONNULL(1, 4) MUSTCHECK;

#endif
