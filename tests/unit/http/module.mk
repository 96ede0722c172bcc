# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/unit/run-http
TESTS += tests/unit/run-http
tests_unit_run_http_SOURCES = tests/unit/http/run.c tests/unit/http/suites.h \
	tests/unit/http/trace.c tests/unit/http/trace.h \
	tests/unit/http/test_fields.c \
	tests/unit/http/test_target.c \
	tests/unit/http/test_h1_strict.c \
	tests/unit/http/test_h1_read.c \
	tests/unit/http/test_h1_write.c \
	tests/unit/http/test_h2_guard.c \
	tests/unit/http/test_h2_heads.c \
	tests/unit/http/test_h2_read.c \
	tests/unit/http/test_h2_write.c
tests_unit_run_http_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_run_http_LDADD = libhttp.a libbase.a $(HTTP_PARSER_LIBS) $(CHECK_LINK)
