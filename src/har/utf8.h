/* SPDX-License-Identifier: ISC */
/*
 * utf8.h - UTF-8 (RFC 3629), and which bytes a recording may show as text.
 * Runs in: worker, recorder, tests, fuzzers.
 */
#ifndef MITMD_HAR_UTF8_H
#define MITMD_HAR_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * Length (1 to 4) of the sequence at p; 0: not UTF-8; -1: good so far, but
 * its end is missing.  n > 0.
 */
static inline int
utf8_sequence(const uint8_t *p, size_t n)
{
	uint8_t c = p[0], lo = 0x80, hi = 0xbf;
	size_t len, i;

	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (c == 0xe0)
		lo = 0xa0;	/* shorter forms, RFC 3629 3 */
	else if (c == 0xed)
		hi = 0x9f;	/* surrogates */
	else if (c == 0xf0)
		lo = 0x90;
	else if (c == 0xf4)
		hi = 0x8f;	/* beyond U+10FFFF */
	if (n < 2)
		return -1;
	if (p[1] < lo || p[1] > hi)
		return 0;
	for (i = 2; i < len; i++) {
		if (i >= n)
			return -1;
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return (int)len;
}

/* Length of the longest prefix that is whole, valid UTF-8. */
size_t utf8_valid(const uint8_t *p, size_t n);
/*
 * The same, but only of what a HAR shows as text: no NUL and no other C0
 * controls but \t \n \r \f, no non-characters.
 */
size_t utf8_text(const uint8_t *p, size_t n);

#endif
