/* SPDX-License-Identifier: ISC */
/*
 * ctl_explain.c - mitmctl explain: what the configuration decides for a host and
 * where it says so, as lines for people, or for programs.  Needs no running
 * mitmd; what clients taught it is in "mitmctl bypass list".
 * Runs in: mitmctl.
 */
#include "config.h"

#include "ctl/ctl.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/control.h"
#include "ctl/explain.h"
#include "ctl/tsv.h"

#define HTTPS_PORT 443

static int
usage(void)
{
	(void)fputs("usage: mitmctl [-c FILE] explain [--sni NAME] [--address IP] "
	    "[--output table|json|tsv] HOST[:PORT]\n", stderr);
	return CTL_USAGE;
}

static int
parse_host(struct explain_ask *ask, const char *text)
{
	const char *why = "that is no host name and no address";
	struct str s = str_z(text);

	/* "2001:db8::1" alone can only be an address. */
	if (target_parse_host(s, &ask->target) == 0) {
		ask->target.port = HTTPS_PORT;
		if (ask->target.is_ip)
			addr_set_port(&ask->target.ip, HTTPS_PORT);
		return CTL_OK;
	}
	if (target_parse_authority(s, HTTPS_PORT, &ask->target, &why) == 0)
		return CTL_OK;
	if (strstr(text, "://") != NULL)
		why = "give HOST[:PORT], not a URL";
	ctl_error("explain: '%s': %s", text, why);
	return CTL_USAGE;
}

static int
parse(struct explain_ask *ask, int argc, char **argv)
{
	static const struct option longs[] = {
		{"sni", required_argument, NULL, 's'},
		{"address", required_argument, NULL, 'a'},
		{NULL, 0, NULL, 0},
	};
	const char *sni = NULL, *address = NULL;
	int c, rc;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 's')
			sni = optarg;
		else if (c == 'a')
			address = optarg;
		else
			return usage();
	}
	if (argc - optind != 1)
		return usage();
	rc = parse_host(ask, argv[optind]);
	ask->name = ask->target;
	if (rc == CTL_OK && sni != NULL && target_parse_host(str_z(sni), &ask->name) != 0) {
		ctl_error("explain: --sni '%s': that is no host name", sni);
		rc = CTL_USAGE;
	}
	if (rc == CTL_OK && address != NULL &&
	    !addr_parse_ip(str_z(address), ask->target.port, &ask->address)) {
		ctl_error("explain: --address '%s': that is no address (192.0.2.1, "
		    "2001:db8::1)", address);
		rc = CTL_USAGE;
	}
	return rc;
}

/* ---- what the running mitmd knows besides ---- */

/* Its bypasses; 0 columns: it was not to be asked. */
static void
ask_bypasses(const struct ctl *ctl, struct control_table *out)
{
	static const char *const words[] = {"bypass", "list"};
	struct errmsg why;

	if (control_try(ctl, words, NELEM(words), out, &why) != CTL_OK)
		*out = (struct control_table){.cells = NULL};
}

static bool
is_for(const struct control_table *t, size_t row, const struct explain_ask *ask)
{
	const char *port = control_cell(t, row, "port");

	return strcmp(control_cell(t, row, "host"), ask->name.host) == 0 &&
	    (port[0] == '\0' || strtoul(port, NULL, 10) == ask->target.port);
}

static void
put_bypasses(const struct control_table *t, const struct explain_ask *ask)
{
	size_t row;

	for (row = 1; row < t->nrows; row++) {
		const char *client = control_cell(t, row, "client");

		if (is_for(t, row, ask))
			(void)printf("%-19s for %s until %s  (bypass, %s)\n", "but tunnelled",
			    client[0] != '\0' ? client : "all clients",
			    control_cell(t, row, "until"), control_cell(t, row, "source"));
	}
}

/* ---- for people ---- */

