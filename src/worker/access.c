/* SPDX-License-Identifier: ISC */
/* access.c - see access.h.  Runs in: worker, tests. */
#include "config.h"

#include "worker/access.h"

#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/list.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "proc/counters.h"
#include "proc/proc.h"

#define CLIENT_BUCKETS 1024
#define CREDENTIALS_MAX 1024

struct client {
	LIST_ENTRY(client) link;
	struct addr addr;
	uint64_t key;	/* for the table that others see */
	unsigned n;
};

struct access {
	const struct conf *conf;
	const struct proc_listener *listeners;
	size_t nlisteners;
	struct addr *own;	/* the host's own addresses */
	size_t nown;
	LIST_HEAD(, client) clients[CLIENT_BUCKETS];
	struct counters *all;	/* NULL: there are no others */
	unsigned slot;
};

static void
read_own_addresses(struct access *a)
{
	struct ifaddrs *list, *i;

	if (getifaddrs(&list) == -1)
		return;
	for (i = list; i != NULL; i = i->ifa_next) {
		sa_family_t family = i->ifa_addr != NULL ? i->ifa_addr->sa_family : AF_UNSPEC;

		if (family != AF_INET && family != AF_INET6)
			continue;
		a->own = mem_grow(a->own, a->nown + 1, sizeof(*a->own));
		a->own[a->nown++] = addr_from_sockaddr(i->ifa_addr, family == AF_INET ?
		    sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
	}
	freeifaddrs(list);
}

struct access *
access_new(const struct conf *conf, const struct proc_listener *listeners, size_t nlisteners)
{
	struct access *a = mem_new(struct access);

	a->conf = conf;
	a->listeners = listeners;
	a->nlisteners = nlisteners;
	read_own_addresses(a);
	return a;
}

void
access_free(struct access **pa)
{
	struct access *a = *pa;
	size_t i;

	*pa = NULL;
	if (a == NULL)
		return;
	for (i = 0; i < CLIENT_BUCKETS; i++) {
		struct client *c;

		while ((c = LIST_FIRST(&a->clients[i])) != NULL) {
			LIST_REMOVE(c, link);
			free(c);
		}
	}
	free(a->own);
	free(a);
}

static bool
is_own(const struct access *a, const struct addr *addr)
{
	size_t i;

	for (i = 0; i < a->nown; i++)
		if (addr_same_ip(&a->own[i], addr))
			return true;
	return false;
}

const char *
access_client(const struct access *a, const struct addr *client)
{
	size_t i;

	if (addr_is_loopback(client) || is_own(a, client))
		return NULL;
	for (i = 0; i < a->conf->access.nallow; i++)
		if (cidr_has(&a->conf->access.allow[i], client))
			return NULL;
	return "your address is not in access.allow";
}

bool
access_is_listener(const struct access *a, const struct addr *d)
{
	size_t i;

	for (i = 0; i < a->nlisteners; i++) {
		const struct addr *l = &a->listeners[i].address;

		if (addr_port(l) != addr_port(d))
			continue;
		if (addr_same_ip(l, d))
			return true;
		if (addr_is_any(l) && (addr_is_loopback(d) || addr_is_any(d) || is_own(a, d)))
			return true;
		/* 0.0.0.0 as a destination is this host. */
		if (addr_is_any(d))
			return true;
	}
	return false;
}

const char *
access_destination(const struct access *a, const struct addr *client, const struct addr *d)
{
	if (access_is_listener(a, d))
		return "that is this proxy itself";
	if (a->conf->access.guard == CONF_GUARD_OFF || addr_is_loopback(client) ||
	    is_own(a, client))
		return NULL;
	if (addr_is_loopback(d) || addr_is_any(d) || is_own(a, d))
		return "that address is the proxy's own host (access.guard)";
	if (addr_is_metadata(d))
		return "that address is link-local (access.guard)";
	return NULL;
}

/* ---- tags ---- */

bool
access_tag_ok(struct str s)
{
	size_t i;

	if (s.n == 0 || s.n > TAG_MAX || s.p[0] == '.' || s.p[0] == '-')
		return false;
	for (i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
			return false;
	}
	return true;
}

void
access_tag_of_address(const struct addr *addr, char out[TAG_MAX + 1])
{
	char text[ADDR_TEXT_SIZE], *c;

	(void)addr_ip_text(addr, text);
	for (c = text; *c != '\0'; c++)
		if (*c == ':')
			*c = '-';
	/* "::1" would begin with a dash. */
	(void)snprintf(out, TAG_MAX + 1, "%s%s", text[0] == '-' ? "0" : "", text);
}

const char *
access_tag(const struct message *m, const struct addr *client, char out[TAG_MAX + 1])
{
	struct str v = fields_get(&m->fields, FIELD_PROXY_AUTHORIZATION), user;
	uint8_t plain[CREDENTIALS_MAX];
	ssize_t colon;
	int n;

	if (v.p == NULL) {
		access_tag_of_address(client, out);
		return NULL;
	}
	if (!str_istarts(v, STR("basic ")))
		return "only Basic credentials are understood";
	v = str_trim(str_from(v, 6));
	if (v.n % 4 != 0 || v.n > CREDENTIALS_MAX)
		return "the credentials are not base64";
	n = EVP_DecodeBlock(plain, (const unsigned char *)v.p, (int)v.n);
	if (n < 0)
		return "the credentials are not base64";
	while (v.n > 0 && v.p[v.n - 1] == '=' && n > 0) {
		v.n--;
		n--;
	}
	colon = str_chr(str_of(plain, (size_t)n), ':');
	user = str_of(plain, colon < 0 ? (size_t)n : (size_t)colon);
	if (!access_tag_ok(user))
		return "the proxy user name is the tag: 1 to 64 of A-Z a-z 0-9 . _ -, "
		       "not beginning with . or -";
	memcpy(out, user.p, user.n);
	out[user.n] = '\0';
	return NULL;
}

/* ---- connections per client ---- */

static struct client *
find_client(struct access *a, const struct addr *addr, size_t *out_bucket)
{
	const uint8_t *p = addr->sa.sa_family == AF_INET6 ?
	    addr->in6.sin6_addr.s6_addr : (const uint8_t *)&addr->in.sin_addr;
	size_t n = addr->sa.sa_family == AF_INET6 ? 16 : 4, i;
	uint32_t hash = 2166136261u;
	struct client *c;

	for (i = 0; i < n; i++)
		hash = (hash ^ p[i]) * 16777619u;
	*out_bucket = hash % CLIENT_BUCKETS;
	LIST_FOREACH(c, &a->clients[*out_bucket], link)
		if (addr_same_ip(&c->addr, addr))
			return c;
	return NULL;
}

void
access_share(struct access *a, struct counters *all, unsigned slot)
{
	a->all = all;
	a->slot = slot;
}

static void
forget(struct client *c)
{
	LIST_REMOVE(c, link);
	free(c);
}

/* It has one more, or one less; for the other workers to see. */
static void
count(struct access *a, struct client *c, int by)
{
	c->n = (unsigned)((int)c->n + by);
	if (a->all != NULL)
		clients_set(&a->all[a->slot].clients, c->key, c->n);
	if (c->n == 0)
		forget(c);
}

bool
access_enter(struct access *a, const struct addr *addr)
{
	size_t bucket;
	struct client *c = find_client(a, addr, &bucket);
	uint64_t sum;

	if (c == NULL) {
		c = mem_new(struct client);
		c->addr = *addr;
		c->key = a->all != NULL ? clients_key(a->all, addr) : 0;
		LIST_INSERT_HEAD(&a->clients[bucket], c, link);
	}
	count(a, c, 1);
	sum = c->n + (a->all != NULL ? clients_elsewhere(a->all, a->slot, c->key) : 0);
	if (sum <= a->conf->limits.connections_per_client)
		return true;
	count(a, c, -1);
	return false;
}

void
access_leave(struct access *a, const struct addr *addr)
{
	size_t bucket;
	struct client *c = find_client(a, addr, &bucket);

	CHECK(c != NULL && c->n > 0);
	count(a, c, -1);
}
