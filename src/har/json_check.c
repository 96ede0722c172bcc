/* SPDX-License-Identifier: ISC */
/*
 * json_check.c - the streaming checker of json.h: what it lets through is
 * written into files that must always parse, so it takes nothing on trust.
 * Runs in: recorder, tests, fuzzers.
 */
#include "config.h"

#include "har/json.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum state {
	S_START,
	S_VALUE,	/* any value */
	S_FIRST_VALUE,	/* or ] */
	S_NAME,		/* a string that names a member */
	S_FIRST_NAME,	/* or } */
	S_COLON,
	S_AFTER,	/* , or the closing bracket */
	S_STRING,
	S_ESCAPE,
	S_HEX,
	S_UTF8,
	S_LITERAL,
	S_MINUS,
	S_ZERO,
	S_INT,
	S_DOT,
	S_FRAC,
	S_E,
	S_E_SIGN,
	S_EXP,
	S_DONE,
	S_BAD
};

void
json_check_init(struct json_check *c)
{
	*c = (struct json_check){.state = S_START};
}

void
json_check_init_lines(struct json_check *c)
{
	*c = (struct json_check){.state = S_START, .lines = 1};
}

bool
json_check_end(const struct json_check *c)
{
	return c->state == S_DONE;
}

bool
json_check_bad(const struct json_check *c)
{
	return c->state == S_BAD;
}

bool
json_check_in_string(const struct json_check *c)
{
	return c->state >= S_STRING && c->state <= S_UTF8;
}

bool
json_check_in_name(const struct json_check *c)
{
	return c->in_name && json_check_in_string(c);
}

static bool
is_digit(uint8_t b)
{
	return b >= '0' && b <= '9';
}

static bool
is_hex(uint8_t b)
{
	return is_digit(b) || ((b | 0x20) >= 'a' && (b | 0x20) <= 'f');
}

/* Bytes that need no look inside a string. */
static size_t
string_run(const uint8_t *p, size_t n)
{
	size_t i = 0;

#ifdef __SSE2__
	const __m128i space = _mm_set1_epi8(0x20);
	const __m128i quote = _mm_set1_epi8('"'), back = _mm_set1_epi8('\\');

	for (; n - i >= 16; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
		int m = _mm_movemask_epi8(_mm_or_si128(_mm_cmplt_epi8(v, space),
		    _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, back))));

		if (m != 0)
			return i + (size_t)__builtin_ctz((unsigned)m);
	}
#endif
	while (i < n && p[i] >= 0x20 && p[i] < 0x80 && p[i] != '"' && p[i] != '\\')
		i++;
	return i;
}

/* What may stand behind a backslash, but for u. */
static bool
is_short_escape(uint8_t b)
{
	static const bool short_escapes[256] = {['"'] = true, ['\\'] = true, ['/'] = true,
	    ['b'] = true, ['f'] = true, ['n'] = true, ['r'] = true, ['t'] = true};

	return short_escapes[b];
}

/* The same with short escapes: a body that is JSON itself has one at each quote. */
static size_t
escaped_run(const uint8_t *p, size_t n)
{
	size_t i = string_run(p, n);

	while (n - i >= 2 && p[i] == '\\' && is_short_escape(p[i + 1])) {
		i += 2;
		i += string_run(p + i, n - i);
	}
	return i;
}

static enum state
open_bracket(struct json_check *c, bool object)
{
	uint64_t bit;

	if (c->depth == JSON_DEPTH_MAX)
		return S_BAD;
	bit = UINT64_C(1) << c->depth++;
	c->objects = object ? c->objects | bit : c->objects & ~bit;
	return object ? S_FIRST_NAME : S_FIRST_VALUE;
}

static bool
in_object(const struct json_check *c)
{
	return (c->objects >> (c->depth - 1) & 1) != 0;
}

static enum state
close_bracket(struct json_check *c, uint8_t b)
{
	if (b != (in_object(c) ? '}' : ']'))
		return S_BAD;
	return --c->depth == 0 ? S_DONE : S_AFTER;
}

static enum state
literal(struct json_check *c, const char *rest)
{
	c->literal = rest;
	return S_LITERAL;
}

static enum state
value(struct json_check *c, uint8_t b)
{
	switch (b) {
	case '{':
		return open_bracket(c, true);
	case '[':
		return open_bracket(c, false);
	case '"':
		c->in_name = 0;
		return S_STRING;
	case 't':
		return literal(c, "rue");
	case 'f':
		return literal(c, "alse");
	case 'n':
		return literal(c, "ull");
	case '-':
		return S_MINUS;
	case '0':
		return S_ZERO;
	default:
		return is_digit(b) ? S_INT : S_BAD;
	}
}

static enum state
after(struct json_check *c, uint8_t b)
{
	if (b == ',')
		return in_object(c) ? S_NAME : S_VALUE;
	return close_bracket(c, b);
}

static bool
is_space(const struct json_check *c, uint8_t b)
{
	return b == ' ' || (c->lines && (b == '\n' || b == '\r' || b == '\t'));
}

/* Between tokens. */
static enum state
structure(struct json_check *c, uint8_t b)
{
	if (is_space(c, b))
		return c->state;
	switch (c->state) {
	case S_FIRST_VALUE:
		return b == ']' ? close_bracket(c, b) : value(c, b);
	case S_FIRST_NAME:
		if (b == '}')
			return close_bracket(c, b);
		__attribute__((fallthrough));
	case S_NAME:
		c->in_name = 1;
		return b == '"' ? S_STRING : S_BAD;
	case S_COLON:
		return b == ':' ? S_VALUE : S_BAD;
	case S_AFTER:
		return after(c, b);
	default:
		return value(c, b);
	}
}

