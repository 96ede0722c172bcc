/* SPDX-License-Identifier: ISC */
/* leaving.c - see leaving.h.  Runs in: master. */
#include "config.h"

#include "master/leaving.h"

#include "base/clock.h"
#include "proc/counters.h"

#define LOOK_SECONDS 0.25

uint64_t
leaving_connections(const struct master *m)
{
	unsigned used = (unsigned)counter_get(&m->counters[SLOT_MASTER].slots_used), i;
	uint64_t sum = 0;

	/* Looking at a page makes it, so only at those that somebody has had. */
	for (i = 0; i < used; i++)
		sum += counter_get(&m->counters[i].connections_open[SIDE_CLIENT]);
	return sum;
}

static void
on_look(struct ev_loop *loop UNUSED, ev_timer *t, int events UNUSED)
{
	struct master *m = t->data;
	uint64_t now = clock_mono_us(), idle_us = m->current->conf->drain_idle_ms * 1000;
	bool anybody = leaving_connections(m) > 0;

	if (anybody)
		m->quiet_us = now;
	if (!anybody && now - m->quiet_us >= idle_us)
		log_info("drained: nobody is connected any more");
	else if (now >= m->leave_by_us)
		log_warning("drained: the time is up, and some are still connected");
	else
		return;
	master_stop(m);
}

static void
tell(struct child *c, bool yes)
{
	struct msg_leaving leaving = {.yes = yes};

	if (c->role == ROLE_WORKER && c->channel != NULL)
		(void)CHANNEL_TELL(c->channel, LEAVING, leaving, &leaving);
}

static void
tell_all(struct master *m)
{
	struct generation *gen;
	unsigned i;

	TAILQ_FOREACH(gen, &m->generations, link)
		for (i = 0; i < gen->nworkers; i++)
			if (gen->workers[i].ready)
				tell(&gen->workers[i], m->leaving);
}

void
leaving_tell(struct child *c)
{
	if (c->master->leaving)
		tell(c, true);
}

void
leaving_begin(struct master *m, double limit_s)
{
	m->leave_by_us = clock_mono_us() + (uint64_t)(limit_s * 1e6);
	if (m->leaving)
		return;
	m->leaving = true;
	m->quiet_us = clock_mono_us();
	tell_all(m);
	ev_timer_init(&m->look, on_look, LOOK_SECONDS, LOOK_SECONDS);
	m->look.data = m;
	ev_timer_start(m->loop, &m->look);
}

uint64_t
leaving_seconds(const struct master *m)
{
	uint64_t now = clock_mono_us();

	return m->leave_by_us > now ? (m->leave_by_us - now) / 1000000 : 0;
}

void
leaving_cancel(struct master *m)
{
	leaving_end(m);
	m->leaving = false;
	tell_all(m);
}

void
leaving_end(struct master *m)
{
	ev_timer_stop(m->loop, &m->look);
}
