/* SPDX-License-Identifier: ISC */
/*
 * ends.h - two fake ends of a flow that write down what they are told, in one
 * trace; REC stands where an entry was recorded.
 */
#ifndef TESTS_UNIT_WORKER_ENDS_H
#define TESTS_UNIT_WORKER_ENDS_H

#include "world.h"
#include "worker/flow.h"

struct fake {
	char name;		/* in the trace */
	enum flow_side side;
	bool full;		/* what body() answers is "no more" */
	const char *strike;	/* the event in which it fails the flow, "body" */
	unsigned finished;
};

extern struct world world;
extern struct fake front, back;
extern const struct flow_end_ops fake_ops;

/* For checked fixtures. */
void ends_setup(void);
void ends_teardown(void);

/* Heads that could have been read; length -1: chunked, 0: no body. */
struct flow *ends_flow(void);
void ends_request(struct flow *, const char *method, int64_t length);
void ends_response(struct flow *, unsigned status, int64_t length);
void ends_body(struct flow *, enum flow_side, const char *text);

/* What was told since the last time. */
void trace_is(const char *want, const char *file, int line);
#define TRACE(want) trace_is((want), __FILE__, __LINE__)
void trace_clear(void);
/* The next entry, which must be there; and what it must say or not say. */
const char *entry_next(void);
/* The entry that a REC in the trace stands for. */
const char *entry_last(void);
#define SAYS(entry, piece) \
	ck_assert_msg(strstr((entry), (piece)) != NULL, "no %s in %s", (piece), (entry))
#define SAYS_NOT(entry, piece) \
	ck_assert_msg(strstr((entry), (piece)) == NULL, "%s in %s", (piece), (entry))

#endif
