# SPDX-License-Identifier: ISC
noinst_LIBRARIES += libsigner.a
libsigner_a_SOURCES = src/signer/signer.h
