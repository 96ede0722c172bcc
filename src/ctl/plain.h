/* SPDX-License-Identifier: ISC */
/*
 * plain.h - strangers' text for a terminal: nothing in it moves the cursor or changes
 * a colour.
 * Runs in: mitmctl, tests.
 */
#ifndef MITMD_CTL_PLAIN_H
#define MITMD_CTL_PLAIN_H

#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

/*
 * Append text with "?" for each control character and what is no UTF-8, and, after max
 * characters, "..." for the rest. How many characters that were.
 */
size_t plain_put(struct buf *out, struct str text, size_t max) NONNULL(1);

#endif
