/* SPDX-License-Identifier: ISC */
/*
 * h1_framing.h - what a complete head decides: where the message ends, whether
 * the connection lives on, and whom a request is for (RFC 9112 3.3, 6, 9.3).
 * Sans-I/O; only h1_read.c uses it.
 * Runs in: worker, tests, fuzzers.
 */
#ifndef MITMD_HTTP_H1_FRAMING_H
#define MITMD_HTTP_H1_FRAMING_H

#include "http/h1_strict.h"

/* After the blank line of the head. 0 or ERR_SYNTAX with s->error. */
int h1_framing(struct h1_strict *s) NONNULL(1) MUSTCHECK;

#endif
