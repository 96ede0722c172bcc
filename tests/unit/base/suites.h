/* SPDX-License-Identifier: ISC */
#ifndef TESTS_UNIT_BASE_SUITES_H
#define TESTS_UNIT_BASE_SUITES_H

#include <check.h>

Suite *str_suite(void);
Suite *buf_suite(void);
Suite *addr_suite(void);
Suite *clock_suite(void);
Suite *words_suite(void);
Suite *escape_suite(void);
Suite *journal_suite(void);
Suite *log_suite(void);
Suite *repeats_suite(void);

#endif
