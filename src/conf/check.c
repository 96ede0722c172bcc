/* SPDX-License-Identifier: ISC */
/*
 * check.c - what no single value can show to be wrong.
 * Runs in: master.
 */
#include "config.h"

#include "conf/load.h"

static int
check_open(const struct conf *c, const struct conf_listen *l, const char *file,
    struct errmsg *err)
{
	char text[ADDR_TEXT_SIZE];

	if (addr_is_loopback(&l->address) || c->access.nallow > 0)
		return 0;
	return errmsg_set(err, "%s:%u:%u: key 'listen': %s is open to other hosts: say who may "
	    "use the proxy, for example access: {allow: [%s]}", file, l->line, l->col,
	    addr_text(&l->address, text),
	    l->address.sa.sa_family == AF_INET6 ? "\"fd00::/8\"" : "192.168.0.0/16");
}

static int
check_twice(const struct conf *c, size_t i, const char *file, struct errmsg *err)
{
	const struct conf_listen *l = &c->listen[i];
	char text[ADDR_TEXT_SIZE];
	size_t j;

	if (addr_port(&l->address) == 0)	/* each gets a port of its own */
		return 0;
	for (j = 0; j < i; j++)
		if (addr_eq(&c->listen[j].address, &l->address))
			return errmsg_set(err, "%s:%u:%u: key 'listen': %s is given twice, "
			    "first in line %u", file, l->line, l->col,
			    addr_text(&l->address, text), c->listen[j].line);
	return 0;
}

/* Clients would be verified that nobody asks. */
static int
check_client_ca(const struct conf *c, const char *file, struct errmsg *err)
{
	struct conf_place at = conf_place(c, "client_ca");

	if (c->client_ca == NULL || c->request_client_cert)
		return 0;
	return errmsg_set(err, "%s:%u:%u: key 'client_ca': clients are not asked for a "
	    "certificate: set request_client_cert: true as well", file, at.line, at.col);
}

int
check_conf(const struct conf *c, const char *file, struct errmsg *err)
{
	size_t i;

	for (i = 0; i < c->nlisten; i++)
		if (check_twice(c, i, file, err) < 0 ||
		    check_open(c, &c->listen[i], file, err) < 0)
			return -1;
	return check_client_ca(c, file, err);
}
