/* SPDX-License-Identifier: ISC */
/*
 * link.h - one connection slot: it opens a connection when it needs one
 * (CONNECT, TLS), sends a request, checks the answer, and says so.
 */
#ifndef MITMD_BENCH_LINK_H
#define MITMD_BENCH_LINK_H

#include <openssl/ssl.h>

#include "load.h"
#include "page.h"
#include "stats.h"
#include "tickets.h"

struct link;

struct link_env {
	const struct load *load;
	struct page page;
	struct stats stats;
	SSL_CTX *ctx;
	struct tickets *tickets;
	int epoll;
	unsigned next_host;	/* counted from load->host_base */
	/* The request has been answered, or has failed (which was counted). */
	void (*done)(struct link *, void *);
	void *arg;
};

/* NULL with the reason in *err: the roots cannot be read. */
SSL_CTX *link_ctx_new(const struct load *, struct errmsg *err) NONNULL(1, 2);
struct link *link_new(struct link_env *) NONNULL(1);
void link_free(struct link **) NONNULL(1);
/* Only when the link has no request under way; done() may come before it returns. */
void link_request(struct link *) NONNULL(1);
void link_event(struct link *) NONNULL(1);
/* Fails a request that has been under way for too long. */
void link_expire(struct link *, uint64_t now_us) NONNULL(1);
bool link_is_open(const struct link *) NONNULL(1);
/* As a client that has got all it wanted. */
void link_close(struct link *) NONNULL(1);

#endif
