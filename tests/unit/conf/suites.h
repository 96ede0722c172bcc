/* SPDX-License-Identifier: ISC */
/* suites.h - the suites of run-conf. */
#ifndef MITMD_TESTS_CONF_SUITES_H
#define MITMD_TESTS_CONF_SUITES_H

#include <check.h>

Suite *hosts_suite(void);
Suite *value_suite(void);
Suite *schema_suite(void);
Suite *errors_suite(void);
Suite *conf_suite(void);
Suite *dump_suite(void);
Suite *policy_suite(void);

#endif
