# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/unit/run-base
TESTS += tests/unit/run-base
tests_unit_run_base_SOURCES = tests/unit/base/run.c tests/unit/base/suites.h \
	tests/unit/base/test_str.c \
	tests/unit/base/test_buf.c \
	tests/unit/base/test_addr.c \
	tests/unit/base/test_clock.c tests/unit/base/test_words.c \
	tests/unit/base/test_escape.c tests/unit/base/test_journal.c \
	tests/unit/base/test_log.c tests/unit/base/test_repeats.c
tests_unit_run_base_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_run_base_LDADD = libbase.a $(CHECK_LINK)
