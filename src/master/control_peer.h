/* SPDX-License-Identifier: ISC */
/*
 * control_peer.h - who is at the other end of the control socket, by the kernel's word:
 * may he use it, and how is he called?
 * Runs in: master.
 */
#ifndef MITMD_MASTER_CONTROL_PEER_H
#define MITMD_MASTER_CONTROL_PEER_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/attr.h"
#include "base/str.h"

/* Root, and the user that the master runs as. */
bool control_peer_may(uid_t);
/*
 * Does that user namespace know him (map: as /proc/PID/uid_map has it)?  All it does
 * not know have one number there, which is somebody else's elsewhere (user_namespaces(7)).
 */
bool control_peer_in(struct str map, uid_t);
/* Ours does. Also true when it cannot be found out. */
bool control_peer_known(uid_t);

#endif
