/* SPDX-License-Identifier: ISC */
/*
 * ask.h - a worker's request for a leaf, checked byte by byte: the worker may
 * be broken, and what passes here is signed.
 * Runs in: signer, fuzzers.
 */
#ifndef MITMD_SIGNER_ASK_H
#define MITMD_SIGNER_ASK_H

#include "base/err.h"
#include "ipc/msg.h"
#include "tls/permit.h"

#define ASK_MAX 8192		/* bytes of the whole request */
#define ASK_NAMES_MAX 1024
#define ASK_ATTRIBUTE_MAX 64	/* CN and O (RFC 5280 appendix A) */
#define ASK_BACKDATE_SECONDS (48 * 3600)

struct ask_name {
	uint8_t type;	/* NAME_* */
	struct str value;
};

/* What is to be signed. Views into the request and into the struct itself. */
struct ask {
	struct str cn, org;	/* empty: not in the subject */
	bool rsa;
	int64_t not_after;	/* 0: no bound */
	size_t nnames;
	struct ask_name names[ASK_NAMES_MAX];
	uint8_t ip[16];		/* the asked name's, when it is an address */
};

/* 0, or ERR_DENIED with a static reason. */
int ask_check(const struct msg_sign_ask *, const struct permit *, int64_t now,
    struct ask *out, const char **out_why) NONNULL(1, 2, 4, 5) MUSTCHECK;

#endif
