/* SPDX-License-Identifier: ISC */
/* str.c - see str.h.  Runs in: every process. */
#include "config.h"

#include "base/str.h"

#include <sys/types.h>

#include "base/mem.h"

bool
str_ieq(struct str a, struct str b)
{
	size_t i;

	if (a.n != b.n)
		return false;
	for (i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

bool
str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq(str_sub(s, 0, prefix.n), prefix);
}

bool
str_istarts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_ieq(str_sub(s, 0, prefix.n), prefix);
}

bool
str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && str_eq(str_from(s, s.n - suffix.n), suffix);
}

bool
str_iends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && str_ieq(str_from(s, s.n - suffix.n), suffix);
}

ssize_t
str_chr(struct str s, char c)
{
	const char *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	return at != NULL ? at - s.p : -1;
}

ssize_t
str_rchr(struct str s, char c)
{
	const char *at = s.n > 0 ? memrchr(s.p, c, s.n) : NULL;

	return at != NULL ? at - s.p : -1;
}

struct str
str_sub(struct str s, size_t from, size_t n)
{
	if (from > s.n)
		from = s.n;
	if (n > s.n - from)
		n = s.n - from;
	return (struct str){s.p != NULL ? s.p + from : NULL, n};
}

struct str
str_from(struct str s, size_t from)
{
	return str_sub(s, from, s.n);
}

static bool
is_ows(char c)
{
	return c == ' ' || c == '\t';
}

struct str
str_trim(struct str s)
{
	while (s.n > 0 && is_ows(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_ows(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool
str_split(struct str *rest, char sep, struct str *out_part)
{
	ssize_t at;

	if (rest->p == NULL)
		return false;	/* the last part was taken */
	at = str_chr(*rest, sep);
	if (at < 0) {
		*out_part = *rest;
		*rest = STR_NONE;
		return true;
	}
	*out_part = str_sub(*rest, 0, (size_t)at);
	*rest = str_from(*rest, (size_t)at + 1);
	return true;
}

bool
str_list_next(struct str *rest, struct str *out_part)
{
	struct str part;

	while (rest->p != NULL && str_split(rest, ',', &part)) {
		part = str_trim(part);
		if (part.n > 0) {
			*out_part = part;
			return true;
		}
	}
	return false;
}

bool
str_list_has(struct str list, struct str token)
{
	struct str part;

	while (str_list_next(&list, &part))
		if (str_ieq(part, token))
			return true;
	return false;
}

bool
str_u64(struct str s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	size_t i;

	if (s.n == 0 || s.n > 20 || (s.n > 1 && s.p[0] == '0'))
		return false;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return false;
	}
	if (v > max)
		return false;
	*out = v;
	return true;
}

char *
str_dup(struct str s)
{
	return mem_strndup(s.p != NULL ? s.p : "", s.n);
}
