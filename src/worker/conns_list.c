/* SPDX-License-Identifier: ISC */
/* conns_list.c - see conns_list.h.  Runs in: worker. */
#include "config.h"

#include "worker/conns_list.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/words.h"
#include "worker/front_h1.h"
#include "worker/front_h2.h"
#include "worker/front_state.h"
#include "worker/h2.h"
#include "worker/intercept_state.h"

#define ASKS_MAX 256		/* more than the master ever has */
#define TICK_SECONDS 0.001
#define TICK_ROWS 128
#define TICK_BYTES (48u << 10)	/* of a message; a row is far smaller than what is left */

static const char columns[] = "client\ttag\tkind\thost\tport\tstate\tseconds\trequests\t"
    "received\tsent\n";

struct conns_list {
	struct worker *worker;
	ev_timer tick;
	uint32_t asks[ASKS_MAX];	/* their ids, the first of them is being answered */
	size_t nasks;
	uint64_t behind;		/* its rows of fronts up to that one were sent */
};

/* ---- what a front is doing ---- */

struct doing {
	const char *kind, *state;
	const struct host_port *host;
	uint16_t port;
};

static const char *
busy(bool idle)
{
	return idle ? "idle" : "active";
}

static struct doing
inside_connect(const struct intercept *it)
{
	static const char *const states[] = {
		[DIAL] = "connecting", [SNIFF] = "waiting", [ORIGIN_TLS] = "handshake",
		[LEAF] = "handshake", [CLIENT_TLS] = "handshake", [INNER] = "waiting",
		[HTTP] = "active", [HTTP2] = "active", [TUNNEL] = "active",
	};
	struct doing d = {"connect", states[it->state], &it->name, it->target.port};

	if (it->name.host_len == 0)
		d.host = &it->target;
	if (it->state == HTTP) {
		d.kind = it->tls != NULL ? "https" : "http";
		d.state = busy(it->h1 == NULL || front_h1_idle(it->h1));
	} else if (it->state == HTTP2) {
		d.kind = "https/2";
		d.state = busy(it->h2_client == NULL || h2_idle(it->h2_client));
	} else if (it->state == TUNNEL) {
		d.kind = it->tunnel != NULL && tunnel_is_websocket(it->tunnel) ?
		    "websocket" : "tunnel";
	}
	return d;
}

static struct doing
what_of(const struct front *fr)
{
	struct doing d = {"http", "active", &fr->seen.host, fr->seen.host.port};

	if (fr->intercept != NULL)
		return inside_connect(fr->intercept);
	if (fr->h2 != NULL) {
		d.kind = "http/2";
		d.state = busy(front_h2_idle(fr->h2));
	} else if (fr->tunnel != NULL) {
		d.kind = tunnel_is_websocket(fr->tunnel) ? "websocket" : "tunnel";
	} else if (fr->h1 != NULL) {
		d.state = busy(front_h1_idle(fr->h1));
	}
	return d;
}

/* ---- rows ---- */

static void
put_row(struct buf *out, const struct front *fr)
{
	const struct front_seen *seen = &fr->seen;
	struct doing d = what_of(fr);
	char client[ADDR_TEXT_SIZE];

	buf_printf(out, "%s\t", addr_text(&fr->client_addr, client));
	word_put(out, str_z(seen->tag));
	buf_printf(out, "\t%s\t", d.kind);
	word_put(out, str_of(d.host->host, d.host->host_len));
	if (d.host->host_len > 0)
		buf_printf(out, "\t%u", d.port);
	else
		buf_putc(out, '\t');
	buf_printf(out, "\t%s\t%llu\t%u\t%llu\t%llu\n", d.state,
	    (unsigned long long)(clock_mono_us() - seen->since_us) / 1000000, seen->requests,
	    (unsigned long long)seen->bytes.received, (unsigned long long)seen->bytes.sent);
}

/* They stand in the order of their ids: who comes and goes meanwhile disturbs nothing. */
static bool
put_rows(struct conns_list *l, struct buf *out)
{
	const struct front *fr;
	unsigned n = 0;

	TAILQ_FOREACH(fr, &l->worker->fronts, link) {
		if (fr->client_id <= l->behind)
			continue;
		if (n++ == TICK_ROWS || out->len > TICK_BYTES)
			return false;
		put_row(out, fr);
		l->behind = fr->client_id;
	}
	return true;
}

static void
next_ask(struct conns_list *l)
{
	l->nasks--;
	memmove(l->asks, l->asks + 1, l->nasks * sizeof(*l->asks));
	l->behind = 0;
	if (l->nasks == 0)
		ev_timer_stop(l->worker->loop, &l->tick);
}

static void
on_tick(struct ev_loop *loop UNUSED, ev_timer *t, int events UNUSED)
{
	struct conns_list *l = t->data;
	struct channel *master = l->worker->proc->master;
	struct buf rows = {0};
	struct msg_listed part = {.id = l->asks[0]};

	/* A master that is slow gets the next rows when it has taken these. */
	if (channel_queued(master) > 0)
		return;
	if (l->behind == 0)
		buf_putz(&rows, columns);
	part.last = put_rows(l, &rows);
	part.rows = buf_str(&rows);
	(void)CHANNEL_TELL(master, LISTED, listed, &part);
	buf_free(&rows);
	if (part.last)
		next_ask(l);
}

/* ---- questions ---- */

int
conns_list_asked(struct conns_list *l, struct str body)
{
	struct msg_list ask;

	if (msg_unpack_list(body, &ask) != 0 || l->nasks == ASKS_MAX)
		return -1;
	l->asks[l->nasks++] = ask.id;
	if (l->nasks == 1)
		ev_timer_again(l->worker->loop, &l->tick);
	return 0;
}

struct conns_list *
conns_list_new(struct worker *w)
{
	struct conns_list *l = mem_new(struct conns_list);

	l->worker = w;
	ev_timer_init(&l->tick, on_tick, TICK_SECONDS, TICK_SECONDS);
	l->tick.data = l;
	return l;
}

void
conns_list_free(struct conns_list **pl)
{
	struct conns_list *l = *pl;

	*pl = NULL;
	if (l == NULL)
		return;
	ev_timer_stop(l->worker->loop, &l->tick);
	free(l);
}
