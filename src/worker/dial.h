/* SPDX-License-Identifier: ISC */
/*
 * dial.h - a TCP connection to host:port: resolve, check each address, connect
 * to several in turn without waiting for each to fail (RFC 8305).
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_DIAL_H
#define MITMD_WORKER_DIAL_H

#include "base/err.h"
#include "http/target.h"

struct worker;
struct dial;
struct dial_hub;

struct dialled {
	int fd;			/* the callee's; -1: failed */
	struct addr addr;
	int64_t dns_us, connect_us;	/* dns -1: nothing to look up */
	/* On failure. */
	unsigned status;	/* 502, 504 or 403 */
	const char *proxy_status; /* RFC 9209 2.3: "dns_error", "connection_refused" ... */
	const char *reason;	/* one line, valid during the call */
};

typedef void dial_done_fn(void *arg, const struct dialled *);

struct dial_hub *dial_hub_new(struct worker *, struct errmsg *);
void dial_hub_free(struct dial_hub **);
/* A file of the system (FILE_* of ipc/msg.h) has another text. */
void dial_hub_file(struct dial_hub *, unsigned which, struct str text) NONNULL(1);

/*
 * done comes exactly once, always from the loop, unless dial_cancel() comes
 * first. client decides which addresses may be reached (access.h).
 */
struct dial *dial_start(struct worker *, const struct host_port *, const struct addr *client,
    dial_done_fn *, void *arg);
void dial_cancel(struct dial **);

#endif
