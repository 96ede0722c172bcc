/* SPDX-License-Identifier: ISC */
/*
 * room.h - the one directory that a recorder may use.  Its sandbox is built
 * around that directory, and no sandbox can be made wider: for another one, or
 * the same made again, there has to be another recorder.
 * Runs in: recorder.
 */
#ifndef MITMD_RECORDER_ROOM_H
#define MITMD_RECORDER_ROOM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct room {
	const char *path;
	bool makes;		/* who starts us can make what is missing */
	bool found;
	dev_t dev;
	ino_t ino;
	struct errmsg err;	/* why it was not found */
	uint64_t look_us;
};

/* Before the sandbox: found or made. Its descriptor, or -1. */
int room_open(struct room *, const char *path, bool makes) NONNULL(1, 2);
/*
 * The spool cannot be used: would the next recorder find a directory, where we
 * have none or one that is no more? Looks now and then.
 */
bool room_is_elsewhere(struct room *, uint64_t now_us) NONNULL(1);

#endif
