# SPDX-License-Identifier: ISC
noinst_LIBRARIES += libtls.a
libtls_a_SOURCES = src/tls/hello.h src/tls/facts.h src/tls/origin.h src/tls/client.h \
	src/tls/roots.h
