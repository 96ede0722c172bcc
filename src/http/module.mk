# SPDX-License-Identifier: ISC
noinst_LIBRARIES += libhttp.a
libhttp_a_SOURCES = src/http/fields.h src/http/message.h src/http/target.h \
	src/http/h1_read.h src/http/h1_write.h
