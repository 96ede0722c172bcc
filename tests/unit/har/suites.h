/* SPDX-License-Identifier: ISC */
#ifndef TESTS_UNIT_HAR_SUITES_H
#define TESTS_UNIT_HAR_SUITES_H

#include <check.h>

Suite *utf8_suite(void);
Suite *json_suite(void);
Suite *json_check_suite(void);
Suite *json_read_suite(void);
Suite *split_suite(void);
Suite *base64_suite(void);
Suite *spill_suite(void);
Suite *body_suite(void);
Suite *coding_suite(void);
Suite *cookies_suite(void);
Suite *entry_suite(void);
Suite *ws_suite(void);

#endif
