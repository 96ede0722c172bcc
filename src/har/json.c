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

static bool
is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Some byte of x is a control, a quote, a backslash or not ASCII. */
static bool
word_special(uint64_t x)
{
	const uint64_t ones = 0x0101010101010101u, high = ones << 7;
	uint64_t q = x ^ (ones * '"'), b = x ^ (ones * '\\');

	return ((x | (x - ones * 0x20) | (q - ones) | (b - ones)) & high) != 0;
}

/* Copies up to the first byte that needs care; out has room for n. */
static size_t
copy_plain(char *out, const uint8_t *p, size_t n)
{
	size_t i = 0;

#ifdef __SSE2__
	const __m128i space = _mm_set1_epi8(0x20);
	const __m128i quote = _mm_set1_epi8('"'), back = _mm_set1_epi8('\\');

	for (; n - i >= 16; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
		/* Bytes of 0x80 and more are negative, so one comparison finds them and C0. */
		int m = _mm_movemask_epi8(_mm_or_si128(_mm_cmplt_epi8(v, space),
		    _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, back))));

		_mm_storeu_si128((__m128i *)(void *)(out + i), v);
		if (m != 0)
			return i + (size_t)__builtin_ctz((unsigned)m);
	}
#endif
	for (; n - i >= 8; i += 8) {
		uint64_t x;

		memcpy(&x, p + i, 8);
		if (word_special(x))
			break;
		memcpy(out + i, &x, 8);
	}
	for (; i < n && is_plain(p[i]); i++)
		out[i] = (char)p[i];
	return i;
}

static char *
put_escape(char *o, uint8_t c)
{
	static const char shorts[32] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r',
	};
	static const char hex[] = "0123456789abcdef";

	*o++ = '\\';
	if (c >= 0x20) {
		*o++ = (char)c;
	} else if (shorts[c] != 0) {
		*o++ = shorts[c];
	} else {
		memcpy(o, "u00", 3);
		o[3] = hex[c >> 4];
		o[4] = hex[c & 15];
		o += 5;
	}
	return o;
}

/* U+2028 and U+2029 end a line in JavaScript before ES2019. */
static char *
put_sequence(char *o, const uint8_t *p, size_t len)
{
	if (len == 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9)) {
		memcpy(o, p[2] == 0xa8 ? "\\u2028" : "\\u2029", 6);
		return o + 6;
	}
	memcpy(o, p, len);
	return o + len;
}

/* Stops at what is not UTF-8; *used says where. */
static size_t
escape(char *out, const uint8_t *p, size_t n, size_t *used)
{
	char *o = out;
	size_t i = 0, k;
	int len;

	while (i < n) {
		if (p[i] >= 0x80) {
			len = utf8_sequence(p + i, n - i);
			if (len <= 0)
				break;
			o = put_sequence(o, p + i, (size_t)len);
			i += (size_t)len;
			continue;
		}
		k = copy_plain(o, p + i, n - i);
		i += k;
		o += k;
		if (i < n && p[i] < 0x80)
			o = put_escape(o, p[i++]);
	}
	*used = i;
	return (size_t)(o - out);
}

size_t
json_escape(char *out, const uint8_t *p, size_t n)
{
	size_t used, len = escape(out, p, n, &used);

	CHECK(used == n);
	return len;
}

static size_t
escape_latin1(char *out, const uint8_t *p, size_t n)
{
	char *o = out;
	size_t i = 0, k;

	while (i < n) {
		k = copy_plain(o, p + i, n - i);
		i += k;
		o += k;
		if (i == n)
			break;
		if (p[i] < 0x80) {
			o = put_escape(o, p[i++]);
			continue;
		}
		*o++ = (char)(0xc0 | p[i] >> 6);
		*o++ = (char)(0x80 | (p[i++] & 0x3f));
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

static void
string_long(struct buf *b, const uint8_t *p, size_t n)
{
	bool valid = utf8_valid(p, n) == n;
	size_t k;

	for (; n > 0; p += k, n -= k) {
		k = MIN(n, (size_t)PIECE);
		if (valid)
			k = utf8_valid(p, k);
		buf_commit(b, valid ? json_escape(reserve(b, 6 * k), p, k)
				    : escape_latin1(reserve(b, 6 * k), p, k));
	}
}

void
json_string(struct buf *b, struct str s)
{
	const uint8_t *p = (const uint8_t *)s.p;
	size_t used, len;
	char *o;

	if (s.n > PIECE) {
		JSON_LIT(b, "\"");
		string_long(b, p, s.n);
		JSON_LIT(b, "\"");
		return;
	}
	o = reserve(b, 6 * s.n + 2);
	*o = '"';
	len = escape(o + 1, p, s.n, &used);
	if (used < s.n)
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

void
json_member_ms(struct buf *b, const char *name, int64_t us)
{
	json_name(b, name);
	json_ms(b, us);
}

static unsigned
hex_value(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

/* The byte after a backslash (not u) back to what it stands for. */
static uint8_t
unshort(char c)
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
		return (uint8_t)c;
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
			*o++ = unshort(p[i + 1]);
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
