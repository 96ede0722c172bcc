/* SPDX-License-Identifier: ISC */
/*
 * walls.c - what stands of the sandbox, as each process has told in its counters,
 * and a word in the log when that is less than was promised, or when somebody runs
 * against it.
 * Runs in: master.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "master/state.h"
#include "proc/counters.h"
#include "proc/denied.h"
#include "proc/sandbox.h"
#include "proc/sandbox_calls.h"

void
walls_build(struct master *m, const struct conf *conf)
{
	uint64_t walls = sandbox_master(conf) | (m->keyring.locked ? WALL_LOCKED_KEYS : 0);

	counter_set(&m->counters[SLOT_MASTER].protections, walls);
}

static void
put_missing(const struct master *m, enum role role, unsigned slot, struct buf *out)
{
	uint64_t missing =
	    sandbox_missing(counter_get(&m->counters[slot].protections), role);

	if (missing == 0)
		return;
	buf_printf(out, "%s%s without ", out->len > 0 ? "; " : "", role_name(role));
	sandbox_names(missing, out);
}

void
walls_tell(struct master *m, const struct generation *gen)
{
	struct buf text;
	char *now;

	buf_init(&text, 0);
	put_missing(m, ROLE_MASTER, SLOT_MASTER, &text);
	put_missing(m, ROLE_SIGNER, gen->signer.slot, &text);
	put_missing(m, ROLE_RECORDER, SLOT_RECORDER, &text);
	put_missing(m, ROLE_WORKER, gen->workers[0].slot, &text);
	now = str_dup(buf_str(&text));
	buf_free(&text);
	/* Once, and again only when it is another story. */
	if (*now != '\0' && (m->walls_told == NULL || strcmp(m->walls_told, now) != 0))
		log_warning("sandbox: %s: %s", gen->conf->sandbox == CONF_SANDBOX_OFF ?
		    "off" : "degraded", now);
	free(m->walls_told);
	m->walls_told = now;
}

void
walls_denied(const struct master *m, unsigned slot, struct buf *out)
{
	int calls[DENIED_LATEST];
	unsigned n = denied_latest(&m->counters[slot], calls), i;
	char name[SANDBOX_CALL_NAME];

	for (i = 0; i < n; i++) {
		sandbox_call_name(calls[i], name);
		buf_printf(out, "%s%s", i > 0 ? ", " : "", name);
	}
}

void
walls_look(struct child *c)
{
	uint64_t now = counter_get(&c->master->counters[c->slot].denied_now);
	struct buf names;

	if (now <= c->denied)
		return;
	c->denied = now;
	buf_init(&names, 0);
	walls_denied(c->master, c->slot, &names);
	log_event(LOG_LEVEL_WARNING, LOG_CALL_DENIED, true, NULL, 0,
	    "sandbox: %s %u (pid %d) makes system calls that are denied (%llu so far, the "
	    "latest: %.*s)", role_name(c->role), c->index, (int)c->pid,
	    (unsigned long long)now, STR_ARG(buf_str(&names)));
	buf_free(&names);
}
