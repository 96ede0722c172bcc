# SPDX-License-Identifier: ISC
noinst_LIBRARIES += libproc.a
libproc_a_SOURCES = \
	src/proc/proc.c src/proc/proc.h \
	src/proc/beat.c src/proc/beat.h \
	src/proc/title.c src/proc/title.h \
	src/proc/users.c src/proc/users.h \
	src/proc/sandbox.c src/proc/sandbox.h \
	src/proc/sandbox_calls.c src/proc/sandbox_calls.h \
	src/proc/denied.c src/proc/denied.h \
	src/proc/landlock.c src/proc/landlock.h \
	src/proc/counters.def src/proc/counters.c src/proc/counters.h \
	src/proc/metrics.c src/proc/metrics.h \
	src/proc/clients.c src/proc/clients.h \
	src/proc/room.c src/proc/room.h
