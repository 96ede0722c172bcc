/* SPDX-License-Identifier: ISC */
/* mitmctl.c - main(): options, then one of the commands. */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "conf/schema.h"
#include "ctl/ctl.h"
#include "ctl/filter.h"
#include "tls/roots.h"

static const struct command {
	const char *name;
	ctl_command_fn *run;
	const char *arguments, *help;
	const char *more;
	void (*rest)(FILE *);
} commands[] = {
	{"bypass", ctl_bypass, "list|add|remove ...", "hosts that clients reach untouched",
	    "  list                          what is bypassed, for whom, until when\n"
	    "  add HOST[:PORT]... [--for 24h] [--client ADDRESS|TAG]\n"
	    "                                for all clients, or those of one address or tag\n"
	    "  remove HOST[:PORT]...|all     by hand or learnt, for whichever client\n"
	    "Learnt ones come from 'bypass.pinned' in the configuration.\n", NULL},
	{"ca", ctl_ca, "init|show|export|retire ...", "the certificate authority",
	    "  init [--permit NAME]... [--key-type ec|rsa]\n"
	    "                                make one; one that is there is never replaced\n"
	    "  show                          names, fingerprints, dates, files\n"
	    "  export [pem|cer|p12|jks|bundle] [-o FILE]\n"
	    "                                its certificate; the key stays where it is\n"
	    "  retire [--yes]                remove the key, never trust its certificates again\n",
	    NULL},
	{"conns", ctl_conns, "", "the clients that are connected now", NULL, NULL},
	{"drain", ctl_drain, "[--timeout TIME | --cancel]",
	    "empty this host: serve on, and end when nobody is left",
	    "  --timeout TIME                at the latest; drain_timeout, if it is not given\n"
	    "  --cancel                      stay after all\n"
	    "/readyz says 503 from now on, answers end their connections, new ones are served.\n"
	    "mitmd ends when nobody has been connected for drain_idle.\n", NULL},
	{"env", ctl_env, "[--tag TAG] [--format FORMAT]", "what a program's environment needs",
	    "  --tag TAG                     record it under that name\n"
	    "  --format sh|fish|powershell|dotenv|json|tsv|github|gitlab\n"
	    "  --no-proxy HOST,...           what is reached without the proxy; this host\n"
	    "In a shell: eval \"$(mitmctl env --tag job-123)\"\n", NULL},
	{"exec", ctl_exec, "[--tag TAG] -- COMMAND ...", "run a command in that environment",
	    "  --tag, --no-proxy             as for env\n"
	    "It ends as the command does; with 127 when there is none of that name.\n", NULL},
	{"explain", ctl_explain, "HOST[:PORT]", "what the configuration decides for a host",
	    "  --sni NAME                    the name in the ClientHello, if it is another one\n"
	    "  --address ADDRESS             for patterns that are networks; else it is looked up\n",
	    NULL},
	{"flush", ctl_flush, "[TAG]", "finish all HAR files, or those of a tag, now",
	    "It comes back when they are finished.\n", NULL},
	{"har", ctl_har, "check|repair|merge|filter|stats ...", "recordings, anybody's",
	    "  check [--strict] FILE...      is it HAR 1.2, and will readers take it?\n"
	    "  repair [-o OUT] FILE          of a torn file, keep what is whole\n"
	    "  merge [-f FILTER] [-o OUT] FILE...\n"
	    "                                one file, by start; what is there twice, once\n"
	    "  filter -f FILTER [-o OUT] FILE...\n"
	    "                                the entries that match\n"
	    "  stats [-f FILTER] FILE...     by host, tag, status, type, error; times; sizes\n"
	    "A FILE may be gzip, a growing .part, or - for standard input.\n"
	    "A FILTER:\n", filter_help},
	{"reload", ctl_reload, "[--wait]", "read the configuration again",
	    "  --wait                        until it serves and the one before has let go,\n"
	    "                                or has failed\n", NULL},
	{"status", ctl_status, "", "how the running mitmd is, and what to look at",
	    "It ends with 0 when all is well, with 2 when somebody should look.\n", NULL},
	{"tags", ctl_tags, "", "whose files are growing", NULL, NULL},
	{"tail", ctl_tail, "[-f FILTER] [--json] [-n N] [TAG]...",
	    "flows as they end, a line each",
	    "  -f, --filter FILTER           only these: 'help filter' tells the language\n"
	    "  --json                        HAR entries, one a line, as they are\n"
	    "  -n, --limit N                 no more than so many\n", NULL},
};

static void
usage(FILE *out)
{
	size_t i;

	(void)fputs("usage: mitmctl [-hV] [-c FILE] [-s SOCKET] [--output table|json|tsv] "
	    "[--color WHEN]\n               COMMAND ...\n", out);
	for (i = 0; i < NELEM(commands); i++)
		(void)fprintf(out, "  %-8s %-36s %s\n", commands[i].name,
		    commands[i].arguments, commands[i].help);
	(void)fprintf(out, "  %-8s %-36s %s\n", "help", "[COMMAND]",
	    "this, or more of a command");
}

