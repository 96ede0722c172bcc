# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/unit/run-conf
TESTS += tests/unit/run-conf
tests_unit_run_conf_SOURCES = tests/unit/conf/run_conf.c tests/unit/conf/suites.h \
	tests/unit/conf/test_hosts.c tests/unit/conf/test_value.c \
	tests/unit/conf/test_schema.c tests/unit/conf/test_errors.c \
	tests/unit/conf/test_conf.c tests/unit/conf/test_dump.c \
	tests/unit/conf/test_policy.c
tests_unit_run_conf_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_run_conf_LDADD = libconf.a libbase.a $(YAML_LIBS) $(PCRE2_LIBS) $(CHECK_LINK)
