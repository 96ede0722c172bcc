# SPDX-License-Identifier: ISC
# fuzz-exchange has the world of the unit tests around it.
check_PROGRAMS += tests/fuzz/fuzz-sniff tests/fuzz/fuzz-exchange
TESTS += tests/fuzz/fuzz-sniff tests/fuzz/fuzz-exchange
tests_fuzz_fuzz_sniff_SOURCES = tests/fuzz/fuzz_sniff.c $(FUZZ_MAIN)
tests_fuzz_fuzz_sniff_LDADD = libworker.a libbase.a
tests_fuzz_fuzz_sniff_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_exchange_SOURCES = tests/fuzz/fuzz_exchange.c \
	tests/unit/worker/world.c tests/unit/worker/world.h $(FUZZ_MAIN)
tests_fuzz_fuzz_exchange_LDADD = libworker.a libproc.a libipc.a libshm.a libconf.a libhar.a \
	libtls.a libhttp.a libbase.a $(EV_LIBS) $(HTTP_PARSER_LIBS) $(CARES_LIBS) $(NGHTTP2_LIBS) \
	$(OPENSSL_LIBS) $(YAML_LIBS) $(ZLIB_LIBS) $(BROTLI_LIBS) $(ZSTD_LIBS) $(PCRE2_LIBS) \
	-lpthread
tests_fuzz_fuzz_exchange_LDFLAGS = $(FUZZ_LDFLAGS)
check_PROGRAMS += tests/fuzz/fuzz-h2
TESTS += tests/fuzz/fuzz-h2
tests_fuzz_fuzz_h2_SOURCES = tests/fuzz/fuzz_h2.c \
	tests/unit/worker/world.c tests/unit/worker/world.h $(FUZZ_MAIN)
tests_fuzz_fuzz_h2_LDADD = $(tests_fuzz_fuzz_exchange_LDADD)
tests_fuzz_fuzz_h2_LDFLAGS = $(FUZZ_LDFLAGS)
