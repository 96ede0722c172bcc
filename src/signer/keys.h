/* SPDX-License-Identifier: ISC */
/*
 * keys.h - makes what is in the key ring, and makes it anew every day.
 * Runs in: signer.
 */
#ifndef MITMD_SIGNER_KEYS_H
#define MITMD_SIGNER_KEYS_H

#include <openssl/evp.h>

#include "shm/keyring.h"

/*
 * New keys if the ring is empty or a day old; the ticket secret in use becomes
 * the previous one.  Another signer's fresh ring stands.  RSA keys take longer
 * than all the rest of a start and are rarely needed: they are left out.
 */
void keys_renew(struct segment *keyring, int64_t now) NONNULL(1);
/* The first that is missing; false: none is. */
bool keys_missing(struct segment *keyring, enum keyring_key *out) NONNULL(1, 2);
/* A new key for that place; any thread. */
EVP_PKEY *keys_new(enum keyring_key);
/* It is put there unless another is; the key is taken. */
void keys_put(struct segment *keyring, enum keyring_key, EVP_PKEY *) NONNULL(1, 3);

#endif
