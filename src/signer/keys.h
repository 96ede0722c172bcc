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
 * the previous one.  Another signer's fresh ring stands.  RSA keys take longer
 * than all the rest of a start and are rarely needed: they are left out, to be
 * made by the next two.
 */
void keys_renew(struct segment *keyring, int64_t now) NONNULL(1);
/* That key, unless it is there. */
void keys_make(struct segment *keyring, enum keyring_key) NONNULL(1);
/* The next of those that are missing; false when none was. */
bool keys_make_next(struct segment *keyring) NONNULL(1);

#endif
