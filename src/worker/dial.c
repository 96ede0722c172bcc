/* SPDX-License-Identifier: ISC */
/* dial.c - see dial.h.  Runs in: worker. */
#include "config.h"

#include "worker/dial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "ipc/msg.h"
#include "worker/access.h"
#include "worker/resolver.h"
#include "worker/tally.h"
#include "worker/worker_state.h"

#define NEXT_SECONDS 0.25	/* RFC 8305 5: Connection Attempt Delay */

struct attempt {
	struct dial *dial;
	int fd;
	struct addr addr;
	ev_io io;
	uint64_t begun;
};

struct dial {
	struct worker *worker;
	struct host_port target;
	struct addr client;
	dial_done_fn *done;
	void *arg;
	struct lookup *lookup;
	uint64_t begun;
	int64_t dns_us;
	struct addr addrs[RESOLVER_ADDRS_MAX];
	size_t naddrs, next;
	struct attempt attempts[RESOLVER_ADDRS_MAX];
	size_t nattempts, running;
	ev_timer again, deadline, soon;
	int last_errno;
	char reason[256];
};

struct dial_hub {
	struct resolver *resolver;
};

struct dial_hub *
dial_hub_new(struct worker *w, struct errmsg *err)
{
	struct dial_hub *hub = mem_new(struct dial_hub);

	hub->resolver = resolver_new(w->loop, w->proc->system_files[FILE_HOSTS],
	    w->proc->system_files[FILE_RESOLV_CONF], err);
	if (hub->resolver == NULL)
		dial_hub_free(&hub);
	return hub;
}

void
dial_hub_free(struct dial_hub **ph)
{
	struct dial_hub *hub = *ph;

	*ph = NULL;
	if (hub == NULL)
		return;
	resolver_free(&hub->resolver);
	free(hub);
}

void
dial_hub_file(struct dial_hub *hub, unsigned which, struct str text)
{
	if (which == FILE_HOSTS)
		resolver_hosts(hub->resolver, text);
	else
		resolver_servers(hub->resolver, text);
}

static void
dial_free(struct dial *d)
{
	struct ev_loop *loop = d->worker->loop;
	size_t i;

	lookup_cancel(&d->lookup);
	ev_timer_stop(loop, &d->again);
	ev_timer_stop(loop, &d->deadline);
	ev_timer_stop(loop, &d->soon);
	for (i = 0; i < d->nattempts; i++) {
		ev_io_stop(loop, &d->attempts[i].io);
		fd_close(&d->attempts[i].fd);
	}
	free(d);
}

void
dial_cancel(struct dial **pd)
{
	struct dial *d = *pd;

	*pd = NULL;
	if (d != NULL)
		dial_free(d);
}

static void
finish(struct dial *d, const struct dialled *r)
{
	d->done(d->arg, r);
	dial_free(d);
}

static void
fail(struct dial *d, enum counter_opened what, unsigned status, const char *proxy_status,
    const char *why)
{
	struct dialled r = {.fd = -1, .dns_us = d->dns_us, .connect_us = -1, .status = status,
	    .proxy_status = proxy_status, .reason = d->reason};

	(void)snprintf(d->reason, sizeof(d->reason), "cannot reach %.200s:%u: %s",
	    d->target.host, d->target.port, why);
	tally_dial(d->worker, &r, what);
	finish(d, &r);
}

static void
fail_connect(struct dial *d)
{
	switch (d->last_errno) {
	case ETIMEDOUT:
		fail(d, OPENED_TIMEOUT, 504, "connection_timeout", "the connection timed out");
		return;
	case ECONNREFUSED:
		fail(d, OPENED_REFUSED, 502, "connection_refused", "the connection was refused");
		return;
	case EMFILE:
	case ENFILE:
		fail(d, OPENED_ERROR, 503, "proxy_internal_error",
		    "the proxy has no descriptor left");
		return;
	default:
		fail(d, OPENED_ERROR, 502, "destination_ip_unroutable",
		    strerror(d->last_errno));
	}
}

static void
connected(struct dial *d, struct attempt *a)
{
	struct dialled r = {.fd = a->fd, .addr = a->addr, .dns_us = d->dns_us,
	    .connect_us = (int64_t)(clock_mono_us() - a->begun)};

	ev_io_stop(d->worker->loop, &a->io);
	a->fd = -1;
	tally_dial(d->worker, &r, OPENED_OK);
	finish(d, &r);
}

static void try_next(struct dial *d);

static void
attempt_failed(struct dial *d, struct attempt *a, int error)
{
	d->last_errno = error;
	ev_io_stop(d->worker->loop, &a->io);
	fd_close(&a->fd);
	d->running--;
	try_next(d);
}

static void
on_connect(struct ev_loop *loop UNUSED, ev_io *w, int events UNUSED)
{
	struct attempt *a = w->data;
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error == 0)
		connected(a->dial, a);
	else
		attempt_failed(a->dial, a, error);
}

