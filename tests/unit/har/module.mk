# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/unit/run-har
TESTS += tests/unit/run-har tests/unit/har/test-file.sh
EXTRA_DIST += tests/unit/har/test-file.sh
tests_unit_run_har_SOURCES = \
	tests/unit/har/run.c tests/unit/har/suites.h \
	tests/unit/har/help.c tests/unit/har/help.h \
	tests/unit/har/sample.c tests/unit/har/sample.h \
	tests/unit/har/test_utf8.c \
	tests/unit/har/test_json.c \
	tests/unit/har/test_json_check.c \
	tests/unit/har/test_json_read.c \
	tests/unit/har/test_split.c \
	tests/unit/har/test_base64.c \
	tests/unit/har/test_spill.c \
	tests/unit/har/test_body.c \
	tests/unit/har/test_coding.c \
	tests/unit/har/test_cookies.c \
	tests/unit/har/test_entry.c \
	tests/unit/har/test_ws.c
tests_unit_run_har_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_run_har_LDADD = libhar.a libhttp.a libbase.a $(ZLIB_LIBS) $(BROTLI_LIBS) \
	-lbrotlienc $(ZSTD_LIBS) $(CHECK_LIBS)
