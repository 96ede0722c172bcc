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
#define ASK_ATTRIBUTE_MAX 64	/* CN and O (RFC 5280 appendix A) */
#define ASK_BACKDATE_SECONDS (48 * 3600)
#define ASK_AHEAD_SECONDS (48 * 3600)	/* no leaf of our CA starts later */
/* What a certificate's dates can say: 1950 to 9999. */
#define ASK_DATE_MIN INT64_C(-631152000)
#define ASK_DATE_MAX INT64_C(253402300799)

struct ask_name {
	uint8_t type;	/* NAME_* */
	struct str value;
};

/* What is to be signed. Views into the request and into the struct itself. */
struct ask {
	enum recipe recipe;
	unsigned key;		/* SIGN_KEY_* */
	unsigned staple;	/* SIGN_STAPLE_* */
	uint32_t copy;		/* COPY_* */
	uint32_t key_usage;	/* with COPY_KEY_USAGE */
	struct str cn, org;	/* empty: not in the subject */
	struct str why;		/* not empty */
	int64_t not_before;	/* with COPY_DATES */
	int64_t not_after;	/* 0: no bound */
	size_t nnames;		/* 0: no subjectAltName */
	struct ask_name names[SIGN_NAMES_MAX];
	struct ask_name go_between;	/* whom the issuer that is no CA is certified for */
	uint8_t ip[16];		/* the asked name's, when it is an address */
};

/* Does our CA vouch for it, be it through one that is no CA? */
bool ask_is_ours(const struct ask *) NONNULL(1);

/* 0, or ERR_DENIED with a static reason. */
int ask_check(const struct msg_sign_ask *, const struct permit *, int64_t now,
    struct ask *out, const char **out_why) NONNULL(1, 2, 4, 5) MUSTCHECK;

#endif
