/* SPDX-License-Identifier: ISC */
/*
 * progress.h - how far it is, on a terminal: a bar, the rate, the time that is left.
 * Runs in: mitmctl.
 */
#ifndef MITMD_CTL_PROGRESS_H
#define MITMD_CTL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct progress {
	bool on;
	unsigned calls;
	uint64_t total, begin_us, shown_us;
};

/* total: bytes; 0: nobody knows. Shows nothing where standard error is no terminal. */
void progress_begin(struct progress *, uint64_t total) NONNULL(1);
/* Cheap enough for every entry. */
void progress_at(struct progress *, uint64_t done) NONNULL(1);
/* The line is free for something else. */
void progress_clear(struct progress *) NONNULL(1);
/* One line as it is shown; columns is the width of the terminal. For tests. */
void progress_text(char *out, size_t n, unsigned columns, uint64_t done, uint64_t total,
    uint64_t us) NONNULL(1);

#endif
