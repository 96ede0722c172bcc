# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/fuzz/fuzz-ring tests/fuzz/fuzz-recover
TESTS += tests/fuzz/fuzz-ring tests/fuzz/fuzz-recover
FUZZ_RECORDER_LIBS = librecorder.a libshm.a libhar.a libtls.a libhttp.a libbase.a \
	$(OPENSSL_LIBS) $(ZLIB_LIBS) $(BROTLI_LIBS) $(ZSTD_LIBS) -lpthread
tests_fuzz_fuzz_ring_SOURCES = tests/fuzz/fuzz_ring.c $(FUZZ_MAIN)
tests_fuzz_fuzz_ring_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_ring_LDADD = $(FUZZ_RECORDER_LIBS)
tests_fuzz_fuzz_recover_SOURCES = tests/fuzz/fuzz_recover.c $(FUZZ_MAIN)
tests_fuzz_fuzz_recover_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_recover_LDADD = $(FUZZ_RECORDER_LIBS)
