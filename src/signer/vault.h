/* SPDX-License-Identifier: ISC */
/*
 * vault.h - the memory that the CA's key lies in: OpenSSL's secure heap, locked,
 * in no dump; and, where the kernel can, memory that even the kernel does not
 * map (memfd_secret(2)): then /proc/PID/mem has no such bytes, for root either.
 * Runs in: signer.
 */
#ifndef MITMD_SIGNER_VAULT_H
#define MITMD_SIGNER_VAULT_H

#include <stdint.h>

/* Before any key is read. Which walls that makes (proc/sandbox.h). */
uint64_t vault_open(void);

#endif
