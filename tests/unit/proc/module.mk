# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/unit/run-proc
TESTS += tests/unit/run-proc
tests_unit_run_proc_SOURCES = tests/unit/proc/main.c tests/unit/proc/suites.h \
	tests/unit/proc/test_beat.c tests/unit/proc/test_metrics.c \
	tests/unit/proc/test_clients.c tests/unit/proc/test_room.c
tests_unit_run_proc_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_run_proc_LDADD = libproc.a libipc.a libshm.a libconf.a libhttp.a libbase.a \
	$(OPENSSL_LIBS) $(EV_LIBS) $(YAML_LIBS) $(PCRE2_LIBS) $(CHECK_LIBS) -lpthread
