# SPDX-License-Identifier: ISC
# All roles, as in the program, but for the one function in which they work.
check_PROGRAMS += tests/unit/run-walls
TESTS += tests/unit/run-walls
tests_unit_run_walls_SOURCES = tests/unit/walls/run.c tests/unit/walls/suites.h \
	tests/unit/walls/tries.c tests/unit/walls/tries.h tests/unit/walls/test_walls.c
tests_unit_run_walls_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_run_walls_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=proc_run
tests_unit_run_walls_LDADD = $(mitmd_LDADD) $(CHECK_LIBS) -lpthread
