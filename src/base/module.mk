# SPDX-License-Identifier: ISC
noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	src/base/attr.h \
	src/base/mem.c src/base/mem.h \
	src/base/err.c src/base/err.h \
	src/base/str.c src/base/str.h \
	src/base/buf.c src/base/buf.h \
	src/base/list.h \
	src/base/clock.c src/base/clock.h \
	src/base/rate.c src/base/rate.h \
	src/base/words.c src/base/words.h \
	src/base/sockpath.c src/base/sockpath.h \
	src/base/escape.c src/base/escape.h \
	src/base/journal.c src/base/journal.h \
	src/base/repeats.c src/base/repeats.h \
	src/base/log.c src/base/log.h \
	src/base/fd.c src/base/fd.h \
	src/base/addr.c src/base/addr.h \
	src/base/domain.c src/base/domain.h
