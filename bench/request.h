/* SPDX-License-Identifier: ISC */
/*
 * request.h - the text of what is asked.  options.c has bounded all of its
 * parts, so that it fits.
 */
#ifndef MITMD_BENCH_REQUEST_H
#define MITMD_BENCH_REQUEST_H

#include "load.h"

#define REQUEST_MAX 2048
#define REQUEST_NAME_MAX 256

/* Both return the length. */
size_t request_connect(const struct load *, char out[REQUEST_MAX]) NONNULL(1);
size_t request_get(const struct load *, unsigned host, char out[REQUEST_MAX]) NONNULL(1);
/* The name of a host, for SNI. */
void request_name(const struct load *, unsigned host, char out[REQUEST_NAME_MAX]) NONNULL(1);

#endif
