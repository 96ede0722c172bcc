/* SPDX-License-Identifier: ISC */
#ifndef MITMD_TESTS_TLS_SUITES_H
#define MITMD_TESTS_TLS_SUITES_H

#include <check.h>

Suite *hello_suite(void);
Suite *verify_suite(void);
Suite *chains_suite(void);
Suite *verdicts_suite(void);
Suite *offer_suite(void);
Suite *origin_suite(void);
Suite *sessions_suite(void);
Suite *staple_suite(void);
Suite *client_suite(void);
Suite *roots_suite(void);
Suite *name_suite(void);
Suite *permit_suite(void);
Suite *shelf_suite(void);
Suite *client_peer_suite(void);

#endif
