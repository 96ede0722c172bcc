/* SPDX-License-Identifier: ISC */
#ifndef TESTS_UNIT_HTTP_SUITES_H
#define TESTS_UNIT_HTTP_SUITES_H

#include <check.h>

Suite *fields_suite(void);
Suite *target_suite(void);
Suite *h1_strict_suite(void);
Suite *h1_read_suite(void);
Suite *h1_write_suite(void);
Suite *h2_guard_suite(void);
Suite *h2_heads_suite(void);
Suite *h2_read_suite(void);
Suite *h2_write_suite(void);

#endif
