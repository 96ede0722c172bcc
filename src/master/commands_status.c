/* SPDX-License-Identifier: ISC */
/*
 * commands_status.c - status: what runs, how it goes, and what somebody should look
 * at.  One value a row, so that new ones disturb nobody:
 *
 *	section  of what kind the thing is: mitmd, generations, processes,
 *	         listeners, spool, reload, counters, problems
 *	item     which one: rows of the same section and item belong together
 *	name     of the value
 *	type     text, number or flag (0, 1)
 *	value
 * Runs in: master.
 */
#include "config.h"

#include "master/commands.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "master/leaving.h"
#include "master/reloads.h"
#include "master/state.h"
#include "proc/counters.h"
#include "proc/metrics.h"
#include "proc/sandbox.h"

/* Where rows go. */
struct report {
	struct master *m;
	struct control_call *call;
	const char *section;
	unsigned item, nproblems;
};

static void
begin(struct report *r, const char *section, unsigned item)
{
	r->section = section;
	r->item = item;
}

static void
value(struct report *r, const char *name, const char *type, const char *text)
{
	char item[16];

	(void)snprintf(item, sizeof(item), "%u", r->item);
	control_row(r->call, r->section, item, name, type, text, NULL);
}

static void
text(struct report *r, const char *name, const char *v)
{
	value(r, name, "text", v != NULL ? v : "");
}

static void
number(struct report *r, const char *name, uint64_t v)
{
	char digits[24];

	(void)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)v);
	value(r, name, "number", digits);
}

static void
flag(struct report *r, const char *name, bool v)
{
	value(r, name, "flag", v ? "1" : "0");
}

static void
date(struct report *r, const char *name, int64_t seconds)
{
	char iso[CLOCK_ISO_SIZE] = "";

	if (seconds > 0)
		clock_iso((uint64_t)seconds * 1000000, iso);
	text(r, name, iso);
}

static void PRINTF(2, 3)
problem(struct report *r, const char *fmt, ...)
{
	char what[1280];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	begin(r, "problems", r->nproblems++);
	text(r, "text", what);
}

static uint64_t
since(uint64_t mono_us)
{
	return (clock_mono_us() - mono_us) / 1000000;
}

/* ---- processes ---- */

static const char *
child_state(const struct child *c)
{
	if (c->pid <= 0)
		return ev_is_active(&c->again) ? "waiting" : "gone";
	if (!c->ready)
		return "starting";
	if (c->leaving)
		return "leaving";
	return c->crash_looping ? "crash loop" : "running";
}

/* As it has told itself, within the last second: its /proc may be hidden from us. */
static void
put_resources(struct report *r, unsigned slot)
{
	const struct counters *own = &r->m->counters[slot];

	number(r, "cpu_ms", counter_get(&own->cpu_now) / 1000);
	number(r, "memory", counter_get(&own->process_private));
	number(r, "descriptors", counter_get(&own->process_fds));
}

static void
put_denied(struct report *r, unsigned slot)
{
	struct buf names;

	if (counter_get(&r->m->counters[slot].denied_now) == 0)
		return;
	buf_init(&names, 0);
	walls_denied(r->m, slot, &names);
	buf_putc(&names, '\0');
	number(r, "denied_calls", counter_get(&r->m->counters[slot].denied_now));
	text(r, "denied_latest", (const char *)buf_data(&names));
	buf_free(&names);
}

static void
put_walls(struct report *r, enum role role, unsigned slot)
{
	uint64_t walls = counter_get(&r->m->counters[slot].protections);
	uint64_t missing = sandbox_missing(walls, role);
	struct buf names;

	buf_init(&names, 0);
	buf_putz(&names, missing == 0 ? "complete" : "without ");
	sandbox_names(missing, &names);
	buf_putc(&names, '\0');
	text(r, "sandbox", (const char *)buf_data(&names));
	buf_clear(&names);
	sandbox_names(walls, &names);
	buf_putc(&names, '\0');
	text(r, "protections", (const char *)buf_data(&names));
	buf_free(&names);
}

