/* SPDX-License-Identifier: ISC */
/*
 * ctl_har.c - mitmctl har: HAR files on disk, whoever wrote them.  Needs neither a
 * running mitmd nor a configuration.
 * Runs in: mitmctl.
 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/har_cmd.h"
#include "har/json_read.h"

static const struct command {
	const char *name;
	har_cmd_fn *run;
	const char *options;	/* of getopt(3) */
	const char *usage;
	int max_files;
} commands[] = {
	{"check", har_check, "", "[--strict] [--output table|json|tsv] FILE...", 0},
	{"filter", har_filter, "f:o:", "-f FILTER [-o OUT] FILE...", 0},
	{"merge", har_merge, "f:o:", "[-f FILTER] [-o OUT] FILE...", 0},
	{"repair", har_repair, "o:", "[-o OUT] FILE", 1},
	{"stats", har_stats, "f:", "[-f FILTER] [--output table|json|tsv] FILE...", 0},
};

static int
usage(void)
{
	size_t i;

	for (i = 0; i < NELEM(commands); i++)
		(void)fprintf(stderr, "%s mitmctl har %s %s\n", i == 0 ? "usage:" : "      ",
		    commands[i].name, commands[i].usage);
	return CTL_USAGE;
}

static int
usage_of(const struct command *cmd)
{
	(void)fprintf(stderr, "usage: mitmctl har %s %s\n", cmd->name, cmd->usage);
	return CTL_USAGE;
}

int
har_cmd_no_input(const struct har_ask *ask, const struct errmsg *err)
{
	ctl_error("har %s: %s", ask->command, err->text);
	return CTL_NOINPUT;
}

int
har_cmd_failed(const struct har_ask *ask, const struct errmsg *err)
{
	ctl_error("har %s: %s", ask->command, err->text);
	return CTL_FAILED;
}

uint64_t
har_cmd_total(const struct har_ask *ask)
{
	uint64_t total = 0;
	struct stat st;
	int i;

	for (i = 0; i < ask->nfiles; i++) {
		if (stat(ask->files[i], &st) == -1 || !S_ISREG(st.st_mode))
			return 0;
		total += (uint64_t)st.st_size;
	}
	return total;
}

struct har_in *
har_cmd_open(const struct har_ask *ask, const char *file, int *rc)
{
	struct errmsg err;
	struct input *input = input_open(file, &err);

	if (input != NULL)
		return har_in_new(&input);
	*rc = har_cmd_no_input(ask, &err);
	return NULL;
}

bool
har_cmd_is_ours(struct str creator)
{
	struct json_read r = json_read_from(creator);
	struct str name, value;

	if (json_read_enter(&r, '{'))
		while (json_read_member(&r, &name)) {
			(void)json_read_string(&r, &value);
			if (str_eq(name, STR("name")))
				return str_eq(value, STR("mitmd"));
		}
	return false;
}

void
har_cmd_tell_given_up(const struct har_ask *ask)
{
	uint64_t n = ask->filter != NULL ? filter_given_up(ask->filter) : 0;

	if (n > 0)
		ctl_error("har %s: %llu searches took too long and were given up; these found "
		    "nothing", ask->command, (unsigned long long)n);
}

static bool
set_filter(struct har_ask *ask, const char *text)
{
	struct errmsg err;

	filter_free(&ask->filter);
	ask->filter = filter_parse(text, &err);
	if (ask->filter == NULL)
		ctl_error("har %s: %s", ask->command, err.text);
	return ask->filter != NULL;
}

/* CTL_OK: *ask is filled. */
static int
parse(const struct command *cmd, struct har_ask *ask, int argc, char **argv)
{
	static const struct option longs[] = {
		{"filter", required_argument, NULL, 'f'},
		{"strict", no_argument, NULL, 's'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, cmd->options, longs, NULL)) != -1) {
		if (c == 'f' && strchr(cmd->options, 'f') != NULL) {
			if (!set_filter(ask, optarg))
				return CTL_USAGE;
		} else if (c == 'o') {
			ask->out = optarg;
		} else if (c == 's' && cmd->run == har_check) {
			ask->strict = true;
		} else {
			return usage_of(cmd);
		}
	}
	ask->files = argv + optind;
	ask->nfiles = argc - optind;
	if (ask->nfiles == 0 || (cmd->max_files > 0 && ask->nfiles > cmd->max_files) ||
	    (cmd->run == har_filter && ask->filter == NULL))
		return usage_of(cmd);
	return CTL_OK;
}

int
ctl_har(const struct ctl *ctl, int argc, char **argv)
{
	struct har_ask ask = {.output = ctl->output};
	const struct command *cmd = NULL;
	size_t i;
	int rc;

	for (i = 0; argc > 1 && i < NELEM(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			cmd = &commands[i];
	if (cmd == NULL)
		return usage();
	ask.command = cmd->name;
	rc = parse(cmd, &ask, argc - 1, argv + 1);
	if (rc == CTL_OK)
		rc = cmd->run(&ask);
	if ((fflush(stdout) != 0 || ferror(stdout) != 0) && rc == CTL_OK) {
		ctl_error("har %s: standard output cannot be written", ask.command);
		rc = CTL_FAILED;
	}
	filter_free(&ask.filter);
	return rc;
}