/* value, and behind it the place: "ignore_hosts "*.x", /etc/mitmd.yaml:3". */
static void
put_line(const struct conf *c, const char *label, const char *value,
    const struct policy_source *s)
{
	(void)printf("%-19s %s", label, value);
	if (s == NULL)
		(void)putchar('\n');
	else if (s->line == 0)
		(void)printf("  (%s, default)\n", s->option);
	else if (s->pattern.n > 0)
		(void)printf("  (%s \"%.*s\", %s:%u)\n", s->option, STR_ARG(s->pattern),
		    c->file, s->line);
	else
		(void)printf("  (%s, %s:%u)\n", s->option, c->file, s->line);
}

static void
put_address(const struct explained *x)
{
	char text[ADDR_TEXT_SIZE];

	if (x->addr.len == 0) {
		(void)printf("%-19s unknown: %s  (patterns that are networks were left out; "
		    "--address names one)\n", "address", x->addr_fault);
		return;
	}
	(void)printf("%-19s %s  (%s", "address", addr_ip_text(&x->addr, text), x->addr_from);
	if (x->more_addrs > 0)
		(void)printf(", the first of %zu", x->more_addrs + 1);
	(void)puts(")");
}

static void
put_traffic(const struct conf *c, const struct explained *x)
{
	const struct policy *p = &x->policy;

	if (x->limit_file != NULL)
		(void)printf("%-19s tunnelled: %s  (the constraints in %s)\n", "traffic",
		    p->tunnel, x->limit_file);
	else if (p->tunnel == NULL)
		put_line(c, "traffic", "intercepted", &p->tunnel_source);
	else if (strcmp(p->tunnel, "allow_hosts") == 0)
		put_line(c, "traffic", "tunnelled: not in allow_hosts", &p->tunnel_source);
	else if (strcmp(p->tunnel, "ca.permit") == 0)
		put_line(c, "traffic", "tunnelled: not in ca.permit", &p->tunnel_source);
	else
		put_line(c, "traffic", "tunnelled: in ignore_hosts", &p->tunnel_source);
}

static struct policy_source
cert_source(const struct conf *c, const struct explained *x)
{
	if (x->cert < 0)
		return (struct policy_source){"certs", conf_place(c, "certs").line, STR_NONE};
	return (struct policy_source){"certs", c->certs[x->cert].line,
		str_z(c->certs[x->cert].name)};
}

static struct policy_source
client_cert_source(const struct conf *c, const struct explained *x)
{
	return (struct policy_source){"client_certs", conf_place(c, "client_certs").line,
		str_z(x->client_pattern)};
}

static void
put_text(const struct conf *c, const struct explain_ask *ask, const struct explained *x,
    const struct control_table *bypasses)
{
	struct policy_source cert = cert_source(c, x), client = client_cert_source(c, x);

	(void)printf("%-19s %s port %u\n", "host", ask->target.host, ask->target.port);
	if (strcmp(ask->name.host, ask->target.host) != 0)
		(void)printf("%-19s %s\n", "name (SNI)", ask->name.host);
	put_address(x);
	if (x->guard != NULL)
		put_line(c, "may be reached by", x->guard, &x->guard_source);
	put_traffic(c, x);
	if (x->policy.tunnel != NULL)
		return;
	put_bypasses(bypasses, ask);
	put_line(c, "certificate", x->cert < 0 ? "made by the CA" : c->certs[x->cert].file,
	    &cert);
	if (x->client_fault[0] != '\0')
		put_line(c, "client certificate", x->client_fault, &client);
	else
		put_line(c, "client certificate",
		    x->client_cert != NULL ? x->client_cert : "none", &client);
	put_line(c, "verify", policy_verify_name(x->policy.verify), &x->policy.verify_source);
	put_line(c, "strict", x->policy.strict ? "yes" : "no", &x->policy.strict_source);
}

/* ---- for programs ---- */

static void
json_text(const char *name, const char *value)
{
	(void)printf(", \"%s\": ", name);
	if (value != NULL)
		control_json_string(value);
	else
		(void)fputs("null", stdout);
}