static void
put_child(struct report *r, const struct child *c)
{
	const struct counters *own = &r->m->counters[c->slot];

	text(r, "role", role_name(c->role));
	number(r, "index", c->index);
	if (c->gen != NULL)
		number(r, "generation", c->gen->number);
	text(r, "state", child_state(c));
	if (c->pid > 0) {
		number(r, "pid", (uint64_t)c->pid);
		number(r, "uptime", since(c->started_us));
		put_walls(r, c->role, c->slot);
	}
	number(r, "restarts", c->restarts);
	if (c->last_end[0] != '\0')
		text(r, "last_end", c->last_end);
	if (c->pid > 0 && c->role == ROLE_WORKER)
		number(r, "connections", counter_get(&own->connections_open[SIDE_CLIENT]));
	if (c->pid > 0) {
		put_resources(r, c->slot);
		put_denied(r, c->slot);
	}
}

static void
put_master(struct report *r)
{
	struct master *m = r->m;

	text(r, "role", role_name(ROLE_MASTER));
	number(r, "index", 0);
	text(r, "state", "running");
	number(r, "pid", (uint64_t)m->pid);
	number(r, "uptime", since(m->born_us));
	put_walls(r, ROLE_MASTER, SLOT_MASTER);
	put_resources(r, SLOT_MASTER);
}

static void
put_processes(struct report *r)
{
	struct generation *gen;
	unsigned i, item = 0;

	begin(r, "processes", item++);
	put_master(r);
	begin(r, "processes", item++);
	put_child(r, &r->m->recorder);
	TAILQ_FOREACH(gen, &r->m->generations, link) {
		begin(r, "processes", item++);
		put_child(r, &gen->signer);
		for (i = 0; i < gen->nworkers; i++) {
			begin(r, "processes", item++);
			put_child(r, &gen->workers[i]);
		}
	}
}

/* ---- generations ---- */

static const char *
generation_state(const struct generation *gen)
{
	if (gen->state == GEN_SERVING)
		return "serving";
	return gen->state == GEN_DRAINING ? "draining" : "starting";
}

static void
put_generation(struct report *r, const struct generation *gen)
{
	uint64_t connections = 0, running = 0;
	unsigned i;

	for (i = 0; i < gen->nworkers; i++) {
		const struct child *w = &gen->workers[i];

		if (w->pid <= 0)
			continue;
		running++;
		connections += counter_get(
		    &r->m->counters[w->slot].connections_open[SIDE_CLIENT]);
	}
	number(r, "number", gen->number);
	text(r, "state", generation_state(gen));
	number(r, "seconds", since(gen->since_us));
	number(r, "workers", running);
	number(r, "connections", connections);
}

static void
put_generations(struct report *r)
{
	struct generation *gen;
	unsigned item = 0;

	TAILQ_FOREACH(gen, &r->m->generations, link) {
		begin(r, "generations", item++);
		put_generation(r, gen);
	}
}

/* ---- the rest ---- */

static void
put_mitmd(struct report *r)
{
	const struct master *m = r->m;

	begin(r, "mitmd", 0);
	text(r, "version", PACKAGE_VERSION);
	text(r, "state", m->stopping ? "stopping" :
	    m->leaving ? "leaving" : "serving");
	if (m->leaving && !m->stopping)
		number(r, "leaves_in", leaving_seconds(m));
	number(r, "pid", (uint64_t)m->pid);
	date(r, "started", master_seconds() - (int64_t)since(m->born_us));
	number(r, "uptime", since(m->born_us));
	if (m->current == NULL)
		return;
	text(r, "config", m->current->conf->file);
	text(r, "user", m->current->conf->user);
	text(r, "instance", m->current->conf->instance);
}

static void
put_listeners(struct report *r)
{
	const struct generation *gen = r->m->current;
	char address[ADDR_TEXT_SIZE];
	size_t i;

	for (i = 0; gen != NULL && i < gen->nlisteners; i++) {
		begin(r, "listeners", (unsigned)i);
		text(r, "address", addr_text(&gen->listeners[i].address, address));
		flag(r, "proxy_protocol", gen->listeners[i].conf->nproxy_protocol > 0);
	}
}

