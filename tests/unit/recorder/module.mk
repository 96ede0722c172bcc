# SPDX-License-Identifier: ISC
# The linker puts the tests between the recorder and the calls that change
# something, so that it can be made to die at each of them.
check_PROGRAMS += tests/unit/run-recorder
TESTS += tests/unit/run-recorder
tests_unit_run_recorder_SOURCES = tests/unit/recorder/run.c tests/unit/recorder/suites.h \
	tests/unit/recorder/world.c tests/unit/recorder/world.h \
	tests/unit/recorder/calls.c \
	tests/unit/recorder/test_ring.c tests/unit/recorder/test_recover.c \
	tests/unit/recorder/test_spool.c tests/unit/recorder/test_spool_later.c \
	tests/unit/recorder/spool_rig.c tests/unit/recorder/spool_rig.h \
	tests/unit/recorder/test_intake.c \
	tests/unit/recorder/test_tls_errors.c tests/unit/recorder/test_tails.c \
	tests/unit/recorder/test_aborted.c \
	tests/unit/recorder/test_block.c tests/unit/recorder/test_quota.c \
	tests/unit/recorder/test_death.c tests/unit/recorder/test_faults.c \
	tests/unit/recorder/test_power.c \
	tests/unit/recorder/test_recorder.c
tests_unit_run_recorder_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_run_recorder_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=pwrite,--wrap=pwritev,--wrap=ftruncate,--wrap=fallocate \
	-Wl,--wrap=renameat2,--wrap=renameat,--wrap=linkat,--wrap=unlinkat,--wrap=mkdirat \
	-Wl,--wrap=fdatasync,--wrap=fsync,--wrap=flock \
	-Wl,--wrap=openat,--wrap=fstat,--wrap=fstatat,--wrap=faccessat \
	-Wl,--wrap=pread,--wrap=write,--wrap=clock_wall_us \
	-Wl,--wrap=receipts_ready,--wrap=receipts_written \
	-Wl,--wrap=receipts_done,--wrap=receipts_undone
tests_unit_run_recorder_LDADD = librecorder.a libproc.a libipc.a libshm.a libhar.a libtls.a \
	libhttp.a libbase.a $(EV_LIBS) $(OPENSSL_LIBS) $(ZLIB_LIBS) $(BROTLI_LIBS) \
	$(ZSTD_LIBS) $(SECCOMP_LIBS) $(CHECK_LINK) -lpthread
