/* SPDX-License-Identifier: ISC */
/*
 * kind.h - what a flow was fetched for, in the words of browsers' devtools
 * (_resourceType).
 * Runs in: worker, tests, fuzzers.
 */
#ifndef MITMD_HAR_KIND_H
#define MITMD_HAR_KIND_H

#include "http/message.h"

/* response may be NULL. */
const char *kind_of(const struct message *request, const struct message *response,
    struct str url) NONNULL(1);

#endif
