/* SPDX-License-Identifier: ISC */
/* told.c - see told.h.  Runs in: worker. */
#include "config.h"

#include "worker/told.h"

#include <stdlib.h>

#include "base/mem.h"
#include "worker/capture.h"
#include "worker/handover.h"
#include "worker/worker_state.h"

#define PENDING_MAX 256	/* more than the master ever asks at once */

struct told {
	struct worker *worker;
	struct msg_flushed pending[PENDING_MAX];
	size_t n;
};

int
told_message(struct told *t, struct str body)
{
	struct msg_flush ask;

	if (msg_unpack_flush(body, &ask) != 0 || t->n == PENDING_MAX)
		return -1;
	t->pending[t->n++] = (struct msg_flushed){
	    .id = ask.id, .files = capture_tell(t->worker, ask.tag)};
	return 0;
}

void
told_turn(struct told *t)
{
	size_t i;

	/* What the ring had no room for is tried again soon, and given up at last. */
	if (t->n == 0 || !handover_idle(t->worker->handover))
		return;
	for (i = 0; i < t->n; i++)
		(void)CHANNEL_TELL(t->worker->proc->master, TOLD, flushed, &t->pending[i]);
	t->n = 0;
}

struct told *
told_new(struct worker *w)
{
	struct told *t = mem_new(struct told);

	t->worker = w;
	return t;
}

void
told_free(struct told **pt)
{
	free(*pt);
	*pt = NULL;
}
