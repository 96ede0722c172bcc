# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/unit/run-shm
TESTS += tests/unit/run-shm
tests_unit_run_shm_SOURCES = tests/unit/shm/main.c tests/unit/shm/suites.h \
	tests/unit/shm/test_cert_cache.c tests/unit/shm/test_keyring.c \
	tests/unit/shm/test_segment.c tests/unit/shm/test_trust.c
tests_unit_run_shm_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_run_shm_LDADD = libshm.a libbase.a $(OPENSSL_LIBS) $(CHECK_LIBS) -lpthread
