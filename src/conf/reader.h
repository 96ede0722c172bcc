/* SPDX-License-Identifier: ISC */
/*
 * reader.h - YAML as a stream of nodes with their place in the file, and
 * without what a configuration does not need: anchors and aliases (a few lines
 * of them can stand for gigabytes), tags, a second document, control
 * characters.
 * Runs in: master.
 */
#ifndef MITMD_CONF_READER_H
#define MITMD_CONF_READER_H

#include "base/err.h"
#include "base/str.h"

enum node_kind {
	NODE_NULL,	/* nothing, ~, null */
	NODE_SCALAR,
	NODE_LIST,
	NODE_LIST_END,
	NODE_MAP,
	NODE_MAP_END,
	NODE_END,	/* of the file */
};

struct mark {
	unsigned line, col;	/* from 1; columns are characters */
};

struct node {
	enum node_kind kind;
	struct str text;	/* NODE_SCALAR, NODE_NULL; valid until the next node */
	struct mark mark;
};

struct reader;

/* file is for messages only; both must outlive the reader. */
struct reader *reader_new(const char *file, struct str text) NONNULL(1);
void reader_free(struct reader **);
/* The next node, or NULL with the reason and the place in *err. */
const struct node *reader_next(struct reader *, struct errmsg *) NONNULL(1, 2);
/* "FILE:LINE:COL: " and the text; always -1. */
int reader_fail(const struct reader *, struct mark, struct errmsg *, const char *fmt, ...)
    PRINTF(4, 5) NONNULL(1, 3, 4);

#endif
