# SPDX-License-Identifier: ISC
libshm_a_SOURCES += src/shm/ring.h
