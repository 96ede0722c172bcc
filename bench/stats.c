/* SPDX-License-Identifier: ISC */
/*
 * stats.c - counting and reporting.
 * Runs in: bench/load.
 */
#include "config.h"

#include "stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

static const char *const err_names[STAT_NERR] = {
	[STAT_CONNECT] = "connect",
	[STAT_REFUSED] = "refused",
	[STAT_TLS] = "tls",
	[STAT_CLOSED] = "closed",
	[STAT_STALE] = "stale",
	[STAT_PROTOCOL] = "protocol",
	[STAT_STATUS] = "status",
	[STAT_BODY] = "body",
	[STAT_TIMEOUT] = "timeout",
	[STAT_IDLE] = "idle_closed",
};

static uint64_t
cpu_us(void)
{
	struct timespec ts;

	CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) == 0);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void
stats_start(struct stats *st)
{
	uint64_t errors[STAT_NERR];

	memcpy(errors, st->errors, sizeof(errors));
	*st = (struct stats){.start_us = clock_mono_us(), .start_cpu_us = cpu_us()};
	memcpy(st->errors, errors, sizeof(errors));
}

void
stats_stop(struct stats *st)
{
	st->end_us = clock_mono_us();
	st->end_cpu_us = cpu_us();
}

/*
 * Values below 128 have a bucket each; above, the seven bits behind the
 * leading one choose among the 128 buckets of that power of two.
 */
static unsigned
bucket_of(uint32_t us)
{
	unsigned shift;

	if (us < STATS_SUB)
		return us;
	shift = 31 - (unsigned)__builtin_clz(us) - 7;
	return (shift + 1) * STATS_SUB + (us >> shift) - STATS_SUB;
}

static uint64_t
bucket_value(unsigned bucket)
{
	unsigned shift;

	if (bucket < STATS_SUB)
		return bucket;
	shift = bucket / STATS_SUB - 1;
	return (uint64_t)(bucket % STATS_SUB + STATS_SUB) << shift;
}

void
stats_latency(struct stats *st, uint64_t us)
{
	uint32_t v = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;

	st->latency[bucket_of(v)]++;
	if (v > st->latency_max)
		st->latency_max = v;
}

static uint64_t
percentile(const struct stats *st, unsigned percent)
{
	uint64_t total = 0, seen = 0, rank;
	unsigned i;

	for (i = 0; i < STATS_NBUCKET; i++)
		total += st->latency[i];
	rank = (total * percent + 99) / 100;
	for (i = 0; i < STATS_NBUCKET; i++) {
		seen += st->latency[i];
		if (seen >= rank)
			break;
	}
	return total == 0 ? 0 : bucket_value(i);
}

const char *
stats_err_name(enum stat_err kind)
{
	return err_names[kind];
}

uint64_t
stats_errors(const struct stats *st)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < STAT_NERR; i++)
		n += st->errors[i];
	return n;
}

static void
print_json(const struct stats *st, double seconds, double rate)
{
	printf("{\"requests\":%" PRIu64 ",\"seconds\":%.6f,\"rate\":%.1f,"
	       "\"bytes\":%" PRIu64 ",\"connections\":%" PRIu64 ",\"resumed\":%" PRIu64
	       ",\"p50_us\":%" PRIu64 ",\"p99_us\":%" PRIu64 ",\"max_us\":%" PRIu32
	       ",\"cpu_us\":%" PRIu64 ",\"errors\":{",
	    st->requests, seconds, rate, st->bytes, st->connections, st->resumed,
	    percentile(st, 50), percentile(st, 99), st->latency_max,
	    st->end_cpu_us - st->start_cpu_us);
	for (unsigned i = 0; i < STAT_NERR; i++)
		printf("%s\"%s\":%" PRIu64, i == 0 ? "" : ",", err_names[i], st->errors[i]);
	puts("}}");
}

static void
print_text(const struct stats *st, double seconds, double rate)
{
	uint64_t cpu = st->end_cpu_us - st->start_cpu_us;

	printf("%" PRIu64 " requests in %.2f s: %.1f/s, %.1f MB/s\n", st->requests, seconds,
	    rate, seconds > 0 ? (double)st->bytes / seconds / 1e6 : 0);
	printf("latency: p50 %" PRIu64 " us, p99 %" PRIu64 " us, max %" PRIu32 " us\n",
	    percentile(st, 50), percentile(st, 99), st->latency_max);
	printf("connections: %" PRIu64 " opened, %" PRIu64 " resumed\n", st->connections,
	    st->resumed);
	printf("own processor time: %.1f us per request\n",
	    st->requests > 0 ? (double)cpu / (double)st->requests : 0);
	printf("errors: %" PRIu64 "\n", stats_errors(st));
	for (unsigned i = 0; i < STAT_NERR; i++)
		if (st->errors[i] > 0)
			printf("  %s: %" PRIu64 "\n", err_names[i], st->errors[i]);
}

void
stats_print(const struct stats *st, bool json)
{
	double seconds = (double)(st->end_us - st->start_us) / 1e6;
	double rate = seconds > 0 ? (double)st->requests / seconds : 0;

	(json ? print_json : print_text)(st, seconds, rate);
	fflush(stdout);
}
