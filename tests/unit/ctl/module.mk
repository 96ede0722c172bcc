# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/unit/run-ctl
TESTS += tests/unit/run-ctl
tests_unit_run_ctl_SOURCES = tests/unit/ctl/main.c tests/unit/ctl/suites.h \
	tests/unit/ctl/test_view.c tests/unit/ctl/test_filter.c \
	tests/unit/ctl/test_har_files.c tests/unit/ctl/test_har_rules.c \
	tests/unit/ctl/test_tail_line.c tests/unit/ctl/test_tsv.c
tests_unit_run_ctl_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_run_ctl_LDADD = libctl.a libhar.a libbase.a $(PCRE2_LIBS) $(ZLIB_LIBS) $(CHECK_LIBS)