/* Patterns point into text that goes on behind them. */
static void
json_source(const struct conf *c, const struct policy_source *s)
{
	char pattern[1024];

	(void)snprintf(pattern, sizeof(pattern), "%.*s", STR_ARG(s->pattern));
	(void)fputs(", \"source\": {\"option\": ", stdout);
	control_json_string(s->option);
	json_text("file", s->line > 0 ? c->file : NULL);
	if (s->line > 0)
		(void)printf(", \"line\": %u", s->line);
	else
		json_text("line", NULL);
	json_text("pattern", s->pattern.n > 0 ? pattern : NULL);
	(void)putchar('}');
}

static void
json_opened(const struct conf *c, const struct explained *x)
{
	struct policy_source cert = cert_source(c, x), client = client_cert_source(c, x);

	(void)printf(",\n \"certificate\": {\"kind\": \"%s\"", x->cert < 0 ? "ca" : "file");
	json_text("file", x->cert < 0 ? NULL : c->certs[x->cert].file);
	json_source(c, &cert);
	(void)printf("},\n \"clientCertificate\": {\"kind\": \"%s\"",
	    x->client_fault[0] != '\0' ? "unknown" : x->client_cert != NULL ? "file" : "none");
	json_text("file", x->client_cert);
	json_text("error", x->client_fault[0] != '\0' ? x->client_fault : NULL);
	json_source(c, &client);
	(void)printf("},\n \"verify\": {\"mode\": \"%s\"",
	    policy_verify_name(x->policy.verify));
	json_source(c, &x->policy.verify_source);
	(void)printf("},\n \"strict\": {\"value\": %s", x->policy.strict ? "true" : "false");
	json_source(c, &x->policy.strict_source);
	(void)putchar('}');
}

/* null: nobody could be asked. */
static void
json_bypasses(const struct control_table *t, const struct explain_ask *ask)
{
	const char *client;
	bool first = true;
	size_t row;

	(void)fputs(",\n \"bypasses\": ", stdout);
	(void)fputs(t->ncolumns > 0 ? "[" : "null", stdout);
	for (row = 1; row < t->nrows; row++) {
		if (!is_for(t, row, ask))
			continue;
		client = control_cell(t, row, "client");
		(void)printf("%s{\"source\": \"%s\"", first ? "" : ", ",
		    control_cell(t, row, "source"));
		json_text("client", client[0] != '\0' ? client : NULL);
		json_text("until", control_cell(t, row, "until"));
		(void)putchar('}');
		first = false;
	}
	if (t->ncolumns > 0)
		(void)putchar(']');
}

static void
put_json(const struct conf *c, const struct explain_ask *ask, const struct explained *x,
    const struct control_table *bypasses)
{
	struct policy_source traffic = x->policy.tunnel_source;
	char text[ADDR_TEXT_SIZE];

	(void)fputs("{\"host\": ", stdout);
	control_json_string(ask->target.host);
	(void)printf(", \"port\": %u", ask->target.port);
	json_text("name", ask->name.host);
	json_text("address", x->addr.len > 0 ? addr_ip_text(&x->addr, text) : NULL);
	json_text("addressFrom", x->addr_from);
	json_text("addressError", x->addr.len == 0 ? x->addr_fault : NULL);
	if (x->guard != NULL) {
		(void)fputs(",\n \"reachableBy\": {\"who\": ", stdout);
		control_json_string(x->guard);
		json_source(c, &x->guard_source);
		(void)putchar('}');
	}
	(void)printf(",\n \"traffic\": {\"decision\": \"%s\"",
	    x->policy.tunnel != NULL ? "tunnelled" : "intercepted");
	json_text("reason", x->policy.tunnel);
	if (x->limit_file != NULL)
		json_text("constraintsOf", x->limit_file);
	else
		json_source(c, &traffic);
	(void)putchar('}');
	json_bypasses(bypasses, ask);
	if (x->policy.tunnel == NULL)
		json_opened(c, x);
	(void)puts("}");
}

