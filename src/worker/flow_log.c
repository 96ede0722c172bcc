/* SPDX-License-Identifier: ISC */
/* flow_log.c - see flow_log.h.  Runs in: worker. */
#include "config.h"

#include "worker/flow_log.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "worker/flow.h"
#include "worker/worker_state.h"

#define LINES_BURST 20
#define LINES_PER_SECOND 5
#define URL_SHOWN 200

/* A token bucket for lines about errors; a process has one log. */
static struct {
	uint64_t filled;	/* monotonic microseconds up to which tokens were given */
	uint64_t left_out;
	unsigned tokens;
} bucket;

static bool
may_say(void)
{
	uint64_t now = clock_mono_us(), step = 1000000u / LINES_PER_SECOND;
	uint64_t fresh = (now - bucket.filled) / step;

	if (bucket.filled == 0 || bucket.tokens + fresh >= LINES_BURST) {
		bucket.tokens = LINES_BURST;
		bucket.filled = now;
	} else {
		bucket.tokens += (unsigned)fresh;
		bucket.filled += fresh * step;
	}
	if (bucket.tokens == 0) {
		bucket.left_out++;
		return false;
	}
	bucket.tokens--;
	return true;
}

static void
say_left_out(void)
{
	if (bucket.left_out == 0)
		return;
	log_info("flows: %llu more lines about errors were left out",
	    (unsigned long long)bucket.left_out);
	bucket.left_out = 0;
}

void
flow_log(const struct flow *f, struct str url)
{
	enum conf_log_flows flows = f->worker->conf->log.flows;
	bool failed = f->error[0] != '\0';
	struct str method = f->request.method.n > 0 ? f->request.method : STR("-");
	char client[ADDR_TEXT_SIZE];
	uint64_t us = f->times.response_done - f->times.request_begun;

	if (flows == CONF_FLOWS_OFF || (flows == CONF_FLOWS_ERRORS && !failed))
		return;
	if (flows == CONF_FLOWS_ERRORS) {
		if (!may_say())
			return;
		say_left_out();
	}
	log_info("flow %s %s %.*s %.*s: %u, %llu ms%s%s%s%s", f->facts.tag,
	    addr_ip_text(&f->facts.client, client), STR_ARG(str_sub(method, 0, 32)),
	    STR_ARG(str_sub(url, 0, URL_SHOWN)), f->has_response ? f->response.status : 0,
	    (unsigned long long)(us / 1000), f->tunnel_reason != NULL ? ", tunnel: " : "",
	    f->tunnel_reason != NULL ? f->tunnel_reason : "", failed ? ", " : "", f->error);
}
