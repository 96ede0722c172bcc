/* SPDX-License-Identifier: ISC */
#ifndef MITMD_TESTS_IPC_SUITES_H
#define MITMD_TESTS_IPC_SUITES_H

#include <check.h>

Suite *msg_wire_suite(void);
Suite *channel_suite(void);

#endif
