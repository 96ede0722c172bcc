/* SPDX-License-Identifier: ISC */
/*
 * bundle.h - what the signer hands out and the certificate cache keeps: a leaf
 * and what goes to the client with it.
 * Runs in: signer (pack), worker (unpack), tests.
 */
#ifndef MITMD_IPC_BUNDLE_H
#define MITMD_IPC_BUNDLE_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"

#define BUNDLE_ISSUERS_MAX 2

/* DERs; after bundle_unpack() views into the packed bytes. */
struct bundle {
	struct str leaf;
	struct str issuers[BUNDLE_ISSUERS_MAX];	/* sent behind the leaf, in this order */
	size_t nissuers;
	bool with_ca;		/* then the CA's certificate and its chain */
	struct str staple;	/* an OCSP response for the leaf; empty: none */
};

/* Appends. */
void bundle_pack(struct buf *out, const struct bundle *) NONNULL(1, 2);
/* 0, or ERR_SYNTAX: cut short, bytes left over, no leaf, too many issuers. */
int bundle_unpack(struct str s, struct bundle *out) NONNULL(2) MUSTCHECK;

#endif
