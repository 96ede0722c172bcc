/* SPDX-License-Identifier: ISC */
/*
 * hosts.h - host patterns, the same everywhere in the configuration:
 * "www.example.com" exact, "*.example.com" any depth below, ".example.com"
 * apex and below, "*", an address or CIDR (compared with the address really
 * connected to), each optionally with ":port"; "~regex" is a PCRE2 expression
 * over "host:port" (case folded, unanchored, match-limited, no JIT needed).
 * Runs in: master (build), worker (match).
 */
#ifndef MITMD_CONF_HOSTS_H
#define MITMD_CONF_HOSTS_H

#include "base/addr.h"
#include "base/err.h"
#include "base/str.h"

struct hosts;		/* an ordered list of patterns, immutable once built */

struct hosts *hosts_new(void);
void hosts_free(struct hosts **);
/* Add one pattern; line is where it stands in the configuration. -1 with a reason. */
int hosts_add(struct hosts *, struct str pattern, unsigned line, struct errmsg *)
    NONNULL(1, 4) MUSTCHECK;
/* What keeps a text from being the name of a host ("has an empty label"), or NULL. */
const char *hosts_name_fault(struct str name);
size_t hosts_count(const struct hosts *);	/* NULL has none */
/*
 * Index of the first pattern that matches, or -1. host is lower case without
 * brackets or trailing dot (an address as text is fine); addr may be NULL when
 * nothing is connected yet. hosts may be NULL.
 */
int hosts_match(const struct hosts *, struct str host, uint16_t port, const struct addr *addr);
struct str hosts_pattern(const struct hosts *, int index) NONNULL(1);
unsigned hosts_line(const struct hosts *, int index) NONNULL(1);

#endif
