/* SPDX-License-Identifier: ISC */
/*
 * json.c - see json.h: writing.  The hot loop copies sixteen bytes at a time
 * and looks closer only at those that need it.
 * Runs in: worker, recorder, tests, fuzzers.
 */
#include "config.h"

#include "har/json.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "har/utf8.h"

#define PIECE 4096	/* bounds what is reserved for the worst case */

/*
 * What a byte becomes inside a string: eight bytes are copied, n of them count.
 * So a byte costs the same whether it is escaped or not, and no branch.
 */
struct escape {
	char text[7];
	uint8_t n;
};

#define SELF(c) {{(char)(c)}, 1}
#define SELF4(c) SELF(c), SELF((c) + 1), SELF((c) + 2), SELF((c) + 3)
#define SELF16(c) SELF4(c), SELF4((c) + 4), SELF4((c) + 8), SELF4((c) + 12)
#define SHORT(c) {{'\\', c}, 2}
#define LONG(a, b) {{'\\', 'u', '0', '0', a, b}, 6}

static const struct escape escapes[256] = {
	LONG('0', '0'), LONG('0', '1'), LONG('0', '2'), LONG('0', '3'),
	LONG('0', '4'), LONG('0', '5'), LONG('0', '6'), LONG('0', '7'),
	SHORT('b'), SHORT('t'), SHORT('n'), LONG('0', 'b'),
	SHORT('f'), SHORT('r'), LONG('0', 'e'), LONG('0', 'f'),
	LONG('1', '0'), LONG('1', '1'), LONG('1', '2'), LONG('1', '3'),
	LONG('1', '4'), LONG('1', '5'), LONG('1', '6'), LONG('1', '7'),
	LONG('1', '8'), LONG('1', '9'), LONG('1', 'a'), LONG('1', 'b'),
	LONG('1', 'c'), LONG('1', 'd'), LONG('1', 'e'), LONG('1', 'f'),
	SELF(0x20), SELF(0x21), SHORT('"'), SELF(0x23), SELF4(0x24), SELF4(0x28), SELF4(0x2c),
	SELF16(0x30), SELF16(0x40),
	SELF4(0x50), SELF4(0x54), SELF4(0x58), SHORT('\\'), SELF(0x5d), SELF(0x5e), SELF(0x5f),
	SELF16(0x60), SELF16(0x70), SELF16(0x80), SELF16(0x90), SELF16(0xa0), SELF16(0xb0),
	SELF16(0xc0), SELF16(0xd0), SELF16(0xe0), SELF16(0xf0),
};

static inline char *
put_byte(char *o, uint8_t c)
{
	memcpy(o, &escapes[c], sizeof(escapes[c]));
	return o + escapes[c].n;
}

/* U+2028 and U+2029 end a line in JavaScript before ES2019. */
static inline bool
is_line_separator(const uint8_t *p, size_t n)
{
	return p[0] == 0xe2 && n >= 3 && p[1] == 0x80 && (p[2] & 0xfe) == 0xa8;
}

static char *
put_bytes(char *o, const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (UNLIKELY(is_line_separator(p + i, n - i))) {
			memcpy(o, p[i + 2] == 0xa8 ? "\\u2028" : "\\u2029", 6);
			o += 6;
			i += 2;
		} else {
			o = put_byte(o, p[i]);
		}
	}
	return o;
}

#ifdef __SSE2__
/*
 * Sixteen bytes at a time as long as there are that many; *used says how many
 * were taken.  A block with one odd byte is taken up to and with that byte,
 * one with several byte by byte.
 */
static char *
put_blocks(char *o, const uint8_t *p, size_t n, size_t *used)
{
	const __m128i last = _mm_set1_epi8(0x1f), quote = _mm_set1_epi8('"');
	const __m128i back = _mm_set1_epi8('\\'), e2 = _mm_set1_epi8((char)0xe2);
	size_t i = 0, k;

	while (n - i >= 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
		__m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, last), v);
		__m128i odd = _mm_or_si128(_mm_or_si128(control, _mm_cmpeq_epi8(v, e2)),
		    _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, back)));
		unsigned m = (unsigned)_mm_movemask_epi8(odd);

		_mm_storeu_si128((__m128i *)(void *)o, v);
		if (m == 0) {
			i += 16;
			o += 16;
			continue;
		}
		if ((m & (m - 1)) != 0 && _mm_movemask_epi8(_mm_cmpeq_epi8(v, e2)) == 0) {
			for (k = 0; k < 16; k++)
				o = put_byte(o, p[i + k]);
			i += 16;
			continue;
		}
		k = (size_t)__builtin_ctz(m);
		i += k;
		o += k;
		if (p[i] == 0xe2) {
			k = MIN((size_t)3, n - i);
			o = put_bytes(o, p + i, k);
			i += k;
		} else {
			o = put_byte(o, p[i++]);
		}
	}
	*used = i;
	return o;
}
#endif

