/* SPDX-License-Identifier: ISC */
/*
 * identities.h - the files of the operator that a generation shows or trusts:
 * `certs`, `client_certs`, `client_ca`; `origin.ca` is only looked at.  Read before
 * anything is forked, so that a bad one costs nothing but a line in the log.
 * Runs in: master (also mitmd -t).
 */
#ifndef MITMD_MASTER_IDENTITIES_H
#define MITMD_MASTER_IDENTITIES_H

#include "conf/conf.h"
#include "tls/shelf.h"

struct identities {
	struct shelf *certs;		/* in the order of conf->certs; NULL: none */
	struct shelf *client_certs;	/* NULL: none */
	X509_STORE *client_ca;		/* NULL: none */
};

/* -1 with FILE:LINE:COL, the key and what is wrong with which file. */
int identities_load(struct identities *, const struct conf *, struct errmsg *)
    NONNULL(1, 2, 3) MUSTCHECK;
void identities_free(struct identities *) NONNULL(1);
/* Logs what will not do for long: certificates that end soon, keys that others can read. */
void identities_warn(const struct identities *, const struct conf *) NONNULL(1, 2);
/*
 * For mitmd -t: the same checks of every file that this user may read; the others
 * are logged.
 */
int identities_check(const struct conf *, struct errmsg *) NONNULL(1, 2) MUSTCHECK;

#endif
