/* SPDX-License-Identifier: ISC */
/*
 * load.h - what the command line asked for.  Filled in once by options.c,
 * constant afterwards.
 */
#ifndef MITMD_BENCH_LOAD_H
#define MITMD_BENCH_LOAD_H

#include "base/addr.h"

struct load {
	struct addr peer;	/* who we connect to: a reverse proxy, or a forward proxy */
	bool forward;		/* the peer is a forward proxy */
	bool tls;		/* false: plain http */
	bool fresh;		/* a new connection for each request */
	bool resume;		/* offer a session ticket when there is one */
	const char *origin;	/* HOST:PORT that a forward proxy is asked for */
	const char *tag;	/* NULL: none */
	const char *path;
	const char *domain;	/* names are h0.DOMAIN, h1.DOMAIN, ... */
	const char *ca;		/* roots the peer's certificate must lead to; NULL: not looked at */
	const char *fields;	/* further request fields, each with its CRLF */
	unsigned hosts, host_base;
	unsigned concurrency;
	unsigned streams;	/* requests at a time on each connection, over HTTP/2; 0: HTTP/1 */
	unsigned warmup;	/* requests per connection before the clock starts */
	unsigned idle;		/* connections to hold open; 0: measure speed */
	uint64_t requests;	/* 0: not bounded by number */
	uint64_t run_us;	/* 0: not bounded by time */
	uint64_t timeout_us;
	unsigned status;	/* the answer that counts as one */
	unsigned max_errors;
	bool sync;		/* stdin says when to start and when to close */
	bool json;
};

#endif
