/* SPDX-License-Identifier: ISC */
#ifndef TESTS_UNIT_MASTER_SUITES_H
#define TESTS_UNIT_MASTER_SUITES_H

#include <check.h>

Suite *pinning_suite(void);
Suite *control_suite(void);
Suite *control_peer_suite(void);
Suite *control_socket_suite(void);

#endif
