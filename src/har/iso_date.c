/* SPDX-License-Identifier: ISC */
/* iso_date.c - see iso_date.h.  Runs in: mitmctl, tests, fuzzers. */
#include "config.h"

#include "har/iso_date.h"

struct scan {
	struct str left;
	bool ok;
};

static bool
next_is(struct scan *s, char c)
{
	return s->left.n > 0 && s->left.p[0] == c;
}

static void
expect(struct scan *s, char c)
{
	s->ok = s->ok && next_is(s, c);
	s->left = str_from(s->left, 1);
}

static int64_t
digits(struct scan *s, size_t n, int64_t max)
{
	int64_t v = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (i >= s->left.n || s->left.p[i] < '0' || s->left.p[i] > '9') {
			s->ok = false;
			return 0;
		}
		v = v * 10 + (s->left.p[i] - '0');
	}
	s->left = str_from(s->left, n);
	s->ok = s->ok && v <= max;
	return v;
}

/* Days since 1970 of a date in the proleptic Gregorian calendar; the year begins in March. */
static int64_t
days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool
day_exists(int64_t year, int64_t month, int64_t day)
{
	static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	if (month < 1 || month > 12 || day < 1)
		return false;
	return day <= days[month - 1] + (month == 2 && leap ? 1 : 0);
}

static int64_t
fraction(struct scan *s)
{
	int64_t us = 0, unit = 100000;
	size_t i = 0;

	for (; i < s->left.n && s->left.p[i] >= '0' && s->left.p[i] <= '9'; i++) {
		us += (s->left.p[i] - '0') * unit;
		unit /= 10;
	}
	s->ok = s->ok && i > 0;
	s->left = str_from(s->left, i);
	return us;
}

/* Minutes east of Greenwich. */
static int64_t
zone(struct scan *s)
{
	int64_t sign = next_is(s, '-') ? -1 : 1, hours, minutes;

	if (next_is(s, 'Z') || next_is(s, 'z')) {
		s->left = str_from(s->left, 1);
		return 0;
	}
	if (sign > 0)
		expect(s, '+');
	else
		expect(s, '-');
	hours = digits(s, 2, 23);
	if (next_is(s, ':'))
		expect(s, ':');
	minutes = digits(s, 2, 59);
	return sign * (hours * 60 + minutes);
}

bool
iso_date_parse(struct str text, int64_t *us)
{
	struct scan s = {text, true};
	int64_t year, month, day, seconds, part = 0;

	year = digits(&s, 4, 9999);
	expect(&s, '-');
	month = digits(&s, 2, 12);
	expect(&s, '-');
	day = digits(&s, 2, 31);
	s.ok = s.ok && day_exists(year, month, day);
	expect(&s, 'T');
	seconds = digits(&s, 2, 23) * 3600;
	expect(&s, ':');
	seconds += digits(&s, 2, 59) * 60;
	expect(&s, ':');
	seconds += digits(&s, 2, 60);	/* a leap second */
	if (next_is(&s, '.')) {
		expect(&s, '.');
		part = fraction(&s);
	}
	seconds -= zone(&s) * 60;
	if (!s.ok || s.left.n > 0)
		return false;
	*us = (days_of(year, month, day) * 86400 + seconds) * 1000000 + part;
	return true;
}
