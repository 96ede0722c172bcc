/* SPDX-License-Identifier: ISC */
/* tell.c - see tell.h.  Runs in: worker. */
#include "config.h"

#include "worker/tell.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "ipc/channel.h"
#include "ipc/msg.h"
#include "worker/capture.h"
#include "worker/handover.h"
#include "worker/worker_state.h"

/* Asked, and not answered: the ring was full. */
struct tell {
	TAILQ_ENTRY(tell) link;
	struct msg_flushed answer;
};

struct tells {
	struct worker *worker;
	TAILQ_HEAD(, tell) open;
};

struct tells *
tells_new(struct worker *w)
{
	struct tells *ts = mem_new(struct tells);

	ts->worker = w;
	TAILQ_INIT(&ts->open);
	return ts;
}

void
tells_free(struct tells **pts)
{
	struct tells *ts = *pts;
	struct tell *t;

	*pts = NULL;
	if (ts == NULL)
		return;
	while ((t = TAILQ_FIRST(&ts->open)) != NULL) {
		TAILQ_REMOVE(&ts->open, t, link);
		free(t);
	}
	free(ts);
}

int
tells_asked(struct tells *ts, struct str body)
{
	struct msg_flush ask;
	struct tell *t;

	if (msg_unpack_flush(body, &ask) != 0)
		return ERR_SYNTAX;
	t = mem_new(struct tell);
	t->answer.id = ask.id;
	t->answer.files = capture_tell(ts->worker, ask.tag);
	TAILQ_INSERT_TAIL(&ts->open, t, link);
	return 0;
}

void
tells_turn(struct tells *ts)
{
	struct tell *t;

	if (TAILQ_EMPTY(&ts->open) || !handover_idle(ts->worker->handover))
		return;
	handover_kick(ts->worker->handover);	/* before the recorder is asked for its files */
	while ((t = TAILQ_FIRST(&ts->open)) != NULL) {
		(void)CHANNEL_TELL(ts->worker->proc->master, TOLD, flushed, &t->answer);
		TAILQ_REMOVE(&ts->open, t, link);
		free(t);
	}
}
