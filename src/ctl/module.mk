# SPDX-License-Identifier: ISC
noinst_LIBRARIES += libctl.a
libctl_a_SOURCES = src/ctl/ctl.c src/ctl/ctl.h \
	src/ctl/view.c src/ctl/view.h \
	src/ctl/filter.c src/ctl/filter.h \
	src/ctl/filter_match.c src/ctl/filter_tree.h \
	src/ctl/control.c src/ctl/control_show.c src/ctl/control.h \
	src/ctl/human.c src/ctl/human.h src/ctl/term.c src/ctl/term.h \
	src/ctl/ctl_reload.c src/ctl/ctl_status.c \
	src/ctl/ctl_bypass.c \
	src/ctl/ctl_explain.c src/ctl/explain.c src/ctl/explain.h \
	src/ctl/ctl_ca.c src/ctl/ctl_ca_show.c src/ctl/ctl_ca.h
