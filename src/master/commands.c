/* SPDX-License-Identifier: ISC */
/*
 * commands.c - THE table of what mitmctl may ask of a running mitmd.
 * Runs in: master.
 */
#include "config.h"

#include "master/commands.h"

#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "master/flushing.h"
#include "master/leaving.h"
#include "master/reloads.h"
#include "master/state.h"

#define DRAIN_SECONDS_MAX (366 * 86400)

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

static void
flush(void *arg, struct control_call *call, int nwords, char **words)
{
	struct str tag = nwords == 1 ? str_z(words[0]) : STR_NONE;

	if (nwords > 1 || (nwords == 1 && !ring_tag_ok(tag)))
		control_fail(call, "usage", "flush takes nothing, or one tag");
	else
		flushing_ask(arg, call, tag);
}

/* From here on the entries go from the recorder to mitmctl; the master is out of it. */
static void
tail(void *arg, struct control_call *call, int nwords, char **words)
{
	struct master *m = arg;
	struct msg_none none = {0};
	int fd;

	if (nwords > 0) {
		control_fail(call, "usage", "tail takes nothing, not '%s'", words[0]);
		return;
	}
	if (m->stopping || !m->recorder.ready || m->recorder.channel == NULL) {
		control_fail(call, m->stopping ? "failed" : "busy", m->stopping ?
		    "mitmd is stopping" : "the recorder is being started");
		return;
	}
	log_info("control: uid %u follows the entries", (unsigned)control_uid(call));
	fd = control_take(call);
	if (fd != -1)
		(void)CHANNEL_TELL_FDS(m->recorder.channel, TAIL, none, &none, &fd, 1);
	fd_close(&fd);
}

static void
cancel_drain(struct master *m, struct control_call *call)
{
	control_row(call, "cancelled", NULL);
	control_row(call, m->leaving ? "1" : "0", NULL);
	if (!m->leaving)
		return;
	log_info("control: uid %u takes the drain back: this mitmd stays",
	    (unsigned)control_uid(call));
	leaving_cancel(m);
}

static void
drain(void *arg, struct control_call *call, int nwords, char **words)
{
	struct master *m = arg;
	const struct conf *conf = m->current->conf;
	uint64_t seconds = conf->drain_timeout_ms / 1000;
	struct str word = nwords == 1 ? str_z(words[0]) : STR_NONE;
	bool cancel = str_eq(word, STR("cancel"));
	char limit[24], idle[24];

	if (nwords > 1 || (nwords == 1 && !cancel && !(str_starts(word, STR("timeout=")) &&
	    str_u64(str_from(word, 8), DRAIN_SECONDS_MAX, &seconds)))) {
		control_fail(call, "usage",
		    "drain takes nothing, timeout=SECONDS, or 'cancel'");
		return;
	}
	if (m->stopping) {
		control_fail(call, "failed", "mitmd is stopping");
		return;
	}
	if (cancel) {
		cancel_drain(m, call);
		return;
	}
	log_info("control: uid %u drains this mitmd: it ends when nobody has been connected "
	    "for %llu s, in %llu s at the latest", (unsigned)control_uid(call),
	    (unsigned long long)conf->drain_idle_ms / 1000, (unsigned long long)seconds);
	leaving_begin(m, (double)seconds);
	(void)snprintf(limit, sizeof(limit), "%llu", (unsigned long long)seconds);
	(void)snprintf(idle, sizeof(idle), "%llu",
	    (unsigned long long)conf->drain_idle_ms / 1000);
	control_row(call, "timeout", "idle", NULL);
	control_row(call, limit, idle, NULL);
}

static const struct control_command commands[] = {
	{"bypass", "list", commands_bypass_list},
	{"bypass", "add", commands_bypass_add},	/* HOST[:PORT] [for=SECONDS] [client=WHO] */
	{"bypass", "remove", commands_bypass_remove},	/* HOST[:PORT]|all */
	{"conns", NULL, commands_conns},
	{"drain", NULL, drain},				/* [timeout=SECONDS | cancel] */
	{"flush", NULL, flush},				/* [TAG] */
	{"reload", NULL, reload},			/* [wait] */
	{"status", NULL, commands_status},
	{"tags", NULL, commands_tags},
	{"tail", NULL, tail},
};

struct control *
commands_new(struct master *m)
{
	return control_new(m->loop, commands, NELEM(commands), CONTROL_PATIENCE,
	    CONTROL_GRACE, m);
}
