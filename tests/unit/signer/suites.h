/* SPDX-License-Identifier: ISC */
#ifndef MITMD_TESTS_SIGNER_SUITES_H
#define MITMD_TESTS_SIGNER_SUITES_H

#include <check.h>

Suite *der_suite(void);
Suite *ask_suite(void);
Suite *mint_suite(void);
Suite *recipes_suite(void);
Suite *ocsp_suite(void);
Suite *promises_suite(void);
Suite *ca_suite(void);
Suite *ca_files_suite(void);
Suite *ca_made_suite(void);
Suite *export_suite(void);
Suite *keys_suite(void);
Suite *desk_suite(void);
Suite *files_suite(void);

#endif
