/* SPDX-License-Identifier: ISC */
/*
 * trace.h - runs an HTTP/1 reader over bytes cut in some way and writes down
 * everything it tells, so that two ways can be compared as text.
 */
#ifndef TESTS_UNIT_HTTP_TRACE_H
#define TESTS_UNIT_HTTP_TRACE_H

#include "http/h1_read.h"

struct trace {
	/* in */
	enum h1_role role;
	struct h1_limits limits;
	bool answers_head;	/* on_head says H1_BODY_NONE */
	size_t cut;		/* the first feed has so many bytes; 0: all */
	size_t step;		/* the later ones; 0: all */
	bool eof;		/* the connection ends behind the bytes */

	/* out */
	struct buf text;
	unsigned messages;	/* ended ones */
	unsigned slices;	/* calls of on_body */
	int err, eof_err;
	struct h1_error error;
	enum h1_state state;
	size_t used;
	char pending[512];

	struct buf body;	/* inside */
};

#define TRACE_LIMITS ((struct h1_limits){.header_size = 65536, .header_count = 256})

void trace_run(struct trace *, struct str bytes);
void trace_free(struct trace *);

#endif
