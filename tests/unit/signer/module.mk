# SPDX-License-Identifier: ISC
signer_test_libs = libsigner.a libipc.a libshm.a libtls.a libbase.a $(EV_LIBS) $(OPENSSL_LIBS)

check_PROGRAMS += tests/unit/run-signer
TESTS += tests/unit/run-signer
tests_unit_run_signer_SOURCES = tests/unit/signer/main.c tests/unit/signer/suites.h \
	tests/unit/signer/fixture.c tests/unit/signer/fixture.h \
	tests/unit/signer/ca_rig.c tests/unit/signer/ca_rig.h \
	tests/unit/signer/test_der.c tests/unit/signer/test_ask.c \
	tests/unit/signer/test_mint.c tests/unit/signer/test_recipes.c \
	tests/unit/signer/test_ocsp.c tests/unit/signer/test_promises.c \
	tests/unit/signer/test_ca.c tests/unit/signer/test_ca_files.c \
	tests/unit/signer/test_ca_made.c \
	tests/unit/signer/test_export.c tests/unit/signer/test_keys.c \
	tests/unit/signer/test_desk.c tests/unit/signer/test_files.c
tests_unit_run_signer_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_run_signer_LDADD = $(signer_test_libs) $(CHECK_LIBS) -lpthread

# Certificates of ours, judged by other people's programs.
check_PROGRAMS += tests/unit/signer/make-leafs
tests_unit_signer_make_leafs_SOURCES = tests/unit/signer/make_leafs.c
tests_unit_signer_make_leafs_LDADD = $(signer_test_libs) -lpthread
TESTS += tests/unit/signer/verify-leafs.sh
EXTRA_DIST += tests/unit/signer/verify-leafs.sh
