# SPDX-License-Identifier: ISC
# Modules that need no other process; roles.c and what it leads to stays out.
check_PROGRAMS += tests/unit/run-master
TESTS += tests/unit/run-master
tests_unit_run_master_SOURCES = tests/unit/master/run.c tests/unit/master/suites.h \
	tests/unit/master/control_rig.c tests/unit/master/control_rig.h \
	tests/unit/master/test_pinning.c tests/unit/master/test_control.c \
	tests/unit/master/test_control_peer.c tests/unit/master/test_control_socket.c
tests_unit_run_master_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_run_master_LDADD = libmaster.a libipc.a libshm.a libconf.a libhttp.a libbase.a \
	$(EV_LIBS) $(OPENSSL_LIBS) $(YAML_LIBS) $(PCRE2_LIBS) \
	$(CHECK_LINK)
