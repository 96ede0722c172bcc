/* SPDX-License-Identifier: ISC */
/* name.c - see name.h.  Runs in: signer, worker, mitmctl. */
#include "config.h"

#include "tls/name.h"

#define HOST_MAX 253
#define LABEL_MAX 63

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_label_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' ||
	    c == '_';
}

bool
name_is_host(struct str s)
{
	size_t i, label = 0;

	if (s.n == 0 || s.n > HOST_MAX)
		return false;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if (!is_label_char(s.p[i]) || ++label > LABEL_MAX) {
			return false;
		}
	}
	return label > 0;
}

bool
name_is_asked_host(struct str s)
{
	struct str last;
	size_t i;

	if (!name_is_host(s))
		return false;
	last = str_from(s, (size_t)(str_rchr(s, '.') + 1));
	for (i = 0; i < last.n; i++)
		if (!is_digit(last.p[i]))
			break;
	/* "127.1", "2130706433"; "0x7f.1" ends in a digit label as well. */
	if (i == last.n)
		return false;
	return !str_istarts(last, STR("0x"));
}

/* One star, and nothing else that a host name's label has not. */
static bool
is_star_label(struct str s)
{
	size_t i, stars = 0;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '*')
			stars++;
		else if (!is_label_char(s.p[i]))
			return false;
	}
	return stars == 1 && s.n <= LABEL_MAX;
}

enum name_wildcard
name_wildcard(struct str s)
{
	ssize_t dot = str_chr(s, '.');
	struct str base;

	if (str_eq(s, STR("*")))
		return NAME_TOO_BROAD;
	if (dot <= 0 || s.n > HOST_MAX || !is_star_label(str_sub(s, 0, (size_t)dot)))
		return NAME_NO_WILDCARD;
	base = str_from(s, (size_t)dot + 1);
	if (!name_is_host(base))
		return NAME_NO_WILDCARD;
	if (dot > 1)
		return NAME_PARTIAL;
	return str_chr(base, '.') == -1 ? NAME_TOO_BROAD : NAME_WILDCARD;
}

struct str
name_without_dot(struct str s)
{
	return str_ends(s, STR(".")) ? str_sub(s, 0, s.n - 1) : s;
}

bool
name_is_dns(struct str s)
{
	struct str name = name_without_dot(s);

	return name_is_host(name) || name_wildcard(name) != NAME_NO_WILDCARD;
}

static bool
is_graphic(struct str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return s.n > 0;
}

bool
name_is_uri(struct str s)
{
	return is_graphic(s) && str_chr(s, ':') > 0;
}

bool
name_is_email(struct str s)
{
	ssize_t at = str_chr(s, '@');

	return is_graphic(s) && at > 0 && name_is_host(str_from(s, (size_t)at + 1));
}

/* The code point at s and the bytes it takes; 0 for what is not UTF-8 (RFC 3629). */
static size_t
utf8_decode(struct str s, uint32_t *out)
{
	const uint8_t *p = (const uint8_t *)s.p;
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 :
	    p[0] < 0xf5 ? 4 : 0, i;
	uint32_t c = n < 2 ? p[0] : p[0] & (0x7fu >> n);

	if (n == 0 || n > s.n)
		return 0;
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if ((n == 3 && c < 0x800) || (n == 4 && (c < 0x10000 || c > 0x10ffff)) ||
	    (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*out = c;
	return n;
}

bool
name_is_text(struct str s)
{
	uint32_t c;
	size_t n;

	for (; s.n > 0; s = str_from(s, n)) {
		n = utf8_decode(s, &c);
		if (n == 0 || c < 0x20 || (c >= 0x7f && c < 0xa0))
			return false;
		/* Line and paragraph separators, and what turns the direction of text. */
		if (c == 0x2028 || c == 0x2029 || (c >= 0x202a && c <= 0x202e) ||
		    (c >= 0x2066 && c <= 0x2069))
			return false;
	}
	return true;
}
