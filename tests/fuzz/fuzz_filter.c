/* SPDX-License-Identifier: ISC */
/*
 * fuzz_filter.c - an expression, a newline, an entry: it ends, and its negation takes
 * what it does not take.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ctl/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
compare(const char *text, const struct filter *f, const struct view *v)
{
	char *negated = mem_printf("!(%s)", text);
	struct errmsg err;
	struct filter *not = filter_parse(negated, &err);
	bool takes = filter_match(f, v);

	CHECK(filter_match(f, v) == takes);
	if (not != NULL) {	/* it may be too long or too deep now, or empty */
		bool other = filter_match(not, v);

		CHECK(filter_given_up(f) > 0 || takes != other);
	}
	filter_free(&not);
	free(negated);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *newline = size > 0 ? memchr(data, '\n', size) : NULL;
	size_t n = newline != NULL ? (size_t)(newline - data) : size;
	struct str entry = newline != NULL ? str_of(newline + 1, size - n - 1) : STR_NONE;
	char *text = mem_strndup((const char *)data, n);
	struct view v = {.text = STR_NONE};
	struct errmsg err = {.text = ""};
	struct filter *f = filter_parse(text, &err);

	CHECK((f == NULL) == (err.text[0] != '\0'));
	(void)view_parse(&v, entry);
	if (f != NULL)
		compare(text, f, &v);
	filter_free(&f);
	view_free(&v);
	free(text);
	return 0;
}
