/* SPDX-License-Identifier: ISC */
/*
 * ctl_bypass.c - mitmctl bypass: the hosts that clients reach untouched, learnt
 * by bypass.pinned or made here.
 * Runs in: mitmctl.
 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/value.h"
#include "ctl/control.h"

static int
list(const struct ctl *ctl, int argc, char **argv)
{
	static const char *const words[] = {"bypass", "list"};
	static const struct control_column columns[] = {
		{"host", "HOST", CONTROL_TEXT, "?"},
		{"port", "PORT", CONTROL_NUMBER, "any"},
		{"client", "CLIENT", CONTROL_TEXT, "all"},
		{"source", "SOURCE", CONTROL_TEXT, "?"},
		{"until", "UNTIL", CONTROL_TEXT, "?"},
		{"seconds_left", NULL, CONTROL_NUMBER, "?"},
	};
	struct control_table t;
	int code;

	if (argc > 1) {
		ctl_error("bypass list: '%s' is too much", argv[1]);
		return CTL_USAGE;
	}
	code = control_ask(ctl, words, NELEM(words), &t);
	if (code != CTL_OK)
		return code;
	control_show(ctl, &t, columns, NELEM(columns));
	control_table_free(&t);
	return CTL_OK;
}

static int
ask_each(const struct ctl *ctl, const char **words, size_t nwords, int nhosts, char **hosts)
{
	struct control_table t;
	int i, code;

	for (i = 0; i < nhosts; i++) {
		words[2] = hosts[i];
		code = control_ask(ctl, words, nwords, &t);
		if (code != CTL_OK)
			return code;
		control_table_free(&t);
	}
	return CTL_OK;
}

static bool
read_for(const char *text, char **out)
{
	uint64_t ms;

	if (!value_time(str_z(text), &ms) || ms < 1000) {
		ctl_error("bypass add: --for is a time of at least 1s (30m, 24h, 7d), not '%s'",
		    text);
		return false;
	}
	free(*out);
	*out = mem_printf("for=%llu", (unsigned long long)(ms / 1000));
	return true;
}

static int
add(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option longs[] = {
		{"for", required_argument, NULL, 'f'},
		{"client", required_argument, NULL, 'c'},
		{NULL, 0, NULL, 0},
	};
	const char *words[] = {"bypass", "add", NULL, NULL, NULL};
	char *seconds = mem_strdup("for=86400"), *client = NULL, name[] = "mitmctl bypass add";
	int c, code = CTL_USAGE;

	argv[0] = name;		/* for what getopt says */
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'c') {
			free(client);
			client = mem_printf("client=%s", optarg);
		} else if (c != 'f' || !read_for(optarg, &seconds)) {
			goto out;
		}
	}
	if (optind == argc) {
		ctl_error("bypass add: which HOST[:PORT]?");
		goto out;
	}
	words[3] = seconds;
	words[4] = client;
	code = ask_each(ctl, words, client != NULL ? 5 : 4, argc - optind, argv + optind);
out:
	free(seconds);
	free(client);
	return code;
}

static int
take_away(const struct ctl *ctl, int argc, char **argv)
{
	const char *words[] = {"bypass", "remove", NULL};

	if (argc < 2) {
		ctl_error("bypass remove: which HOST[:PORT], or all?");
		return CTL_USAGE;
	}
	return ask_each(ctl, words, NELEM(words), argc - 1, argv + 1);
}

int
ctl_bypass(const struct ctl *ctl, int argc, char **argv)
{
	static const struct {
		const char *name;
		ctl_command_fn *run;
	} subs[] = {{"list", list}, {"add", add}, {"remove", take_away}};
	size_t i;

	for (i = 0; argc > 1 && i < NELEM(subs); i++)
		if (strcmp(argv[1], subs[i].name) == 0)
			return subs[i].run(ctl, argc - 1, argv + 1);
	ctl_error("bypass: list, add or remove; mitmctl help bypass tells more");
	return CTL_USAGE;
}
