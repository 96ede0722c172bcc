/* SPDX-License-Identifier: ISC */
/*
 * trust.h - what the master has learnt of clients and our certificates: who
 * accepts them, and which hosts a client may reach untouched because it rejects
 * ours for them.  Outlives generations; workers only read, without a lock.
 * Runs in: master (create, write), worker (read).
 */
#ifndef MITMD_SHM_TRUST_H
#define MITMD_SHM_TRUST_H

#include <stdint.h>

#include "base/str.h"
#include "shm/segment.h"

#define TRUST_CLIENTS 1024	/* the longest unheard is forgotten */
#define TRUST_BYPASSES 512
#define TRUST_HOST_MAX 254

/* Client: SHA-256 of address, tag and ClientHello fingerprint. */
struct trust_client {
	uint8_t client[32];
	int64_t accepted_at;	/* seconds since 1970; 0: never */
	int64_t rejected_at;
};

struct trust_bypass {
	uint8_t client[32];	/* all zero: every client */
	char host[TRUST_HOST_MAX + 1];
	uint16_t port;		/* 0: every port */
	int64_t until;		/* seconds since 1970; 0: the place is free */
	char who[128];		/* "192.0.2.1, tag ben", for people */
};

struct trust;		/* the whole content; its writer's copy is the master's */

int trust_create(struct segment *, struct errmsg *) NONNULL(1, 2);
/* In the master: publish one place of either table. */
void trust_put_client(struct segment *, unsigned place, const struct trust_client *)
    NONNULL(1, 3);
void trust_put_bypass(struct segment *, unsigned place, const struct trust_bypass *)
    NONNULL(1, 3);
/* In the master: what is there. */
const struct trust_client *trust_clients(const struct segment *) NONNULL(1);
const struct trust_bypass *trust_bypasses(const struct segment *) NONNULL(1);

struct trust_reader;
struct trust_reader *trust_reader_new(int fd, struct errmsg *) NONNULL(2);
void trust_reader_free(struct trust_reader **);
/* False: never heard of (or torn three times). */
bool trust_find_client(const struct trust_reader *, const uint8_t client[32],
    struct trust_client *out) NONNULL(1, 2, 3);
/* Costs next to nothing while there is no bypass at all. */
bool trust_is_bypassed(const struct trust_reader *, const uint8_t client[32], struct str host,
    uint16_t port, int64_t now) NONNULL(1, 2);

#endif
