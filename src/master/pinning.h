/* SPDX-License-Identifier: ISC */
/*
 * pinning.h - what workers tell of clients and our certificates, put together:
 * who accepts them, who does not and why, and (with bypass.pinned) which hosts a
 * client reaches untouched because it is pinned to their real certificate.
 * Nothing a worker says is believed beyond what it could do itself.
 * Runs in: master.
 */
#ifndef MITMD_MASTER_PINNING_H
#define MITMD_MASTER_PINNING_H

#include "http/target.h"
#include "shm/trust.h"

struct conf;
struct pinning;

/* Writes into a segment of trust_create(), which is borrowed. */
struct pinning *pinning_new(struct segment *) NONNULL(1) MUSTCHECK;
void pinning_free(struct pinning **);
/*
 * This configuration serves from now on. With bypass.pinned off, what was learnt
 * is forgotten; what was made by hand stays.
 */
void pinning_follow(struct pinning *, const struct conf *, int64_t now) NONNULL(1, 2);

/* The body of MSG_TRUST. -1: no such message; one that lies is left aside. */
int pinning_told(struct pinning *, struct str body, int64_t now) NONNULL(1) MUSTCHECK;

/*
 * By hand, for clients of an address or with a tag; address NULL and tag empty: all of
 * them; port 0: any. Replaces an equal one.
 */
int pinning_add(struct pinning *, const struct host_port *, const struct addr *address,
    struct str tag, int64_t until, int64_t now, struct errmsg *) NONNULL(1, 2, 7) MUSTCHECK;
/* All that are for this host (NULL: any) and port (0: any). How many there were. */
unsigned pinning_remove(struct pinning *, const struct host_port *, int64_t now) NONNULL(1);
/* Of TRUST_BYPASSES places, those with until above now count. */
const struct trust_bypass *pinning_bypasses(const struct pinning *) NONNULL(1);

#endif
