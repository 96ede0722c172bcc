# SPDX-License-Identifier: ISC
noinst_LIBRARIES += libipc.a
libipc_a_SOURCES = src/ipc/msg.def src/ipc/msg.c src/ipc/msg.h src/ipc/channel.c src/ipc/channel.h \
	src/ipc/bundle.c src/ipc/bundle.h
