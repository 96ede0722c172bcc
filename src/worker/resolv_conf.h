/* SPDX-License-Identifier: ISC */
/*
 * resolv_conf.h - what resolv.conf(5) says of name servers, and in which order a
 * short name is looked for.  Other lines and options are the C library's own.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_RESOLV_CONF_H
#define MITMD_WORKER_RESOLV_CONF_H

#include "base/addr.h"
#include "base/str.h"

#define RESOLV_SERVERS_MAX 8
#define RESOLV_SEARCH_MAX 16
#define RESOLV_NAME 256

struct resolv_conf {
	struct addr servers[RESOLV_SERVERS_MAX];
	size_t nservers;	/* at least one */
	char search[RESOLV_SEARCH_MAX][RESOLV_NAME];
	size_t nsearch;
	unsigned ndots;
};

void resolv_conf_parse(struct resolv_conf *, struct str text) NONNULL(1);
/*
 * The nth name to ask for, in the order of trying, without a dot at the end; NULL
 * when there are no more.
 */
const char *resolv_conf_name(const struct resolv_conf *, const char *host, unsigned nth,
    char out[RESOLV_NAME]) NONNULL(1, 2, 4);

#endif
