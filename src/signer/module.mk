# SPDX-License-Identifier: ISC
noinst_LIBRARIES += libsigner.a
libsigner_a_SOURCES = \
	src/signer/der.c src/signer/der.h \
	src/signer/ask.c src/signer/ask.h \
	src/signer/seal.c src/signer/seal.h \
	src/signer/tbs.c src/signer/tbs.h \
	src/signer/ocsp.c src/signer/ocsp.h \
	src/signer/strangers.c src/signer/strangers.h \
	src/signer/mint.c src/signer/mint.h \
	src/signer/files.c src/signer/files.h \
	src/signer/ca_file.c src/signer/ca_file.h \
	src/signer/retired.c src/signer/retired.h \
	src/signer/ca_make.c src/signer/ca_make.h \
	src/signer/ca.c src/signer/ca.h \
	src/signer/ca_public.c src/signer/ca_public.h \
	src/signer/export.c src/signer/export.h \
	src/signer/publish.c \
	src/signer/vault.c src/signer/vault.h \
	src/signer/keys.c src/signer/keys.h \
	src/signer/key_maker.c src/signer/key_maker.h \
	src/signer/desk.c src/signer/desk.h \
	src/signer/signer.c src/signer/signer.h
