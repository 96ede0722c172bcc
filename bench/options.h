/* SPDX-License-Identifier: ISC */
/*
 * options.h - the command line of bench/load.
 */
#ifndef MITMD_BENCH_OPTIONS_H
#define MITMD_BENCH_OPTIONS_H

#include "load.h"
#include "page.h"

struct options {
	struct load load;
	struct buf fields;	/* what load.fields points to */
	int64_t size;		/* of the body; -1: not given */
	const char *sha256;	/* of the body; NULL: not given */
};

/* Ends the program with a message if they make no sense. */
void options_parse(struct options *, int argc, char **argv) NONNULL(1, 3);
void options_free(struct options *) NONNULL(1);

#endif
