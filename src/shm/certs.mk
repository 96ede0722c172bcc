# SPDX-License-Identifier: ISC
libshm_a_SOURCES += src/shm/seqlock.c src/shm/seqlock.h \
	src/shm/cert_cache.c src/shm/cert_cache.h \
	src/shm/keyring.c src/shm/keyring.h \
	src/shm/trust.c src/shm/trust.h
