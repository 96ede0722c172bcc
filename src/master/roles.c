/* SPDX-License-Identifier: ISC */
/*
 * roles.c - THE table of processes: what each one runs and what it may write.
 * Who talks to whom: the master to all; worker n to the signer of its
 * generation.  A worker's entries go to the recorder through its ring.
 * Runs in: master.
 */
#include "config.h"

#include "master/roles.h"

#include "recorder/recorder.h"
#include "signer/signer.h"
#include "worker/worker.h"

const struct role_row roles[ROLE_COUNT] = {
    [ROLE_SIGNER] = {.main = signer_main, .writes_cert_cache = true, .writes_keyring = true,
	.publish = signer_publish, .withdraw = signer_withdraw},
    [ROLE_RECORDER] = {.main = recorder_main, .writes_receipts = true,
	.try_out = recorder_try_out},
    [ROLE_WORKER] = {.main = worker_main, .serves = true},
};
