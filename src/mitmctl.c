/* SPDX-License-Identifier: ISC */
/* mitmctl.c - main(): options, then one of the commands. */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "tls/roots.h"

static const struct command {
	const char *name;
	ctl_command_fn *run;
	const char *arguments, *help;
} commands[] = {
	{"bypass", ctl_bypass, "list|add|remove ...", "hosts that clients reach untouched"},
	{"ca", ctl_ca, "init|show|export|retire ...", "the certificate authority"},
	{"explain", ctl_explain, "HOST[:PORT]", "what the configuration decides for a host"},
};

static void
usage(FILE *out)
{
	size_t i;

	(void)fputs("usage: mitmctl [-hV] [-c FILE] [-s SOCKET] [--output text|json] "
	    "COMMAND ...\n", out);
	for (i = 0; i < NELEM(commands); i++)
		(void)fprintf(out, "  %-8s %-28s %s\n", commands[i].name,
		    commands[i].arguments, commands[i].help);
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"output", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	struct ctl ctl = {.conf_file = NULL};
	size_t i;
	int c;

	while ((c = getopt_long(argc, argv, "+c:s:o:hV", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			ctl.conf_file = optarg;
			break;
		case 's':
			ctl.socket = optarg;
			break;
		case 'o':
			if (strcmp(optarg, "json") != 0 && strcmp(optarg, "text") != 0) {
				ctl_error("--output is text or json, not '%s'", optarg);
				return CTL_USAGE;
			}
			ctl.json = strcmp(optarg, "json") == 0;
			break;
		case 'h':
			usage(stdout);
			return CTL_OK;
		case 'V':
			(void)puts(PACKAGE_STRING);
			return CTL_OK;
		default:
			usage(stderr);
			return CTL_USAGE;
		}
	}
	if (optind == argc) {
		usage(stderr);
		return CTL_USAGE;
	}
	tls_library_init();
	argc -= optind;
	argv += optind;
	for (i = 0; i < NELEM(commands); i++)
		if (strcmp(argv[0], commands[i].name) == 0) {
			optind = 0;	/* commands may have options of their own */
			return commands[i].run(&ctl, argc, argv);
		}
	ctl_error("there is no command '%s'; mitmctl -h lists them", argv[0]);
	return CTL_USAGE;
}
