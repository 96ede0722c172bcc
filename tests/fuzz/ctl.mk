# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/fuzz/fuzz-har_read tests/fuzz/fuzz-filter
TESTS += tests/fuzz/fuzz-har_read tests/fuzz/fuzz-filter
tests_fuzz_fuzz_har_read_SOURCES = tests/fuzz/fuzz_har_read.c $(FUZZ_MAIN)
tests_fuzz_fuzz_har_read_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_har_read_LDADD = libctl.a libhar.a libbase.a
tests_fuzz_fuzz_filter_SOURCES = tests/fuzz/fuzz_filter.c $(FUZZ_MAIN)
tests_fuzz_fuzz_filter_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_filter_LDADD = libctl.a libhar.a libbase.a $(PCRE2_LIBS)
