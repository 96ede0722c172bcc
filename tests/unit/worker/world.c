/* SPDX-License-Identifier: ISC */
/*
 * world.c - see world.h.  It stands in for worker.c and dial.c, whose places in
 * the library the linker then leaves empty.
 */
#include "config.h"

#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "har/json.h"
#include "shm/open_flows.h"
#include "shm/ring.h"
#include "worker/access.h"
#include "worker/capture.h"
#include "worker/conn.h"
#include "worker/dial.h"
#include "worker/flow_pool.h"
#include "worker/front.h"
#include "worker/front_state.h"
#include "worker/handover.h"
#include "worker/memory.h"

#define SLOT 3
#define ROUNDS 12
#define SETTLE_US 300

struct grave {
	void *p;
	void (*destroy)(void *);
};

struct dial {
	struct world *world;
	dial_done_fn *done;
	void *arg;
	ev_timer soon;
};

/* ---- in place of worker.c ---- */

void
worker_bury(struct worker *w, void *p, void (*destroy)(void *))
{
	w->graves = mem_grow(w->graves, w->ngraves + 1, sizeof(*w->graves));
	w->graves[w->ngraves++] = (struct grave){.p = p, .destroy = destroy};
}

void
worker_turn(struct worker *w)
{
	size_t i;

	for (i = 0; i < w->ngraves; i++)
		w->graves[i].destroy(w->graves[i].p);
	w->ngraves = 0;
	(void)flow_pool_turn(w->flows);
	handover_turn(w->handover);
}

void
worker_sweep(struct worker *w)
{
	struct front *fr, *next;

	capture_sweep(w);
	for (fr = w->draining ? TAILQ_FIRST(&w->fronts) : NULL; fr != NULL; fr = next) {
		next = front_next(fr);
		front_sweep(fr);
	}
}

void
worker_front_new(struct worker *w)
{
	w->nfronts++;
}

void
worker_front_gone(struct worker *w)
{
	CHECK(w->nfronts > 0);
	w->nfronts--;
}

/* ---- in place of dial.c ---- */

static void
on_soon(struct ev_loop *loop UNUSED, ev_timer *t, int events UNUSED)
{
	struct dial *d = t->data;
	struct world *world = d->world;
	struct dialled r = {.fd = -1, .dns_us = 1000, .connect_us = 2000, .status = 502,
	    .proxy_status = "connection_refused", .reason = "cannot connect: refused"};
	dial_done_fn *done = d->done;
	void *arg = d->arg;
	int fd[2];

	free(d);
	(void)addr_parse(STR("192.0.2.80:80"), &r.addr);
	if (world->refuse_dials > 0) {
		world->refuse_dials--;
	} else {
		CHECK(world->dials < WORLD_ORIGINS);
		world_pair(world, fd);
		r.fd = fd[0];
		world->origin[world->dials++] = fd[1];
	}
	done(arg, &r);
}

struct dial *
dial_start(struct worker *w, const struct host_port *target UNUSED,
    const struct addr *client UNUSED, dial_done_fn *done, void *arg)
{
	struct dial *d = mem_new(struct dial);

	d->world = (struct world *)w;
	d->done = done;
	d->arg = arg;
	ev_timer_init(&d->soon, on_soon, 0, 0);
	d->soon.data = d;
	ev_timer_start(w->loop, &d->soon);
	return d;
}

void
dial_cancel(struct dial **pd)
{
	struct dial *d = *pd;

	*pd = NULL;
	if (d == NULL)
		return;
	ev_timer_stop(d->world->worker.loop, &d->soon);
	free(d);
}

/* ---- pairs ---- */

void
world_pair(const struct world *world, int fd[2])
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(sin);
	int listener, type = SOCK_STREAM | SOCK_CLOEXEC;

	if (world->unix_pairs) {
		CHECK(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, fd) == 0);
		return;
	}
	listener = socket(AF_INET, type, 0);
	fd[1] = socket(AF_INET, type, 0);
	CHECK(bind(listener, (struct sockaddr *)&sin, len) == 0 && listen(listener, 1) == 0);
	CHECK(getsockname(listener, (struct sockaddr *)&sin, &len) == 0);
	CHECK(connect(fd[1], (struct sockaddr *)&sin, len) == 0);
	fd[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	CHECK(fd[0] != -1 && fcntl(fd[1], F_SETFL, O_NONBLOCK) == 0);
	(void)close(listener);
}

