/* SPDX-License-Identifier: ISC */
/*
 * resolver.h - names to addresses without blocking, and without a file: the text
 * of /etc/hosts and resolv.conf comes from the master.  First the former, then
 * DNS by c-ares.  Literals never get here.
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

/* The texts are copied. Before the sandbox. */
struct resolver *resolver_new(struct ev_loop *, struct str hosts, struct str resolv_conf,
    struct errmsg *) NONNULL(1, 4) MUSTCHECK;
/* They have changed: for look-ups from now on. */
void resolver_hosts(struct resolver *, struct str text) NONNULL(1);
void resolver_servers(struct resolver *, struct str text) NONNULL(1);
void resolver_free(struct resolver **);
/* done comes exactly once, from the loop or from inside this call, unless cancelled. */
void resolver_lookup(struct resolver *, const char *host, lookup_done_fn *, void *arg,
    struct lookup **out);
void lookup_cancel(struct lookup **);

#endif
