/* SPDX-License-Identifier: ISC */
/* explain.c - see explain.h.  Runs in: mitmctl. */
#include "config.h"

#include "ctl/explain.h"

#include <ifaddrs.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "signer/ca_public.h"
#include "tls/permit.h"
#include "tls/shelf.h"

static struct str
host_of(const struct host_port *h)
{
	return str_of(h->host, h->host_len);
}

/* ---- the address ---- */

/* As the resolver orders them; a worker races them and may end up with another. */
static void
look_up(const struct explain_ask *ask, struct explained *x)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL, *i;
	int rc = getaddrinfo(ask->target.host, NULL, &hints, &list);

	if (rc != 0) {
		(void)snprintf(x->addr_fault, sizeof(x->addr_fault), "%s", gai_strerror(rc));
		return;
	}
	x->addr = addr_from_sockaddr(list->ai_addr, list->ai_addrlen);
	addr_set_port(&x->addr, ask->target.port);
	x->addr_from = "resolved";
	for (i = list->ai_next; i != NULL; i = i->ai_next)
		x->more_addrs++;
	freeaddrinfo(list);
}

static void
find_address(const struct explain_ask *ask, struct explained *x)
{
	if (ask->address.len > 0) {
		x->addr = ask->address;
		x->addr_from = "--address";
	} else if (ask->target.is_ip) {
		x->addr = ask->target.ip;
		x->addr_from = "as given";
	} else {
		look_up(ask, x);
	}
}

/* ---- what the CA may sign ---- */

/*
 * What its own certificate says, and those above it as far as we may read them; there
 * may be none yet.
 */
static int
narrow(struct permit *permit, const char *dir, struct errmsg *err)
{
	struct files files;
	struct ca_public ca;
	struct errmsg why;
	int i, rc;

	if (files_look(&files, dir, &why) != 0)
		return 0;
	rc = ca_public_load(&ca, &files, &why);
	files_close(&files);
	if (rc < 0)
		return 0;
	rc = rc == 1 ? permit_narrow(permit, ca.cert, err) : 0;
	for (i = 0; rc == 0 && i < sk_X509_num(ca.above); i++)
		rc = permit_narrow(permit, sk_X509_value(ca.above, i), err);
	ca_public_free(&ca);
	return rc;
}

static int
limit(const struct conf *c, struct str name, struct explained *x, struct errmsg *err)
{
	struct permit *permit = permit_new(c->ca.permit.v, c->ca.permit.n, err);
	int rc = permit != NULL ? 0 : -1;

	if (rc == 0 && !permit_has_host(permit, name)) {
		x->policy.tunnel = "ca.permit";
		x->policy.tunnel_source = (struct policy_source){"ca.permit",
			conf_place(c, "ca.permit").line, STR_NONE};
	} else if (rc == 0) {
		rc = narrow(permit, c->ca.dir, err);
		if (rc == 0 && !permit_has_host(permit, name)) {
			x->policy.tunnel = "ca.permit";
			x->limit_file = mem_printf("%s/%s", c->ca.dir, CA_CERT_FILE);
		}
	}
	permit_free(&permit);
	return rc;
}

/* ---- certificates ---- */

static void
find_client_cert(const struct conf *c, struct str name, struct explained *x)
{
	struct errmsg err;
	struct shelf *names;
	int i;

	if (c->client_certs == NULL)
		return;
	names = shelf_names(c->client_certs, &err);
	if (names == NULL) {
		(void)snprintf(x->client_fault, sizeof(x->client_fault), "%s", err.text);
		return;
	}
	i = shelf_find(names, name);
	if (i >= 0) {
		x->client_cert = mem_strdup(shelf_file(names, (size_t)i));
		if (strcmp(x->client_cert, c->client_certs) != 0)
			x->client_pattern = str_dup(shelf_name(names, (size_t)i));
	}
	shelf_free(&names);
}

/* ---- the guard ---- */

/* Decided by the name, before anything else is. */
static bool
is_portal(const struct conf *c, const struct explain_ask *ask, struct explained *x)
{
	if (!str_ieq(host_of(&ask->target), str_z(c->portal_host)))
		return false;
	x->guard = "nobody: those are mitmd's own pages, over http:// alone";
	x->guard_source = (struct policy_source){"portal.host",
		conf_place(c, "portal.host").line, STR_NONE};
	return true;
}

static bool
is_of_this_host(const struct addr *a)
{
	struct ifaddrs *list, *i;
	bool found = addr_is_loopback(a) || addr_is_any(a);

	if (found || getifaddrs(&list) == -1)
		return found;
	for (i = list; i != NULL && !found; i = i->ifa_next) {
		sa_family_t family = i->ifa_addr != NULL ? i->ifa_addr->sa_family : AF_UNSPEC;
		struct addr own;

		if (family != AF_INET && family != AF_INET6)
			continue;
		own = addr_from_sockaddr(i->ifa_addr, family == AF_INET
		    ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		found = addr_same_ip(&own, a);
	}
	freeifaddrs(list);
	return found;
}

static void
find_guard(const struct conf *c, struct explained *x)
{
	bool ours = is_of_this_host(&x->addr);
	size_t i;

	for (i = 0; i < c->nlisten; i++) {
		const struct addr *l = &c->listen[i].address;

		if (addr_port(l) != addr_port(&x->addr) ||
		    !(addr_same_ip(l, &x->addr) || (ours && addr_is_any(l))))
			continue;
		x->guard = "nobody: that is mitmd itself";
		x->guard_source = (struct policy_source){"listen", c->listen[i].line, STR_NONE};
		return;
	}
	if (c->access.guard == CONF_GUARD_OFF || !(ours || addr_is_metadata(&x->addr)))
		return;
	x->guard = "only clients on this host";
	x->guard_source = (struct policy_source){"access.guard",
		conf_place(c, "access.guard").line, STR_NONE};
}

int
explain(const struct conf *c, const struct explain_ask *ask, struct explained *x,
    struct errmsg *err)
{
	struct policy_ask policy = {.connect_host = host_of(&ask->target),
	    .name = host_of(&ask->name),
	    .port = ask->target.port};

	*x = (struct explained){.addr = {.len = 0}};
	find_address(ask, x);
	if (x->addr.len > 0)
		policy.addr = &x->addr;
	policy_decide(c, &policy, &x->policy);
	x->cert = policy_cert(c, &policy);
	if (x->policy.tunnel == NULL && x->cert < 0 && limit(c, policy.name, x, err) < 0)
		return -1;
	find_client_cert(c, policy.name, x);
	if (!is_portal(c, ask, x) && x->addr.len > 0)
		find_guard(c, x);
	return 0;
}

void
explained_free(struct explained *x)
{
	free(x->limit_file);
	free(x->client_cert);
	free(x->client_pattern);
}
