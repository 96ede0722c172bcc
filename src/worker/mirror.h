/* SPDX-License-Identifier: ISC */
/*
 * mirror.h - what is asked of the signer for an origin: a bad certificate is
 * shown to the client as an equally bad one, so that it comes to the verdict it
 * would have reached alone.  A pure function of what is known.
 *
 * A defect that a leaf can carry is copied into the leaf (the client judges by
 * its own rules, so this is done for origins that verified, too); one that it
 * cannot carry decides who issues it.
 * Runs in: worker, tests.
 */
#ifndef MITMD_WORKER_MIRROR_H
#define MITMD_WORKER_MIRROR_H

#include "base/attr.h"
#include "ipc/msg.h"
#include "tls/facts.h"
#include "tls/permit.h"

struct mirror_ask {
	const struct tls_facts *origin;
	bool takes_ecdsa;	/* the client does */
	bool wants_staple;	/* it has asked for one (RFC 6066 8) */
	bool verify_off;	/* everything is good, and the asked name is added */
	bool sniff;		/* subject and names are the origin's */
	const struct permit *permit;	/* what the CA may sign for */
	int64_t now;		/* seconds since 1970 */
};

enum mirror_names {
	MIRROR_NAMES_COPY,	/* exactly the origin's, in its order */
	MIRROR_NAMES_ADD,	/* ... and the asked one */
	MIRROR_NAMES_OTHER,	/* none of them may be signed: one that nobody asks for */
	MIRROR_NAMES_ASKED	/* the asked one alone, no subject */
};

struct mirror_plan {
	enum recipe recipe;
	enum mirror_names names;
	uint8_t key;		/* SIGN_KEY_* */
	uint8_t staple;		/* SIGN_STAPLE_* */
	uint32_t copy;		/* COPY_* */
	uint32_t key_usage;	/* KU_* of x509v3.h, with COPY_KEY_USAGE */
	int64_t not_before, not_after;	/* 0: no bound */
	const char *why;	/* names an untrusted issuer; static, "" for the others */
};

void mirror_plan(const struct mirror_ask *, struct mirror_plan *out) NONNULL(1, 2);
/* A name that the signer takes; of another form it would refuse the whole ask. */
bool mirror_takes_name(const struct tls_name *) NONNULL(1);
/* The client is shown something bad, or is to judge a defect by its own rules. */
bool mirror_is_bad(const struct mirror_plan *) NONNULL(1);

#endif