static enum state
number(struct json_check *c, uint8_t b)
{
	bool digit = is_digit(b), e = (b | 0x20) == 'e';

	switch (c->state) {
	case S_MINUS:
		return !digit ? S_BAD : b == '0' ? S_ZERO : S_INT;
	case S_INT:
		if (digit)
			return S_INT;
		__attribute__((fallthrough));
	case S_ZERO:
		if (b == '.')
			return S_DOT;
		if (e)
			return S_E;
		break;
	case S_DOT:
		return digit ? S_FRAC : S_BAD;
	case S_FRAC:
		if (digit)
			return S_FRAC;
		if (e)
			return S_E;
		break;
	case S_E:
		if (b == '+' || b == '-')
			return S_E_SIGN;
		__attribute__((fallthrough));
	case S_E_SIGN:
		return digit ? S_EXP : S_BAD;
	default:
		if (digit)
			return S_EXP;
		break;
	}
	c->state = S_AFTER;	/* the number ended before this byte */
	return structure(c, b);
}

static enum state
utf8_lead(struct json_check *c, uint8_t b)
{
	c->lo = 0x80;
	c->hi = 0xbf;
	if (b < 0xc2 || b > 0xf4)
		return S_BAD;
	c->left = b < 0xe0 ? 1 : b < 0xf0 ? 2 : 3;
	if (b == 0xe0)
		c->lo = 0xa0;
	else if (b == 0xed)
		c->hi = 0x9f;
	else if (b == 0xf0)
		c->lo = 0x90;
	else if (b == 0xf4)
		c->hi = 0x8f;
	return S_UTF8;
}

static enum state
string(struct json_check *c, uint8_t b)
{
	if (b == '"')
		return c->in_name ? S_COLON : S_AFTER;
	if (b == '\\')
		return S_ESCAPE;
	if (b >= 0x80)
		return utf8_lead(c, b);
	return b >= 0x20 ? S_STRING : S_BAD;
}

/* Inside a string, but not at an ordinary byte of it. */
static enum state
string_inner(struct json_check *c, uint8_t b)
{
	switch (c->state) {
	case S_ESCAPE:
		if (b == 'u') {
			c->left = 4;
			return S_HEX;
		}
		return is_short_escape(b) ? S_STRING : S_BAD;
	case S_HEX:
		if (!is_hex(b))
			return S_BAD;
		return --c->left == 0 ? S_STRING : S_HEX;
	default:
		if (b < c->lo || b > c->hi)
			return S_BAD;
		c->lo = 0x80;
		c->hi = 0xbf;
		return --c->left == 0 ? S_STRING : S_UTF8;
	}
}

static enum state
step(struct json_check *c, uint8_t b)
{
	switch (c->state) {
	case S_START:
		if (c->lines && is_space(c, b))
			return S_START;
		return b == '{' ? open_bracket(c, true) : S_BAD;
	case S_STRING:
		return string(c, b);
	case S_ESCAPE:
	case S_HEX:
	case S_UTF8:
		return string_inner(c, b);
	case S_LITERAL:
		if (b != (uint8_t)*c->literal)
			return S_BAD;
		return *++c->literal == '\0' ? S_AFTER : S_LITERAL;
	case S_DONE:
		return c->lines && is_space(c, b) ? S_DONE : S_BAD;
	case S_BAD:
		return S_BAD;
	default:
		return c->state >= S_MINUS ? number(c, b) : structure(c, b);
	}
}

/*
 * What mostly follows the quote p[0] that ends a string: the quote of the next
 * one.  How many bytes that are, 0 where it is anything else; the state is
 * S_STRING before and after.
 */
static size_t
to_next_string(struct json_check *c, const uint8_t *p, size_t n, unsigned floor)
{
	if (n < 5)
		return 0;
	if (c->in_name) {
		if (p[1] != ':' || p[2] != '"')
			return 0;
		c->in_name = 0;
		return 3;
	}
	if (p[1] == ',' && p[2] == '"') {
		c->in_name = in_object(c);
		return 3;
	}
	/* One object of an array ends and the next begins, at the same depth. */
	if (memcmp(p + 1, "},{\"", 4) != 0 || c->depth < floor + 2 || !in_object(c) ||
	    (c->objects >> (c->depth - 2) & 1) != 0)
		return 0;
	c->in_name = 1;
	return 5;
}

/* Up to n bytes that are, or are not, what may stand here; how many were good. */
static inline size_t
check(struct json_check *c, const uint8_t *p, size_t n, unsigned floor)
{
	size_t i = 0, k;

	while (i < n) {
		if (c->state == S_STRING) {
			i += escaped_run(p + i, n - i);
			if (i == n)
				break;
			k = p[i] == '"' ? to_next_string(c, p + i, n - i, floor) : 0;
			i += k;
			if (k > 0)
				continue;
		}
		c->state = (uint8_t)step(c, p[i]);
		if (c->state == S_BAD)
			break;
		i++;
		if (c->depth <= floor)
			break;
	}
	return i;
}

bool
json_check_feed(struct json_check *c, const void *p, size_t n)
{
	size_t done = 0;

	/* No bracket is open before the object and behind it. */
	while (done < n && c->state != S_BAD)
		done += check(c, (const uint8_t *)p + done, n - done, 0);
	return c->state != S_BAD;
}

size_t
json_check_until(struct json_check *c, const void *p, size_t n, unsigned depth)
{
	return c->state != S_BAD ? check(c, p, n, depth) : 0;
}