int
world_client(struct world *world)
{
	struct addr client;
	int fd[2];

	world_pair(world, fd);
	CHECK(addr_parse(STR("127.0.0.1:5000"), &client));
	CHECK(access_enter(world->worker.access, &client));
	front_accept(&world->worker, fd[0], &client);
	return fd[1];
}

void
world_run(struct world *world)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		/* Loopback is not instantaneous on a busy machine. */
		if (i == ROUNDS / 2 && !world->unix_pairs)
			(void)usleep(SETTLE_US);
		(void)ev_run(world->worker.loop, EVRUN_NOWAIT);
	}
}

/* ---- the world ---- */

const char *
world_entry(struct world *world)
{
	struct json_check check;
	struct ring_entry e;
	int err = ring_next(world->reader, &e);

	if (err == ERR_AGAIN)
		return NULL;
	CHECK(err == 0);
	ring_receipt(world->reader, ring_reader_pos(world->reader));
	json_check_init(&check);
	CHECK(json_check_feed(&check, e.text.p, e.text.n) && json_check_end(&check));
	buf_clear(&world->entry);
	buf_puts(&world->entry, e.text);
	buf_putc(&world->entry, '\0');
	world->recorded++;
	return (const char *)buf_data(&world->entry);
}

/* What the ring had no room for waits for a timer: until then its flows count as open. */
void
world_drop_entries(struct world *world)
{
	for (;;) {
		while (world_entry(world) != NULL)
			continue;
		if (handover_idle(world->worker.handover))
			return;
		(void)ev_run(world->worker.loop, EVRUN_ONCE);
	}
}

void
world_init(struct world *world)
{
	struct worker *w = &world->worker;
	struct errmsg err;
	size_t i;

	*world = (struct world){.ring_fd = -1};
	for (i = 0; i < WORLD_ORIGINS; i++)
		world->origin[i] = -1;
	world->conf = conf_load_text("test", STR("access: {allow: [198.51.100.0/24]}\n"), &err);
	CHECK(world->conf != NULL);
	world->receipts = receipts_create(&err);
	world->ring_fd = ring_create(SLOT, &err);
	world->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	world->reader = ring_reader_new(world->ring_fd, world->receipts, SLOT, &err);
	CHECK(world->reader != NULL);
	world->proc.slot = SLOT;
	w->proc = &world->proc;
	w->loop = ev_loop_new(EVFLAG_AUTO);
	w->conf = world->conf;
	w->counters = &world->counters;
	TAILQ_INIT(&w->fronts);
	TAILQ_INIT(&w->talks);
	w->memory = memory_new(w, SIZE_MAX);
	w->conns = conn_hub_new(w, w->loop);
	w->flows = flow_pool_new();
	w->access = access_new(w->conf, NULL, 0);
	w->handover = handover_new(w,
	    ring_writer_new(world->ring_fd, world->wake_fd, world->receipts, SLOT, &err),
	    open_flows_new(world->ring_fd, &err));
}

/* What ends is handed over or forgotten, however it ended. */
static void
check_no_flow_is_open(const struct world *world)
{
	struct errmsg err;
	const struct open_flows_map *open = open_flows_map(world->ring_fd, &err);
	struct open_flow flow;
	unsigned i;

	CHECK(open != NULL);
	for (i = 0; i < open_flows_used(open); i++)
		CHECK(!open_flows_lost(open, i, 0, &flow));
	open_flows_unmap(&open);
}

void
world_fini(struct world *world)
{
	struct worker *w = &world->worker;
	struct front *fr;
	size_t i;

	while ((fr = TAILQ_FIRST(&w->fronts)) != NULL)
		front_cut(fr, "test over");
	CHECK(w->nfronts == 0);
	worker_turn(w);
	world_drop_entries(world);
	for (i = 0; i < WORLD_ORIGINS; i++)
		fd_close(&world->origin[i]);
	conn_hub_free(&w->conns);
	memory_free(&w->memory);
	flow_pool_free(&w->flows);
	check_no_flow_is_open(world);
	handover_free(&w->handover);
	access_free(&w->access);
	free(w->graves);
	buf_free(&w->scratch);
	ev_loop_destroy(w->loop);
	ring_reader_free(&world->reader);
	receipts_free(&world->receipts);
	fd_close(&world->ring_fd);
	fd_close(&world->wake_fd);
	conf_free(&world->conf);
	buf_free(&world->entry);
}