/* A decision a row; source: NULL where there is none. */
static void
tsv_line(struct buf *out, const struct conf *c, const char *name, const char *value,
    const struct policy_source *source, const char *until)
{
	char line[TSV_NUMBER];
	bool written = source != NULL && source->line > 0;
	struct str cells[] = {
		str_z(name), str_z(value), str_z(source != NULL ? source->option : NULL),
		source != NULL ? source->pattern : STR_NONE, str_z(written ? c->file : NULL),
		tsv_number(written ? (int64_t)source->line : -1, line), str_z(until)};

	tsv_row(out, cells, NELEM(cells));
}

static void
tsv_opened(struct buf *out, const struct conf *c, const struct explained *x)
{
	struct policy_source cert = cert_source(c, x), client = client_cert_source(c, x);

	tsv_line(out, c, "certificate", x->cert < 0 ? "" : c->certs[x->cert].file, &cert, "");
	tsv_line(out, c, "client_certificate", x->client_cert, &client, "");
	if (x->client_fault[0] != '\0')
		tsv_line(out, c, "client_certificate_error", x->client_fault, NULL, "");
	tsv_line(out, c, "verify", policy_verify_name(x->policy.verify),
	    &x->policy.verify_source, "");
	tsv_line(out, c, "strict", x->policy.strict ? "1" : "0", &x->policy.strict_source, "");
}

static void
put_tsv(const struct conf *c, const struct explain_ask *ask, const struct explained *x,
    const struct control_table *bypasses)
{
	static const char *const names[] = {
		"name", "value", "option", "pattern", "file", "line", "until"};
	struct policy_source traffic = x->policy.tunnel_source;
	char address[ADDR_TEXT_SIZE] = "", port[TSV_NUMBER];
	struct buf out = {0};
	size_t row;

	if (x->addr.len > 0)
		(void)addr_ip_text(&x->addr, address);
	(void)tsv_number(ask->target.port, port);
	tsv_names(&out, names, NELEM(names));
	tsv_line(&out, c, "host", ask->target.host, NULL, "");
	tsv_line(&out, c, "port", port, NULL, "");
	tsv_line(&out, c, "name", ask->name.host, NULL, "");
	tsv_line(&out, c, "address", address, NULL, "");
	if (x->addr.len == 0)
		tsv_line(&out, c, "address_error", x->addr_fault, NULL, "");
	if (x->guard != NULL)
		tsv_line(&out, c, "reachable_by", x->guard, &x->guard_source, "");
	tsv_line(&out, c, "traffic", x->policy.tunnel != NULL ? "tunnelled" : "intercepted",
	    x->limit_file == NULL ? &traffic : NULL, "");
	if (x->policy.tunnel != NULL)
		tsv_line(&out, c, "tunnelled_for", x->policy.tunnel, NULL, "");
	if (x->limit_file != NULL)
		tsv_line(&out, c, "constraints_of", x->limit_file, NULL, "");
	for (row = 1; row < bypasses->nrows; row++)
		if (is_for(bypasses, row, ask))
			tsv_line(&out, c, "bypass", control_cell(bypasses, row, "client"), NULL,
			    control_cell(bypasses, row, "until"));
	if (x->policy.tunnel == NULL)
		tsv_opened(&out, c, x);
	tsv_print(&out);
}

int
ctl_explain(const struct ctl *ctl, int argc, char **argv)
{
	struct explain_ask ask = {.address = {.len = 0}};
	struct control_table bypasses;
	struct explained x;
	struct errmsg err;
	struct conf *c;
	int rc = parse(&ask, argc, argv);

	if (rc != CTL_OK)
		return rc;
	c = conf_load(ctl->conf_file, &err);
	if (c == NULL) {
		ctl_error("%s", err.text);
		return CTL_CONFIG;
	}
	if (explain(c, &ask, &x, &err) < 0) {
		ctl_error("explain: %s", err.text);
		rc = CTL_FAILED;
	} else {
		ask_bypasses(ctl, &bypasses);
		if (ctl->output == CTL_JSON)
			put_json(c, &ask, &x, &bypasses);
		else if (ctl->output == CTL_TSV)
			put_tsv(c, &ask, &x, &bypasses);
		else
			put_text(c, &ask, &x, &bypasses);
		control_table_free(&bypasses);
		explained_free(&x);
	}
	conf_free(&c);
	return rc;
}
