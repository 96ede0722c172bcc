/* SPDX-License-Identifier: ISC */
/*
 * base64.c - see base64.h.  Recording binary bodies is mostly this, so there
 * is an AVX2 way where the processor has it (several times OpenSSL's speed).
 * Runs in: worker, tests, fuzzers.
 */
#include "config.h"

#include "har/base64.h"

#include <string.h>
#if defined(__x86_64__) && defined(__GNUC__)
#define BASE64_AVX2 1
#include <immintrin.h>
#endif

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void
group(char *o, const uint8_t *p)
{
	o[0] = alphabet[p[0] >> 2];
	o[1] = alphabet[(p[0] & 3) << 4 | p[1] >> 4];
	o[2] = alphabet[(p[1] & 15) << 2 | p[2] >> 6];
	o[3] = alphabet[p[2] & 63];
}

#ifdef BASE64_AVX2
/*
 * Wojciech Mula's and Daniel Lemire's method: 24 bytes are spread over eight
 * words, four six-bit values are cut out of each by two multiplications, and
 * a shuffle looks up what to add to get the letter.  Each load starts four
 * bytes early, so that both lanes can shuffle within themselves: p[-4] is
 * readable.  Returns the bytes taken, a multiple of three.
 */
__attribute__((target("avx2"))) static size_t
groups_avx2(char *out, const uint8_t *p, size_t n)
{
	const __m256i spread = _mm256_setr_epi8(5, 4, 6, 5, 8, 7, 9, 8, 11, 10, 12, 11, 14, 13,
	    15, 14, 1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
	const __m256i shift = _mm256_setr_epi8(65, 71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4,
	    -19, -16, 0, 0, 65, 71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 0, 0);
	__m256i v, hi, lo, index;
	size_t i;

	for (i = 0; n - i >= 28; i += 24, out += 32) {
		v = _mm256_loadu_si256((const __m256i *)(const void *)(p + i - 4));
		v = _mm256_shuffle_epi8(v, spread);
		hi = _mm256_mulhi_epu16(_mm256_and_si256(v, _mm256_set1_epi32(0x0fc0fc00)),
		    _mm256_set1_epi32(0x04000040));
		lo = _mm256_mullo_epi16(_mm256_and_si256(v, _mm256_set1_epi32(0x003f03f0)),
		    _mm256_set1_epi32(0x01000010));
		v = _mm256_or_si256(hi, lo);
		index = _mm256_sub_epi8(_mm256_subs_epu8(v, _mm256_set1_epi8(51)),
		    _mm256_cmpgt_epi8(v, _mm256_set1_epi8(25)));
		v = _mm256_add_epi8(v, _mm256_shuffle_epi8(shift, index));
		_mm256_storeu_si256((__m256i *)(void *)out, v);
	}
	return i;
}
#endif

/* n is a multiple of three. */
static void
groups(char *out, const uint8_t *p, size_t n)
{
	size_t i = 0;

#ifdef BASE64_AVX2
	if (n >= 64 && __builtin_cpu_supports("avx2")) {
		for (; i < 6; i += 3)
			group(out + i / 3 * 4, p + i);
		i += groups_avx2(out + 8, p + 6, n - 6);
	}
#endif
	for (; i < n; i += 3)
		group(out + i / 3 * 4, p + i);
}

size_t
base64_feed(struct base64 *b, char *out, const uint8_t *p, size_t n)
{
	uint8_t first[3];
	char *o = out;
	size_t take, whole;

	if (b->n > 0) {
		take = MIN(n, (size_t)(3 - b->n));
		memcpy(first, b->carry, b->n);
		memcpy(first + b->n, p, take);
		if (b->n + take < 3) {
			memcpy(b->carry, first, sizeof(b->carry));
			b->n = (uint8_t)(b->n + take);
			return 0;
		}
		group(o, first);
		o += 4;
		p += take;
		n -= take;
	}
	whole = n - n % 3;
	groups(o, p, whole);
	o += whole / 3 * 4;
	b->n = (uint8_t)(n - whole);
	memcpy(b->carry, p + whole, b->n);
	return (size_t)(o - out);
}

size_t
base64_end(struct base64 *b, char *out)
{
	uint8_t last[3] = {0};
	size_t n = b->n;

	if (n == 0)
		return 0;
	memcpy(last, b->carry, n);
	group(out, last);
	out[3] = '=';
	if (n == 1)
		out[2] = '=';
	b->n = 0;
	return 4;
}
