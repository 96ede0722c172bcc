# SPDX-License-Identifier: ISC
libshm_a_SOURCES += src/shm/cert_cache.h src/shm/keyring.h
