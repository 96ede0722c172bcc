/* SPDX-License-Identifier: ISC */
/* cookies.c - see cookies.h.  Runs in: worker, tests, fuzzers. */
#include "config.h"

#include "har/cookies.h"

#include "base/clock.h"
#include "har/json.h"
#include "har/pairs.h"

#define YEAR_9999_S UINT64_C(253402300799)	/* the last second an ISO date can say */

/* RFC 6265bis 5.6: without "=", all of it is the value. */
static void
cut_pair(struct str s, struct str *name, struct str *value)
{
	ssize_t eq = str_chr(s, '=');

	*name = eq >= 0 ? str_trim(str_sub(s, 0, (size_t)eq)) : STR("");
	*value = eq >= 0 ? str_trim(str_from(s, (size_t)eq + 1)) : str_trim(s);
}

static bool
put_sent(struct buf *out, struct str cookie, size_t *count)
{
	struct str part, name, value;

	while (str_split(&cookie, ';', &part)) {
		part = str_trim(part);
		if (part.n == 0)
			continue;
		if ((*count)++ == PAIRS_MAX)
			return false;
		cut_pair(part, &name, &value);
		pairs_open(out, name, value);
		JSON_LIT(out, "}");
	}
	return true;
}

bool
cookies_put_sent(struct buf *out, const struct fields *f)
{
	size_t count = 0;
	uint32_t i;

	for (i = 0; i < f->n; i++)
		if (f->v[i].id == FIELD_COOKIE &&
		    !put_sent(out, fields_value(f, &f->v[i]), &count))
			return false;
	return true;
}

/* ---- dates ---- */

struct date {
	uint64_t hour, minute, second, day, month, year;
	bool have_time, have_day, have_month, have_year;
};

static bool
is_delimiter(char c)
{
	uint8_t b = (uint8_t)c;

	return b == 0x09 || (b >= 0x20 && b <= 0x2f) || (b >= 0x3b && b <= 0x40) ||
	    (b >= 0x5b && b <= 0x60) || (b >= 0x7b && b <= 0x7e);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits at the front, at least min and at most max of them, and then no further digit. */
static bool
take_number(struct str *s, size_t min, size_t max, uint64_t *out)
{
	size_t n = 0;

	*out = 0;
	for (; n < s->n && n < max && is_digit(s->p[n]); n++)
		*out = *out * 10 + (uint64_t)(s->p[n] - '0');
	if (n < min || (n < s->n && is_digit(s->p[n])))
		return false;
	*s = str_from(*s, n);
	return true;
}

static bool
take_colon(struct str *s)
{
	if (s->n == 0 || s->p[0] != ':')
		return false;
	*s = str_from(*s, 1);
	return true;
}

static bool
take_time(struct str s, struct date *d)
{
	return take_number(&s, 1, 2, &d->hour) && take_colon(&s) &&
	    take_number(&s, 1, 2, &d->minute) && take_colon(&s) &&
	    take_number(&s, 1, 2, &d->second);
}

static bool
take_month(struct str s, struct date *d)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

	for (d->month = 1; d->month <= 12; d->month++)
		if (str_istarts(s, str_of(names + 3 * (d->month - 1), 3)))
			return true;
	return false;
}

static bool
take_year(struct str s, struct date *d)
{
	if (!take_number(&s, 2, 4, &d->year))
		return false;
	if (d->year <= 99)
		d->year += d->year >= 70 ? 1900 : 2000;
	return true;
}

/* One token; RFC 6265 5.1.1 step 2 tries the four kinds in this order. */
static void
take_token(struct str s, struct date *d)
{
	struct str rest = s;

	if (!d->have_time && (d->have_time = take_time(s, d)))
		return;
	if (!d->have_day && (d->have_day = take_number(&rest, 1, 2, &d->day)))
		return;
	if (!d->have_month && (d->have_month = take_month(s, d)))
		return;
	if (!d->have_year)
		d->have_year = take_year(s, d);
}

static bool
date_exists(const struct date *d)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (d->year % 4 == 0 && d->year % 100 != 0) || d->year % 400 == 0;
	uint64_t last;

	if (!d->have_time || !d->have_day || !d->have_month || !d->have_year)
		return false;
	last = days[d->month - 1] + (uint64_t)(leap && d->month == 2);
	return d->day >= 1 && d->day <= last && d->year >= 1601 && d->hour <= 23 &&
	    d->minute <= 59 && d->second <= 59;
}

