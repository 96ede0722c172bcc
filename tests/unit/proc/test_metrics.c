/* SPDX-License-Identifier: ISC */
/* test_metrics.c - what Prometheus is told. */
#include "config.h"

#include "proc/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "proc/counters.h"
#include "suites.h"

static struct counters *all;
static struct buf out;

static void
setup(void)
{
	all = mmap(NULL, SLOT_COUNT * sizeof(*all), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert(all != MAP_FAILED);
	buf_init(&out, 0);
}

static void
teardown(void)
{
	(void)munmap(all, SLOT_COUNT * sizeof(*all));
	buf_free(&out);
}

static const char *
render(enum metrics_format format)
{
	buf_clear(&out);
	metrics_render(&out, all, format, STR("OpenSSL \"3\\\n"));
	buf_putc(&out, '\0');
	return (const char *)buf_data(&out);
}

/* The number of a sample, or -1. */
static double
value(const char *text, const char *sample)
{
	char line[300];
	const char *p;

	(void)snprintf(line, sizeof(line), "\n%s ", sample);
	p = strstr(text, line);
	return p != NULL ? strtod(p + strlen(line), NULL) : -1;
}

START_TEST(counters_are_the_sum_of_all_slots)
{
	const char *text;

	counters_taken(all, 3);
	counter_add(&all[0].cache_hits, 5);
	counter_add(&all[3].cache_hits, 6);
	counter_add(&all[SLOT_SIGNERS + 2].certs_minted, 7);
	text = render(METRICS_TEXT);
	ck_assert(value(text, "mitmd_cert_cache_hits_total") == 11);
	ck_assert(value(text, "mitmd_certs_minted_total") == 7);
}
END_TEST

START_TEST(labels_say_which)
{
	const char *text;

	counters_taken(all, 0);
	counter_add(&all[0].bytes[SIDE_ORIGIN][DIRECTION_IN], 9);
	counter_add(&all[0].requests[PROTO_2][METHOD_PUT][CODE_5XX], 2);
	text = render(METRICS_TEXT);
	ck_assert(value(text, "mitmd_bytes_total{side=\"origin\",direction=\"in\"}") == 9);
	ck_assert(value(text, "mitmd_bytes_total{side=\"origin\",direction=\"out\"}") == 0);
	ck_assert(value(text, "mitmd_requests_total{proto=\"h2\",method=\"PUT\","
	    "code_class=\"5xx\"}") == 2);
	/* So many would be zero that they are left out. */
	ck_assert_ptr_null(strstr(text, "method=\"GET\""));
}
END_TEST

START_TEST(roles_are_told_apart)
{
	const char *text;

	counters_taken(all, 1);
	counter_add(&all[0].process_cpu, 1500000);
	counter_add(&all[1].process_cpu, 1000000);
	counter_add(&all[SLOT_MASTER].process_cpu, 250000);
	text = render(METRICS_TEXT);
	ck_assert(value(text, "process_cpu_seconds_total{role=\"worker\"}") == 2.5);
	ck_assert(value(text, "process_cpu_seconds_total{role=\"master\"}") == 0.25);
	ck_assert(value(text, "process_cpu_seconds_total{role=\"signer\"}") == 0);
}
END_TEST

START_TEST(the_largest_is_no_sum)
{
	counters_taken(all, 1);
	counter_set(&all[0].process_max_fds, 1024);
	counter_set(&all[SLOT_MASTER].process_max_fds, 512);
	ck_assert(value(render(METRICS_TEXT), "process_max_fds") == 1024);
}
END_TEST

START_TEST(buckets_add_up)
{
	const char *text;

	counters_taken(all, 1);
	counter_observe(&all[0].request_time, 500);
	counter_observe(&all[0].request_time, 501);
	counter_observe(&all[1].request_time, 60000000);
	text = render(METRICS_TEXT);
	ck_assert(value(text, "mitmd_request_duration_seconds_bucket{le=\"0.0005\"}") == 1);
	ck_assert(value(text, "mitmd_request_duration_seconds_bucket{le=\"0.001\"}") == 2);
	ck_assert(value(text, "mitmd_request_duration_seconds_bucket{le=\"30.0\"}") == 2);
	ck_assert(value(text, "mitmd_request_duration_seconds_bucket{le=\"+Inf\"}") == 3);
	ck_assert(value(text, "mitmd_request_duration_seconds_count") == 3);
	ck_assert(value(text, "mitmd_request_duration_seconds_sum") == 60.001001);
}
END_TEST

START_TEST(a_gauge_goes_with_its_process)
{
	counters_taken(all, 0);
	counter_set(&all[0].up, 1);
	counter_set(&all[0].connections_open[SIDE_ORIGIN], 4);
	counter_add(&all[0].cache_hits, 5);
	counters_left(all, 0);
	ck_assert(value(render(METRICS_TEXT), "mitmd_up_workers") == 0);
	ck_assert(value(render(METRICS_TEXT), "mitmd_connections_active{side=\"origin\"}") == 0);
	ck_assert(value(render(METRICS_TEXT), "mitmd_cert_cache_hits_total") == 5);
}
END_TEST

START_TEST(slots_that_were_never_used_are_not_looked_at)
{
	counter_add(&all[7].cache_hits, 5);
	ck_assert(value(render(METRICS_TEXT), "mitmd_cert_cache_hits_total") == 0);
	counters_taken(all, 7);
	ck_assert(value(render(METRICS_TEXT), "mitmd_cert_cache_hits_total") == 5);
}
END_TEST

START_TEST(the_formats_differ_where_they_must)
{
	const char *text = render(METRICS_TEXT);

	ck_assert_ptr_nonnull(strstr(text, "# TYPE mitmd_certs_minted_total counter\n"));
	ck_assert_ptr_nonnull(strstr(text, "# TYPE mitmd_build_info gauge\n"));
	ck_assert_ptr_null(strstr(text, "# EOF"));
	text = render(METRICS_OPEN);
	ck_assert_ptr_nonnull(strstr(text, "# TYPE mitmd_certs_minted counter\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nmitmd_certs_minted_total 0\n"));
	ck_assert_ptr_nonnull(strstr(text, "# TYPE mitmd_build info\n"));
	ck_assert_str_eq(text + strlen(text) - 6, "# EOF\n");
}
END_TEST

START_TEST(values_of_labels_are_escaped)
{
	ck_assert_ptr_nonnull(strstr(render(METRICS_TEXT),
	    "openssl=\"OpenSSL \\\"3\\\\\\n\"} 1\n"));
}
END_TEST

static const struct {
	const char *accept;
	enum metrics_format format;
} wishes[] = {
	{"", METRICS_TEXT},
	{"*/*", METRICS_TEXT},
	{"text/plain", METRICS_TEXT},
	{"application/openmetrics-text", METRICS_OPEN},
	{"Application/OpenMetrics-Text; Version=1.0.0", METRICS_OPEN},
	{"application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
	    METRICS_OPEN},
	{"application/openmetrics-text;version=0.0.1;q=0.75,text/plain", METRICS_TEXT},
	{"text/plain,application/openmetrics-text;q=0", METRICS_TEXT},
	{"application/openmetrics-text;q=0.000", METRICS_TEXT},
	{"application/openmetrics-texts", METRICS_TEXT},
};

START_TEST(the_format_is_what_was_asked_for)
{
	ck_assert_int_eq(metrics_wanted(str_z(wishes[_i].accept)), wishes[_i].format);
}
END_TEST

Suite *
metrics_suite(void)
{
	Suite *s = suite_create("metrics");
	TCase *t = tcase_create("metrics");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, counters_are_the_sum_of_all_slots);
	tcase_add_test(t, labels_say_which);
	tcase_add_test(t, roles_are_told_apart);
	tcase_add_test(t, the_largest_is_no_sum);
	tcase_add_test(t, buckets_add_up);
	tcase_add_test(t, a_gauge_goes_with_its_process);
	tcase_add_test(t, slots_that_were_never_used_are_not_looked_at);
	tcase_add_test(t, the_formats_differ_where_they_must);
	tcase_add_test(t, values_of_labels_are_escaped);
	tcase_add_loop_test(t, the_format_is_what_was_asked_for, 0, NELEM(wishes));
	suite_add_tcase(s, t);
	return s;
}
