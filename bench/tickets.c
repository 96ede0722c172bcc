/* SPDX-License-Identifier: ISC */
/*
 * tickets.c - one stack of sessions per host.
 * Runs in: bench/load.
 */
#include "config.h"

#include "tickets.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"

/* More than connections that run at once towards one host are never taken. */
#define PER_HOST_MAX 1024

struct ticket {
	SLIST_ENTRY(ticket) next;
	SSL_SESSION *session;
};

struct stack {
	SLIST_HEAD(, ticket) list;
	unsigned n;
};

struct tickets {
	unsigned hosts;
	struct stack *stacks;
};

struct tickets *
tickets_new(unsigned hosts)
{
	struct tickets *t = mem_new(struct tickets);

	t->hosts = hosts;
	t->stacks = mem_zalloc(hosts * sizeof(t->stacks[0]));
	return t;
}

void
tickets_free(struct tickets **tp)
{
	struct tickets *t = *tp;
	SSL_SESSION *s;

	if (t == NULL)
		return;
	for (unsigned i = 0; i < t->hosts; i++)
		while ((s = tickets_take(t, i)) != NULL)
			SSL_SESSION_free(s);
	free(t->stacks);
	free(t);
	*tp = NULL;
}

void
tickets_put(struct tickets *t, unsigned host, SSL_SESSION *session)
{
	struct stack *st = &t->stacks[host];
	struct ticket *k;

	CHECK(host < t->hosts);
	if (st->n == PER_HOST_MAX) {
		SSL_SESSION_free(session);
		return;
	}
	k = mem_new(struct ticket);
	k->session = session;
	SLIST_INSERT_HEAD(&st->list, k, next);
	st->n++;
}

SSL_SESSION *
tickets_take(struct tickets *t, unsigned host)
{
	struct stack *st = &t->stacks[host];
	struct ticket *k = SLIST_FIRST(&st->list);
	SSL_SESSION *s;

	CHECK(host < t->hosts);
	if (k == NULL)
		return NULL;
	SLIST_REMOVE_HEAD(&st->list, next);
	st->n--;
	s = k->session;
	free(k);
	return s;
}
