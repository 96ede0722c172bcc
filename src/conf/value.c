/* SPDX-License-Identifier: ISC */
/*
 * value.c - see value.h.
 * Runs in: master.
 */
#include "config.h"

#include "conf/value.h"

struct unit {
	const char *name;
	uint64_t factor;
};

/* Smallest first; the first size unit is the empty one. */
static const struct unit size_units[] = {
	{"", 1},
	{"K", UINT64_C(1) << 10},
	{"M", UINT64_C(1) << 20},
	{"G", UINT64_C(1) << 30},
	{"T", UINT64_C(1) << 40},
};
static const struct unit time_units[] = {
	{"ms", 1},
	{"s", 1000},
	{"m", 60 * 1000},
	{"h", 60 * 60 * 1000},
	{"d", 24 * 60 * 60 * 1000},
};

bool
value_bool(struct str s, bool *out)
{
	if (str_eq(s, STR("true")) || str_eq(s, STR("yes")) || str_eq(s, STR("on")))
		*out = true;
	else if (str_eq(s, STR("false")) || str_eq(s, STR("no")) || str_eq(s, STR("off")))
		*out = false;
	else
		return false;
	return true;
}

static bool
parse_units(struct str s, const struct unit *units, size_t n, uint64_t *out)
{
	size_t digits = 0, i;
	struct str name;

	while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
		digits++;
	name = str_from(s, digits);
	for (i = 0; i < n; i++) {
		if (!str_eq(name, str_z(units[i].name)))
			continue;
		if (!str_u64(str_sub(s, 0, digits), UINT64_MAX / units[i].factor, out))
			return false;
		*out *= units[i].factor;
		return true;
	}
	return false;
}

bool
value_size(struct str s, uint64_t *out)
{
	return parse_units(s, size_units, NELEM(size_units), out);
}

bool
value_time(struct str s, uint64_t *out)
{
	return parse_units(s, time_units, NELEM(time_units), out);
}

static void
put_units(struct buf *b, uint64_t v, const struct unit *units, size_t n)
{
	while (n > 1 && v % units[n - 1].factor != 0)
		n--;
	buf_printf(b, "%llu%s", (unsigned long long)(v / units[n - 1].factor),
	    units[n - 1].name);
}

void
value_put_size(struct buf *b, uint64_t v)
{
	put_units(b, v, size_units, v == 0 ? 1 : NELEM(size_units));
}

void
value_put_time(struct buf *b, uint64_t ms)
{
	put_units(b, ms, time_units, ms == 0 ? 2 : NELEM(time_units));
}

void
value_put_cidr(struct buf *b, const struct cidr *c)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u;
	char text[ADDR_TEXT_SIZE];
	struct addr a;

	memset(&u, 0, sizeof(u));
	u.sa.sa_family = c->family;
	if (c->family == AF_INET)
		memcpy(&u.in.sin_addr, c->ip, sizeof(u.in.sin_addr));
	else
		memcpy(&u.in6.sin6_addr, c->ip, sizeof(u.in6.sin6_addr));
	a = addr_from_sockaddr(&u.sa, c->family == AF_INET ? sizeof(u.in) : sizeof(u.in6));
	buf_printf(b, "%s/%u", addr_ip_text(&a, text), c->bits);
}

void
value_put_quoted(struct buf *b, struct str s)
{
	size_t i;

	buf_putc(b, '"');
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_putc(b, '\\');
		buf_putc(b, s.p[i]);
	}
	buf_putc(b, '"');
}
