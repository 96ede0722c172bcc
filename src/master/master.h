/* SPDX-License-Identifier: ISC */
/*
 * master.h - loads the configuration, owns the listening sockets, makes the
 * shared memory, forks, supervises, reloads.  Never touches a byte from the
 * network.
 * Runs in: master.
 */
#ifndef MITMD_MASTER_MASTER_H
#define MITMD_MASTER_MASTER_H

#include "conf/conf.h"

/* First of all, before the configuration is read: what comes early is kept for the loop. */
void master_hold_signals(void);
/* conf is taken. Returns the exit code. */
int master_main(struct conf *conf, const char *file);

#endif
