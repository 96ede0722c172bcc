/* SPDX-License-Identifier: ISC */
/* fixture.h - a CA in memory, requests, and a directory that goes away again. */
#ifndef MITMD_TESTS_SIGNER_FIXTURE_H
#define MITMD_TESTS_SIGNER_FIXTURE_H

#include "base/buf.h"
#include "ipc/msg.h"
#include "shm/keyring.h"
#include "signer/ca.h"
#include "signer/ca_make.h"

#define NOW 1800000000	/* 2027-01-15 */

struct permit *fixture_permit(const char *const *patterns, size_t n);
struct permit *fixture_permit_all(void);

/* A CA made at NOW. */
void fixture_ca(struct ca *, bool rsa);
/* The text of a CA file. */
void fixture_pem(struct buf *out, EVP_PKEY *, X509 *);

void names_add(struct buf *names, uint8_t type, struct str value);
struct msg_sign_ask ask_for(const char *name);
/* The key that msg.h demands. */
uint8_t fixture_key_for(unsigned recipe, uint32_t copy, bool rsa);

/* A full key ring of NOW. Made once: call it before tests fork, in fixture_warm. */
const struct keyring *fixture_ring(void);
void fixture_warm(void);
/* The RSA key of that ring: making one takes longer than all the rest. */
EVP_PKEY *fixture_rsa_key(void);

char *fixture_dir(void);	/* empty, 0755 */
void fixture_dir_remove(char **);

#endif
