/* SPDX-License-Identifier: ISC */
/* buf.c - see buf.h.  Runs in: every process. */
#include "config.h"

#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

void
buf_free(struct buf *b)
{
	free(b->mem);
	buf_init(b, b->max);
}

void
buf_clear(struct buf *b)
{
	b->off = b->len = 0;
}

uint8_t *
buf_reserve(struct buf *b, size_t n)
{
	size_t need, cap;

	if (b->max != 0 && (n > b->max || b->len > b->max - n))
		return NULL;
	if (b->cap - b->off - b->len >= n && b->mem != NULL)
		return b->mem + b->off + b->len;
	need = b->len + n;
	CHECK(need >= n);
	if (b->cap >= need && b->off >= b->len) {
		/* Moving what is left costs no more than it was worth. */
		memcpy(b->mem, b->mem + b->off, b->len);
		b->off = 0;
		return b->mem + b->len;
	}
	cap = b->cap > 0 ? b->cap : 256;
	while (cap < need)
		cap += cap / 2 + 64;
	if (b->max != 0 && cap > b->max)
		cap = MAX(b->max, need);
	if (b->off == 0) {
		b->mem = mem_realloc(b->mem, cap);
	} else {
		uint8_t *mem = mem_alloc(cap);

		if (b->len > 0)
			memcpy(mem, b->mem + b->off, b->len);
		free(b->mem);
		b->mem = mem;
		b->off = 0;
	}
	b->cap = cap;
	return b->mem + b->len;
}

void
buf_commit(struct buf *b, size_t n)
{
	CHECK(n <= b->cap - b->off - b->len);
	b->len += n;
}

int
buf_append(struct buf *b, const void *p, size_t n)
{
	uint8_t *at;

	if (n == 0)
		return 0;
	at = buf_reserve(b, n);
	if (at == NULL)
		return ERR_LIMIT;
	memcpy(at, p, n);
	b->len += n;
	return 0;
}

void
buf_consume(struct buf *b, size_t n)
{
	CHECK(n <= b->len);
	b->off += n;
	b->len -= n;
	if (b->len == 0)
		b->off = 0;
}

void
buf_truncate(struct buf *b, size_t len)
{
	CHECK(len <= b->len);
	b->len = len;
}

void
buf_put_slow(struct buf *b, const void *p, size_t n)
{
	CHECK(buf_append(b, p, n) == 0);
}

void
buf_putz(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void
buf_putc(struct buf *b, char c)
{
	buf_put(b, &c, 1);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	uint8_t *at;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	CHECK(n >= 0);
	at = buf_reserve(b, (size_t)n + 1);
	CHECK(at != NULL);
	(void)vsnprintf((char *)at, (size_t)n + 1, fmt, again);
	va_end(again);
	b->len += (size_t)n;
}
