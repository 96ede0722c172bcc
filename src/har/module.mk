# SPDX-License-Identifier: ISC
noinst_LIBRARIES += libhar.a
libhar_a_SOURCES = \
	src/har/utf8.c src/har/utf8.h \
	src/har/json.c src/har/json.h src/har/json_check.c \
	src/har/json_read.c src/har/json_read.h \
	src/har/iso_date.c src/har/iso_date.h \
	src/har/lines.c src/har/lines.h \
	src/har/split.c src/har/split.h \
	src/har/shorten.c src/har/shorten.h \
	src/har/base64.c src/har/base64.h src/har/base64_decode.c \
	src/har/spill.c src/har/spill.h \
	src/har/work.c src/har/work.h \
	src/har/coding.c src/har/coding.h \
	src/har/store.c src/har/store.h \
	src/har/body.c src/har/body.h \
	src/har/pairs.c src/har/pairs.h \
	src/har/cookies.c src/har/cookies.h \
	src/har/kind.c src/har/kind.h \
	src/har/tls_text.c src/har/tls_text.h \
	src/har/entry.c src/har/entry.h src/har/entry_ours.c src/har/entry_ours.h \
	src/har/ws.c src/har/ws.h
