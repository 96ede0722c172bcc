/* SPDX-License-Identifier: ISC */
/* worker.h - clients, origins, TLS, HTTP.  Runs in: worker. */
#ifndef MITMD_WORKER_WORKER_H
#define MITMD_WORKER_WORKER_H

#include "proc/proc.h"

int worker_main(struct proc *);

#endif
