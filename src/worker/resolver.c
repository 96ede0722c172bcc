/* SPDX-License-Identifier: ISC */
/* resolver.c - see resolver.h.  Runs in: worker. */
#include "config.h"

#include "worker/resolver.h"

#include <ares.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/mem.h"

#define HOSTS_FILE "/etc/hosts"
#define RESOLV_FILE "/etc/resolv.conf"
#define HOSTS_MAX (4u << 20)
#define LOOK_SECONDS 1.0	/* how often we look whether the files changed */
#define TRY_MS 2000
#define TRIES 3
#define SOCKETS_MAX 16

struct hosts_line {
	struct addr addr;
	const char *name;	/* in hosts_text, lower case */
};

/* One c-ares channel; replaced as a whole when resolv.conf changes. */
struct channel_set {
	struct resolver *resolver;
	ares_channel channel;
	unsigned pending;
	bool retired;
	ev_timer timer;
	struct watch {
		ev_io io;
		bool used;
	} watch[SOCKETS_MAX];
};

struct resolver {
	struct ev_loop *loop;
	struct channel_set *set;
	char *hosts_text;
	struct hosts_line *hosts;
	size_t nhosts;
	struct timespec hosts_mtime, resolv_mtime;
	double looked;
};

struct lookup {
	struct channel_set *set;
	lookup_done_fn *done;	/* NULL: cancelled */
	void *arg;
	bool *at_once;		/* set when the answer comes from inside the asking call */
};

/* ---- /etc/hosts ---- */