static bool
start_attempt(struct dial *d, const struct addr *addr)
{
	struct attempt *a = &d->attempts[d->nattempts];

	*a = (struct attempt){.dial = d, .addr = *addr, .begun = clock_mono_us()};
	a->fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (a->fd == -1) {
		d->last_errno = errno;
		return false;
	}
	if (connect(a->fd, &addr->sa, addr->len) == -1 && errno != EINPROGRESS) {
		d->last_errno = errno;
		fd_close(&a->fd);
		return false;
	}
	/* Also when it is done already: the callback comes from the loop, always. */
	d->nattempts++;
	d->running++;
	ev_io_init(&a->io, on_connect, a->fd, EV_WRITE);
	a->io.data = a;
	ev_io_start(d->worker->loop, &a->io);
	return true;
}

static void
try_next(struct dial *d)
{
	struct ev_loop *loop = d->worker->loop;

	ev_timer_stop(loop, &d->again);
	while (d->next < d->naddrs)
		if (start_attempt(d, &d->addrs[d->next++]))
			break;
	if (d->running == 0)
		fail_connect(d);
	else if (d->next < d->naddrs)
		ev_timer_start(loop, &d->again);
}

static void
on_again(struct ev_loop *loop UNUSED, ev_timer *w, int events UNUSED)
{
	try_next(w->data);
}

static void
on_deadline(struct ev_loop *loop UNUSED, ev_timer *w, int events UNUSED)
{
	struct dial *d = w->data;

	if (d->lookup != NULL)
		fail(d, OPENED_DNS, 504, "dns_timeout", "the name servers do not answer");
	else
		fail(d, OPENED_TIMEOUT, 504, "connection_timeout", "the connection timed out");
}

/* Alternate families, as RFC 8305 4 asks; the first one stays first. */
static void
interleave(struct addr *addrs, size_t n)
{
	size_t i, j;

	for (i = 1; i < n; i++) {
		for (j = i; j < n; j++)
			if (addrs[j].sa.sa_family != addrs[i - 1].sa.sa_family)
				break;
		if (j < n && j != i) {
			struct addr a = addrs[j];

			memmove(&addrs[i + 1], &addrs[i], (j - i) * sizeof(*addrs));
			addrs[i] = a;
		}
	}
}

static void
take_addresses(struct dial *d, const struct addr *addrs, size_t n)
{
	const char *refused = NULL;
	size_t i;

	for (i = 0; i < n; i++) {
		struct addr a = addrs[i];
		const char *why;

		addr_set_port(&a, d->target.port);
		/* What is really connected to counts, whatever the name was. */
		why = access_destination(d->worker->access, &d->client, &a);
		if (why == NULL)
			d->addrs[d->naddrs++] = a;
		else
			refused = why;
	}
	if (d->naddrs == 0) {
		fail(d, OPENED_DENIED, 403, "destination_ip_prohibited",
		    refused != NULL ? refused : "no address");
		return;
	}
	interleave(d->addrs, d->naddrs);
	try_next(d);
}

static void
on_lookup(void *arg, const char *error, const struct addr *addrs, size_t n)
{
	struct dial *d = arg;

	d->lookup = NULL;
	d->dns_us = (int64_t)(clock_mono_us() - d->begun);
	if (error != NULL)
		fail(d, OPENED_DNS, 502, "dns_error", error);
	else
		take_addresses(d, addrs, n);
}

/* So that `done` never comes from inside dial_start(). */
static void
on_soon(struct ev_loop *loop UNUSED, ev_timer *w, int events UNUSED)
{
	struct dial *d = w->data;
	struct lookup *lookup = NULL;

	if (d->target.is_ip) {
		take_addresses(d, &d->target.ip, 1);
		return;
	}
	d->begun = clock_mono_us();
	resolver_lookup(d->worker->dials->resolver, d->target.host, on_lookup, d, &lookup);
	if (lookup != NULL)
		d->lookup = lookup;	/* else d may be gone already */
}

struct dial *
dial_start(struct worker *w, const struct host_port *target, const struct addr *client,
    dial_done_fn *done, void *arg)
{
	struct dial *d = mem_new(struct dial);

	d->worker = w;
	d->target = *target;
	d->client = *client;
	d->done = done;
	d->arg = arg;
	d->begun = clock_mono_us();
	d->dns_us = -1;
	d->last_errno = EHOSTUNREACH;
	ev_timer_init(&d->again, on_again, NEXT_SECONDS, 0);
	ev_timer_init(&d->deadline, on_deadline, (double)w->conf->timeouts.connect_ms / 1000,
	    0);
	ev_timer_init(&d->soon, on_soon, 0, 0);
	d->again.data = d->deadline.data = d->soon.data = d;
	ev_timer_start(w->loop, &d->deadline);
	ev_timer_start(w->loop, &d->soon);
	return d;
}
