/* SPDX-License-Identifier: ISC */
/*
 * systemd.h - what a service and systemd(1) tell each other: descriptors and
 * wishes in the environment at the start, datagrams from then on
 * (sd_listen_fds(3), sd_notify(3)).  Without systemd every call does nothing.
 * Runs in: master.
 */
#ifndef MITMD_MASTER_SYSTEMD_H
#define MITMD_MASTER_SYSTEMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct systemd;

/* A descriptor that was passed, and what it was called. */
struct systemd_fd {
	int fd;
	char *name;
};

/*
 * Takes what the environment says to this process, and out of the environment:
 * none of it is meant for our children.
 */
struct systemd *systemd_new(void);
void systemd_free(struct systemd **);
/* The descriptors and their names are the caller's from now on; so is the array. */
size_t systemd_take_fds(struct systemd *, struct systemd_fd **out) NONNULL(1, 2);
/* Somebody reads what is told. */
bool systemd_listens(const struct systemd *) NONNULL(1);
/* How often it wants a sign of life, in microseconds; 0: never. */
uint64_t systemd_watchdog_us(const struct systemd *) NONNULL(1);

/* Lines of NAME=VALUE. */
void systemd_tell(struct systemd *, const char *fmt, ...) PRINTF(2, 3) NONNULL(1, 2);
/*
 * systemd keeps a copy of fd for whoever is started in our place. A name is
 * of [A-Za-z0-9.-] here; removing one removes all descriptors of that name.
 */
void systemd_store(struct systemd *, int fd, const char *name) NONNULL(1, 3);
void systemd_unstore(struct systemd *, const char *name) NONNULL(1, 2);
/* Until all that was told has been done, or for two seconds. */
void systemd_wait(struct systemd *) NONNULL(1);

#endif