static const struct command *
find_command(const char *name)
{
	const char *meant = NULL;
	unsigned best = SCHEMA_NO_SLIP;
	size_t i;

	for (i = 0; i < NELEM(commands); i++) {
		unsigned slip = schema_slip(str_z(name), str_z(commands[i].name));

		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
		if (slip < best) {
			best = slip;
			meant = commands[i].name;
		}
	}
	if (meant != NULL)
		ctl_error("there is no command '%s', did you mean '%s'?", name, meant);
	else
		ctl_error("there is no command '%s'; mitmctl -h lists them", name);
	return NULL;
}

static int
help(const char *name)
{
	const struct command *cmd = name != NULL && strcmp(name, "filter") != 0 ?
	    find_command(name) : NULL;

	if (name == NULL) {
		usage(stdout);
		return CTL_OK;
	}
	if (strcmp(name, "filter") == 0) {
		filter_help(stdout);
		return CTL_OK;
	}
	if (cmd == NULL)
		return CTL_USAGE;
	(void)printf("usage: mitmctl [-c FILE] [-s SOCKET] [--output table|json|tsv] %s %s\n"
	    "%s: %s\n%s", cmd->name, cmd->arguments, cmd->name, cmd->help,
	    cmd->more != NULL ? cmd->more : "");
	if (cmd->rest != NULL)
		cmd->rest(stdout);
	return CTL_OK;
}

static bool
read_output(const char *text, struct ctl *ctl)
{
	static const struct {
		const char *name;
		enum ctl_output output;
	} names[] = {
		{"table", CTL_TABLE}, {"json", CTL_JSON}, {"tsv", CTL_TSV},
		{"text", CTL_TABLE},	/* what it was called first */
	};
	size_t i;

	for (i = 0; i < NELEM(names); i++)
		if (strcmp(text, names[i].name) == 0) {
			ctl->output = names[i].output;
			return true;
		}
	ctl_error("--output is table, json or tsv, not '%s'", text);
	return false;
}

static bool
read_colour(const char *text, struct ctl *ctl)
{
	static const char *const names[] = {
		[CTL_COLOUR_AUTO] = "auto", [CTL_COLOUR_ALWAYS] = "always",
		[CTL_COLOUR_NEVER] = "never",
	};
	size_t i;

	for (i = 0; i < NELEM(names); i++)
		if (strcmp(text, names[i]) == 0) {
			ctl->colour = (enum ctl_colour)i;
			return true;
		}
	ctl_error("--color is auto, always or never, not '%s'", text);
	return false;
}

/* The value of --name=VALUE or --name VALUE, "" if it is missing; NULL: something else. */
static const char *
value_of(const char *name, int argc, char **argv, int *i)
{
	size_t n = strlen(name);

	if (strncmp(argv[*i], name, n) != 0)
		return NULL;
	if (argv[*i][n] == '=')
		return argv[*i] + n + 1;
	if (argv[*i][n] != '\0')
		return NULL;
	return *i + 1 < argc ? argv[++*i] : "";
}

/* --output and --color may stand behind the command too; they are taken out there. */
static bool
take_common(int *argc, char **argv, struct ctl *ctl)
{
	int from, to = 0;

	for (from = 0; from < *argc && strcmp(argv[from], "--") != 0; from++) {
		const char *output = value_of("--output", *argc, argv, &from);
		const char *colour =
		    output == NULL ? value_of("--color", *argc, argv, &from) : NULL;

		if (output == NULL && colour == NULL)
			argv[to++] = argv[from];
		else if (output != NULL && !read_output(output, ctl))
			return false;
		else if (colour != NULL && !read_colour(colour, ctl))
			return false;
	}
	while (from < *argc)
		argv[to++] = argv[from++];
	argv[to] = NULL;
	*argc = to;
	return true;
}

static int
run(struct ctl *ctl, int argc, char **argv)
{
	const struct command *cmd;

	if (argc == 0) {
		usage(stderr);
		return CTL_USAGE;
	}
	if (strcmp(argv[0], "help") == 0)
		return help(argc > 1 ? argv[1] : NULL);
	cmd = find_command(argv[0]);
	if (cmd == NULL)
		return CTL_USAGE;
	if (argc > 1 && (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0))
		return help(argv[0]);
	/* What follows exec is another program's. */
	if (cmd->run != ctl_exec && !take_common(&argc, argv, ctl))
		return CTL_USAGE;
	tls_library_init();
	optind = 0;	/* commands may have options of their own */
	return cmd->run(ctl, argc, argv);
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"output", required_argument, NULL, 'o'},
		{"color", required_argument, NULL, 'C'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	struct ctl ctl = {.conf_file = NULL};
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
			if (!read_output(optarg, &ctl))
				return CTL_USAGE;
			break;
		case 'C':
			if (!read_colour(optarg, &ctl))
				return CTL_USAGE;
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
	return run(&ctl, argc - optind, argv + optind);
}
