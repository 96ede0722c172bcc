# SPDX-License-Identifier: ISC
libshm_a_SOURCES += \
	src/shm/ring.c src/shm/ring.h \
	src/shm/open_flows.c src/shm/open_flows.h \
	src/shm/receipts.c src/shm/receipts.h
