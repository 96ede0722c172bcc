/* SPDX-License-Identifier: ISC */
/*
 * buf.h - a growing byte queue: append at the end, consume from the front.
 * It never holds more than max bytes.  A zeroed struct with max set is an
 * empty buffer; an empty buffer need not own memory.
 */
#ifndef MITMD_BASE_BUF_H
#define MITMD_BASE_BUF_H

#include <stdint.h>
#include <string.h>

#include "base/attr.h"
#include "base/str.h"

struct buf {
	uint8_t *mem;
	size_t off;	/* first byte that is not consumed */
	size_t len;	/* bytes held, from off */
	size_t cap;
	size_t max;	/* 0: no maximum (never for bytes whose number a peer decides) */
};

static inline void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_free(struct buf *) NONNULL(1);		/* empty again, memory given back */
void buf_clear(struct buf *) NONNULL(1);	/* empty again, memory kept */

static inline uint8_t *
buf_data(const struct buf *b)
{
	return b->mem != NULL ? b->mem + b->off : NULL;
}

static inline struct str
buf_str(const struct buf *b)
{
	return (struct str){(const char *)buf_data(b), b->len};
}

/* ERR_LIMIT leaves the buffer as it was. */
int buf_append(struct buf *, const void *p, size_t n) NONNULL(1) MUSTCHECK;
/*
 * Room for n more bytes behind the last one; NULL when that would pass max.
 * What was written there counts after buf_commit().
 */
uint8_t *buf_reserve(struct buf *, size_t n) NONNULL(1) MUSTCHECK;
void buf_commit(struct buf *, size_t n) NONNULL(1);
void buf_consume(struct buf *, size_t n) NONNULL(1);
void buf_truncate(struct buf *, size_t len) NONNULL(1);	/* keep the first len bytes */

/* For buffers without a maximum (text we make ourselves): these cannot fail. */
void buf_put_slow(struct buf *, const void *p, size_t n) NONNULL(1);	/* for buf_put() */

static inline void NONNULL(1)
buf_put(struct buf *b, const void *p, size_t n)
{
	if (b->max == 0 && n > 0 && b->cap - b->off - b->len >= n) {
		memcpy(b->mem + b->off + b->len, p, n);
		b->len += n;
	} else {
		buf_put_slow(b, p, n);
	}
}

static inline void NONNULL(1)
buf_puts(struct buf *b, struct str s)
{
	buf_put(b, s.p, s.n);
}

void buf_putz(struct buf *, const char *) NONNULL(1, 2);
void buf_putc(struct buf *, char) NONNULL(1);
void buf_printf(struct buf *, const char *fmt, ...) PRINTF(2, 3) NONNULL(1, 2);

#endif
