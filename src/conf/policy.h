/* SPDX-License-Identifier: ISC */
/*
 * policy.h - what the configuration decides for one host, and which line of the
 * file does: the one place for the worker, which acts on it, and for
 * mitmctl explain, which tells it.
 * Runs in: worker, mitmctl, tests.
 */
#ifndef MITMD_CONF_POLICY_H
#define MITMD_CONF_POLICY_H

#include "conf/conf.h"

struct policy_ask {
	struct str connect_host;	/* of CONNECT, lower case */
	struct str name;		/* SNI; without one the same */
	uint16_t port;
	const struct addr *addr;	/* really connected to; NULL: nothing is yet */
};

/* Where a decision stands: "origin.verify_hosts", line 0 when it is the default. */
struct policy_source {
	const char *option;
	unsigned line;
	struct str pattern;		/* that matched; empty: none was involved */
};

struct policy {
	/* NULL: intercepted; else why it is passed on untouched ("ignore_hosts"). */
	const char *tunnel;
	struct policy_source tunnel_source;	/* also of "allow_hosts" when it lets in */
	enum conf_verify verify;
	struct policy_source verify_source;
	bool strict;
	struct policy_source strict_source;
};

/* ignore_hosts and allow_hosts match either name; verify and strict that of the SNI. */
void policy_decide(const struct conf *, const struct policy_ask *, struct policy *out)
    NONNULL(1, 2, 3);

/*
 * Index into conf->certs of the certificate shown for a host, by SNI and then by
 * the CONNECT host: exact before wildcard, longest wildcard first, "*" last. -1:
 * one of the CA.
 */
int policy_cert(const struct conf *, const struct policy_ask *) NONNULL(1, 2);
const char *policy_verify_name(enum conf_verify);	/* "mirror", "reject", "off" */

#endif
