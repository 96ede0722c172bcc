/* SPDX-License-Identifier: ISC */
#ifndef TESTS_UNIT_WALLS_SUITES_H
#define TESTS_UNIT_WALLS_SUITES_H

#include <check.h>

Suite *walls_suite(void);

#endif
