/* SPDX-License-Identifier: ISC */
/* resolver.c - see resolver.h.  Runs in: worker. */
#include "config.h"

#include "worker/resolver.h"

#include <ares.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "worker/hosts_table.h"
#include "worker/resolv_conf.h"

#define TRY_MS 2000
#define TRIES 3
#define SOCKETS_MAX 16

/* One c-ares channel with its servers. */
struct channel_set {
	struct resolver *resolver;
	ares_channel channel;
	struct resolv_conf conf;
	unsigned pending;
	ev_timer timer;
	struct watch {
		ev_io io;
		bool used;
	} watch[SOCKETS_MAX];
};

/*
 * A channel reads /dev/urandom when it is made, for the numbers of its queries, and
 * would do without later, when no file can be opened any more. So there are two from
 * the beginning: with new servers the other one serves, once its last query is done.
 */
struct resolver {
	struct ev_loop *loop;
	struct hosts_table *hosts;
	struct channel_set *set, *other;
	struct resolv_conf wanted;
	bool changed;			/* wanted waits for the other channel */
};

struct lookup {
	struct channel_set *set;
	char *host;
	unsigned nth;		/* of the names that resolv.conf makes of it */
	lookup_done_fn *done;	/* NULL: cancelled */
	void *arg;
	bool asking;		/* in the call that asks: an answer may come from inside */
	bool again, over;	/* ... and then the next name is asked for, or none */
};

/* RFC 6761 6.3: localhost and names below it never leave the machine. */
static size_t
find_localhost(const char *name, struct addr out[RESOLVER_ADDRS_MAX])
{
	struct str s = str_z(name);

	if (!str_eq(s, STR("localhost")) && !str_ends(s, STR(".localhost")))
		return 0;
	CHECK(addr_parse_ip(STR("127.0.0.1"), 0, &out[0]) &&
	      addr_parse_ip(STR("::1"), 0, &out[1]));
	return 2;
}

/* ---- c-ares on the loop ---- */

static void
set_free(struct channel_set *set)
{
	size_t i;

	ares_destroy(set->channel);
	for (i = 0; i < SOCKETS_MAX; i++)
		if (set->watch[i].used)
			ev_io_stop(set->resolver->loop, &set->watch[i].io);
	ev_timer_stop(set->resolver->loop, &set->timer);
	free(set);
}

static void
arm_timer(struct channel_set *set)
{
	struct timeval max = {.tv_sec = TRY_MS / 1000}, tv;
	struct ev_loop *loop = set->resolver->loop;

	ev_timer_stop(loop, &set->timer);
	if (set->pending == 0)
		return;
	(void)ares_timeout(set->channel, &max, &tv);
	ev_timer_set(&set->timer, (double)tv.tv_sec + (double)tv.tv_usec / 1e6 + 0.001, 0);
	ev_timer_start(loop, &set->timer);
}

static void change_servers(struct resolver *);

static void
processed(struct channel_set *set)
{
	arm_timer(set);
	change_servers(set->resolver);
}

