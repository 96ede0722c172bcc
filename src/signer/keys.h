/* SPDX-License-Identifier: ISC */
/*
 * keys.h - makes what is in the key ring, and makes it anew every day.
 * Runs in: signer.
 */
#ifndef MITMD_SIGNER_KEYS_H
#define MITMD_SIGNER_KEYS_H

#include "shm/keyring.h"

/*
 * New keys if the ring is empty or a day old; the ticket secret in use becomes
 * the previous one.  Another signer's fresh ring stands.
 */
void keys_renew(struct segment *keyring, int64_t now) NONNULL(1);

#endif