size_t
json_escape(char *out, const uint8_t *p, size_t n)
{
	char *o = out;
	size_t i = 0;

#ifdef __SSE2__
	o = put_blocks(o, p, n, &i);
#endif
	o = put_bytes(o, p + i, n - i);
	return (size_t)(o - out);
}

static size_t
escape_latin1(char *out, const uint8_t *p, size_t n)
{
	char *o = out;
	size_t i;

	for (i = 0; i < n; i++) {
		if (p[i] < 0x80) {
			o = put_byte(o, p[i]);
			continue;
		}
		*o++ = (char)(0xc0 | p[i] >> 6);
		*o++ = (char)(0x80 | (p[i] & 0x3f));
	}
	return (size_t)(o - out);
}

static char *
reserve(struct buf *b, size_t n)
{
	char *at = (char *)buf_reserve(b, n);

	CHECK(at != NULL);
	return at;
}

/* Some byte of x is a control, a quote, a backslash or not ASCII (or perhaps none is). */
static inline bool
word_is_odd(uint64_t x)
{
	const uint64_t ones = 0x0101010101010101u, high = ones << 7;
	uint64_t q = x ^ (ones * '"'), b = x ^ (ones * '\\');

	return ((x | (x - ones * 0x20) | (q - ones) | (b - ones)) & high) != 0;
}

/* The same for up to seven bytes; a second copy overlaps the first, so there is no loop. */
static inline bool
copy_few(char *out, const uint8_t *p, size_t n)
{
	uint32_t lo, hi;

	if (n >= 4) {
		memcpy(&lo, p, 4);
		memcpy(&hi, p + n - 4, 4);
		memcpy(out, &lo, 4);
		memcpy(out + n - 4, &hi, 4);
		return !word_is_odd((uint64_t)hi << 32 | lo);
	}
	if (n == 0)
		return true;
	out[0] = (char)p[0];
	out[n / 2] = (char)p[n / 2];
	out[n - 1] = (char)p[n - 1];
	return !word_is_odd(UINT64_C(0x7878787878) << 24 | (uint32_t)p[0] << 16 |
	    (uint32_t)p[n / 2] << 8 | p[n - 1]);
}

static inline bool
copy_words(char *out, const uint8_t *p, size_t n)
{
	uint64_t x;
	bool odd = false;
	size_t i;

	if (n < 8)
		return copy_few(out, p, n);
	for (i = 0; n - i > 8; i += 8) {
		memcpy(&x, p + i, 8);
		memcpy(out + i, &x, 8);
		odd |= word_is_odd(x);
	}
	memcpy(&x, p + n - 8, 8);
	memcpy(out + n - 8, &x, 8);
	return !odd && !word_is_odd(x);
}

/*
 * Copies all n bytes and says whether that was all there is to do, as with
 * nearly every name and value.
 */
static bool
copy_plain(char *out, const uint8_t *p, size_t n)
{
	size_t i = 0;

#ifdef __SSE2__
	const __m128i space = _mm_set1_epi8(0x20);
	const __m128i quote = _mm_set1_epi8('"'), back = _mm_set1_epi8('\\');
	__m128i odd = _mm_setzero_si128();

	for (; n - i >= 16; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));

		_mm_storeu_si128((__m128i *)(void *)(out + i), v);
		/* Bytes of 0x80 and more are negative, so one comparison finds them and C0. */
		odd = _mm_or_si128(odd, _mm_or_si128(_mm_cmplt_epi8(v, space),
		    _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, back))));
	}
	if (_mm_movemask_epi8(odd) != 0)
		return false;
#endif
	return copy_words(out + i, p + i, n - i);
}

