/* SPDX-License-Identifier: ISC */
/*
 * sniff.h - what the first bytes of a tunnel are.  Consumes nothing.
 * Runs in: worker, tests, fuzzers.
 */
#ifndef MITMD_WORKER_SNIFF_H
#define MITMD_WORKER_SNIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sniffed {
	SNIFF_MORE,	/* could still be several things */
	SNIFF_TLS,	/* begins like a TLS handshake record */
	SNIFF_HTTP,	/* an HTTP/1 request line */
	SNIFF_H2,	/* the HTTP/2 connection preface (RFC 9113 3.4) */
	SNIFF_OTHER,
};

enum sniffed sniff(const uint8_t *p, size_t n);
/* Only whether it is the preface: SNIFF_H2, SNIFF_MORE (so far it is), or SNIFF_OTHER. */
enum sniffed sniff_preface(const uint8_t *p, size_t n);
/* Of an origin's first bytes: the SETTINGS with which an HTTP/2 one may speak first. */
bool sniff_settings(const uint8_t *p, size_t n);

#endif
