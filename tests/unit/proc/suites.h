/* SPDX-License-Identifier: ISC */
#ifndef MITMD_TESTS_PROC_SUITES_H
#define MITMD_TESTS_PROC_SUITES_H

#include <check.h>

Suite *beat_suite(void);
Suite *metrics_suite(void);
Suite *clients_suite(void);
Suite *room_suite(void);

#endif
