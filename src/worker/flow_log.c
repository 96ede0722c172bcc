/* SPDX-License-Identifier: ISC */
/* flow_log.c - see flow_log.h.  Runs in: worker. */
#include "config.h"

#include "worker/flow_log.h"

#include <stdio.h>

#include "base/log.h"
#include "conf/conf.h"
#include "worker/flow.h"
#include "worker/worker_state.h"

#define URL_SHOWN 200

static struct str
number(char text[24], uint64_t n)
{
	return str_of(text, (size_t)snprintf(text, 24, "%llu", (unsigned long long)n));
}

/* What it is called in the log: so many flows of this worker's slot before it. */
static struct str
name_it(char text[40], const struct worker *w)
{
	static uint64_t last;	/* a process has one log */

	return str_of(text, (size_t)snprintf(text, 40, "%u-%llu", w->proc->slot,
	    (unsigned long long)++last));
}

static uint64_t
bytes_to_client(const struct flow *f)
{
	int64_t wire = f->has_response ? f->response.wire_bytes : 0;

	return f->bytes_down + (wire > 0 ? (uint64_t)wire : 0);
}

static void
say(const struct flow *f, struct str url, bool failed, bool limited)
{
	struct str method = f->request.method.n > 0 ? f->request.method : STR("-");
	uint64_t ms = (f->times.response_done - f->times.request_begun) / 1000;
	unsigned status = f->has_response ? f->response.status : 0;
	char client[ADDR_TEXT_SIZE], id[40], n[4][24];
	const struct log_field fields[] = {
		{"flow", name_it(id, f->worker), false},
		{"tag", str_z(f->facts.tag), false},
		{"client", str_z(addr_ip_text(&f->facts.client, client)), false},
		{"method", str_sub(method, 0, 32), false},
		{"url", str_sub(url, 0, URL_SHOWN), false},
		{"host", f->facts.has_origin ? str_z(f->facts.origin.host) : STR_NONE, false},
		{"connection", number(n[0], f->facts.origin_id), true},
		{"status", number(n[1], status), true},
		{"ms", number(n[2], ms), true},
		{"bytes", number(n[3], bytes_to_client(f)), true},
		{"tunnel", str_z(f->tunnel_reason), false},
		{"error", failed ? str_z(f->error) : STR_NONE, false},
	};

	log_event(LOG_LEVEL_INFO, failed ? LOG_FLOW_FAILED : LOG_FLOW, limited, fields,
	    NELEM(fields),
	    "flow %s %s %.*s %.*s: %u, %llu ms%s%s%s%s", f->facts.tag, client,
	    STR_ARG(str_sub(method, 0, 32)), STR_ARG(str_sub(url, 0, URL_SHOWN)), status,
	    (unsigned long long)ms, f->tunnel_reason != NULL ? ", tunnel: " : "",
	    f->tunnel_reason != NULL ? f->tunnel_reason : "", failed ? ", " : "", f->error);
}

void
flow_log(const struct flow *f, struct str url)
{
	enum conf_log_flows flows = f->worker->conf->log.flows;
	bool failed = f->error[0] != '\0';

	if (flows == CONF_FLOWS_ALL || (flows == CONF_FLOWS_ERRORS && failed))
		say(f, url, failed, flows == CONF_FLOWS_ERRORS);
}
