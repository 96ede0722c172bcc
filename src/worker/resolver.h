/* SPDX-License-Identifier: ISC */
/*
 * resolver.h - names to addresses without blocking: /etc/hosts by our own
 * reading (looked at again when it changes), then DNS by c-ares, which follows
 * resolv.conf.  Literals never get here.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_RESOLVER_H
#define MITMD_WORKER_RESOLVER_H

#include <ev.h>

#include "base/addr.h"
#include "base/err.h"

#define RESOLVER_ADDRS_MAX 16

struct resolver;
struct lookup;

/* error NULL: addrs (n >= 1) with port 0, in order of preference. Copied by the callee. */
typedef void lookup_done_fn(void *arg, const char *error, const struct addr *addrs, size_t n);

struct resolver *resolver_new(struct ev_loop *, struct errmsg *);
void resolver_free(struct resolver **);
/* done comes exactly once, from the loop or from inside this call, unless cancelled. */
void resolver_lookup(struct resolver *, const char *host, lookup_done_fn *, void *arg,
    struct lookup **out);
void lookup_cancel(struct lookup **);

#endif
