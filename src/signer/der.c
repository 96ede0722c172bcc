/* SPDX-License-Identifier: ISC */
/* der.c - see der.h.  Runs in: signer. */
#include "config.h"

#include "signer/der.h"

#include <stdio.h>
#include <time.h>

void
der_raw(struct der *d, const void *p, size_t n)
{
	if (d->full || n > d->cap - d->n) {
		d->full = true;
		return;
	}
	if (n > 0)
		memcpy(d->p + d->n, p, n);
	d->n += n;
}

/* Returns the octets of the length: 1 to 3. */
static size_t
encode_length(uint8_t out[3], size_t n)
{
	CHECK(n <= 0xffff);
	if (n < 0x80) {
		out[0] = (uint8_t)n;
		return 1;
	}
	if (n < 0x100) {
		out[0] = 0x81;
		out[1] = (uint8_t)n;
		return 2;
	}
	out[0] = 0x82;
	out[1] = (uint8_t)(n >> 8);
	out[2] = (uint8_t)n;
	return 3;
}

void
der_put(struct der *d, uint8_t tag, const void *p, size_t n)
{
	uint8_t head[4] = {tag};
	size_t octets = encode_length(head + 1, n);

	der_raw(d, head, 1 + octets);
	der_raw(d, p, n);
}

size_t
der_open(struct der *d, uint8_t tag)
{
	uint8_t head[2] = {tag, 0};

	der_raw(d, head, sizeof(head));
	return d->n;
}

void
der_close(struct der *d, size_t mark)
{
	uint8_t length[3];
	size_t n, octets;

	if (d->full)
		return;
	n = d->n - mark;
	octets = encode_length(length, n);
	/* One octet was left for the length; long forms move the content on. */
	if (octets - 1 > d->cap - d->n) {
		d->full = true;
		return;
	}
	if (octets > 1)
		memmove(d->p + mark + octets - 1, d->p + mark, n);
	memcpy(d->p + mark - 1, length, octets);
	d->n += octets - 1;
}

/* YYYYMMDDHHMMSSZ; returns the year. */
static int
format_time(char text[32], int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	int year, n;

	CHECK(gmtime_r(&t, &tm) != NULL);
	year = tm.tm_year + 1900;
	CHECK(year >= 1950 && year <= 9999);
	n = snprintf(text, 32, "%04d%02d%02d%02d%02d%02dZ", year, tm.tm_mon + 1, tm.tm_mday,
	    tm.tm_hour, tm.tm_min, tm.tm_sec);
	CHECK(n == 15);
	return year;
}

void
der_time(struct der *d, int64_t seconds)
{
	char text[32];

	if (format_time(text, seconds) < 2050)
		der_put(d, DER_UTC_TIME, text + 2, 13);
	else
		der_put(d, DER_GENERALIZED_TIME, text, 15);
}

void
der_generalized_time(struct der *d, int64_t seconds)
{
	char text[32];

	(void)format_time(text, seconds);
	der_put(d, DER_GENERALIZED_TIME, text, 15);
}
