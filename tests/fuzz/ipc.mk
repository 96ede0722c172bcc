# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/fuzz/fuzz-msg-wire
TESTS += tests/fuzz/fuzz-msg-wire
tests_fuzz_fuzz_msg_wire_SOURCES = tests/fuzz/fuzz_msg_wire.c $(FUZZ_MAIN)
tests_fuzz_fuzz_msg_wire_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_msg_wire_LDADD = libsigner.a libipc.a libshm.a libtls.a libbase.a $(OPENSSL_LIBS) \
	-lpthread
