/* SPDX-License-Identifier: ISC */
/*
 * har_pages.h - what several files say around their entries, for the one that is made of
 * them: pages of all, renamed where two have the same id; other members as far as all agree.
 * Runs in: mitmctl, tests.
 */
#ifndef MITMD_CTL_HAR_PAGES_H
#define MITMD_CTL_HAR_PAGES_H

#include "ctl/har_out.h"

struct har_pages;

struct har_pages *har_pages_new(void) MUSTCHECK;
void har_pages_free(struct har_pages **);
/* What follows is of the next file. */
void har_pages_file(struct har_pages *) NONNULL(1);
/* A member of its log. 0, or -1 and why. */
int har_pages_member(struct har_pages *, struct str name, struct str value, struct errmsg *)
    NONNULL(1, 4) MUSTCHECK;
/* All but the entries, as far as it stands before them. */
void har_pages_put(const struct har_pages *, struct har_out *) NONNULL(1, 2);
/* What a page of that file (from 0 on) is called now; STR_NONE: as it was. JSON text. */
struct str har_pages_renamed(const struct har_pages *, uint32_t file, struct str id) NONNULL(1);
bool har_pages_any_renamed(const struct har_pages *, uint32_t file) NONNULL(1);

#endif
