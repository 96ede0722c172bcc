/* SPDX-License-Identifier: ISC */
/*
 * h2.h - a client's end of one HTTP/2 connection with many requests under way.
 * Bytes in, bytes out; the link has the socket.
 */
#ifndef MITMD_BENCH_H2_H
#define MITMD_BENCH_H2_H

#include "load.h"
#include "page.h"
#include "stats.h"

struct h2;

struct h2_ops {
	/* The whole answer is there, and is what it should be. */
	void (*answered)(void *arg, uint64_t start_us, uint64_t bytes);
	/* ... or is not: the stream is over. status: of STAT_STATUS. */
	void (*failed)(void *arg, enum stat_err kind, unsigned status);
};

struct h2 *h2_new(const struct load *, struct page *, unsigned host, const struct h2_ops *,
    void *arg) NONNULL(1, 2, 4);
void h2_free(struct h2 **) NONNULL(1);
void h2_request(struct h2 *) NONNULL(1);
/* -1: the peer broke HTTP/2. */
int h2_receive(struct h2 *, const void *p, size_t n) NONNULL(1) MUSTCHECK;
/* What is to be sent next; good until h2_sent() of as much of it as was. */
struct str h2_output(struct h2 *) NONNULL(1);
void h2_sent(struct h2 *, size_t n) NONNULL(1);
unsigned h2_under_way(const struct h2 *) NONNULL(1);
/* When the oldest request that is under way was begun; 0: there is none. */
uint64_t h2_oldest(const struct h2 *) NONNULL(1);

#endif
