/* SPDX-License-Identifier: ISC */
/*
 * domain.h - how well a name of the operator's stands for a host, where the best
 * one wins whatever the order: exact, then the longest wildcard, then "*".
 */
#ifndef MITMD_BASE_DOMAIN_H
#define MITMD_BASE_DOMAIN_H

#include <sys/types.h>

#include "base/str.h"

#define DOMAIN_EXACT 65536

/*
 * pattern: "www.example.com", "*.example.com" (any depth below) or "*"; both in
 * lower case. The larger the better: DOMAIN_EXACT, the length of a wildcard, 0
 * for "*"; -1: not at all.
 */
ssize_t domain_rank(struct str pattern, struct str host);

#endif
