/* SPDX-License-Identifier: ISC */
/* ctl_ca.c - mitmctl ca: options, init, retire.  Runs in: mitmctl. */
#include "config.h"

#include "ctl/ctl_ca.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "proc/proc.h"
#include "signer/ca.h"
#include "signer/export.h"

/* What the command line of any of the four says. */
struct options {
	char **permit;		/* --permit, in order */
	size_t npermit;
	const char *key_type, *file;
	bool yes;
};

static int64_t
now_seconds(void)
{
	return (int64_t)(clock_wall_us() / 1000000);
}

static int
usage(void)
{
	(void)fputs("usage: mitmctl ca init [--permit NAME]... [--key-type ec|rsa]\n"
	    "       mitmctl ca show [--output table|json|tsv]\n"
	    "       mitmctl ca export [pem|cer|p12|jks|bundle] [-o FILE]\n"
	    "       mitmctl ca retire [--yes]\n", stderr);
	return CTL_USAGE;
}

/* Files are made for the user mitmd runs as; only root can give them away. */
static int
open_dir(struct files *f, const struct conf *conf)
{
	struct errmsg err;
	struct user_ids ids = users_of(conf, ROLE_SIGNER);

	if (geteuid() != 0 && access(conf->ca.dir, W_OK) == -1 && errno == EACCES) {
		ctl_error("you may not write in %s: run this as root, or as the user mitmd "
		    "runs as", conf->ca.dir);
		return CTL_DENIED;
	}
	if (conf_make_dirs(conf, &err) == 0 &&
	    files_open(f, conf->ca.dir, ids.uid, ids.gid, &err) == 0)
		return CTL_OK;
	ctl_error("%s", err.text);
	return CTL_FAILED;
}

/* ---- init ---- */

static struct permit *
permit_for(const struct conf *conf, const struct options *o, int *code)
{
	struct errmsg err;
	struct permit *p = o->npermit > 0 ? permit_new(o->permit, o->npermit, &err) :
	    permit_new(conf->ca.permit.v, conf->ca.permit.n, &err);

	if (p == NULL) {
		ctl_error("%s: %s", o->npermit > 0 ? "--permit" : "ca.permit", err.text);
		*code = o->npermit > 0 ? CTL_USAGE : CTL_CONFIG;
	}
	return p;
}

static void
tell_made(const struct ca *ca, const struct conf *conf)
{
	char *name = ctl_ca_name(X509_get_subject_name(ca->cert)), print[CTL_CA_PRINT_SIZE];

	ctl_ca_fingerprint(ca->cert, EVP_sha256(), print);
	(void)printf("A new CA is in %s:\n"
	    "  %s\n"
	    "  SHA-256 %s\n\n"
	    "Clients have to trust %s/" CA_CERT_FILE "\n"
	    "(mitmctl ca export gives it in other forms; man mitmd tells where it goes).\n"
	    "A running mitmd takes it with: systemctl reload mitmd (SIGHUP).\n",
	    conf->ca.dir, name, print, conf->ca.dir);
	free(name);
}

static int
make(struct files *f, const struct conf *conf, const struct ca_new *want)
{
	struct errmsg err;
	struct ca ca;
	int ret = CTL_FAILED;

	if (ca_make(f, want, now_seconds(), &err) != 0 ||
	    ca_load(&ca, f, now_seconds(), &err) != 1) {
		ctl_error("%s", err.text);
		return CTL_FAILED;
	}
	if (export_files(ca.cert, ca.chain, f, EXPORT_SYSTEM_ROOTS, &err) == 0)
		ret = CTL_OK;
	else
		ctl_error("the CA is made, but %s", err.text);
	tell_made(&ca, conf);
	ca_free(&ca);
	return ret;
}

