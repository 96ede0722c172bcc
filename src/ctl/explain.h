/* SPDX-License-Identifier: ISC */
/*
 * explain.h - everything the configuration decides for one host, with the place
 * of each decision.  Found by the very functions that a worker asks.
 * Runs in: mitmctl.
 */
#ifndef MITMD_CTL_EXPLAIN_H
#define MITMD_CTL_EXPLAIN_H

#include "conf/policy.h"
#include "http/target.h"

struct explain_ask {
	struct host_port target;	/* of CONNECT */
	struct host_port name;		/* of the ClientHello; host alone */
	struct addr address;		/* len 0: find it */
};

struct explained {
	struct addr addr;	/* that network patterns are compared with; len 0: none */
	const char *addr_from;	/* "--address", "as given", "resolved"; NULL: none */
	char addr_fault[128];	/* why there is none */
	size_t more_addrs;	/* that the name has */

	struct policy policy;	/* tunnel and its source include ca.permit */
	char *limit_file;	/* the CA's certificate, when that is what limits; owned */
	int cert;		/* into conf->certs; -1: one of the CA */
	char *client_cert;	/* a file; NULL: none; owned */
	char *client_pattern;	/* of the directory; NULL; owned */
	char client_fault[sizeof(((struct errmsg *)0)->text)];	/* why it cannot be told */
	const char *guard;	/* who cannot reach it, or NULL */
	struct policy_source guard_source;
};

/* -1 with a reason: the CA is one that mitmd could not use. */
int explain(const struct conf *, const struct explain_ask *, struct explained *out,
    struct errmsg *) NONNULL(1, 2, 3, 4) MUSTCHECK;
void explained_free(struct explained *) NONNULL(1);

#endif
