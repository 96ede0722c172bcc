/* SPDX-License-Identifier: ISC */
/* signer.h - the one process that has the CA's key.  Runs in: signer, master (publish). */
#ifndef MITMD_SIGNER_SIGNER_H
#define MITMD_SIGNER_SIGNER_H

#include "proc/proc.h"

int signer_main(struct proc *);
/* The CA's public files, from what a signer told when it was ready (msg_ready). */
void signer_publish(const struct conf *, struct str ca_chain) NONNULL(1);
/* They are not needed: take away what a signer made, and only that. */
void signer_withdraw(const struct conf *, const struct msg_ca_made *) NONNULL(1, 2);

#endif
