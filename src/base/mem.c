/* SPDX-License-Identifier: ISC */
/* mem.c - see mem.h.  Runs in: every process. */
#include "config.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
must(void *p)
{
	CHECK(p != NULL);
	return p;
}

void *
mem_alloc(size_t n)
{
	return must(malloc(n != 0 ? n : 1));
}

void *
mem_zalloc(size_t n)
{
	return must(calloc(1, n != 0 ? n : 1));
}

void *
mem_realloc(void *p, size_t n)
{
	return must(realloc(p, n != 0 ? n : 1));
}

void *
mem_grow(void *p, size_t n, size_t size)
{
	size_t bytes;

	CHECK(!__builtin_mul_overflow(n, size, &bytes));
	return mem_realloc(p, bytes);
}

void *
mem_dup(const void *p, size_t n)
{
	void *copy = mem_alloc(n);

	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}

char *
mem_strdup(const char *s)
{
	return mem_strndup(s, strlen(s));
}

char *
mem_strndup(const char *s, size_t n)
{
	char *copy = mem_alloc(n + 1);

	if (n > 0)
		memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *
mem_printf(const char *fmt, ...)
{
	char *out;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&out, fmt, ap);
	va_end(ap);
	CHECK(n >= 0);
	return out;
}

void
mem_wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}
