/* SPDX-License-Identifier: ISC */
/*
 * supervise.c - starts what died again, later and later if it keeps dying, and
 * kills what stands still.
 *
 * A worker that dies before it was at work waits up to ten seconds, one that had
 * served up to a second: somebody's clients may be killing it, and the others'
 * connections need it.  All restarts together are limited, too.
 * Whether it stands still is seen from a counter that its loop raises (proc/
 * beat.h), in ticks of the master's own loop: when both were stopped, as by a
 * suspended machine, no time has passed.
 * Runs in: master.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "master/state.h"
#include "proc/counters.h"

#define BACKOFF_FIRST 0.05
#define BACKOFF_SERVED 1.0
#define BACKOFF_MAX 10.0
#define LIVED_WELL_US 10000000u	/* after which a death is not part of a series */
#define SERIES 5		/* deaths that make a crash loop */
#define RESTARTS_BURST 5	/* with what comes a second: never ten within one */
#define RESTARTS_PER_SECOND 4
#define NEXT_TRY 0.1		/* when all restarts of this moment are used up */

#define TICK_SECONDS 1.0
#define STILL_TICKS 10		/* at work, and not one beat */
#define START_TICKS 120		/* from the fork to being at work */
#define PREPARE_US 150000000u	/* from the first step to serving */
#define UNHEALTHY_US 30000000u

/* ---- back-off ---- */

static void wait_and_start(struct child *, double seconds);

static void
on_again(struct ev_loop *loop UNUSED, ev_timer *w, int events UNUSED)
{
	struct child *c = w->data;
	struct errmsg err;

	if (c->master->stopping && c->role != ROLE_RECORDER)
		return;
	if (!rate_take(&c->master->restarts, clock_mono_us())) {
		wait_and_start(c, NEXT_TRY);
		return;
	}
	c->restarts++;
	if (spawn(c, &err) == 0) {
		counter_add(&c->master->counters[SLOT_MASTER].restarts[counters_role(c->slot)],
		    1);
		return;
	}
	log_error("%s", err.text);
	/* Its process before may have lived well; this try has not. */
	c->started_us = clock_mono_us();
	supervise_again(c);
}

static void
wait_and_start(struct child *c, double seconds)
{
	struct ev_loop *loop = c->master->loop;

	ev_timer_stop(loop, &c->again);
	ev_timer_init(&c->again, on_again, seconds, 0);
	c->again.data = c;
	ev_timer_start(loop, &c->again);
}

static bool
has_lived_well(const struct child *c)
{
	return clock_mono_us() - c->started_us > LIVED_WELL_US;
}

static void
begin_series(struct child *c)
{
	if (c->crash_looping)
		log_over(LOG_PLAIN, "%s %u lives again", role_name(c->role), c->index);
	c->crash_looping = false;
	c->backoff = 0;
	c->deaths = 0;
}

void
supervise_again(struct child *c)
{
	/* Of signer and recorder there is one, and the others wait for it. */
	bool wanted = c->served || c->role != ROLE_WORKER;
	double wait, max = wanted ? BACKOFF_SERVED : BACKOFF_MAX;

	if (has_lived_well(c))
		begin_series(c);
	wait = c->backoff = MIN(c->backoff, max);
	c->backoff = c->backoff == 0 ? BACKOFF_FIRST : c->backoff * 2;
	if (++c->deaths == SERIES) {
		c->crash_looping = true;
		log_error("%s %u keeps dying (%s): it is started again more and more slowly",
		    role_name(c->role), c->index, c->last_end);
	}
	wait_and_start(c, wait);
}

