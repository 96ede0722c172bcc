/* SPDX-License-Identifier: ISC */
/* utf8.c - see utf8.h.  Runs in: worker, recorder, tests, fuzzers. */
#include "config.h"

#include "har/utf8.h"

#include <stdbool.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static size_t
ascii_run(const uint8_t *p, size_t n)
{
	size_t i = 0;

#ifdef __SSE2__
	for (; n - i >= 16; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
		int m = _mm_movemask_epi8(v);

		if (m != 0)
			return i + (size_t)__builtin_ctz((unsigned)m);
	}
#endif
	for (; n - i >= 8; i += 8) {
		uint64_t x;

		memcpy(&x, p + i, 8);
		if ((x & 0x8080808080808080u) != 0)
			break;
	}
	while (i < n && p[i] < 0x80)
		i++;
	return i;
}

size_t
utf8_valid(const uint8_t *p, size_t n)
{
	size_t i = 0;
	int len;

	while (i < n) {
		if (p[i] < 0x80) {
			i += ascii_run(p + i, n - i);
			continue;
		}
		len = utf8_sequence(p + i, n - i);
		if (len <= 0)
			break;
		i += (size_t)len;
	}
	return i;
}

static bool
text_ascii(uint8_t c)
{
	return (c >= 0x20 && c < 0x80) || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static size_t
text_run(const uint8_t *p, size_t n)
{
	size_t i = 0;

#ifdef __SSE2__
	/* Bytes of 0x80 and more are negative, so one comparison finds them and C0. */
	const __m128i space = _mm_set1_epi8(0x20);
	const __m128i tab = _mm_set1_epi8('\t'), nl = _mm_set1_epi8('\n');
	const __m128i cr = _mm_set1_epi8('\r'), ff = _mm_set1_epi8('\f');

	for (; n - i >= 16; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
		__m128i good = _mm_or_si128(
		    _mm_or_si128(_mm_cmpeq_epi8(v, tab), _mm_cmpeq_epi8(v, nl)),
		    _mm_or_si128(_mm_cmpeq_epi8(v, cr), _mm_cmpeq_epi8(v, ff)));
		int m = _mm_movemask_epi8(_mm_andnot_si128(good, _mm_cmplt_epi8(v, space)));

		if (m != 0)
			return i + (size_t)__builtin_ctz((unsigned)m);
	}
#endif
	while (i < n && text_ascii(p[i]))
		i++;
	return i;
}

static bool
noncharacter(const uint8_t *p, int len)
{
	uint32_t c;

	if (len < 3)
		return false;
	c = (uint32_t)(p[len - 2] & 0x3f) << 6 | (uint32_t)(p[len - 1] & 0x3f);
	if (len == 3)
		c |= (uint32_t)(p[0] & 0x0f) << 12;
	else
		c |= (uint32_t)(p[1] & 0x3f) << 12;	/* the plane does not matter */
	return (c & 0xfffe) == 0xfffe || (len == 3 && c >= 0xfdd0 && c <= 0xfdef);
}

size_t
utf8_text(const uint8_t *p, size_t n)
{
	size_t i = 0;
	int len;

	for (;;) {
		i += text_run(p + i, n - i);
		if (i == n || p[i] < 0x80)
			break;
		len = utf8_sequence(p + i, n - i);
		if (len <= 0 || noncharacter(p + i, len))
			break;
		i += (size_t)len;
	}
	return i;
}
