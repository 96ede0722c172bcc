/* SPDX-License-Identifier: ISC */
#ifndef MITMD_TESTS_CTL_SUITES_H
#define MITMD_TESTS_CTL_SUITES_H

#include <check.h>

Suite *filter_suite(void);
Suite *tail_line_suite(void);
Suite *har_files_suite(void);
Suite *har_rules_suite(void);
Suite *tsv_suite(void);
Suite *view_suite(void);

#endif
