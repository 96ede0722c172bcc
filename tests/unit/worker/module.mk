# SPDX-License-Identifier: ISC
# world.c stands in for worker.c and dial.c: what it defines is not taken from
# the library.
check_PROGRAMS += tests/unit/run-worker
TESTS += tests/unit/run-worker
WORKER_TEST_LIBS = libworker.a libproc.a libipc.a libshm.a libconf.a libhar.a libtls.a \
	libhttp.a libbase.a $(EV_LIBS) $(HTTP_PARSER_LIBS) $(CARES_LIBS) $(NGHTTP2_LIBS) $(OPENSSL_LIBS) \
	$(YAML_LIBS) $(ZLIB_LIBS) $(BROTLI_LIBS) $(ZSTD_LIBS) $(PCRE2_LIBS) -lpthread
tests_unit_run_worker_SOURCES = tests/unit/worker/run.c tests/unit/worker/suites.h \
	tests/unit/worker/world.c tests/unit/worker/world.h \
	tests/unit/worker/ends.c tests/unit/worker/ends.h \
	tests/unit/worker/test_flow.c tests/unit/worker/test_flow_abort.c \
	tests/unit/worker/test_capture.c tests/unit/worker/test_capture_ws.c \
	tests/unit/worker/test_access.c \
	tests/unit/worker/test_sniff.c tests/unit/worker/test_tell.c tests/unit/worker/test_hosts.c \
	tests/unit/worker/test_trust_told.c \
	tests/unit/worker/test_mirror.c tests/unit/worker/test_leaf_table.c \
	tests/unit/worker/test_leaf_ask.c \
	tests/unit/worker/rig.c tests/unit/worker/rig.h \
	tests/unit/worker/test_exchange.c tests/unit/worker/test_exchange_end.c \
	tests/unit/worker/h2peer.c tests/unit/worker/h2peer.h \
	tests/unit/worker/h2rig.c tests/unit/worker/h2rig.h \
	tests/unit/worker/test_h2.c tests/unit/worker/test_h2_ends.c \
	tests/unit/worker/test_h2_flow.c tests/unit/worker/test_h2_limits.c \
	tests/unit/worker/test_h2_mixed.c tests/unit/worker/test_pace.c \
	tests/unit/worker/test_memory.c
tests_unit_run_worker_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_run_worker_LDADD = $(WORKER_TEST_LIBS) $(CHECK_LINK)
