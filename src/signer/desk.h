/* SPDX-License-Identifier: ISC */
/*
 * desk.h - answers requests for leafs: check, look into the cache, mint, keep.
 * No sockets here: bytes in, answer out.
 * Runs in: signer, fuzzers.
 */
#ifndef MITMD_SIGNER_DESK_H
#define MITMD_SIGNER_DESK_H

#include "base/rate.h"
#include "shm/segment.h"
#include "signer/ca.h"

/*
 * Requests of one worker: at once, and a second from then on.  Twice as fast as that
 * it hardly gets through both handshakes that come before each.
 */
#define DESK_BURST 1000
#define DESK_RATE 500

struct counters;
struct desk;

struct desk_conf {
	const struct ca *ca;		/* borrowed, as the others */
	const struct permit *permit;
	struct segment *cert_cache, *keyring;
	struct counters *counters;	/* our slot */
	int64_t lifetime;		/* seconds */
	uint8_t issuer_id[32];		/* cert_issuer_id() of all that */
};

struct desk *desk_new(const struct desk_conf *) NONNULL(1);
void desk_free(struct desk **);

/* What is remembered of each worker. Zeroed is new. */
struct desk_client {
	struct rate asks;
};

/*
 * The answer is packed into out (appended). ERR_SYNTAX: the request is
 * malformed, there is no answer. mono_us paces, now (seconds) dates.
 */
int desk_serve(struct desk *, struct desk_client *, unsigned worker, struct str body,
    uint64_t mono_us, int64_t now, struct buf *out) NONNULL(1, 2, 7) MUSTCHECK;

#endif
