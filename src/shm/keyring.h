/* SPDX-License-Identifier: ISC */
/*
 * keyring.h - keys that outlive generations: the leaf keys, the mirror keys and
 * the ticket secrets.  Never the CA's.  Made and rotated daily (the mirror keys
 * every week) by a signer, read by workers.
 * Runs in: master (create), signer (write), worker (read).
 */
#ifndef MITMD_SHM_KEYRING_H
#define MITMD_SHM_KEYRING_H

#include <stdint.h>

#include "shm/segment.h"

#define KEYRING_ROTATE_SECONDS 86400
#define KEYRING_MIRROR_SECONDS (7 * 86400)	/* a browser's exception should last */

/* Numbered as SIGN_KEY_* of ipc/msg.h. The weak one is RSA-1024. */
enum keyring_key { KEYRING_EC, KEYRING_RSA, KEYRING_MIRROR_EC, KEYRING_MIRROR_RSA, KEYRING_WEAK,
	KEYRING_KEY_COUNT };

struct keyring_private {
	uint8_t id[8];		/* first bytes of SHA-256 of the public key */
	uint16_t der_len;	/* 0: not there (RSA: made when asked for) */
	uint8_t der[1400];	/* PKCS#8 or traditional, as d2i_AutoPrivateKey reads it */
};

struct keyring_ticket {
	uint8_t name[16], aes[32], hmac[32];
};

struct keyring {
	int64_t made_at;	/* seconds since 1970; 0: empty */
	int64_t mirror_made_at;	/* the mirror keys; they live longer */
	struct keyring_private keys[KEYRING_KEY_COUNT];
	struct keyring_ticket ticket, previous_ticket;
	uint32_t has_previous_ticket;
};

int keyring_create(struct segment *, struct errmsg *) NONNULL(1, 2);
/* In the signer: publish a whole new content. */
void keyring_write(struct segment *, const struct keyring *) NONNULL(1, 2);
/* Empty (made_at 0) when a signer died while writing. */
void keyring_read_own(const struct segment *, struct keyring *out) NONNULL(1, 2);
/*
 * The same as keyring_write(), unless another signer has written since `seen`
 * (an earlier keyring_sequence_own()): then false, and theirs stands.
 */
bool keyring_replace(struct segment *, uint32_t seen, const struct keyring *next)
    NONNULL(1, 3);
uint32_t keyring_sequence_own(const struct segment *) NONNULL(1);

struct keyring_reader;
struct keyring_reader *keyring_reader_new(int fd, struct errmsg *) NONNULL(2);
void keyring_reader_free(struct keyring_reader **);
/* Cheap: changes whenever the content does. */
uint32_t keyring_sequence(const struct keyring_reader *) NONNULL(1);
/* A consistent copy; false if a signer died while writing (keep the old one). */
bool keyring_read(const struct keyring_reader *, struct keyring *out) NONNULL(1, 2);

#endif
