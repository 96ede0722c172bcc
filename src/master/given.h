/* SPDX-License-Identifier: ISC */
/*
 * given.h - listening sockets that systemd passed at the start.  Two kinds: those
 * of a socket unit, which systemd holds and listens on for as long as the unit is
 * active; and those that a mitmd before us had stored with it.
 * Runs in: master.
 */
#ifndef MITMD_MASTER_GIVEN_H
#define MITMD_MASTER_GIVEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "master/systemd.h"

struct given;

struct given_socket {
	int fd;
	struct addr bound;
	char *name;
	bool stored;		/* by one of us; else a socket unit's */
	bool taken;
	bool named;		/* in the log, as one that nobody asks for */
};

/* Takes the descriptors; what is no listening TCP socket is named in the log and closed. */
struct given *given_new(struct systemd *) NONNULL(1);
void given_free(struct given **);
/* How many there are; those that are closed have fd -1. */
size_t given_count(const struct given *) NONNULL(1);
struct given_socket *given_at(struct given *, size_t) NONNULL(1);
bool given_any_of_unit(const struct given *) NONNULL(1);
/* One for that address that is not taken (port 0: of any port); NULL. */
struct given_socket *given_find(struct given *, const struct addr *asked) NONNULL(1, 2);
/*
 * What was stored and is not taken is closed here and there: the configuration has
 * changed since, and the old socket may be in the way of a new one.
 */
void given_drop_stored(struct given *) NONNULL(1);
/* What a unit gives and nobody takes is named in the log, once. */
void given_name_rest(struct given *) NONNULL(1);

/* What a socket of that address is called in the store. */
#define GIVEN_NAME_SIZE (ADDR_TEXT_SIZE + 8)
char *given_store_name(const struct addr *bound, char out[GIVEN_NAME_SIZE]) NONNULL(1);

#endif
