/* SPDX-License-Identifier: ISC */
/* tunnel.c - see tunnel.h.  Runs in: worker. */
#include "config.h"

#include "worker/tunnel.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

struct tunnel {
	struct conn *client, *origin;
	bool client_ended, origin_ended;
	struct flow *flow;
	tunnel_done_fn *done;
	void *arg;
};

size_t
tunnel_held(const struct tunnel *t)
{
	return t == NULL ? 0 : conn_held(t->client) + conn_held(t->origin) + flow_held(t->flow);
}

bool
tunnel_is_websocket(const struct tunnel *t)
{
	return t->flow->capture.ws != NULL;
}

static struct conn *
other(const struct tunnel *t, const struct conn *c)
{
	return c == t->client ? t->origin : t->client;
}

static void
finish(struct tunnel *t, bool tell)
{
	struct flow *f = t->flow;
	tunnel_done_fn *done = t->done;
	void *arg = t->arg;

	conn_close(&t->client);
	conn_close(&t->origin);
	free(t);
	flow_tunnel_done(f);
	if (tell)
		done(arg);
}

static size_t
on_data(void *owner, struct conn *c, const uint8_t *p, size_t n)
{
	struct tunnel *t = owner;
	struct conn *to = other(t, c);

	if (c == t->client)
		t->flow->bytes_up += n;
	else
		t->flow->bytes_down += n;
	conn_relay(to, p, n);
	capture_tunnel(t->flow, c == t->client ? FLOW_FRONT : FLOW_BACK, p, n);
	if (conn_full(to))
		conn_pause(c);
	return n;
}

static void
on_writable(void *owner, struct conn *c)
{
	conn_resume(other(owner, c));
}

static void
note(struct flow *f, const char *text)
{
	if (f->error[0] == '\0')
		(void)snprintf(f->error, sizeof(f->error), "%s", text);
}

/* slow: what a peer did, or NULL: nothing moved. */
static void
on_late(struct tunnel *t, bool is_client, const char *slow)
{
	struct flow *f = t->flow;

	if (slow == NULL) {
		note(f, "tunnel was idle for too long");
	} else {
		if (f->error[0] == '\0')
			(void)snprintf(f->error, sizeof(f->error), "timeout: %s %s",
			    is_client ? "client" : "origin", slow);
		/* Bytes are lost: neither side may take this for an orderly end. */
		conn_reset(&t->client);
		conn_reset(&t->origin);
	}
	finish(t, true);
}

static void
on_ended(void *owner, struct conn *c, enum conn_end how)
{
	struct tunnel *t = owner;
	bool is_client = c == t->client;

	if (how == CONN_END_TIMEOUT) {
		on_late(t, is_client, conn_slow_text(conn_late(c)));
		return;
	}
	if (how == CONN_END_RESET || how == CONN_END_TLS) {
		note(t->flow,
		    is_client ? "client reset the tunnel" : "origin reset the tunnel");
		conn_reset(is_client ? &t->origin : &t->client);
		finish(t, true);
		return;
	}
	*(is_client ? &t->client_ended : &t->origin_ended) = true;
	conn_shutdown(other(t, c), how);
	if (t->client_ended && t->origin_ended)
		finish(t, true);
}

static void
on_secured(void *owner UNUSED, struct conn *c UNUSED)
{
	CHECK(!"a tunnel starts no TLS");
}

static const struct conn_ops ops = {
    .data = on_data, .ended = on_ended, .writable = on_writable, .secured = on_secured};

struct tunnel *
tunnel_new(struct conn **client, struct conn **origin, struct flow *f, uint64_t idle_ms,
    tunnel_done_fn *done, void *arg)
{
	struct tunnel *t = mem_new(struct tunnel);

	t->client = *client;
	t->origin = *origin;
	*client = *origin = NULL;
	t->flow = f;
	t->done = done;
	t->arg = arg;
	conn_set_owner(t->client, &ops, t);
	conn_set_owner(t->origin, &ops, t);
	conn_deadline(t->client, TIMEOUT_IDLE, idle_ms);
	conn_no_deadline(t->origin);
	conn_resume(t->client);
	conn_resume(t->origin);
	/* One side may have closed its half while we looked at the first bytes. */
	if (conn_ended(t->client)) {
		t->client_ended = true;
		conn_shutdown(t->origin, CONN_END_CLEAN);
	}
	return t;
}

void
tunnel_cut(struct tunnel **pt, const char *error)
{
	struct tunnel *t = *pt;

	*pt = NULL;
	if (t == NULL)
		return;
	note(t->flow, error);
	finish(t, false);
}
