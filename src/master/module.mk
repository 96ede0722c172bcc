# SPDX-License-Identifier: ISC
noinst_LIBRARIES += libmaster.a
libmaster_a_SOURCES = \
	src/master/master.c src/master/master.h src/master/state.h \
	src/master/roles.c src/master/roles.h \
	src/master/systemd.c src/master/systemd.h \
	src/master/given.c src/master/given.h \
	src/master/listen.c \
	src/master/service.c \
	src/master/generation.c \
	src/master/spawn.c \
	src/master/supervise.c \
	src/master/identities.c src/master/identities.h \
	src/master/pinning.c src/master/pinning.h \
	src/master/control.c src/master/control.h \
	src/master/control_peer.c src/master/control_peer.h \
	src/master/control_socket.c src/master/control_socket.h \
	src/master/spool_trial.c \
	src/master/walls.c src/master/system_files.c \
	src/master/commands.c src/master/commands.h \
	src/master/commands_bypass.c src/master/commands_status.c \
	src/master/commands_list.c \
	src/master/flushing.c src/master/flushing.h \
	src/master/leaving.c src/master/leaving.h \
	src/master/nofile.c src/master/nofile.h \
	src/master/polls.c src/master/polls.h \
	src/master/reloads.c src/master/reloads.h \
	src/master/recording.c
