# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/unit/run-tls
TESTS += tests/unit/run-tls
tests_unit_run_tls_SOURCES = tests/unit/tls/main.c tests/unit/tls/suites.h \
	tests/unit/tls/certs.c tests/unit/tls/certs.h \
	tests/unit/tls/pair.c tests/unit/tls/pair.h \
	tests/unit/tls/peer.c tests/unit/tls/peer.h \
	tests/unit/tls/curl_hello.h \
	tests/unit/tls/test_hello.c \
	tests/unit/tls/test_verify.c \
	tests/unit/tls/test_chains.c \
	tests/unit/tls/test_verdicts.c \
	tests/unit/tls/test_offer.c \
	tests/unit/tls/test_origin.c \
	tests/unit/tls/test_sessions.c \
	tests/unit/tls/test_staple.c \
	tests/unit/tls/test_client.c \
	tests/unit/tls/test_roots.c \
	tests/unit/tls/test_name.c \
	tests/unit/tls/test_permit.c \
	tests/unit/tls/test_shelf.c \
	tests/unit/tls/test_client_peer.c
tests_unit_run_tls_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_run_tls_LDADD = libtls.a libbase.a $(OPENSSL_LIBS) $(CHECK_LIBS)
