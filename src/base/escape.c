/* SPDX-License-Identifier: ISC */
/* escape.c - see escape.h.  Runs in: every process. */
#include "config.h"

#include "base/escape.h"

#include <stdio.h>

#define ROOM 14	/* for the longest escape and a NUL: two \uXXXX */

/* How many bytes the first character has (Unicode 3.9, table 3-7); 0: it is none. */
static size_t
take_utf8(struct str s, uint32_t *out)
{
	const uint8_t *p = (const uint8_t *)s.p;
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 :
	    p[0] < 0xf5 ? 4 : 0, i;
	uint32_t c = n == 1 ? p[0] : p[0] & (0x7fu >> n);

	if (n == 0 || n > s.n)
		return 0;
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if ((n == 3 && c < 0x800) || (n == 4 && (c < 0x10000 || c > 0x10ffff)) ||
	    (c >= 0xd800 && c < 0xe000))
		return 0;
	*out = c;
	return n;
}

/* Controls, line ends, marks of direction, and what has no width. */
static bool
is_harmful(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {{0, 0x1f}, {0x7f, 0x9f}, {0xad, 0xad}, {0x61c, 0x61c}, {0x180e, 0x180e},
	    {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff},
	    {0xfff9, 0xfffb}, {0xe0000, 0xe0fff}};
	size_t i;

	for (i = 0; i < NELEM(ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

static size_t
put_harmful(char *out, uint32_t c, enum escape_as as)
{
	if (c < 0x100 && as == ESCAPE_TEXT)
		return (size_t)sprintf(out, "\\x%02x", c);
	if (c < 0x10000)
		return (size_t)sprintf(out, "\\u%04x", c);
	c -= 0x10000;	/* RFC 8259 7: a surrogate pair */
	return (size_t)sprintf(out, "\\u%04x\\u%04x", 0xd800 + (c >> 10), 0xdc00 + (c & 0x3ff));
}

size_t
escape(char *out, size_t size, struct str s, enum escape_as as)
{
	size_t n = 0, took;
	uint32_t c;

	for (; s.n > 0 && n + ROOM < size; s = str_from(s, took)) {
		took = take_utf8(s, &c);
		if (took == 0) {
			n += (size_t)sprintf(out + n, as == ESCAPE_JSON ? "\\\\x%02x" : "\\x%02x",
			    (uint8_t)*s.p);
			took = 1;
		} else if (is_harmful(c)) {
			n += put_harmful(out + n, c, as);
		} else {
			if (as == ESCAPE_JSON && (c == '"' || c == '\\'))
				out[n++] = '\\';
			memcpy(out + n, s.p, took);
			n += took;
		}
	}
	out[n] = '\0';
	return n;
}
