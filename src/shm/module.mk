# SPDX-License-Identifier: ISC
# Rings belong to the recorder's way, certificates and keys to the signer's.
noinst_LIBRARIES += libshm.a
libshm_a_SOURCES = src/shm/segment.c src/shm/segment.h
include src/shm/record.mk
include src/shm/certs.mk
