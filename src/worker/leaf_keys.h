/* SPDX-License-Identifier: ISC */
/*
 * leaf_keys.h - a worker's view of the key ring: the keys that leafs are for,
 * and the secrets of session tickets.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_LEAF_KEYS_H
#define MITMD_WORKER_LEAF_KEYS_H

#include "ipc/msg.h"
#include "tls/client.h"

struct leaf_keys;

struct leaf_keys *leaf_keys_new(int keyring_fd, struct errmsg *) NONNULL(2);
void leaf_keys_free(struct leaf_keys **);
/* Look whether a signer has put new keys there; nearly always it has not. */
void leaf_keys_look(struct leaf_keys *) NONNULL(1);
/* Changes whenever the keys do. */
uint32_t leaf_keys_sequence(const struct leaf_keys *) NONNULL(1);
/* key: SIGN_KEY_*. Borrowed; NULL: there is none. */
EVP_PKEY *leaf_key(const struct leaf_keys *, unsigned key) NONNULL(1);
const uint8_t *leaf_key_id(const struct leaf_keys *, unsigned key) NONNULL(1); /* 8 bytes */
void leaf_keys_tickets(const struct leaf_keys *, struct tls_ticket_keys *out) NONNULL(1, 2);

#endif
