/* SPDX-License-Identifier: ISC */
/* mitmd.c - main(): options, the configuration test, then master_main(). */
#include "config.h"

#include <fcntl.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/conf.h"
#include "master/identities.h"
#include "master/master.h"
#include "proc/title.h"
#include "tls/roots.h"

static void
usage(FILE *out)
{
	(void)fprintf(out,
	    "usage: mitmd [-tTVh] [-c FILE]\n"
	    "  -c FILE  configuration (default: /etc/mitmd.yaml if it is there)\n"
	    "  -t       check the configuration: exit 0, or 78 with FILE:LINE:COL\n"
	    "  -T       print the effective configuration\n"
	    "  -V       print the version\n"
	    "  -h       print this help\n"
	    "signals: HUP reload, TERM or INT stop, QUIT stop at once,\n"
	    "         USR1 finish all HAR files now\n");
}

/* Descriptors 0 to 2 must be something, or sockets would take their place. */
static void
open_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd != -1 && fd <= STDERR_FILENO);
	if (fd != -1)
		(void)close(fd);
}

int
main(int argc, char **argv)
{
	char *file = NULL;
	bool test = false, dump = false;
	struct errmsg err;
	struct conf *conf;
	int c;

	open_standard();
	title_init(argc, argv);
	while ((c = getopt(argc, argv, "c:tTVh")) != -1) {
		switch (c) {
		case 'c':
			file = strdup(optarg);	/* the title overwrites argv */
			break;
		case 't':
			test = true;
			break;
		case 'T':
			dump = true;
			break;
		case 'V':
			(void)printf("%s (%s)\n", PACKAGE_STRING,
			    OpenSSL_version(OPENSSL_VERSION));
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return EX_USAGE;
		}
	}
	if (optind < argc) {
		usage(stderr);
		return EX_USAGE;
	}
	if (!test && !dump)
		master_hold_signals();
	/* The environment of whoever starts us decides nothing about TLS. */
	tls_library_init();
	conf = conf_load(file, &err);
	if (conf == NULL) {
		(void)fprintf(stderr, "mitmd: %s\n", err.text);
		free(file);
		return EX_CONFIG;
	}
	if (!dump && test && identities_check(conf, &err) < 0) {
		(void)fprintf(stderr, "mitmd: %s\n", err.text);
		conf_free(&conf);
		free(file);
		return EX_CONFIG;
	}
	if (dump)
		conf_dump(conf, stdout);
	else if (test)
		(void)printf("mitmd: %s: ok\n", conf->file != NULL ? conf->file : "defaults");
	if (dump || test) {
		conf_free(&conf);
		free(file);
		return 0;
	}
	return master_main(conf, file);
}
