/* SPDX-License-Identifier: ISC */
#ifndef MITMD_TESTS_SHM_SUITES_H
#define MITMD_TESTS_SHM_SUITES_H

#include <check.h>

Suite *cert_cache_suite(void);
Suite *keyring_suite(void);
Suite *segment_suite(void);
Suite *trust_suite(void);

#endif
