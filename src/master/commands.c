/* SPDX-License-Identifier: ISC */
/*
 * commands.c - THE table of what mitmctl may ask of a running mitmd.
 * Runs in: master.
 */
#include "config.h"

#include "master/commands.h"

#include <string.h>

#include "master/reloads.h"
#include "master/state.h"

/* Without "wait": what is known at once, which is whether the file is good. */
static void
reload(void *arg, struct control_call *call, int nwords, char **words)
{
	struct master *m = arg;
	const struct reload_seen *seen = reloads_seen(m->reloads);
	unsigned failed = seen->failed;
	bool wait = nwords == 1 && strcmp(words[0], "wait") == 0;

	if (nwords > 0 && !wait) {
		control_fail(call, "usage", "reload takes nothing, or 'wait'");
		return;
	}
	if (m->stopping) {
		control_fail(call, "failed", "mitmd is stopping");
		return;
	}
	if (wait && !reloads_wait(m->reloads, call))
		return;
	log_info("control: uid %u asks for a reload", (unsigned)control_uid(call));
	master_reload(m);
	if (!wait && seen->failed > failed)
		control_fail(call, "config", "%s", seen->reason);
}

static const struct control_command commands[] = {
	{"bypass", "list", commands_bypass_list},
	{"bypass", "add", commands_bypass_add},	/* HOST[:PORT] [for=SECONDS] [client=ADDRESS] */
	{"bypass", "remove", commands_bypass_remove},	/* HOST[:PORT]|all */
	{"reload", NULL, reload},			/* [wait] */
	{"status", NULL, commands_status},
};

struct control *
commands_new(struct master *m)
{
	return control_new(m->loop, commands, NELEM(commands), CONTROL_PATIENCE,
	    CONTROL_GRACE, m);
}
