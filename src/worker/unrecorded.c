/* SPDX-License-Identifier: ISC */
/* unrecorded.c - see unrecorded.h.  Runs in: worker. */
#include "config.h"

#include "worker/unrecorded.h"

#include <stdio.h>

#include "proc/counters.h"
#include "worker/flow.h"
#include "worker/handover.h"
#include "worker/worker_state.h"

#define REFUSED_STREAM 7	/* RFC 9113 7: not looked at, may be repeated */

bool
unrecorded_refuse(struct flow *f)
{
	struct worker *w = f->worker;

	if (w->conf->spool.when_full != CONF_FULL_BLOCK || !handover_refused(w->handover))
		return false;
	counter_add(&w->counters->requests_unrecorded, 1);
	if (f->facts.tls != NULL) {
		f->was_reset = true;
		f->reset_code = REFUSED_STREAM;
	}
	(void)snprintf(f->reply_extra, sizeof(f->reply_extra),
	    "Proxy-Status: mitmd; error=proxy_internal_error; details=\"spool\"\r\n");
	flow_turn_away(f, 503, "nothing can be recorded now, and nothing may go unrecorded: "
	    "the spool is full or broken");
	return true;
}
