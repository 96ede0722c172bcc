# SPDX-License-Identifier: ISC
noinst_LIBRARIES += libtls.a
libtls_a_SOURCES = \
	src/tls/hello.c src/tls/hello.h \
	src/tls/facts.c src/tls/facts.h \
	src/tls/roots.c src/tls/roots.h \
	src/tls/name.c src/tls/name.h \
	src/tls/permit.c src/tls/permit.h \
	src/tls/cert.c src/tls/cert.h \
	src/tls/verify.c src/tls/verify.h \
	src/tls/warn.c src/tls/warn.h \
	src/tls/verdicts.c src/tls/verdicts.h \
	src/tls/staple.c src/tls/staple.h \
	src/tls/offer.c src/tls/offer.h \
	src/tls/sessions.c src/tls/sessions.h \
	src/tls/origin.c src/tls/origin.h \
	src/tls/leg.c \
	src/tls/client.c src/tls/client.h
