/* SPDX-License-Identifier: ISC */
/* reloads.c - see reloads.h.  Runs in: master. */
#include "config.h"

#include "master/reloads.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"

struct waiter {
	TAILQ_ENTRY(waiter) link;
	struct reloads *reloads;
	struct control_call *call;
	unsigned wants;		/* the outcome of which reload */
	bool serves;		/* it does already; the ones before have not let go */
};

struct reloads {
	TAILQ_HEAD(, waiter) waiters;
	unsigned begun;		/* how many; the last is under way or over */
	struct reload_seen seen;
};

static void
waiter_free(struct waiter *w)
{
	TAILQ_REMOVE(&w->reloads->waiters, w, link);
	free(w);
}

static void
on_gone(void *arg)
{
	waiter_free(arg);
}

static void
finish(struct waiter *w)
{
	struct control_call *call = w->call;

	waiter_free(w);
	control_done(call);
}

static void
note(struct reloads *r, bool ok, const char *reason)
{
	r->seen.under_way = false;
	r->seen.at = (int64_t)(clock_wall_us() / 1000000);
	r->seen.ok = ok;
	(void)snprintf(r->seen.reason, sizeof(r->seen.reason), "%s", reason);
}

bool
reloads_wait(struct reloads *r, struct control_call *call)
{
	struct waiter *w = mem_new(struct waiter);

	if (!control_later(call, on_gone, w)) {
		free(w);
		return false;
	}
	w->reloads = r;
	w->call = call;
	w->wants = r->begun + 1;
	TAILQ_INSERT_TAIL(&r->waiters, w, link);
	return true;
}

void
reloads_begin(struct reloads *r)
{
	r->begun++;
	r->seen.under_way = true;
}

void
reloads_failed(struct reloads *r, const char *code, const char *reason)
{
	struct waiter *w, *next;

	r->seen.failed++;
	note(r, false, reason);
	for (w = TAILQ_FIRST(&r->waiters); w != NULL; w = next) {
		next = TAILQ_NEXT(w, link);
		if (w->serves || w->wants > r->begun)
			continue;
		control_fail(w->call, code, "%s", reason);
		finish(w);
	}
}

void
reloads_serves(struct reloads *r)
{
	struct waiter *w;

	r->seen.done++;
	note(r, true, "");
	TAILQ_FOREACH(w, &r->waiters, link)
		if (w->wants <= r->begun)
			w->serves = true;
}

void
reloads_let_go(struct reloads *r, unsigned generation)
{
	struct waiter *w, *next;
	char number[16];

	(void)snprintf(number, sizeof(number), "%u", generation);
	for (w = TAILQ_FIRST(&r->waiters); w != NULL; w = next) {
		next = TAILQ_NEXT(w, link);
		if (!w->serves)
			continue;
		control_row(w->call, "generation", NULL);
		control_row(w->call, number, NULL);
		finish(w);
	}
}

void
reloads_stop(struct reloads *r)
{
	struct waiter *w;

	r->seen.under_way = false;
	while ((w = TAILQ_FIRST(&r->waiters)) != NULL) {
		control_fail(w->call, "failed", "mitmd is stopping");
		finish(w);
	}
}

const struct reload_seen *
reloads_seen(const struct reloads *r)
{
	return &r->seen;
}

struct reloads *
reloads_new(void)
{
	struct reloads *r = mem_new(struct reloads);

	TAILQ_INIT(&r->waiters);
	return r;
}

void
reloads_free(struct reloads **pr)
{
	struct reloads *r = pr != NULL ? *pr : NULL;

	if (r == NULL)
		return;
	CHECK(TAILQ_EMPTY(&r->waiters));	/* the control socket was closed before */
	*pr = NULL;
	free(r);
}
