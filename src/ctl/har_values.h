/* SPDX-License-Identifier: ISC */
/*
 * har_values.h - what has to hold of single values of a HAR, and between them; for
 * har_rules.c, which finds them.
 * Runs in: mitmctl, tests, fuzzers.
 */
#ifndef MITMD_CTL_HAR_VALUES_H
#define MITMD_CTL_HAR_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "har/json_read.h"

struct har_rules;

enum har_type { HAR_ANY, HAR_STRING, HAR_NUMBER, HAR_INTEGER, HAR_BOOL, HAR_OBJECT, HAR_ARRAY };

enum har_phase { PHASE_BLOCKED, PHASE_DNS, PHASE_CONNECT, PHASE_SEND, PHASE_WAIT,
	PHASE_RECEIVE, PHASE_SSL, PHASES };

struct har_values {
	struct har_rules *rules;
	unsigned own;			/* inside of a member that is nobody's business */
	bool cut;			/* the entry's long strings lack their ends */
	int64_t elements;		/* of the array that ended last */
	double time, phases[PHASES];	/* of this entry; -1: not there */
	struct str text;		/* of the body that is looked at */
	bool base64;
	struct str *page_ids;
	size_t npages;
};

/* Where a value stands. */
struct har_place {
	const struct har_place *up;
	struct str name;
	int64_t index;			/* -1: a member, of that name */
};

/* A value that has its type: a string without quotes, a number, nothing of the others. */
typedef void har_value_fn(struct har_values *, const struct har_place *, struct str);

har_value_fn har_value_address, har_value_blocked, har_value_body, har_value_connect,
    har_value_date, har_value_direction, har_value_dns, har_value_encoding,
    har_value_header_name, har_value_initiator, har_value_log_version, har_value_page_id,
    har_value_pageref, har_value_pages, har_value_receive, har_value_send, har_value_ssl,
    har_value_text, har_value_time, har_value_url, har_value_version, har_value_wait;

bool har_value_is_whole(struct str number);

void har_values_free(struct har_values *) NONNULL(1);
void har_values_begin(struct har_values *, bool cut) NONNULL(1);	/* of an entry */
void har_values_end(struct har_values *, const struct har_place *entry) NONNULL(1, 2);

/* In har_rules.c: tell of it. */
void har_values_tell(struct har_values *, bool warning, const struct har_place *,
    const char *rule) NONNULL(1, 3, 4);

#endif
