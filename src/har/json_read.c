/* SPDX-License-Identifier: ISC */
/* json_read.c - see json_read.h.  Runs in: mitmctl, tests, fuzzers. */
#include "config.h"

#include "har/json_read.h"

#include <stdlib.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "har/json.h"

#define NUMBER_MAX 64	/* bytes of a number that is looked at */

static inline void
skip_space(struct json_read *r)
{
	while (r->p < r->end &&
	    (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t'))
		r->p++;
}

char
json_read_peek(struct json_read *r)
{
	skip_space(r);
	return r->p < r->end ? *r->p : '\0';
}

bool
json_read_enter(struct json_read *r, char bracket)
{
	if (json_read_peek(r) != bracket)
		return false;
	r->p++;
	return true;
}

/* The quote that ends the string which p is inside of; end if there is none. */
static const char *
string_end(const char *p, const char *end)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), back = _mm_set1_epi8('\\');

	while (end - p >= 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		int m = _mm_movemask_epi8(
		    _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, back)));

		if (m == 0) {
			p += 16;
			continue;
		}
		p += __builtin_ctz((unsigned)m);
		if (*p == '"')
			return p;
		p += end - p >= 2 ? 2 : 1;
	}
#endif
	while (p < end && *p != '"')
		p += *p == '\\' && end - p >= 2 ? 2 : 1;
	return p;
}

/* p is at a quote: the byte behind the one that ends it. */
static const char *
past_string(const char *p, const char *end)
{
	p = string_end(p + 1, end);
	return p < end ? p + 1 : end;
}

static const char *
past_brackets(const char *p, const char *end)
{
	size_t depth = 0;

	while (p < end) {
		switch (*p) {
		case '"':
			p = past_string(p, end);
			continue;
		case '{':
		case '[':
			depth++;
			break;
		case '}':
		case ']':
			if (--depth == 0)
				return p + 1;
			break;
		default:
			break;
		}
		p++;
	}
	return end;
}

static bool
ends_scalar(char c)
{
	return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\n' || c == '\r' ||
	    c == '\t' || c == ':';
}

void
json_read_value(struct json_read *r, struct str *text)
{
	const char *from;

	skip_space(r);
	from = r->p;
	if (from == r->end) {
		*text = STR_NONE;
		return;
	}
	if (*from == '"')
		r->p = past_string(from, r->end);
	else if (*from == '{' || *from == '[')
		r->p = past_brackets(from, r->end);
	else
		do		/* one byte at least, so that whoever loops gets on */
			r->p++;
		while (r->p < r->end && !ends_scalar(*r->p));
	*text = str_of(from, (size_t)(r->p - from));
}

bool
json_read_string(struct json_read *r, struct str *raw)
{
	const char *from, *quote;

	if (json_read_peek(r) != '"') {
		json_read_value(r, raw);
		*raw = STR_NONE;
		return false;
	}
	from = r->p + 1;
	quote = string_end(from, r->end);
	*raw = str_of(from, (size_t)(quote - from));
	r->p = quote < r->end ? quote + 1 : r->end;
	return true;
}

static bool
next_in(struct json_read *r, char bracket)
{
	char c = json_read_peek(r);

	if (c == ',') {
		r->p++;
		c = json_read_peek(r);
	}
	if (c == bracket)
		r->p++;
	return c != bracket && c != '\0';
}

bool
json_read_member(struct json_read *r, struct str *name)
{
	if (!next_in(r, '}'))
		return false;
	(void)json_read_string(r, name);
	if (json_read_peek(r) == ':')
		r->p++;
	return r->p < r->end;
}

bool
json_read_element(struct json_read *r)
{
	return next_in(r, ']');
}

/* ---- strings ---- */

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \uXXXX at p; -1: it is none. */
static int32_t
unit_at(const char *p, size_t n)
{
	int32_t unit = 0;
	int i, digit;

	if (n < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	for (i = 2; i < 6; i++) {
		digit = hex_value(p[i]);
		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

static void
put_utf8(struct buf *out, uint32_t c)
{
	uint8_t text[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	size_t i;

	if (n == 1) {
		buf_putc(out, (char)c);
		return;
	}
	for (i = n; i-- > 1; c >>= 6)
		text[i] = (uint8_t)(0x80 | (c & 0x3f));
	text[0] = (uint8_t)((0xf0u << (4 - n)) | c);
	buf_put(out, text, n);
}

/* A code point of one or two \uXXXX; how many bytes they are. */
static size_t
decode_unit(struct buf *out, const char *p, size_t n)
{
	int32_t a = unit_at(p, n), b;

	if (a < 0) {
		put_utf8(out, 0xfffd);
		return MIN(n, (size_t)2);
	}
	if (a < 0xd800 || a > 0xdfff) {
		put_utf8(out, (uint32_t)a);
		return 6;
	}
	b = a < 0xdc00 ? unit_at(p + 6, n - 6) : -1;
	if (b < 0xdc00 || b > 0xdfff) {
		put_utf8(out, 0xfffd);
		return 6;
	}
	put_utf8(out, 0x10000u + ((uint32_t)(a - 0xd800) << 10) + (uint32_t)(b - 0xdc00));
	return 12;
}

void
json_read_decode(struct buf *out, struct str raw)
{
	const char *back;
	size_t n;

	while (raw.n > 0) {
		back = memchr(raw.p, '\\', raw.n);
		n = back != NULL ? (size_t)(back - raw.p) : raw.n;
		buf_put(out, raw.p, n);
		raw = str_from(raw, n);
		if (raw.n < 2)
			return;
		if (raw.p[1] == 'u') {
			n = decode_unit(out, raw.p, raw.n);
		} else {
			buf_putc(out, json_unshort(raw.p[1]));
			n = 2;
		}
		raw = str_from(raw, n);
	}
}

/* ---- numbers ---- */

bool
json_read_number(struct str text, double *out)
{
	char copy[NUMBER_MAX], *end;
	int64_t whole = 0;
	size_t i = 0;

	if (text.n == 0 || text.n >= sizeof(copy) ||
	    (text.p[0] != '-' && (text.p[0] < '0' || text.p[0] > '9')))
		return false;
	while (i < text.n && i < 15 && text.p[i] >= '0' && text.p[i] <= '9')
		whole = whole * 10 + (text.p[i++] - '0');
	if (i == text.n) {	/* most are small and whole */
		*out = (double)whole;
		return true;
	}
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	if (memchr(copy, 'x', text.n) != NULL || memchr(copy, 'X', text.n) != NULL)
		return false;
	*out = strtod(copy, &end);
	return end == copy + text.n;
}
