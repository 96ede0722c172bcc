/* SPDX-License-Identifier: ISC */
#ifndef TESTS_UNIT_WORKER_SUITES_H
#define TESTS_UNIT_WORKER_SUITES_H

#include <check.h>

Suite *flow_suite(void);
Suite *flow_abort_suite(void);
Suite *capture_suite(void);
Suite *capture_ws_suite(void);
Suite *access_suite(void);
Suite *sniff_suite(void);
Suite *tell_suite(void);
Suite *hosts_suite(void);
Suite *trust_told_suite(void);
Suite *exchange_suite(void);
Suite *exchange_end_suite(void);
Suite *mirror_suite(void);
Suite *leaf_table_suite(void);
Suite *leaf_ask_suite(void);
Suite *h2_suite(void);
Suite *h2_ends_suite(void);
Suite *h2_flow_suite(void);
Suite *h2_limits_suite(void);
Suite *h2_mixed_suite(void);
Suite *pace_suite(void);
Suite *memory_suite(void);

#endif