static void
string_long(struct buf *b, const uint8_t *p, size_t n)
{
	bool valid = utf8_valid(p, n) == n;
	size_t k;

	JSON_LIT(b, "\"");
	for (; n > 0; p += k, n -= k) {
		k = MIN(n, (size_t)PIECE);
		if (valid)
			k = utf8_valid(p, k);
		buf_commit(b, valid ? json_escape(reserve(b, JSON_ESCAPE_ROOM(k)), p, k)
				    : escape_latin1(reserve(b, JSON_ESCAPE_ROOM(k)), p, k));
	}
	JSON_LIT(b, "\"");
}

void
json_string(struct buf *b, struct str s)
{
	const uint8_t *p = (const uint8_t *)s.p;
	size_t len;
	char *o;

	if (s.n > PIECE) {
		string_long(b, p, s.n);
		return;
	}
	o = reserve(b, JSON_ESCAPE_ROOM(s.n) + 2);
	*o = '"';
	if (s.n == 0 || copy_plain(o + 1, p, s.n))
		len = s.n;
	else if (utf8_valid(p, s.n) == s.n)
		len = json_escape(o + 1, p, s.n);
	else
		len = escape_latin1(o + 1, p, s.n);
	o[len + 1] = '"';
	buf_commit(b, len + 2);
}

void
json_comma(struct buf *b)
{
	uint8_t last = b->len > 0 ? buf_data(b)[b->len - 1] : '{';

	if (last != '{' && last != '[')
		JSON_LIT(b, ",");
}

void
json_name(struct buf *b, const char *name)
{
	json_comma(b);
	JSON_LIT(b, "\"");
	json_raw(b, name, strlen(name));
	JSON_LIT(b, "\":");
}

void
json_member(struct buf *b, const char *name, struct str value)
{
	json_name(b, name);
	json_string(b, value);
}

/* Digits of v end at end; where they start comes back. */
static char *
digits(char *end, uint64_t v)
{
	do {
		*--end = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	return end;
}

void
json_int(struct buf *b, int64_t v)
{
	char text[24], *end = text + sizeof(text), *p;

	p = digits(end, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
	if (v < 0)
		*--p = '-';
	json_raw(b, p, (size_t)(end - p));
}

void
json_ms(struct buf *b, int64_t us)
{
	char frac[4];
	unsigned rest;
	size_t n = 4;

	if (us < 0) {
		JSON_LIT(b, "-1");
		return;
	}
	json_int(b, us / 1000);
	rest = (unsigned)(us % 1000);
	if (rest == 0)
		return;
	frac[0] = '.';
	frac[1] = (char)('0' + rest / 100);
	frac[2] = (char)('0' + rest / 10 % 10);
	frac[3] = (char)('0' + rest % 10);
	while (frac[n - 1] == '0')
		n--;
	json_raw(b, frac, n);
}

void
json_member_int(struct buf *b, const char *name, int64_t v)
{
	json_name(b, name);
	json_int(b, v);
}

void
json_member_bool(struct buf *b, const char *name, bool v)
{
	json_name(b, name);
	json_raw(b, v ? "true" : "false", v ? 4 : 5);
}

static unsigned
hex_value(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

char
json_unshort(char c)
{
	switch (c) {
	case 'b':
		return '\b';
	case 't':
		return '\t';
	case 'n':
		return '\n';
	case 'f':
		return '\f';
	case 'r':
		return '\r';
	default:
		return c;
	}
}

size_t
json_unescape(uint8_t *out, const char *p, size_t n, size_t *used)
{
	uint8_t *o = out;
	const char *at;
	size_t i = 0, k;
	unsigned c;

	while (i < n) {
		at = memchr(p + i, '\\', n - i);
		k = at != NULL ? (size_t)(at - p) - i : n - i;
		memcpy(o, p + i, k);
		o += k;
		i += k;
		if (i == n || n - i < 2 || (p[i + 1] == 'u' && n - i < 6))
			break;
		if (p[i + 1] != 'u') {
			*o++ = (uint8_t)json_unshort(p[i + 1]);
			i += 2;
			continue;
		}
		c = hex_value(p[i + 2]) << 12 | hex_value(p[i + 3]) << 8 |
		    hex_value(p[i + 4]) << 4 | hex_value(p[i + 5]);
		if (c >= 0x800) {	/* only U+2028 and U+2029 are written so */
			*o++ = (uint8_t)(0xe0 | (c >> 12 & 0x0f));
			*o++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
			*o++ = (uint8_t)(0x80 | (c & 0x3f));
		} else {
			*o++ = (uint8_t)c;
		}
		i += 6;
	}
	*used = i;
	return (size_t)(o - out);
}
