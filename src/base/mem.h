/* SPDX-License-Identifier: ISC */
/*
 * mem.h - allocation that cannot fail (it aborts; prefork absorbs that).
 * Whatever a peer's bytes decide the size of must be bounded before it
 * gets here.
 */
#ifndef MITMD_BASE_MEM_H
#define MITMD_BASE_MEM_H

#include <stddef.h>

#include "base/attr.h"

void *mem_alloc(size_t n) MUSTCHECK;	/* not cleared */
void *mem_zalloc(size_t n) MUSTCHECK;	/* cleared */
void *mem_realloc(void *p, size_t n) MUSTCHECK;
/* n elements of size bytes; aborts on overflow. */
void *mem_grow(void *p, size_t n, size_t size) MUSTCHECK;
void *mem_dup(const void *p, size_t n) MUSTCHECK;
char *mem_strdup(const char *s) MUSTCHECK;
char *mem_strndup(const char *s, size_t n) MUSTCHECK;	/* NUL-terminated copy */
char *mem_printf(const char *fmt, ...) PRINTF(1, 2) MUSTCHECK;
void mem_wipe(void *p, size_t n);	/* not optimised away */

#define mem_new(type) ((type *)mem_zalloc(sizeof(type)))

#endif
