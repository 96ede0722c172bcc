/* SPDX-License-Identifier: ISC */
/*
 * input.h - the bytes of a file that is read from front to back: plain or gzip,
 * a growing ".part" under the lock its readers should have, or standard input.
 * Runs in: mitmctl.
 */
#ifndef MITMD_CTL_INPUT_H
#define MITMD_CTL_INPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct input;

/* "-" is standard input. NULL, and why. */
struct input *input_open(const char *path, struct errmsg *) NONNULL(1, 2) MUSTCHECK;
void input_free(struct input **);
const char *input_name(const struct input *) NONNULL(1);	/* for people */
/* As read(2), but never short of a reason to: -1 and why. */
ssize_t input_read(struct input *, void *p, size_t n, struct errmsg *) NONNULL(1, 2, 4);

/* Its bytes can be read once more. */
bool input_again(const struct input *) NONNULL(1);
/* Make it so, by a copy in an unnamed file, before the first byte is read. 0, or -1 and why. */
int input_keep(struct input *, struct errmsg *) NONNULL(1, 2) MUSTCHECK;
/* From the beginning. */
void input_rewind(struct input *) NONNULL(1);
/* n bytes that were read before. 0, or -1 and why. */
int input_read_at(struct input *, void *p, size_t n, uint64_t at, struct errmsg *)
    NONNULL(1, 2, 5) MUSTCHECK;

/* For progress: bytes of the file, and how many of them were read; 0: nobody knows. */
uint64_t input_size(const struct input *) NONNULL(1);
uint64_t input_taken(const struct input *) NONNULL(1);

/* A file without a name, gone with its descriptor. -1 and why. */
int input_scratch(struct errmsg *) NONNULL(1) MUSTCHECK;

#endif
