/* SPDX-License-Identifier: ISC */
/* signer.h - the one process that has the CA's key.  Runs in: signer. */
#ifndef MITMD_SIGNER_SIGNER_H
#define MITMD_SIGNER_SIGNER_H

#include "proc/proc.h"

int signer_main(struct proc *);

#endif
