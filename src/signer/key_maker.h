/* SPDX-License-Identifier: ISC */
/*
 * key_maker.h - makes an RSA key beside the loop: a second on a busy machine, in
 * which no worker may wait for its leafs.
 * Runs in: signer (loop: all functions).
 */
#ifndef MITMD_SIGNER_KEY_MAKER_H
#define MITMD_SIGNER_KEY_MAKER_H

#include <ev.h>
#include <openssl/evp.h>

#include "shm/keyring.h"

struct key_maker;

/* From the loop; the key is the callee's. */
typedef void key_made_fn(void *arg, enum keyring_key, EVP_PKEY *);

struct key_maker *key_maker_new(struct ev_loop *, key_made_fn *, void *arg) NONNULL(1, 2);
void key_maker_free(struct key_maker **);	/* waits for a key that is being made */
/* One at a time: false while another is being made. */
bool key_maker_start(struct key_maker *, enum keyring_key) NONNULL(1);

#endif