static int
init_in(struct files *f, const struct conf *conf, const struct ca_new *want)
{
	struct errmsg err;
	struct ca ca;
	char *name;

	switch (ca_load(&ca, f, now_seconds(), &err)) {
	case 0:
		return make(f, conf, want);
	case 1:
		name = ctl_ca_name(X509_get_subject_name(ca.cert));
		ctl_error("there is a CA in %s already (%s), and clients may trust it: "
		    "'mitmctl ca retire' does away with it", conf->ca.dir, name);
		free(name);
		ca_free(&ca);
		return CTL_FAILED;
	default:
		ctl_error("%s", err.text);
		return CTL_FAILED;
	}
}

static int
init(const struct conf *conf, const struct options *o)
{
	struct ca_new want = {.rsa = o->key_type != NULL ? strcmp(o->key_type, "rsa") == 0 :
	    conf->ca.key_rsa};
	char host[256] = "";
	struct permit *permit;
	struct files files;
	int ret = CTL_FAILED;

	permit = permit_for(conf, o, &ret);
	if (permit == NULL)
		return ret;
	(void)gethostname(host, sizeof(host) - 1);
	want.host = host;
	want.permit = permit;
	ret = open_dir(&files, conf);
	if (ret == CTL_OK) {
		ret = init_in(&files, conf, &want);
		files_close(&files);
	}
	permit_free(&permit);
	return ret;
}

/* ---- retire ---- */

static bool
is_sure(const struct ca_public *ca)
{
	char *name = ctl_ca_name(X509_get_subject_name(ca->cert));
	char answer[16] = "";

	(void)printf("Retire %s?\nIts key is removed, and every client will need the next CA. "
	    "[y/N] ", name);
	(void)fflush(stdout);
	free(name);
	return fgets(answer, sizeof(answer), stdin) != NULL &&
	    (answer[0] == 'y' || answer[0] == 'Y');
}

/* A link goes, and what it led to stays. */
static char *
linked_key(struct files *f)
{
	char target[4096];
	ssize_t n = readlinkat(f->dir, CA_FILE, target, sizeof(target));

	return n > 0 ? str_dup(str_of(target, (size_t)n)) : NULL;
}

