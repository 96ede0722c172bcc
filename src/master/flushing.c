/* SPDX-License-Identifier: ISC */
/* flushing.c - see flushing.h.  Runs in: master. */
#include "config.h"

#include "master/flushing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "master/polls.h"

#define WORKERS_SECONDS 2.0	/* one that hangs keeps what it has, and not the others */

struct flushing {
	struct master *master;
	struct control_call *call;	/* NULL: it was a signal */
	struct poll *poll;
	char *tag;
	uint32_t files;
};

static void begin(struct master *, struct control_call *, struct str tag);

static void
on_gone(void *arg)
{
	struct flushing *f = arg;

	poll_free(&f->poll);
	free(f->tag);
	free(f);
}

/* why: NULL, or what went wrong. */
static void
end(struct flushing *f, const char *why)
{
	struct control_call *call = f->call;
	struct master *m = f->master;
	uint32_t files = f->files;
	char number[16];

	on_gone(f);
	if (why == NULL)
		log_info("finished %u HAR files", files);
	if (call != NULL) {
		(void)snprintf(number, sizeof(number), "%u", files);
		control_row(call, "files", NULL);
		control_row(call, number, NULL);
		if (why != NULL)
			control_fail(call, "busy", "%s", why);
		control_done(call);
		return;
	}
	if (why != NULL)
		log_warning("no file was finished: %s", why);
	m->flushing = false;
	if (m->flush_again)
		flushing_all(m);
}

static void
on_flushed(void *arg, const struct child *c UNUSED, struct str rows UNUSED, uint32_t files)
{
	struct flushing *f = arg;

	f->files += files;
}

static void
on_files_done(void *arg, unsigned missing)
{
	struct flushing *f = arg;

	f->poll = NULL;
	end(f, missing > 0 ? "the recorder is being started again" : NULL);
}

static void
on_workers_done(void *arg, unsigned missing)
{
	/* No limit: disks are slow, and a recorder that hangs is killed. */
	static const struct poll_ops ops = {.answer = on_flushed, .done = on_files_done};
	struct flushing *f = arg;

	if (missing > 0)
		log_debug("flush: %u workers did not answer", missing);
	f->poll = poll_new(f->master, &ops, 0, f);
	poll_ask(f->poll, &f->master->recorder, MSG_FLUSH, str_z(f->tag));
	poll_begin(f->poll);
}

static void
begin(struct master *m, struct control_call *call, struct str tag)
{
	static const struct poll_ops ops = {.done = on_workers_done};
	struct flushing *f = mem_new(struct flushing);
	struct generation *gen;
	unsigned i;

	if (call != NULL && !control_later(call, on_gone, f)) {
		free(f);
		return;
	}
	f->master = m;
	f->call = call;
	f->tag = str_dup(tag);
	f->poll = poll_new(m, &ops, WORKERS_SECONDS, f);
	TAILQ_FOREACH(gen, &m->generations, link)
		for (i = 0; i < gen->nworkers; i++)
			if (gen->workers[i].ready)
				poll_ask(f->poll, &gen->workers[i], MSG_TELL, tag);
	poll_begin(f->poll);
}

void
flushing_ask(struct master *m, struct control_call *call, struct str tag)
{
	begin(m, call, tag);
}

void
flushing_all(struct master *m)
{
	m->flush_again = m->flushing;
	if (m->flushing)
		return;
	m->flushing = true;
	begin(m, NULL, STR_NONE);
}
