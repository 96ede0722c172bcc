/* SPDX-License-Identifier: ISC */
/*
 * pairs.h - "a=1&b=2" of a query or a form (application/x-www-form-urlencoded)
 * as HAR's arrays of {name, value}.
 * Runs in: worker, tests, fuzzers.
 */
#ifndef MITMD_HAR_PAIRS_H
#define MITMD_HAR_PAIRS_H

#include <stdbool.h>

#include "base/buf.h"

/* An array lists that many: what is listed stands elsewhere in the entry too. */
#define PAIRS_MAX 1000

enum pairs_form {
	PAIRS_DECODED,
	/*
	 * A pair that has "%" when decoded stays as it was sent: readers decode
	 * form values once more and fail on a bare "%" (har-to-k6).
	 */
	PAIRS_DECODABLE
};

/* Elements of an array, without its brackets; false when there were too many. */
bool pairs_put(struct buf *out, struct str text, enum pairs_form) NONNULL(1);
/* {"name":...,"value":... without the closing brace, after a comma where one belongs. */
void pairs_open(struct buf *out, struct str name, struct str value) NONNULL(1);

#endif
