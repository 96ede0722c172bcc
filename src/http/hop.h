/* SPDX-License-Identifier: ISC */
/*
 * hop.h - which fields belong to one connection only and must not be
 * forwarded (RFC 9110 7.6.1): a fixed set, and those that Connection names.
 * Connection may not name a field that is meant for everybody; else a client
 * could have the proxy strip Host or Authorization.
 * Runs in: worker, tests.
 */
#ifndef MITMD_HTTP_HOP_H
#define MITMD_HTTP_HOP_H

#include "http/fields.h"

/* Options one message may name; the reader refuses more. */
#define HOP_MAX 32

struct hop {
	unsigned n;
	struct str name[HOP_MAX];	/* views into the fields */
};

/* False when there are more than HOP_MAX options. */
bool hop_init(struct hop *, const struct fields *) NONNULL(1, 2);
/*
 * Not to be forwarded as it is.  That includes TE and Upgrade, which a writer
 * may write anew, and not Content-Length, which HTTP/2 forwards.
 */
bool hop_drops(const struct hop *, const struct fields *, const struct field *)
    NONNULL(1, 2, 3);

/* Of trailers: may be forwarded, and neither frames, routes nor authorises. */
bool hop_may_trail(const struct hop *, const struct fields *, const struct field *)
    NONNULL(1, 2, 3);

#endif
