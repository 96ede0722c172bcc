# SPDX-License-Identifier: ISC
# The load generator: `make bench/load` builds it, and `make check` does too, so
# that it keeps compiling.  bench/run is the driver.
check_PROGRAMS += bench/load
bench_load_SOURCES = bench/load.c bench/load.h bench/options.c bench/options.h \
	bench/link.c bench/link.h bench/h2.c bench/h2.h \
	bench/request.c bench/request.h \
	bench/page.c bench/page.h bench/stats.c bench/stats.h \
	bench/tickets.c bench/tickets.h
bench_load_LDADD = libbase.a $(HTTP_PARSER_LIBS) $(NGHTTP2_LIBS) $(OPENSSL_LIBS)
EXTRA_DIST += bench/run bench/stage.py bench/README
