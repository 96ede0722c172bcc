# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/fuzz/fuzz-har_entry tests/fuzz/fuzz-har_body tests/fuzz/fuzz-json_check \
	tests/fuzz/fuzz-ws
TESTS += tests/fuzz/fuzz-har_entry tests/fuzz/fuzz-har_body tests/fuzz/fuzz-json_check \
	tests/fuzz/fuzz-ws
tests_fuzz_fuzz_har_entry_SOURCES = tests/fuzz/fuzz_har_entry.c $(FUZZ_MAIN)
tests_fuzz_fuzz_har_entry_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_har_entry_LDADD = libhar.a libhttp.a libbase.a $(ZLIB_LIBS) $(BROTLI_LIBS) \
	$(ZSTD_LIBS)
tests_fuzz_fuzz_har_body_SOURCES = tests/fuzz/fuzz_har_body.c $(FUZZ_MAIN)
tests_fuzz_fuzz_har_body_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_har_body_LDADD = libhar.a libbase.a $(ZLIB_LIBS) $(BROTLI_LIBS) $(ZSTD_LIBS)
tests_fuzz_fuzz_json_check_SOURCES = tests/fuzz/fuzz_json_check.c $(FUZZ_MAIN)
tests_fuzz_fuzz_json_check_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_json_check_LDADD = libhar.a libbase.a
tests_fuzz_fuzz_ws_SOURCES = tests/fuzz/fuzz_ws.c $(FUZZ_MAIN)
tests_fuzz_fuzz_ws_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_ws_LDADD = libhar.a libbase.a $(ZLIB_LIBS)
