/* SPDX-License-Identifier: ISC */
/*
 * suggest.c - what an unknown key was probably meant to be.
 * Runs in: master, mitmctl.
 */
#include "config.h"

#include "conf/schema.h"

#define KEY_MAX 40	/* longer ones are no slip of the finger */

/* Optimal string alignment: edits, and neighbours changed over, count one. */
static unsigned
distance(struct str a, struct str b)
{
	unsigned d[KEY_MAX + 1][KEY_MAX + 1];
	size_t i, j;

	for (i = 0; i <= a.n; i++)
		d[i][0] = (unsigned)i;
	for (j = 0; j <= b.n; j++)
		d[0][j] = (unsigned)j;
	for (i = 1; i <= a.n; i++) {
		for (j = 1; j <= b.n; j++) {
			unsigned swap = ascii_lower(a.p[i - 1]) != ascii_lower(b.p[j - 1]);
			unsigned best = MIN(d[i - 1][j], d[i][j - 1]) + 1;

			best = MIN(best, d[i - 1][j - 1] + swap);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
			    a.p[i - 2] == b.p[j - 1])
				best = MIN(best, d[i - 2][j - 2] + 1);
			d[i][j] = best;
		}
	}
	return d[a.n][b.n];
}

unsigned
schema_slip(struct str key, struct str candidate)
{
	unsigned d;

	if (key.n < 2 || key.n > KEY_MAX || candidate.n > KEY_MAX)
		return SCHEMA_NO_SLIP;
	d = distance(key, candidate);
	if (d <= MAX(1, (key.n + 2) / 4))
		return d;
	return key.n >= 3 && str_istarts(candidate, key) ? KEY_MAX : SCHEMA_NO_SLIP;
}

/* The key of this row at the level of prefix, where a section counts as one. */
static struct str
sibling(const struct opt *o, struct str prefix)
{
	struct str path = str_z(o->path), section = schema_section_of(o);

	if (prefix.n > 0)
		return str_starts(path, prefix) ? str_from(path, prefix.n) : STR_NONE;
	if (section.n > 0)
		return section;
	return schema_in_entry(o) ? STR_NONE : path;
}

static bool
put_sibling(struct buf *b, struct str prefix, struct str key)
{
	struct str best = STR_NONE;
	unsigned least = SCHEMA_NO_SLIP, d;
	size_t i;

	for (i = 0; i < schema_count(); i++) {
		struct str s = sibling(schema_row(i), prefix);

		d = s.n > 0 ? schema_slip(key, s) : SCHEMA_NO_SLIP;
		if (d < least) {
			least = d;
			best = s;
		}
	}
	if (best.n > 0)
		buf_printf(b, ": did you mean '%.*s%.*s'?", STR_ARG(prefix), STR_ARG(best));
	return best.n > 0;
}

/* The right key at the wrong place: one level off, or "a.b" in one. */
static void
put_elsewhere(struct buf *b, struct str key)
{
	size_t i;

	for (i = 0; i < schema_count(); i++) {
		const struct opt *o = schema_row(i);
		struct str path = str_z(o->path), section = schema_section_of(o);
		struct str last = str_from(path, section.n > 0 ? section.n + 1 : 0);

		if (section.n > 0 && str_eq(path, key)) {
			buf_printf(b, ": write '%.*s' below '%.*s'", STR_ARG(last),
			    STR_ARG(section));
			return;
		}
		if (str_eq(last, key)) {
			buf_printf(b, ": did you mean '%s'?", o->path);
			return;
		}
	}
}

void
schema_put_hint(struct buf *b, struct str prefix, struct str key)
{
	if (!put_sibling(b, prefix, key))
		put_elsewhere(b, key);
}
