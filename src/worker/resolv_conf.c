/* SPDX-License-Identifier: ISC */
/* resolv_conf.c - see resolv_conf.h.  Runs in: worker. */
#include "config.h"

#include "worker/resolv_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\r"
#define NDOTS_MAX 15	/* resolv.conf(5) */
#define DNS_PORT 53

static void
add_server(struct resolv_conf *c, const char *word)
{
	struct addr a;

	if (c->nservers < RESOLV_SERVERS_MAX && addr_parse_ip(str_z(word), DNS_PORT, &a))
		c->servers[c->nservers++] = a;
}

static void
add_search(struct resolv_conf *c, const char *word)
{
	size_t n = strlen(word);

	while (n > 0 && word[n - 1] == '.')
		n--;
	if (n > 0 && n < RESOLV_NAME - 1 && c->nsearch < RESOLV_SEARCH_MAX)
		(void)snprintf(c->search[c->nsearch++], RESOLV_NAME, "%.*s", (int)n, word);
}

static void
set_option(struct resolv_conf *c, const char *word)
{
	struct str s = str_z(word);
	uint64_t n;

	if (str_starts(s, STR("ndots:")) && str_u64(str_from(s, 6), UINT32_MAX, &n))
		c->ndots = (unsigned)MIN(n, (uint64_t)NDOTS_MAX);
}

static void
parse_line(struct resolv_conf *c, char *line)
{
	char *save, *key = strtok_r(line, BLANKS, &save), *word;
	bool server, search;

	if (key == NULL || *key == '#' || *key == ';')
		return;
	server = strcmp(key, "nameserver") == 0;
	search = strcmp(key, "search") == 0 || strcmp(key, "domain") == 0;
	if (search)
		c->nsearch = 0;		/* the last one counts */
	while ((word = strtok_r(NULL, BLANKS, &save)) != NULL) {
		if (server)
			add_server(c, word);
		else if (search)
			add_search(c, word);
		else if (strcmp(key, "options") == 0)
			set_option(c, word);
		if (server || strcmp(key, "domain") == 0)
			return;
	}
}

void
resolv_conf_parse(struct resolv_conf *c, struct str text)
{
	char *copy = str_dup(text), *line, *save;

	memset(c, 0, sizeof(*c));
	c->ndots = 1;
	for (line = strtok_r(copy, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save))
		parse_line(c, line);
	free(copy);
	if (c->nservers == 0)
		add_server(c, "127.0.0.1");
}

static unsigned
count_dots(const char *s)
{
	unsigned n = 0;

	for (; *s != '\0'; s++)
		n += *s == '.';
	return n;
}

const char *
resolv_conf_name(const struct resolv_conf *c, const char *host, unsigned nth,
    char out[RESOLV_NAME])
{
	size_t n = strlen(host);
	bool whole = n > 0 && host[n - 1] == '.';
	bool first = count_dots(host) >= c->ndots;

	if (whole || n >= RESOLV_NAME)
		return nth == 0 ? host : NULL;
	if (nth > c->nsearch)
		return NULL;
	/* As it is: before the domains, or behind them. */
	if (nth == (first ? 0 : c->nsearch))
		return host;
	if (snprintf(out, RESOLV_NAME, "%s.%s", host, c->search[first ? nth - 1 : nth]) >=
	    RESOLV_NAME)
		return host;	/* no such name can be; asked twice, it is not there either */
	return out;
}