static int
compare_lines(const void *a, const void *b)
{
	const struct hosts_line *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void
add_line(struct resolver *r, char *line)
{
	char *save, *word = strtok_r(line, " \t\r", &save);
	struct addr a;

	if (word == NULL || !addr_parse_ip(str_z(word), 0, &a))
		return;
	while ((word = strtok_r(NULL, " \t\r", &save)) != NULL) {
		char *c;

		for (c = word; *c != '\0'; c++)
			*c = ascii_lower(*c);
		if ((r->nhosts & (r->nhosts - 1)) == 0)
			r->hosts = mem_grow(r->hosts, r->nhosts == 0 ? 1 : r->nhosts * 2,
			    sizeof(*r->hosts));
		r->hosts[r->nhosts++] = (struct hosts_line){.addr = a, .name = word};
	}
}

static void
read_hosts(struct resolver *r)
{
	char *line, *save;
	size_t n;

	free(r->hosts_text);
	free(r->hosts);
	r->hosts = NULL;
	r->nhosts = 0;
	r->hosts_text = fd_read_file(HOSTS_FILE, HOSTS_MAX, &n);
	if (r->hosts_text == NULL)
		return;
	for (line = strtok_r(r->hosts_text, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save)) {
		line[strcspn(line, "#")] = '\0';
		add_line(r, line);
	}
	qsort(r->hosts, r->nhosts, sizeof(*r->hosts), compare_lines);
}

static size_t
find_hosts(const struct resolver *r, const char *name, struct addr out[RESOLVER_ADDRS_MAX])
{
	size_t lo = 0, hi = r->nhosts, n = 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(r->hosts[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < r->nhosts && strcmp(r->hosts[lo].name, name) == 0 && n < RESOLVER_ADDRS_MAX;
	     lo++)
		out[n++] = r->hosts[lo].addr;
	return n;
}

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

static void
processed(struct channel_set *set)
{
	if (set->retired && set->pending == 0)
		set_free(set);
	else
		arm_timer(set);
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
	struct ares_options o = {.timeout = TRY_MS, .tries = TRIES, .lookups = dns_only,
	    .sock_state_cb = on_socket_state, .sock_state_cb_data = set};
	int e;

	set->resolver = r;
	ev_init(&set->timer, on_timer);
	set->timer.data = set;
	e = ares_init_options(&set->channel, &o,
	    ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);
	if (e != ARES_SUCCESS) {
		(void)errmsg_set(err, "cannot set up name resolution: %s", ares_strerror(e));
		free(set);
		return NULL;
	}
	return set;
}

/* ---- changed files ---- */

static bool
changed(const char *file, struct timespec *mtime)
{
	struct stat st;
	struct timespec now = {0, 0};

	if (stat(file, &st) == 0)
		now = st.st_mtim;
	if (now.tv_sec == mtime->tv_sec && now.tv_nsec == mtime->tv_nsec)
		return false;
	*mtime = now;
	return true;
}

static void
look_at_files(struct resolver *r)
{
	struct channel_set *fresh, *old = r->set;
	struct errmsg err;

	if (clock_mono_s() - r->looked < LOOK_SECONDS)
		return;
	r->looked = clock_mono_s();
	if (changed(HOSTS_FILE, &r->hosts_mtime))
		read_hosts(r);
	if (!changed(RESOLV_FILE, &r->resolv_mtime) || (fresh = set_new(r, &err)) == NULL)
		return;
	r->set = fresh;
	old->retired = true;
	if (old->pending == 0)
		set_free(old);
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

static void
on_answer(void *arg, int status, int timeouts UNUSED, struct ares_addrinfo *result)
{
	struct lookup *l = arg;
	struct addr addrs[RESOLVER_ADDRS_MAX];
	struct ares_addrinfo_node *node;
	size_t n = 0;

	l->set->pending--;
	if (l->at_once != NULL)
		*l->at_once = true;
	for (node = result != NULL ? result->nodes : NULL;
	     node != NULL && n < RESOLVER_ADDRS_MAX; node = node->ai_next) {
		addrs[n] = addr_from_sockaddr(node->ai_addr, node->ai_addrlen);
		if (addrs[n].len != 0)
			n++;
	}
	if (result != NULL)
		ares_freeaddrinfo(result);
	if (l->done != NULL)
		l->done(l->arg, status != ARES_SUCCESS ? error_text(status) :
		    n == 0 ? "no such host" : NULL, addrs, n);
	free(l);
}

void
resolver_lookup(struct resolver *r, const char *host, lookup_done_fn *done, void *arg,
    struct lookup **out)
{
	/* NUMERICSERV: a service name would send the library to NSS and dlopen. */
	struct ares_addrinfo_hints hints = {.ai_flags = ARES_AI_NUMERICSERV,
	    .ai_family = AF_UNSPEC,
	    .ai_socktype = SOCK_STREAM};
	struct addr addrs[RESOLVER_ADDRS_MAX];
	struct channel_set *set;
	struct lookup *l;
	bool at_once = false;
	size_t n;

	*out = NULL;
	look_at_files(r);
	n = find_hosts(r, host, addrs);
	if (n == 0)
		n = find_localhost(host, addrs);
	if (n > 0) {
		done(arg, NULL, addrs, n);
		return;
	}
	l = mem_new(struct lookup);
	l->set = set = r->set;
	l->done = done;
	l->arg = arg;
	l->at_once = &at_once;
	set->pending++;
	ares_getaddrinfo(set->channel, host, NULL, &hints, on_answer, l);
	arm_timer(set);
	if (at_once)
		return;
	l->at_once = NULL;
	*out = l;
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
resolver_new(struct ev_loop *loop, struct errmsg *err)
{
	struct resolver *r = mem_new(struct resolver);

	r->loop = loop;
	r->looked = clock_mono_s();
	(void)changed(HOSTS_FILE, &r->hosts_mtime);
	(void)changed(RESOLV_FILE, &r->resolv_mtime);
	read_hosts(r);
	r->set = set_new(r, err);
	if (r->set == NULL)
		resolver_free(&r);
	return r;
}

void
resolver_free(struct resolver **pr)
{
	struct resolver *r = *pr;

	*pr = NULL;
	if (r == NULL)
		return;
	if (r->set != NULL)
		set_free(r->set);
	free(r->hosts_text);
	free(r->hosts);
	free(r);
}
