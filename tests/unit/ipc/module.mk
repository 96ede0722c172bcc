# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/unit/run-ipc
TESTS += tests/unit/run-ipc
tests_unit_run_ipc_SOURCES = tests/unit/ipc/main.c tests/unit/ipc/suites.h \
	tests/unit/ipc/test_msg_wire.c tests/unit/ipc/test_channel.c
tests_unit_run_ipc_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_run_ipc_LDADD = libipc.a libbase.a $(EV_LIBS) $(CHECK_LIBS)
