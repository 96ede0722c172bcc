/* SPDX-License-Identifier: ISC */
/*
 * load.c - the load generator: a closed loop of requests over a number of
 * connections, every body checked.
 * Runs in: bench/load (one process, one thread).
 */
#include "config.h"

#include "load.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "link.h"
#include "options.h"

struct runner {
	struct link_env env;
	struct link **links;
	unsigned nlinks;
	unsigned next_idle;	/* the next one to open, when they are to be held */
	uint64_t limit, issued, finished;	/* requests of this phase */
	uint64_t deadline_us;			/* 0: none */
	uint64_t swept_us;
	bool aborted;
};

static bool
issue(struct runner *r, struct link *l)
{
	if (r->aborted || r->issued >= r->limit ||
	    (r->deadline_us > 0 && clock_mono_us() >= r->deadline_us))
		return false;
	r->issued++;
	link_request(l);
	return true;
}

static void
on_done(struct link *l, void *arg)
{
	struct runner *r = arg;

	r->finished++;
	if (stats_errors(&r->env.stats) > r->env.load->max_errors)
		r->aborted = true;
	if (r->env.load->idle == 0)
		issue(r, l);
	else if (r->next_idle < r->nlinks)
		issue(r, r->links[r->next_idle++]);
}

static void
sweep(struct runner *r)
{
	uint64_t now = clock_mono_us();

	if (now < r->swept_us + 500000)
		return;
	r->swept_us = now;
	for (unsigned i = 0; i < r->nlinks; i++)
		link_expire(r->links[i], now);
}

/* Returns whether standard input had something to say. */
static bool
turn(struct runner *r)
{
	struct epoll_event ev[256];
	bool input = false;
	int n = epoll_wait(r->env.epoll, ev, NELEM(ev), 500);

	CHECK(n >= 0 || errno == EINTR);
	for (int i = 0; i < n; i++) {
		if (ev[i].data.ptr == NULL)
			input = true;
		else
			link_event(ev[i].data.ptr);
	}
	sweep(r);
	return input;
}

/* As many requests as a link has at a time. */
static bool
start(struct runner *r, struct link *l)
{
	unsigned i, n = MAX(r->env.load->streams, 1u);

	for (i = 0; i < n; i++)
		if (!issue(r, l))
			return false;
	return true;
}

/* limit requests, starting with count links from first on. */
static void
phase(struct runner *r, unsigned first, unsigned count, uint64_t limit, uint64_t us)
{
	r->limit = limit;
	r->issued = r->finished = 0;
	r->deadline_us = us > 0 ? clock_mono_us() + us : 0;
	for (unsigned i = first; i < r->nlinks && i < first + count; i++) {
		r->next_idle = i + 1;
		if (!start(r, r->links[i]))
			break;
	}
	while (r->finished < r->issued)
		turn(r);
}

static void
await_start(void)
{
	char c = '\0';

	puts("ready");
	fflush(stdout);
	while (c != '\n')
		if (read(STDIN_FILENO, &c, 1) != 1)
			exit(1);
}

static void
hold(struct runner *r)
{
	struct epoll_event ev = {.events = EPOLLIN};
	char text[256];

	/* A plain file cannot be watched: nobody is there to say when. */
	if (epoll_ctl(r->env.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &ev) != 0)
		return;
	while (!turn(r) || read(STDIN_FILENO, text, sizeof(text)) > 0)
		continue;
}

static int
learn(struct runner *r, const struct options *o)
{
	struct errmsg err;

	phase(r, 0, 1, 1, 0);
	if (stats_errors(&r->env.stats) > 0) {
		stats_print(&r->env.stats, r->env.load->json);
		fputs("load: the first request failed\n", stderr);
		return -1;
	}
	if (page_verify(&r->env.page, o->size, o->sha256, &err) != 0) {
		fprintf(stderr, "load: %s\n", err.text);
		return -1;
	}
	return 0;
}

static bool
measure(struct runner *r)
{
	const struct load *load = r->env.load;
	struct stats *st = &r->env.stats;
	unsigned c = load->concurrency;
	bool good;

	if (load->idle == 0 && load->warmup > 0)
		phase(r, 0, c, (uint64_t)c * MAX(load->streams, 1u) * load->warmup, 0);
	if (load->sync)
		await_start();
	stats_start(st);
	if (load->idle > 0)
		phase(r, 1, c, load->idle - 1, 0);
	else
		phase(r, 0, c, load->requests, load->run_us);
	stats_stop(st);
	stats_print(st, load->json);
	good = stats_errors(st) == 0;
	if (load->sync || load->idle > 0)
		hold(r);
	if (load->idle > 0 && good && stats_errors(st) > 0) {
		fputs("load: idle connections were closed\n", stderr);
		good = false;
	}
	return good;
}

static void
open_links(struct runner *r)
{
	const struct load *load = r->env.load;

	r->nlinks = load->idle > 0 ? load->idle : load->concurrency;
	r->links = mem_zalloc(r->nlinks * sizeof(r->links[0]));
	for (unsigned i = 0; i < r->nlinks; i++)
		r->links[i] = link_new(&r->env);
}

static void
close_links(struct runner *r)
{
	for (unsigned i = 0; i < r->nlinks; i++)
		link_free(&r->links[i]);
	free(r->links);
}

int
main(int argc, char **argv)
{
	struct options o;
	struct errmsg err;
	struct runner r = {.env.done = on_done};
	bool good = false;

	options_parse(&o, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	r.env.arg = &r;
	r.env.load = &o.load;
	page_init(&r.env.page);
	r.env.tickets = tickets_new(o.load.hosts);
	r.env.ctx = link_ctx_new(&o.load, &err);
	if (r.env.ctx == NULL) {
		fprintf(stderr, "load: %s\n", err.text);
		return 2;
	}
	r.env.epoll = epoll_create1(EPOLL_CLOEXEC);
	CHECK(r.env.epoll >= 0);
	open_links(&r);
	if (learn(&r, &o) == 0)
		good = measure(&r);
	close_links(&r);
	close(r.env.epoll);
	SSL_CTX_free(r.env.ctx);
	tickets_free(&r.env.tickets);
	page_free(&r.env.page);
	options_free(&o);
	return good ? 0 : 1;
}
