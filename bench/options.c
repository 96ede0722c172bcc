/* SPDX-License-Identifier: ISC */
/*
 * options.c - the command line.
 * Runs in: bench/load.
 */
#include "config.h"

#include "options.h"

#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

enum {
	OPT_DIRECT = 256,
	OPT_PROXY,
	OPT_ORIGIN,
	OPT_TAG,
	OPT_PLAIN,
	OPT_NEW,
	OPT_RESUME,
	OPT_STREAMS,
	OPT_HOSTS,
	OPT_HOST_BASE,
	OPT_DOMAIN,
	OPT_PATH,
	OPT_SIZE,
	OPT_SHA256,
	OPT_STATUS,
	OPT_FIELD,
	OPT_CA,
	OPT_IDLE,
	OPT_WARMUP,
	OPT_TIMEOUT,
	OPT_MAX_ERRORS,
	OPT_SYNC,
	OPT_JSON,
};

static const struct option longs[] = {
	{"direct", required_argument, NULL, OPT_DIRECT},
	{"proxy", required_argument, NULL, OPT_PROXY},
	{"origin", required_argument, NULL, OPT_ORIGIN},
	{"tag", required_argument, NULL, OPT_TAG},
	{"plain", no_argument, NULL, OPT_PLAIN},
	{"new", no_argument, NULL, OPT_NEW},
	{"resume", no_argument, NULL, OPT_RESUME},
	{"streams", required_argument, NULL, OPT_STREAMS},
	{"hosts", required_argument, NULL, OPT_HOSTS},
	{"host-base", required_argument, NULL, OPT_HOST_BASE},
	{"domain", required_argument, NULL, OPT_DOMAIN},
	{"path", required_argument, NULL, OPT_PATH},
	{"size", required_argument, NULL, OPT_SIZE},
	{"expect-sha256", required_argument, NULL, OPT_SHA256},
	{"status", required_argument, NULL, OPT_STATUS},
	{"field", required_argument, NULL, OPT_FIELD},
	{"ca", required_argument, NULL, OPT_CA},
	{"idle", required_argument, NULL, OPT_IDLE},
	{"warmup", required_argument, NULL, OPT_WARMUP},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"max-errors", required_argument, NULL, OPT_MAX_ERRORS},
	{"sync", no_argument, NULL, OPT_SYNC},
	{"json", no_argument, NULL, OPT_JSON},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static const char usage[] =
    "usage: load (--direct HOST:PORT | --proxy HOST:PORT --origin HOST:PORT) [options]\n"
    "  --direct HOST:PORT   TLS to a server or reverse proxy\n"
    "  --proxy HOST:PORT    CONNECT to --origin through a forward proxy, then TLS\n"
    "  --origin HOST:PORT   where a forward proxy shall go\n"
    "  --tag NAME           user name for the proxy, without a password\n"
    "  --plain              http instead of https (to a proxy: absolute-form)\n"
    "  --new                a new connection for each request\n"
    "  --resume             resume TLS sessions\n"
    "  --streams N          HTTP/2, with N requests at a time on each connection\n"
    "  --hosts N            server names h0.DOMAIN ... (1)\n"
    "  --host-base N        number of the first one (0)\n"
    "  --domain DOMAIN      (bench.test)\n"
    "  --path PATH          what to ask for (/)\n"
    "  --field 'NAME: TEXT' a further request field; may be repeated\n"
    "  --size N             the body has that many bytes\n"
    "  --expect-sha256 HEX  the body's SHA-256\n"
    "  --status N           the expected status (200)\n"
    "  --ca FILE            verify the peer's certificate against these roots\n"
    "  -c N                 connections at once (1)\n"
    "  -n N                 requests\n"
    "  -d SECONDS           duration; the first limit reached counts (-n 1)\n"
    "  --warmup N           requests per connection before the clock starts (1)\n"
    "  --timeout SECONDS    for one request (10)\n"
    "  --max-errors N       give up after (100)\n"
    "  --idle N             open N connections, one request each, and hold them until\n"
    "                       standard input ends\n"
    "  --sync               say \"ready\" when warm, start at a line on standard input,\n"
    "                       report, and close when it ends\n"
    "  --json               report as JSON\n";

static void
bad(const char *what, const char *text)
{
	fprintf(stderr, "load: %s: %s\n", what, text);
	exit(2);
}

static uint64_t
number(const char *text, uint64_t min, uint64_t max)
{
	uint64_t v;

	if (!str_u64(str_z(text), max, &v) || v < min)
		bad("not a number in range", text);
	return v;
}

static uint64_t
seconds(const char *text)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end != '\0' || !(v > 0 && v <= 86400))
		bad("not a number of seconds", text);
	return (uint64_t)(v * 1e6);
}

