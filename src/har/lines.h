/* SPDX-License-Identifier: ISC */
/*
 * lines.h - which lines of a torn file are one whole JSON object: our entries stand on
 * a line each, so that whatever happened to one, the others can be found. A NUL ends a
 * line, too.
 * Runs in: recorder, mitmctl, tests, fuzzers.
 */
#ifndef MITMD_HAR_LINES_H
#define MITMD_HAR_LINES_H

#include "har/json.h"

/*
 * An object: the offsets of its first byte and of the byte behind its last, and whether
 * a comma stands there. Not 0 ends lines_feed() with that.
 */
typedef int lines_fn(void *arg, uint64_t from, uint64_t to, bool comma);

struct lines {
	struct json_check check;
	uint64_t line, pos;	/* where this line began; how far we are */
	bool ok;		/* so far it may become an object */
	bool comma;		/* held back: it may be the one behind the object */
	lines_fn *on_object;
	void *arg;
};

/* from: the offset of the first byte that will be fed, which begins a line. */
void lines_init(struct lines *, uint64_t from, lines_fn *, void *arg) NONNULL(1, 3);
int lines_feed(struct lines *, const char *p, size_t n) NONNULL(1) MUSTCHECK;
/* There is no more: a last line may lack its newline. */
int lines_end(struct lines *) NONNULL(1) MUSTCHECK;

#endif