static uint64_t
date_seconds(const struct date *d)
{
	/* Years that begin in March end with the leap day (Howard Hinnant's algorithm). */
	uint64_t y = d->year - (d->month <= 2), m = (d->month + 9) % 12;
	uint64_t days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + d->day - 1;

	if (days < 719468)
		return 0;
	return (days - 719468) * 86400 + d->hour * 3600 + d->minute * 60 + d->second;
}

bool
cookies_date(struct str s, uint64_t *out)
{
	struct date d = {0};
	size_t i = 0, from;

	while (i < s.n) {
		for (; i < s.n && is_delimiter(s.p[i]); i++)
			;
		for (from = i; i < s.n && !is_delimiter(s.p[i]); i++)
			;
		if (i > from)
			take_token(str_sub(s, from, i - from), &d);
	}
	if (!date_exists(&d))
		return false;
	*out = date_seconds(&d);
	return true;
}

/* ---- Set-Cookie ---- */

struct set_cookie {
	struct str path, domain, same_site;
	bool has_expires, has_max_age, secure, http_only;
	uint64_t expires;
};

/* RFC 6265 5.2.2; zero and below mean: at once. */
static void
take_max_age(struct set_cookie *c, struct str value, uint64_t now_us)
{
	uint64_t age = 0;
	size_t i = value.n > 0 && value.p[0] == '-' ? 1 : 0, digits = i;

	for (; i < value.n; i++) {
		if (!is_digit(value.p[i]))
			return;
		age = MIN(age * 10 + (uint64_t)(value.p[i] - '0'), YEAR_9999_S);
	}
	if (i == digits)
		return;
	c->has_max_age = c->has_expires = true;
	c->expires = digits > 0 || age == 0 ? 0 : MIN(now_us / 1000000 + age, YEAR_9999_S);
}

static void
take_attribute(struct set_cookie *c, struct str part, uint64_t now_us)
{
	ssize_t eq = str_chr(part, '=');
	struct str name = str_trim(eq >= 0 ? str_sub(part, 0, (size_t)eq) : part);
	struct str value = eq >= 0 ? str_trim(str_from(part, (size_t)eq + 1)) : STR("");

	if (str_ieq(name, STR("secure")))
		c->secure = true;
	else if (str_ieq(name, STR("httponly")))
		c->http_only = true;
	else if (str_ieq(name, STR("path")))
		c->path = value;
	else if (str_ieq(name, STR("domain")))
		c->domain = value;
	else if (str_ieq(name, STR("samesite")))
		c->same_site = value;
	else if (str_ieq(name, STR("max-age")))
		take_max_age(c, value, now_us);
	else if (str_ieq(name, STR("expires")) && !c->has_max_age)
		c->has_expires = cookies_date(value, &c->expires);
}

static void
put_set(struct buf *out, struct str field, uint64_t now_us)
{
	struct set_cookie c = {0};
	struct str part, name, value;
	char iso[CLOCK_ISO_SIZE];

	(void)str_split(&field, ';', &part);
	cut_pair(part, &name, &value);
	while (str_split(&field, ';', &part))
		take_attribute(&c, part, now_us);
	pairs_open(out, name, value);
	if (c.path.n > 0)
		json_member(out, "path", c.path);
	if (c.domain.n > 0)
		json_member(out, "domain", c.domain);
	if (c.has_expires) {
		clock_iso(c.expires * 1000000, iso);
		json_member(out, "expires", str_of(iso, CLOCK_ISO_SIZE - 1));
	}
	json_member_bool(out, "httpOnly", c.http_only);
	json_member_bool(out, "secure", c.secure);
	if (c.same_site.n > 0)
		json_member(out, "sameSite", c.same_site);
	JSON_LIT(out, "}");
}

bool
cookies_put_set(struct buf *out, const struct fields *f, uint64_t now_us)
{
	size_t count = 0;
	uint32_t i;

	for (i = 0; i < f->n; i++) {
		if (f->v[i].id != FIELD_SET_COOKIE)
			continue;
		if (count++ == PAIRS_MAX)
			return false;
		put_set(out, fields_value(f, &f->v[i]), now_us);
	}
	return true;
}
