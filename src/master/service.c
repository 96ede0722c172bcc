/* SPDX-License-Identifier: ISC */
/*
 * service.c - what the service manager is told of the master's life: sd_notify(3)
 * has the words.  A reload that has failed is over, too: READY follows RELOADING
 * in any case, and STATUS says which it was.
 * Runs in: master.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "master/leaving.h"
#include "master/reloads.h"
#include "master/state.h"
#include "proc/counters.h"

#define STATUS_EVERY 10.0	/* seconds between two looks at the numbers */
#define STOP_EVERY 5.0
#define STOP_EXTEND_US 15000000ull	/* how long we are believed without another word */
#define STATUS_SIZE 1500
#define SPOOL_SIZE 96

struct service {
	struct master *master;
	ev_timer tick;
	double every;
	bool watched;			/* the tick is a sign of life, too */
	char told[STATUS_SIZE];		/* the last STATUS */
};

/* A line of the protocol is one, and a STATUS that is not UTF-8 is not taken. */
static void
plain(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || (unsigned char)*text >= 0x7f)
			*text = '?';
}

/* ---- STATUS ---- */

static unsigned
draining(const struct master *m)
{
	const struct generation *gen;
	unsigned n = 0;

	TAILQ_FOREACH(gen, &m->generations, link)
		n += gen->number < m->current->number;
	return n;
}

static unsigned
workers_ready(const struct generation *gen)
{
	unsigned i, n = 0;

	for (i = 0; i < gen->nworkers; i++)
		n += gen->workers[i].pid > 0 && gen->workers[i].ready;
	return n;
}

/* What Ada looks at: is there room, and is it used? */
static void
describe_spool(const struct master *m, char out[SPOOL_SIZE])
{
	const struct counters *c = &m->counters[SLOT_RECORDER];
	unsigned long long files, bytes;

	if (counter_get(&c->spool_ok) == 0) {
		(void)snprintf(out, SPOOL_SIZE, "the spool cannot be written");
		return;
	}
	files = counter_get(&c->spool_files) + counter_get(&c->spool_files_open);
	bytes = counter_get(&c->spool_bytes) + counter_get(&c->spool_bytes_open);
	(void)snprintf(out, SPOOL_SIZE, "%llu HAR files of %llu MiB", files, (bytes + (1 << 20) - 1) >> 20);
}

static void
describe(const struct master *m, char out[STATUS_SIZE])
{
	const struct reload_seen *reload = reloads_seen(m->reloads);
	const struct generation *gen = m->current;
	bool failed = reload->failed > 0 && !reload->ok;
	unsigned long long open = leaving_connections(m);
	unsigned old;
	char more[64] = "", spool[SPOOL_SIZE];

	if (m->stopping || m->leaving) {
		(void)snprintf(out, STATUS_SIZE, "%s: %llu connections left",
		    m->stopping ? "stopping" : "draining", open);
		return;
	}
	/* A stop may come before anything serves. */
	old = draining(m);
	if (old > 0)
		(void)snprintf(more, sizeof(more), ", %u before it draining", old);
	describe_spool(m, spool);
	(void)snprintf(out, STATUS_SIZE,
	    "generation %u%s, %u of %u workers, %llu connections, %s%s%.600s",
	    gen->number, more, workers_ready(gen), gen->nworkers, open, spool,
	    failed ? "; the last reload failed: " : "", failed ? reload->reason : "");
	plain(out);
}

/* Lines to go before the status, or "". */
static void
tell(struct master *m, const char *lines)
{
	struct service *s = m->service;

	describe(m, s->told);
	systemd_tell(m->systemd, "%sSTATUS=%s\n", lines, s->told);
}

/* ---- the tick ---- */

static void
on_tick(struct ev_loop *loop UNUSED, ev_timer *w, int events UNUSED)
{
	struct service *s = w->data;
	struct master *m = s->master;
	char status[STATUS_SIZE];

	if (s->watched && supervise_healthy(m))
		systemd_tell(m->systemd, "WATCHDOG=1\n");
	if (m->stopping) {
		/* Who is still asked to wait is at work: its own timers end it. */
		systemd_tell(m->systemd, "EXTEND_TIMEOUT_USEC=%llu\n", STOP_EXTEND_US);
	} else if (m->current == NULL) {
		return;
	}
	describe(m, status);
	if (strcmp(status, s->told) != 0)
		tell(m, "");
}

static void
tick_every(struct service *s, double seconds)
{
	struct ev_loop *loop = s->master->loop;

	ev_timer_stop(loop, &s->tick);
	ev_timer_init(&s->tick, on_tick, seconds, seconds);
	s->tick.data = s;
	ev_timer_start(loop, &s->tick);
}

/* ---- the master's life ---- */

struct service *
service_new(struct master *m)
{
	struct service *s = mem_new(struct service);
	uint64_t watchdog_us = systemd_watchdog_us(m->systemd);

	s->master = m;
	ev_timer_init(&s->tick, on_tick, 0, 0);
	s->watched = watchdog_us > 0;
	/* Three signs of life in the time of one: two may be late. */
	s->every = s->watched ? MIN((double)watchdog_us / 3e6, STATUS_EVERY) : STATUS_EVERY;
	if (systemd_listens(m->systemd))
		tick_every(s, s->every);
	return s;
}

void
service_free(struct service **ps)
{
	struct service *s = *ps;

	if (s == NULL)
		return;
	*ps = NULL;
	ev_timer_stop(s->master->loop, &s->tick);
	free(s);
}

void
service_reloading(struct master *m)
{
	systemd_tell(m->systemd, "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=reloading\n",
	    (unsigned long long)clock_mono_us());
}

void
service_ready(struct master *m)
{
	tell(m, "READY=1\n");
}

void
service_failed(struct master *m, const char *reason)
{
	char text[STATUS_SIZE];

	(void)snprintf(text, sizeof(text), "cannot start: %.1000s", reason);
	plain(text);
	systemd_tell(m->systemd, "STATUS=%s\n", text);
}

void
service_stopping(struct master *m)
{
	char lines[80];

	if (m->failed) {	/* why is told, and nothing is left to wait for */
		systemd_tell(m->systemd, "STOPPING=1\n");
		ev_timer_stop(m->loop, &m->service->tick);
		return;
	}
	(void)snprintf(lines, sizeof(lines), "STOPPING=1\nEXTEND_TIMEOUT_USEC=%llu\n",
	    STOP_EXTEND_US);
	tell(m, lines);
	if (systemd_listens(m->systemd))
		tick_every(m->service, STOP_EVERY);
}
