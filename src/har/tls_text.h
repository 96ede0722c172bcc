/* SPDX-License-Identifier: ISC */
/*
 * tls_text.h - both TLS legs of a flow and the origin's real certificate, as
 * members of a HAR entry.
 * Runs in: worker, tests, fuzzers.
 */
#ifndef MITMD_HAR_TLS_TEXT_H
#define MITMD_HAR_TLS_TEXT_H

#include "base/buf.h"
#include "har/entry.h"

/* "_securityDetails" (Playwright's shape) and "_tls". */
void tls_text_put(struct buf *out, const struct har_tls *) NONNULL(1, 2);

#endif