static void
put_reload(struct report *r)
{
	const struct reload_seen *seen = reloads_seen(r->m->reloads);

	begin(r, "reload", 0);
	number(r, "done", seen->done);
	number(r, "failed", seen->failed);
	flag(r, "under_way", seen->under_way);
	if (seen->at == 0)
		return;
	date(r, "at", seen->at);
	flag(r, "ok", seen->ok);
	text(r, "reason", seen->reason);
}

static void
put_spool(struct report *r)
{
	const struct counters *own = &r->m->counters[SLOT_RECORDER];

	begin(r, "spool", 0);
	if (r->m->spool_conf != NULL)
		text(r, "dir", r->m->spool_conf->spool.dir);
	flag(r, "ok", r->m->spool_state.ok);
	text(r, "reason", r->m->spool_state.reason);
	number(r, "files", counter_get(&own->spool_files));
	number(r, "bytes", counter_get(&own->spool_bytes));
	number(r, "files_growing", counter_get(&own->spool_files_open));
	number(r, "bytes_growing", counter_get(&own->spool_bytes_open));
	number(r, "bytes_free", counter_get(&own->spool_free_bytes));
}

static void
put_counter(void *arg, const char *name, uint64_t total)
{
	number(arg, name, total);
}

static void
put_counters(struct report *r)
{
	begin(r, "counters", 0);
	metrics_totals(r->m->counters, put_counter, r);
}

/* ---- what somebody should look at ---- */

static void
look_at_denials(struct report *r, const struct child *c)
{
	uint64_t n = counter_get(&c->master->counters[c->slot].denied_now);
	struct buf names;

	if (c->pid <= 0 || n == 0)
		return;
	buf_init(&names, 0);
	walls_denied(c->master, c->slot, &names);
	problem(r, "%s %u makes system calls that its sandbox denies (%llu so far, the latest: "
	    "%.*s): somebody tries to break out, or mitmd's list lacks a call",
	    role_name(c->role), c->index, (unsigned long long)n,
	    STR_ARG(buf_str(&names)));
	buf_free(&names);
}

static void
look_at_child(struct report *r, const struct child *c)
{
	double left = ev_timer_remaining(c->master->loop, (ev_timer *)(uintptr_t)&c->again);

	look_at_denials(r, c);
	if (c->leaving)
		return;
	if (c->pid > 0 && c->crash_looping)
		problem(r, "%s %u keeps dying, the last time: %s", role_name(c->role), c->index,
		    c->last_end);
	else if (c->pid <= 0 && ev_is_active(&c->again) && left >= 1)
		problem(r, "%s %u does not run (%s); it is started again in %.0f s",
		    role_name(c->role), c->index, c->last_end, left);
	else if (c->pid <= 0)
		problem(r, "%s %u does not run (%s)", role_name(c->role), c->index,
		    c->last_end);
}

static void
put_problems(struct report *r)
{
	const struct reload_seen *seen = reloads_seen(r->m->reloads);
	const struct generation *gen = r->m->current;
	unsigned i;

	if (r->m->stopping)
		return;
	if (seen->at != 0 && !seen->ok)
		problem(r, "the last reload failed, the configuration before serves: %s",
		    seen->reason);
	if (!r->m->spool_state.ok && r->m->recorder.ready)
		problem(r, "nothing is recorded: %s", r->m->spool_state.reason);
	look_at_child(r, &r->m->recorder);
	if (gen == NULL)
		return;
	look_at_child(r, &gen->signer);
	for (i = 0; i < gen->nworkers; i++)
		look_at_child(r, &gen->workers[i]);
}

void
commands_status(void *arg, struct control_call *call, int nwords, char **words)
{
	struct report r = {.m = arg, .call = call};

	if (nwords > 0) {
		control_fail(call, "usage", "status takes nothing, not '%s'", words[0]);
		return;
	}
	control_row(call, "section", "item", "name", "type", "value", NULL);
	put_mitmd(&r);
	put_generations(&r);
	put_processes(&r);
	put_listeners(&r);
	put_reload(&r);
	put_spool(&r);
	put_counters(&r);
	put_problems(&r);
}
