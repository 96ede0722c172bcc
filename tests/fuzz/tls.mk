# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/fuzz/fuzz-tls_hello
TESTS += tests/fuzz/fuzz-tls_hello
tests_fuzz_fuzz_tls_hello_SOURCES = tests/fuzz/fuzz_tls_hello.c $(FUZZ_MAIN)
tests_fuzz_fuzz_tls_hello_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_tls_hello_LDADD = libtls.a libbase.a $(OPENSSL_LIBS)
check_PROGRAMS += tests/fuzz/fuzz-tls_verify
TESTS += tests/fuzz/fuzz-tls_verify
tests_fuzz_fuzz_tls_verify_SOURCES = tests/fuzz/fuzz_tls_verify.c $(FUZZ_MAIN)
tests_fuzz_fuzz_tls_verify_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_tls_verify_LDADD = libtls.a libbase.a $(OPENSSL_LIBS)