static void
on_timer(struct ev_loop *loop UNUSED, ev_timer *w, int events UNUSED)
{
	struct channel_set *set = w->data;

	ares_process_fd(set->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	processed(set);
}

static void
on_socket(struct ev_loop *loop UNUSED, ev_io *w, int events)
{
	struct channel_set *set = w->data;

	ares_process_fd(set->channel, events & EV_READ ? w->fd : ARES_SOCKET_BAD,
	    events & EV_WRITE ? w->fd : ARES_SOCKET_BAD);
	processed(set);
}

static void
on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct channel_set *set = arg;
	struct watch *w = NULL;
	size_t i;

	for (i = 0; i < SOCKETS_MAX && w == NULL; i++)
		if (set->watch[i].used && set->watch[i].io.fd == fd)
			w = &set->watch[i];
	for (i = 0; i < SOCKETS_MAX && w == NULL; i++)
		if (!set->watch[i].used)
			w = &set->watch[i];
	if (w == NULL)
		return;	/* more servers than we watch: the timer still turns the query over */
	if (w->used)
		ev_io_stop(set->resolver->loop, &w->io);
	w->used = readable || writable;
	if (!w->used)
		return;
	ev_io_init(&w->io, on_socket, fd, (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
	w->io.data = set;
	ev_io_start(set->resolver->loop, &w->io);
}

static struct channel_set *
set_new(struct resolver *r, struct errmsg *err)
{
	struct channel_set *set = mem_new(struct channel_set);
	static char dns_only[] = "b";
	/* Everything is said, so that no file and no environment is asked. */
	struct ares_options o = {.flags = ARES_FLAG_NOALIASES | ARES_FLAG_NOSEARCH,
	    .timeout = TRY_MS, .tries = TRIES, .ndots = 1, .lookups = dns_only,
	    .sock_state_cb = on_socket_state, .sock_state_cb_data = set};
	int e;

	set->resolver = r;
	ev_init(&set->timer, on_timer);
	set->timer.data = set;
	e = ares_init_options(&set->channel, &o, ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS |
	    ARES_OPT_TRIES | ARES_OPT_NDOTS | ARES_OPT_SERVERS | ARES_OPT_DOMAINS |
	    ARES_OPT_SORTLIST | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);
	if (e != ARES_SUCCESS) {
		(void)errmsg_set(err, "cannot set up name resolution: %s", ares_strerror(e));
		free(set);
		return NULL;
	}
	return set;
}

/* False: queries are under way. */
static bool
set_servers(struct channel_set *set, const struct resolv_conf *conf)
{
	struct ares_addr_port_node nodes[RESOLV_SERVERS_MAX] = {0};
	size_t i;

	for (i = 0; i < conf->nservers; i++) {
		const struct addr *a = &conf->servers[i];

		nodes[i].next = i + 1 < conf->nservers ? &nodes[i + 1] : NULL;
		nodes[i].family = a->sa.sa_family;
		nodes[i].udp_port = nodes[i].tcp_port = addr_port(a);
		if (a->sa.sa_family == AF_INET)
			nodes[i].addr.addr4 = a->in.sin_addr;
		else
			memcpy(&nodes[i].addr.addr6, &a->in6.sin6_addr,
			    sizeof(nodes[i].addr.addr6));
	}
	if (set->pending > 0 || ares_set_servers_ports(set->channel, nodes) != ARES_SUCCESS)
		return false;
	set->conf = *conf;
	return true;
}

static void
change_servers(struct resolver *r)
{
	struct channel_set *before = r->set;

	if (!r->changed || !set_servers(r->other, &r->wanted))
		return;
	r->changed = false;
	r->set = r->other;
	r->other = before;
}

void
resolver_hosts(struct resolver *r, struct str text)
{
	hosts_table_free(&r->hosts);
	r->hosts = hosts_table_new(text);
}

void
resolver_servers(struct resolver *r, struct str text)
{
	resolv_conf_parse(&r->wanted, text);
	r->changed = true;
	change_servers(r);
}

/* ---- look-ups ---- */

static const char *
error_text(int status)
{
	switch (status) {
	case ARES_ENOTFOUND:
	case ARES_ENODATA:
		return "no such host";
	case ARES_ETIMEOUT:
		return "the name servers do not answer";
	case ARES_ECONNREFUSED:
		return "no name server can be reached";
	case ARES_ESERVFAIL:
		return "the name server failed";
	case ARES_EBADNAME:
		return "not a host name";
	default:
		return ares_strerror(status);
	}
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *);

/* True when the end has come already. */
static bool
ask(struct lookup *l)
{
	/* NUMERICSERV: a service name would send the library to NSS and dlopen. */
	struct ares_addrinfo_hints hints = {.ai_flags = ARES_AI_NUMERICSERV,
	    .ai_family = AF_UNSPEC,
	    .ai_socktype = SOCK_STREAM};
	char name[RESOLV_NAME];
	const char *host;
	bool over;

	l->asking = true;
	do {
		l->again = false;
		host = resolv_conf_name(&l->set->conf, l->host, l->nth, name);
		CHECK(host != NULL);
		ares_getaddrinfo(l->set->channel, host, NULL, &hints, on_answer, l);
	} while (l->again);
	l->asking = false;
	over = l->over;
	if (over)
		free(l);
	return over;
}

static bool
has_more_names(const struct lookup *l)
{
	char name[RESOLV_NAME];

	return resolv_conf_name(&l->set->conf, l->host, l->nth + 1, name) != NULL;
}

static size_t
take_addresses(const struct ares_addrinfo *result, struct addr addrs[RESOLVER_ADDRS_MAX])
{
	const struct ares_addrinfo_node *node = result != NULL ? result->nodes : NULL;
	size_t n = 0;

	for (; node != NULL && n < RESOLVER_ADDRS_MAX; node = node->ai_next) {
		addrs[n] = addr_from_sockaddr(node->ai_addr, node->ai_addrlen);
		if (addrs[n].len != 0)
			n++;
	}
	return n;
}

static void
finish(struct lookup *l, int status, const struct addr *addrs, size_t n)
{
	l->set->pending--;
	if (l->done != NULL)
		l->done(l->arg, status != ARES_SUCCESS ? error_text(status) :
		    n == 0 ? "no such host" : NULL, addrs, n);
	free(l->host);
	l->host = NULL;
	l->over = true;
	if (!l->asking)
		free(l);
}

static void
on_answer(void *arg, int status, int timeouts UNUSED, struct ares_addrinfo *result)
{
	struct lookup *l = arg;
	struct addr addrs[RESOLVER_ADDRS_MAX];
	size_t n = take_addresses(result, addrs);
	bool none = n == 0 && (status == ARES_SUCCESS || status == ARES_ENOTFOUND ||
	    status == ARES_ENODATA);

	if (result != NULL)
		ares_freeaddrinfo(result);
	if (!none || l->done == NULL || !has_more_names(l)) {
		finish(l, status, addrs, n);
		return;
	}
	l->nth++;
	if (l->asking)
		l->again = true;
	else
		(void)ask(l);
}

void
resolver_lookup(struct resolver *r, const char *host, lookup_done_fn *done, void *arg,
    struct lookup **out)
{
	struct addr addrs[RESOLVER_ADDRS_MAX];
	struct channel_set *set = r->set;
	struct lookup *l;
	size_t n;

	*out = NULL;
	n = hosts_table_find(r->hosts, host, addrs, NELEM(addrs));
	if (n == 0)
		n = find_localhost(host, addrs);
	if (n > 0) {
		done(arg, NULL, addrs, n);
		return;
	}
	l = mem_new(struct lookup);
	l->set = set;
	l->host = mem_strdup(host);
	l->done = done;
	l->arg = arg;
	set->pending++;
	if (!ask(l))
		*out = l;
	arm_timer(set);
}

void
lookup_cancel(struct lookup **pl)
{
	struct lookup *l = *pl;

	*pl = NULL;
	if (l != NULL)
		l->done = NULL;	/* c-ares cannot forget a single query: it frees itself */
}

struct resolver *
resolver_new(struct ev_loop *loop, struct str hosts, struct str resolv_conf,
    struct errmsg *err)
{
	struct resolver *r = mem_new(struct resolver);

	r->loop = loop;
	r->hosts = hosts_table_new(hosts);
	r->set = set_new(r, err);
	r->other = r->set != NULL ? set_new(r, err) : NULL;
	if (r->other == NULL) {
		resolver_free(&r);
		return NULL;
	}
	resolver_servers(r, resolv_conf);
	return r;
}

void
resolver_free(struct resolver **pr)
{
	struct resolver *r = *pr;

	*pr = NULL;
	if (r == NULL)
		return;
	r->changed = false;
	if (r->set != NULL)
		set_free(r->set);
	if (r->other != NULL)
		set_free(r->other);
	hosts_table_free(&r->hosts);
	free(r);
}
