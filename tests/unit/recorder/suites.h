/* SPDX-License-Identifier: ISC */
#ifndef TESTS_RECORDER_SUITES_H
#define TESTS_RECORDER_SUITES_H

#include <check.h>

Suite *ring_suite(void);
Suite *spool_suite(void);
Suite *spool_later_suite(void);
Suite *tls_errors_suite(void);
Suite *intake_suite(void);
Suite *recover_suite(void);
Suite *tails_suite(void);
Suite *aborted_suite(void);
Suite *block_suite(void);
Suite *quota_suite(void);
Suite *death_suite(void);
Suite *faults_suite(void);
Suite *power_suite(void);
Suite *recorder_suite(void);

#endif
