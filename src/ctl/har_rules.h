/* SPDX-License-Identifier: ISC */
/*
 * har_rules.h - is it HAR 1.2, and will the programs that read HARs take it?  What
 * the specification forbids is an error; what it allows and some reader
 * stumbles over, a warning.
 * Runs in: mitmctl, tests, fuzzers.
 */
#ifndef MITMD_CTL_HAR_RULES_H
#define MITMD_CTL_HAR_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

struct har_rules;

/*
 * entry: its number from 1 on, 0: of the file. path: "log.entries[16].timings.ssl".
 * rule: a constant, which says what is wrong and is the same for all that break it.
 */
typedef void har_rules_fn(void *arg, bool warning, uint64_t entry, const char *path,
    const char *rule);

struct har_rules *har_rules_new(har_rules_fn *, void *arg) NONNULL(1) MUSTCHECK;
void har_rules_free(struct har_rules **);
/* Valid JSON, in the order of the file. */
void har_rules_member(struct har_rules *, struct str name, struct str value) NONNULL(1);
/* cut: the ends of long strings were left out. */
void har_rules_entry(struct har_rules *, uint64_t number, struct str entry, bool cut)
    NONNULL(1);
void har_rules_odd(struct har_rules *, uint64_t number) NONNULL(1);	/* it is no object */
/* The file is over. */
void har_rules_end(struct har_rules *, bool seen_log, bool seen_entries) NONNULL(1);

#endif
