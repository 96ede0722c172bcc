# SPDX-License-Identifier: ISC
noinst_LIBRARIES += libctl.a
libctl_a_SOURCES = src/ctl/ctl.c src/ctl/ctl.h \
	src/ctl/control.c src/ctl/control_show.c src/ctl/control.h \
	src/ctl/tsv.c src/ctl/tsv.h \
	src/ctl/human.c src/ctl/human.h src/ctl/term.c src/ctl/term.h \
	src/ctl/ctl_reload.c src/ctl/ctl_status.c src/ctl/ctl_flush.c \
	src/ctl/ctl_lists.c src/ctl/ctl_drain.c \
	src/ctl/ctl_env.c src/ctl/env_vars.c src/ctl/env_vars.h \
	src/ctl/ctl_tail.c src/ctl/tail_line.c src/ctl/tail_line.h \
	src/ctl/view.c src/ctl/view.h \
	src/ctl/filter.c src/ctl/filter.h \
	src/ctl/filter_match.c src/ctl/filter_tree.h \
	src/ctl/input.c src/ctl/input.h \
	src/ctl/progress.c src/ctl/progress.h \
	src/ctl/har_in.c src/ctl/har_in.h \
	src/ctl/har_out.c src/ctl/har_out.h \
	src/ctl/har_rules.c src/ctl/har_rules.h \
	src/ctl/har_values.c src/ctl/har_values.h \
	src/ctl/har_order.c src/ctl/har_order.h \
	src/ctl/har_pages.c src/ctl/har_pages.h \
	src/ctl/tally.c src/ctl/tally.h \
	src/ctl/ctl_har.c src/ctl/har_cmd.h \
	src/ctl/har_check.c \
	src/ctl/har_filter.c \
	src/ctl/har_merge.c \
	src/ctl/har_repair.c \
	src/ctl/har_stats.c src/ctl/har_stats.h src/ctl/har_stats_show.c \
	src/ctl/har_stats_tsv.c \
	src/ctl/ctl_bypass.c \
	src/ctl/ctl_explain.c src/ctl/explain.c src/ctl/explain.h \
	src/ctl/ctl_ca.c src/ctl/ctl_ca_show.c src/ctl/ctl_ca.h