static int
retire_one(struct ca_public *ca, struct files *f)
{
	char *linked = linked_key(f), *name = ctl_ca_name(X509_get_subject_name(ca->cert));
	bool had_key = faccessat(f->dir, CA_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	struct errmsg err;
	int ret = CTL_OK;

	if (ca_public_retire(ca, f, &err) != 0) {
		ctl_error("%s", err.text);
		ret = CTL_FAILED;
	} else {
		(void)printf("Retired: %s\n"
		    "Its certificate is kept in %s/" RETIRED_FILE ": no origin that shows one of "
		    "its is trusted.\n\n"
		    "'mitmctl ca init' makes a new one, and so does the next start or reload.\n"
		    "Install that one on all clients, and then: systemctl reload mitmd (SIGHUP).\n"
		    "A running mitmd signs with the old key until then.\n", name, f->path);
		if (linked != NULL)
			(void)printf("The key itself is still in %s: remove it.\n", linked);
		else if (!had_key)
			(void)printf("There was no key in %s; if it is a systemd credential, "
			    "replace it there.\n", f->path);
	}
	free(linked);
	free(name);
	return ret;
}

static int
retire(const struct conf *conf, const struct options *o)
{
	struct ca_public ca;
	struct files files;
	struct errmsg err;
	int ret = open_dir(&files, conf);

	if (ret != CTL_OK)
		return ret;
	ret = CTL_FAILED;
	switch (ca_public_load(&ca, &files, &err)) {
	case 1:
		if (!o->yes && isatty(STDIN_FILENO) == 0) {
			ctl_error("ca retire removes the CA's key: say --yes");
			ret = CTL_USAGE;
		} else if (o->yes || is_sure(&ca)) {
			ret = retire_one(&ca, &files);
		} else {
			ctl_error("nothing was changed");
		}
		ca_public_free(&ca);
		break;
	case 0:
		ctl_error("there is no CA in %s", conf->ca.dir);
		ca_public_free(&ca);
		break;
	default:
		ctl_error("%s", err.text);
	}
	files_close(&files);
	return ret;
}

/* ---- show and export ---- */

static int
look(const struct ctl *ctl, const struct conf *conf, const char *form, const char *file)
{
	struct ca_public ca;
	struct files files;
	struct errmsg err;
	int ret = CTL_FAILED;

	if (files_look(&files, conf->ca.dir, &err) != 0) {
		ctl_error("%s", err.text);
		return CTL_FAILED;
	}
	switch (ca_public_load(&ca, &files, &err)) {
	case 1:
		ret = form != NULL ? ctl_ca_export(&ca, form, file) :
		    ctl_ca_show(ctl, conf, &ca);
		ca_public_free(&ca);
		break;
	case 0:
		ctl_error("there is no CA in %s: 'mitmctl ca init' makes one, and so does the "
		    "first start of mitmd", conf->ca.dir);
		ca_public_free(&ca);
		break;
	default:
		ctl_error("%s", err.text);
	}
	files_close(&files);
	return ret;
}

/* ---- the command line ---- */

static int
run(const struct ctl *ctl, const char *verb, struct options *o, int argc, char **argv)
{
	struct errmsg err;
	struct conf *conf = conf_load(ctl->conf_file, &err);
	int ret = CTL_USAGE;

	if (conf == NULL) {
		ctl_error("%s", err.text);
		return CTL_CONFIG;
	}
	if (strcmp(verb, "init") == 0 && argc == 0)
		ret = init(conf, o);
	else if (strcmp(verb, "retire") == 0 && argc == 0)
		ret = retire(conf, o);
	else if (strcmp(verb, "show") == 0 && argc == 0)
		ret = look(ctl, conf, NULL, NULL);
	else if (strcmp(verb, "export") == 0 && argc <= 1)
		ret = look(ctl, conf, argc == 1 ? argv[0] : "pem", o->file);
	else
		(void)usage();
	conf_free(&conf);
	return ret;
}

/* Options belong to their verb; 0 when all did. */
static int
read_options(struct options *o, const char *verb, int argc, char **argv)
{
	static const struct option longs[] = {
		{"permit", required_argument, NULL, 'p'},
		{"key-type", required_argument, NULL, 'k'},
		{"yes", no_argument, NULL, 'y'},
		{NULL, 0, NULL, 0},
	};
	static const char *const of_verb[][2] = {
		{"init", "pk"}, {"export", "o"}, {"retire", "y"},
	};
	const char *mine = "";
	size_t i;
	int c;

	for (i = 0; i < NELEM(of_verb); i++)
		if (strcmp(verb, of_verb[i][0]) == 0)
			mine = of_verb[i][1];
	optind = 0;
	while ((c = getopt_long(argc, argv, "o:", longs, NULL)) != -1) {
		if (strchr(mine, c) == NULL)
			return usage();
		switch (c) {
		case 'p':
			o->permit = mem_grow(o->permit, o->npermit + 1, sizeof(*o->permit));
			o->permit[o->npermit++] = optarg;
			break;
		case 'k':
			o->key_type = optarg;
			if (strcmp(optarg, "ec") != 0 && strcmp(optarg, "rsa") != 0)
				return usage();
			break;
		case 'y':
			o->yes = true;
			break;
		default:
			o->file = optarg;
		}
	}
	return 0;
}

/* --permit A B C: what is left over are more names. */
static void
take_more_names(struct options *o, int *argc, char **argv)
{
	int i;

	if (o->npermit == 0)
		return;
	for (i = 0; i < *argc; i++) {
		o->permit = mem_grow(o->permit, o->npermit + 1, sizeof(*o->permit));
		o->permit[o->npermit++] = argv[i];
	}
	*argc = 0;
}

int
ctl_ca(const struct ctl *ctl, int argc, char **argv)
{
	struct options o = {.permit = NULL};
	int ret;

	if (argc < 2)
		return usage();
	ret = read_options(&o, argv[1], argc - 1, argv + 1);
	if (ret == 0) {
		const char *verb = argv[1];

		argc -= 1 + optind;
		argv += 1 + optind;
		take_more_names(&o, &argc, argv);
		ret = run(ctl, verb, &o, argc, argv);
	}
	free(o.permit);
	return ret;
}
