/* SPDX-License-Identifier: ISC */
/*
 * fuzz_exchange.c - a client and its origins around a real front and back.  The
 * input is a script: an opcode chooses who speaks and how the rest is cut.
 *
 *	C n, O n	the client, the newest origin says the next n bytes
 *	c, o		the same up to the next empty line
 *	s		both listen and throw it away
 *	h, H		the client, the origin half-closes
 *	x, X		closes (unread bytes make it a reset)
 *	r		the next dial fails
 *	d		the worker drains
 *	k		the worker cuts everything
 *	N		another client
 * Every flow that began is recorded, as JSON, and nothing is left at the end.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../unit/worker/world.h"
#include "base/fd.h"
#include "base/log.h"
#include "worker/conn.h"
#include "worker/front.h"
#include "worker/front_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct script {
	const uint8_t *p;
	size_t n;
};

static struct world world;
static int client;

static int *
origin(void)
{
	static int none = -1;

	return world.dials > 0 ? &world.origin[world.dials - 1] : &none;
}

static void
say(int fd, struct script *s, size_t n)
{
	n = MIN(n, s->n);
	if (fd != -1 && n > 0)
		(void)send(fd, s->p, n, MSG_NOSIGNAL);
	s->p += n;
	s->n -= n;
}

static size_t
paragraph(const struct script *s)
{
	const uint8_t *end = memmem(s->p, s->n, "\r\n\r\n", 4);

	return end != NULL ? (size_t)(end - s->p) + 4 : s->n;
}

static void
swallow(int fd)
{
	static char bytes[65536];

	if (fd != -1)
		while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
			continue;
}

static void
half_close(int fd)
{
	if (fd != -1)
		(void)shutdown(fd, SHUT_WR);
}

static void
cut_all(void)
{
	struct front *fr;

	while ((fr = TAILQ_FIRST(&world.worker.fronts)) != NULL)
		front_cut(fr, "cut");
}

static size_t
count(struct script *s)
{
	size_t n = s->n > 0 ? *s->p : 0;

	say(-1, s, 1);
	return n;
}

static void
step(uint8_t op, struct script *s)
{
	switch (op) {
	case 'C':
		say(client, s, count(s));
		break;
	case 'O':
		say(*origin(), s, count(s));
		break;
	case 'c':
		say(client, s, paragraph(s));
		break;
	case 'o':
		say(*origin(), s, paragraph(s));
		break;
	case 's':
		swallow(client);
		swallow(*origin());
		break;
	case 'h':
		half_close(client);
		break;
	case 'H':
		half_close(*origin());
		break;
	case 'x':
		fd_close(&client);
		break;
	case 'X':
		fd_close(origin());
		break;
	case 'r':
		world.refuse_dials = 1;
		break;
	case 'd':
		world.worker.draining = true;
		worker_sweep(&world.worker);
		break;
	case 'k':
		cut_all();
		break;
	case 'N':
		fd_close(&client);
		client = world_client(&world);
		break;
	default:
		break;
	}
}

static void
turn(void)
{
	int i;

	for (i = 0; i < 3; i++)
		(void)ev_run(world.worker.loop, EVRUN_NOWAIT);
	while (world_entry(&world) != NULL)
		continue;
}

/* One world for all runs; what a run leaves in it is taken away. */
static void
begin(void)
{
	if (world.conf == NULL) {
		log_init(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
		world_init(&world);
		world.unix_pairs = true;
	}
	world.dials = world.refuse_dials = 0;
	world.worker.draining = false;
	client = world_client(&world);
}

static void
end(void)
{
	unsigned i;

	cut_all();
	fd_close(&client);
	for (i = 0; i < WORLD_ORIGINS; i++)
		fd_close(&world.origin[i]);
	for (i = 0; i < 10 && conn_hub_count(world.worker.conns) > 0; i++)
		turn();
	turn();
	CHECK(world.worker.nfronts == 0);
	CHECK(conn_hub_count(world.worker.conns) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = {data, size};

	begin();
	while (s.n > 0 && world.dials < WORLD_ORIGINS) {
		uint8_t op = *s.p;

		say(-1, &s, 1);
		step(op, &s);
		turn();
	}
	end();
	return 0;
}
