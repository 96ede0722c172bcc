# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/fuzz/fuzz-h1_read tests/fuzz/fuzz-target
TESTS += tests/fuzz/fuzz-h1_read tests/fuzz/fuzz-target
tests_fuzz_fuzz_h1_read_SOURCES = tests/fuzz/fuzz_h1_read.c $(FUZZ_MAIN)
tests_fuzz_fuzz_h1_read_LDADD = libhttp.a libbase.a $(HTTP_PARSER_LIBS)
tests_fuzz_fuzz_h1_read_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_target_SOURCES = tests/fuzz/fuzz_target.c $(FUZZ_MAIN)
tests_fuzz_fuzz_target_LDADD = libhttp.a libbase.a
tests_fuzz_fuzz_target_LDFLAGS = $(FUZZ_LDFLAGS)
