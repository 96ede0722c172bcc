/* SPDX-License-Identifier: ISC */
/* spool_rig.h - a spool, and entries that come to it without a ring. */
#ifndef TESTS_UNIT_RECORDER_SPOOL_RIG_H
#define TESTS_UNIT_RECORDER_SPOOL_RIG_H

#include "world.h"

extern struct world w;
extern struct found f; /* of the last look() */

void spool_setup(void); /* for checked fixtures; world_start() follows */
void spool_teardown(void);

void add(const char *tag, unsigned id, size_t pad);
int commit_at(uint64_t now_us, bool patient);
void commit(void);
/* What lies there; all of it has to be good. */
void look(const char *order);
/* The only .part of that tag. */
void part_path(const char *tag, char *out, size_t size);

#endif