void
supervise_ended(struct child *c, pid_t pid, int status)
{
	bool expected = c->leaving || c->master->stopping;

	walls_look(c);		/* it may say why */
	/* Its spool is another directory by now: it asks for a sandbox around that. */
	if (c->role == ROLE_RECORDER && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		expected = true;
		c->started_us = 0;
	}

	if (c->stuck)
		(void)snprintf(c->last_end, sizeof(c->last_end), "%s",
		    c->ready ? "stood still" : "was not ready in time");
	else if (WIFSIGNALED(status))
		(void)snprintf(c->last_end, sizeof(c->last_end), "killed by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		(void)snprintf(c->last_end, sizeof(c->last_end), "ended with %d",
		    WEXITSTATUS(status));
	c->served = c->ready;
	c->stuck = false;
	if (!expected)
		log_event(LOG_LEVEL_ERROR, LOG_PROCESS_DIED, false, NULL, 0,
		    "%s %u (pid %d): %s", role_name(c->role), c->index, (int)pid,
		    c->last_end);
}

/* ---- heartbeats ---- */

/* In a system call that nothing interrupts: waiting for a disk, most likely. */
static bool
waits_for_disk(pid_t pid)
{
	char path[32], text[512];
	const char *state;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	fd_close(&fd);
	text[MAX(n, 0)] = '\0';
	/* PID (NAME) STATE, and a name may have anything in it. */
	state = strrchr(text, ')');
	return state != NULL && state[1] == ' ' && state[2] == 'D';
}

static void
kill_stuck(struct child *c)
{
	/* Killing it would change nothing, now or later. */
	if (waits_for_disk(c->pid)) {
		if (c->still % STILL_TICKS == 0)
			log_warning("%s %u (pid %d) has waited for a disk for %u s",
			    role_name(c->role), c->index, (int)c->pid, c->still);
		return;
	}
	log_error("%s %u (pid %d) %s for %u s: killed", role_name(c->role), c->index,
	    (int)c->pid, c->ready ? "has not moved" : "has not been ready", c->still);
	c->stuck = true;
	/* Not a signal that waits until a stopped process goes on. */
	(void)kill(c->pid, SIGKILL);
}

static void
look_at(struct child *c)
{
	uint64_t beat;

	if (c->pid <= 0 || c->stuck)
		return;
	walls_look(c);
	beat = counter_get(&c->master->counters[c->slot].beat);
	if (c->ready && beat != c->beat)
		c->still = 0;
	else
		c->still++;
	c->beat = beat;
	if (c->still >= (c->ready ? STILL_TICKS : START_TICKS))
		kill_stuck(c);
	else if (c->crash_looping && c->ready && has_lived_well(c))
		begin_series(c);
}

static bool
at_work(const struct generation *gen)
{
	unsigned i;

	for (i = 0; i < gen->nworkers; i++)
		if (gen->workers[i].ready && gen->workers[i].still < STILL_TICKS)
			return true;
	return false;
}

static void
on_tick(struct ev_loop *loop UNUSED, ev_timer *w, int events UNUSED)
{
	struct master *m = w->data;
	struct generation *gen;
	unsigned i;

	if (m->stopping)
		return;		/* what has to end has its time for that */
	look_at(&m->recorder);
	if (m->next != NULL && clock_mono_us() - m->next->since_us > PREPARE_US)
		generation_failed(m->next, "it was not ready in time");
	TAILQ_FOREACH(gen, &m->generations, link) {
		look_at(&gen->signer);
		for (i = 0; i < gen->nworkers; i++)
			look_at(&gen->workers[i]);
	}
	if (m->current == NULL || at_work(m->current))
		m->worked_us = clock_mono_us();
}

void
supervise_start(struct master *m)
{
	m->restarts = (struct rate){
	    .burst = RESTARTS_BURST, .per_second = RESTARTS_PER_SECOND};
	m->worked_us = clock_mono_us();
	ev_timer_init(&m->tick, on_tick, TICK_SECONDS, TICK_SECONDS);
	m->tick.data = m;
	ev_timer_start(m->loop, &m->tick);
}

bool
supervise_healthy(const struct master *m)
{
	return clock_mono_us() - m->worked_us < UNHEALTHY_US;
}
