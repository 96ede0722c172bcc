# SPDX-License-Identifier: ISC
# In the order an entry goes.
noinst_LIBRARIES += librecorder.a
librecorder_a_SOURCES = \
	src/recorder/recorder.c src/recorder/recorder.h \
	src/recorder/room.c src/recorder/room.h \
	src/recorder/intake.c src/recorder/intake.h \
	src/recorder/slot.c src/recorder/slot.h \
	src/recorder/tails.c src/recorder/tails.h \
	src/recorder/listing.c src/recorder/listing.h \
	src/recorder/aborted.c src/recorder/aborted.h \
	src/recorder/pieces.c src/recorder/pieces.h \
	src/recorder/large.c src/recorder/large.h \
	src/recorder/spool_commit.c src/recorder/spool_large.c \
	src/recorder/spool_files.c src/recorder/spool_state.h \
	src/recorder/spool.c src/recorder/spool.h \
	src/recorder/tags.c src/recorder/tags.h \
	src/recorder/undo.c src/recorder/undo.h \
	src/recorder/har_file.c src/recorder/har_file.h \
	src/recorder/tls_errors.c src/recorder/tls_errors.h \
	src/recorder/spool_dir.c src/recorder/spool_dir.h \
	src/recorder/finish.c src/recorder/finish.h \
	src/recorder/recover.c src/recorder/recover.h \
	src/recorder/quota.c src/recorder/quota.h
