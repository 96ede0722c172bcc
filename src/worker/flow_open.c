/* SPDX-License-Identifier: ISC */
/*
 * flow_open.c - what the table of open flows is told of a flow, so that it leaves
 * a trace if this process dies (shm/open_flows.h).
 * Runs in: worker, tests.
 */
#include "config.h"

#include "shm/open_flows.h"
#include "worker/flow.h"
#include "worker/handover.h"
#include "worker/worker_state.h"

/* As much as there is room for. */
static size_t
put(char *to, size_t max, struct str from, uint8_t *flags)
{
	size_t n = MIN(from.n, max);

	if (n < from.n)
		*flags |= OPEN_CUT;
	if (n > 0)
		memcpy(to, from.p, n);
	return n;
}

static void
fill(struct open_flow *o, const struct flow *f)
{
	const struct flow_facts *facts = &f->facts;
	uint8_t flags = 0;

	if (f->request.is_connect)
		flags |= OPEN_CONNECT;
	if (strcmp(facts->scheme, "https") == 0)
		flags |= OPEN_SECURE;
	o->started_wall_us = f->times.started_wall;
	o->started_us = f->times.request_begun;
	o->client_id = facts->client_id;
	o->client = facts->client;
	o->version = (uint8_t)f->request.version;
	o->port = facts->has_origin ? facts->origin.port : 0;
	o->tag_len = (uint8_t)put(o->tag, OPEN_TAG_MAX, str_z(facts->tag), &flags);
	o->method_len = (uint8_t)put(o->method, OPEN_METHOD_MAX, f->request.method, &flags);
	o->host_len = (uint8_t)put(o->host, OPEN_HOST_MAX,
	    str_of(facts->origin.host, facts->origin.host_len), &flags);
	o->path_len = (uint16_t)put(o->path, OPEN_PATH_MAX, f->request.path, &flags);
	o->flags = flags;
}

void
flow_known(struct flow *f)
{
	struct open_flows *open;
	struct open_flow *row;

	if (f->open != 0 || f->worker->handover == NULL)
		return;
	open = handover_open_flows(f->worker->handover);
	if (open == NULL || f->facts.tag[0] == '\0' || f->facts.scheme == NULL)
		return;
	f->open = open_flows_begin(open, &row);
	if (f->open == 0)
		return;
	fill(row, f);
	open_flows_known(open, f->open);
}
