/* SPDX-License-Identifier: ISC */
/* ca_rig.h - a directory of a CA's, which ends with the test. */
#ifndef TESTS_UNIT_SIGNER_CA_RIG_H
#define TESTS_UNIT_SIGNER_CA_RIG_H

#include "fixture.h"
#include "signer/ca.h"

extern char *dir;
extern struct files files;
extern struct permit *all; /* whatever is asked for */
extern struct ca ca;
extern struct errmsg err;

void ca_setup(void); /* for checked fixtures */
void ca_teardown(void);

/* The CA in the directory, made if there is none: ca, or err. */
int open_at(int64_t now);
/* Its path, until the next call. */
char *in_dir(const char *name);
void write_file(const char *name, mode_t mode, struct str bytes);

#endif
