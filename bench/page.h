/* SPDX-License-Identifier: ISC */
/*
 * page.h - the body that every answer must have.  The very first answer is
 * learnt (and held against a size and a SHA-256, if the user gave them); each
 * later one is compared with it byte by byte while it comes in.
 */
#ifndef MITMD_BENCH_PAGE_H
#define MITMD_BENCH_PAGE_H

#include "base/buf.h"
#include "base/err.h"

#define PAGE_MAX ((size_t)64 << 20)

struct page {
	struct buf body;
	bool known;
};

void page_init(struct page *) NONNULL(1);
void page_free(struct page *) NONNULL(1);
/* Bytes [off, off + n) of an answer; false if they are not what they should be. */
bool page_bytes(struct page *, uint64_t off, const void *p, size_t n) NONNULL(1) MUSTCHECK;
/* The answer ended after n bytes. */
bool page_end(struct page *, uint64_t n) NONNULL(1) MUSTCHECK;
/*
 * Is what was learnt what the user said?  size -1 and sha256 NULL: not said.
 * sha256 is 64 hexadecimal digits.
 */
int page_verify(const struct page *, int64_t size, const char *sha256, struct errmsg *)
    NONNULL(1, 4) MUSTCHECK;

#endif
