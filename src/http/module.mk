# SPDX-License-Identifier: ISC
noinst_LIBRARIES += libhttp.a
libhttp_a_SOURCES = \
	src/http/fields.c src/http/fields.h \
	src/http/message.c src/http/message.h \
	src/http/target.c src/http/target.h \
	src/http/hop.c src/http/hop.h \
	src/http/h1_strict.c src/http/h1_strict.h \
	src/http/h1_framing.c src/http/h1_framing.h \
	src/http/h1_chunk.c src/http/h1_chunk.h \
	src/http/h1_read.c src/http/h1_read.h \
	src/http/h1_write.c src/http/h1_write.h \
	src/http/h2_read.c src/http/h2_read.h \
	src/http/h2_write.c src/http/h2_write.h \
	src/http/h2_guard.c src/http/h2_guard.h \
	src/http/h2_heads.c src/http/h2_heads.h
