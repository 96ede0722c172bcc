/* SPDX-License-Identifier: ISC */
/* pairs.c - see pairs.h.  Runs in: worker, tests, fuzzers. */
#include "config.h"

#include "har/pairs.h"

#include <stdlib.h>

#include "base/mem.h"
#include "har/json.h"

#define SMALL 1024	/* a longer pair is worth an allocation */

void
pairs_open(struct buf *out, struct str name, struct str value)
{
	json_comma(out);
	JSON_LIT(out, "{\"name\":");
	json_string(out, name);
	JSON_LIT(out, ",\"value\":");
	json_string(out, value);
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* WHATWG URL 5.1: "+" is a space, and a "%" without two hex digits is itself. */
static struct str
decode(struct str s, char *out)
{
	size_t i, n = 0;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '%' && s.n - i > 2 && hex(s.p[i + 1]) >= 0 &&
		    hex(s.p[i + 2]) >= 0) {
			out[n++] = (char)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2]));
			i += 2;
		} else {
			out[n++] = s.p[i] == '+' ? ' ' : s.p[i];
		}
	}
	return str_of(out, n);
}

static void
put_pair(struct buf *out, struct str pair, enum pairs_form form, char *scratch)
{
	ssize_t eq = str_chr(pair, '=');
	struct str name = eq >= 0 ? str_sub(pair, 0, (size_t)eq) : pair;
	struct str value = eq >= 0 ? str_from(pair, (size_t)eq + 1) : STR("");
	struct str dname, dvalue;

	if (str_chr(pair, '%') >= 0 || str_chr(pair, '+') >= 0) {
		dname = decode(name, scratch);
		dvalue = decode(value, scratch + name.n);
		if (form == PAIRS_DECODED ||
		    (str_chr(dname, '%') < 0 && str_chr(dvalue, '%') < 0)) {
			name = dname;
			value = dvalue;
		}
	}
	pairs_open(out, name, value);
	JSON_LIT(out, "}");
}

bool
pairs_put(struct buf *out, struct str text, enum pairs_form form)
{
	char small[SMALL], *scratch;
	struct str pair;
	size_t n = 0;

	while (str_split(&text, '&', &pair)) {
		if (pair.n == 0)
			continue;
		if (n++ == PAIRS_MAX)
			return false;
		scratch = pair.n <= sizeof(small) ? small : mem_alloc(pair.n);
		put_pair(out, pair, form, scratch);
		if (scratch != small)
			free(scratch);
	}
	return true;
}
