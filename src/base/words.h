/* SPDX-License-Identifier: ISC */
/*
 * words.h - words in one line of text, as on the control socket: bytes that
 * could be taken for a border of a word, a column or a line are written %XX.
 */
#ifndef MITMD_BASE_WORDS_H
#define MITMD_BASE_WORDS_H

#include "base/buf.h"
#include "base/str.h"

/* Escaped: control bytes, space, '%'. */
void word_put(struct buf *out, struct str word) NONNULL(1);
/*
 * Undo it in place; the word gets a NUL, so p needs room for n + 1 bytes. False
 * on a broken escape or one that stands for NUL.
 */
bool word_get(char *p, size_t n) NONNULL(1) MUSTCHECK;
/*
 * Cut line, which has a NUL at its end, at each sep and undo the escapes of each
 * word, in place. How many there are, or -1: more than max, or a broken escape.
 */
int words_cut(char *line, char sep, char **words, int max) NONNULL(1, 3) MUSTCHECK;

#endif
