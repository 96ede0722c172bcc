/* SPDX-License-Identifier: ISC */
/*
 * trust_told.h - does this client take our certificates?  Tells the master what
 * its clients did (seldom: a few lines of news per client and host a minute),
 * which logs it, and the recording what a rejection means.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_TRUST_TOLD_H
#define MITMD_WORKER_TRUST_TOLD_H

#include "base/addr.h"
#include "base/err.h"
#include "tls/hello.h"

struct trust_told;
struct worker;

/*
 * One client program: address, tag and the shape of its ClientHello (versions,
 * suites, groups, signature algorithms, extension types; GREASE left out and
 * extensions sorted, since browsers shuffle them).
 */
struct trust_id {
	uint8_t hash[32];
	uint8_t at_address[32];	/* every client of that address */
	uint8_t with_tag[32];	/* every one with that tag */
};
void trust_id_make(const struct addr *client, const char *tag, const struct tls_hello *,
    struct trust_id *out) NONNULL(1, 2, 3, 4);

struct trust_told *trust_told_new(struct worker *, struct errmsg *) NONNULL(1, 2);
void trust_told_free(struct trust_told **);

bool trust_told_bypassed(struct trust_told *, const struct trust_id *, struct str host,
    uint16_t port) NONNULL(1, 2);

struct trust_event {
	const struct trust_id *id;
	const struct addr *client;
	const char *tag;
	struct str host;
	uint16_t port;
};
/* A request came in through TLS with our certificate. */
void trust_told_accepted(struct trust_told *, const struct trust_event *) NONNULL(1, 2);
/*
 * A fatal alert 42-49, or (alert 0) the end after our certificate.  What it
 * means for people, good until the next call: "CA not installed on this client
 * (alert unknown_ca)", "this host is pinned ...".  Not for mirrored defects: those
 * are the origin's.
 */
const char *trust_told_rejected(struct trust_told *, const struct trust_event *,
    unsigned alert) NONNULL(1, 2);
/*
 * The handshake was finished and nothing came: every preconnect does that, but so
 * does a client that looks at the certificate afterwards (git, wget).  Worth a hint
 * of one that never sent anything.
 */
void trust_told_unused(struct trust_told *, const struct trust_event *) NONNULL(1, 2);

#endif
