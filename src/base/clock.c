/* SPDX-License-Identifier: ISC */
/* clock.c - see clock.h.  Runs in: every process. */
#include "config.h"

#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#include "base/attr.h"

static uint64_t
now_us(clockid_t id)
{
	struct timespec ts;

	CHECK(clock_gettime(id, &ts) == 0);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

uint64_t
clock_mono_us(void)
{
	return now_us(CLOCK_MONOTONIC);
}

double
clock_mono_s(void)
{
	return (double)clock_mono_us() / 1e6;
}

uint64_t
clock_boot_us(void)
{
	return now_us(CLOCK_BOOTTIME);
}

uint64_t
clock_wall_us(void)
{
	return now_us(CLOCK_REALTIME);
}

struct civil {
	unsigned year, month, day, hour, minute, second, ms;
};

/* Days to a civil date: Howard Hinnant's well-known algorithm for the proleptic calendar. */
static struct civil
civil_from_us(uint64_t us)
{
	uint64_t secs = us / 1000000u;
	uint64_t z = secs / 86400u + 719468u, rest = secs % 86400u;
	uint64_t era = z / 146097u, doe = z - era * 146097u;
	uint64_t yoe = (doe - doe / 1460u + doe / 36524u - doe / 146096u) / 365u;
	uint64_t doy = doe - (365u * yoe + yoe / 4u - yoe / 100u);
	uint64_t mp = (5u * doy + 2u) / 153u;
	struct civil c;

	c.day = (unsigned)(doy - (153u * mp + 2u) / 5u + 1u);
	c.month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
	c.year = (unsigned)(yoe + era * 400u + (c.month <= 2));
	if (c.year > 9999)
		c.year = 9999;
	c.hour = (unsigned)(rest / 3600u);
	c.minute = (unsigned)(rest / 60u % 60u);
	c.second = (unsigned)(rest % 60u);
	c.ms = (unsigned)(us / 1000u % 1000u);
	return c;
}

static char *
put2(char *p, unsigned v)
{
	*p++ = (char)('0' + v / 10 % 10);
	*p++ = (char)('0' + v % 10);
	return p;
}

void
clock_iso(uint64_t wall_us, char out[CLOCK_ISO_SIZE])
{
	struct civil c = civil_from_us(wall_us);
	char *p = out;

	p = put2(p, c.year / 100);
	p = put2(p, c.year % 100);
	*p++ = '-';
	p = put2(p, c.month);
	*p++ = '-';
	p = put2(p, c.day);
	*p++ = 'T';
	p = put2(p, c.hour);
	*p++ = ':';
	p = put2(p, c.minute);
	*p++ = ':';
	p = put2(p, c.second);
	*p++ = '.';
	*p++ = (char)('0' + c.ms / 100);
	p = put2(p, c.ms % 100);
	*p++ = 'Z';
	*p = '\0';
}

void
clock_compact(uint64_t wall_us, char out[CLOCK_COMPACT_SIZE])
{
	struct civil c = civil_from_us(wall_us);
	char *p = out;

	p = put2(p, c.year / 100);
	p = put2(p, c.year % 100);
	p = put2(p, c.month);
	p = put2(p, c.day);
	*p++ = 'T';
	p = put2(p, c.hour);
	p = put2(p, c.minute);
	p = put2(p, c.second);
	*p++ = 'Z';
	*p = '\0';
}