static struct addr
resolve(const char *text)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
	struct str s = str_z(text);
	ssize_t colon = str_rchr(s, ':');
	struct addr addr;
	char *host;

	if (addr_parse(s, &addr))
		return addr;
	if (colon <= 0)
		bad("not HOST:PORT", text);
	host = str_dup(str_sub(s, 0, (size_t)colon));
	if (getaddrinfo(host, text + colon + 1, &hints, &found) != 0)
		bad("cannot be resolved", text);
	addr = addr_from_sockaddr(found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	free(host);
	return addr;
}

static void
peer(struct options *o, const char *text, bool forward)
{
	if (o->load.peer.len != 0)
		bad("one of --direct and --proxy", text);
	o->load.peer = resolve(text);
	o->load.forward = forward;
	if (!forward)
		o->load.origin = text;
}

static void
field(struct options *o, const char *text)
{
	buf_printf(&o->fields, "%s\r\n", text);
}

static void
set_target(struct options *o, int c, const char *arg)
{
	struct load *load = &o->load;

	switch (c) {
	case OPT_DIRECT:
	case OPT_PROXY:
		peer(o, arg, c == OPT_PROXY);
		break;
	case OPT_ORIGIN:
		load->origin = arg;
		break;
	case OPT_TAG:
		load->tag = arg;
		break;
	case OPT_PLAIN:
		load->tls = false;
		break;
	case OPT_NEW:
		load->fresh = true;
		break;
	case OPT_RESUME:
		load->resume = true;
		break;
	case OPT_STREAMS:
		load->streams = (unsigned)number(arg, 1, 100);
		break;
	case OPT_HOSTS:
		load->hosts = (unsigned)number(arg, 1, 1000000);
		break;
	case OPT_HOST_BASE:
		load->host_base = (unsigned)number(arg, 0, 1000000000);
		break;
	case OPT_DOMAIN:
		load->domain = arg;
		break;
	case OPT_PATH:
		load->path = arg;
		break;
	case OPT_FIELD:
		field(o, arg);
		break;
	case OPT_CA:
		load->ca = arg;
		break;
	default:
		fputs(usage, c == 'h' ? stdout : stderr);
		exit(c == 'h' ? 0 : 2);
	}
}

static void
set(struct options *o, int c, const char *arg)
{
	struct load *load = &o->load;

	switch (c) {
	case 'c':
		load->concurrency = (unsigned)number(arg, 1, 65535);
		break;
	case 'n':
		load->requests = number(arg, 1, UINT64_MAX);
		break;
	case 'd':
		load->run_us = seconds(arg);
		break;
	case OPT_SIZE:
		o->size = (int64_t)number(arg, 0, PAGE_MAX);
		break;
	case OPT_SHA256:
		o->sha256 = arg;
		break;
	case OPT_STATUS:
		load->status = (unsigned)number(arg, 200, 599);
		break;
	case OPT_IDLE:
		load->idle = (unsigned)number(arg, 1, 65535);
		break;
	case OPT_WARMUP:
		load->warmup = (unsigned)number(arg, 0, 100000);
		break;
	case OPT_TIMEOUT:
		load->timeout_us = seconds(arg);
		break;
	case OPT_MAX_ERRORS:
		load->max_errors = (unsigned)number(arg, 0, 1000000);
		break;
	case OPT_SYNC:
		load->sync = true;
		break;
	case OPT_JSON:
		load->json = true;
		break;
	default:
		set_target(o, c, arg);
	}
}

static void
check(struct options *o)
{
	struct load *load = &o->load;

	if (load->peer.len == 0 || load->origin == NULL) {
		fputs(usage, stderr);
		exit(2);
	}
	if (load->idle > 0 && load->fresh)
		bad("does not go with --idle", "--new");
	if (load->streams > 0 && (load->fresh || load->idle > 0 || !load->tls))
		bad("does not go with --new, --idle and --plain", "--streams");
	/* Requests are written into buffers of one size (link.c). */
	if (load->tag != NULL && strlen(load->tag) > 200)
		bad("too long", load->tag);
	if (strlen(load->domain) > 200)
		bad("too long", load->domain);
	if (o->fields.len + strlen(load->path) + 2 * strlen(load->origin) > 1024)
		bad("too long", "--path, --field and --origin together");
	if (load->requests == 0)
		load->requests = load->run_us == 0 ? 1 : UINT64_MAX;
	buf_putc(&o->fields, '\0');
	load->fields = (const char *)buf_data(&o->fields);
}

void
options_parse(struct options *o, int argc, char **argv)
{
	int c;

	*o = (struct options){.size = -1};
	o->load = (struct load){.tls = true,
	    .path = "/",
	    .domain = "bench.test",
	    .hosts = 1,
	    .concurrency = 1,
	    .warmup = 1,
	    .timeout_us = 10000000,
	    .status = 200,
	    .max_errors = 100};
	while ((c = getopt_long(argc, argv, "c:n:d:h", longs, NULL)) != -1)
		set(o, c, optarg);
	if (optind < argc)
		bad("unexpected", argv[optind]);
	check(o);
}

void
options_free(struct options *o)
{
	buf_free(&o->fields);
}
