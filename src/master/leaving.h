/* SPDX-License-Identifier: ISC */
/*
 * leaving.h - mitmctl drain: this host is to be emptied.  Workers still serve, but
 * say that they would rather not; when nobody has been connected for a while, or
 * after a limit, mitmd stops.
 * Runs in: master.
 */
#ifndef MITMD_MASTER_LEAVING_H
#define MITMD_MASTER_LEAVING_H

#include "master/state.h"

/* limit_s: at the latest; asked again, it counts from now. */
void leaving_begin(struct master *, double limit_s) NONNULL(1);
/* It stays after all. */
void leaving_cancel(struct master *) NONNULL(1);
/* A worker is ready: it hears of it, if it is so. */
void leaving_tell(struct child *) NONNULL(1);
/* Until mitmd ends at the latest. */
uint64_t leaving_seconds(const struct master *) NONNULL(1);
/* Clients that are connected, to whichever generation. */
uint64_t leaving_connections(const struct master *) NONNULL(1);
void leaving_end(struct master *) NONNULL(1);	/* mitmd stops */

#endif
