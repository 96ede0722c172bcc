/* SPDX-License-Identifier: ISC */
/*
 * memory.c - see memory.h.  Measured is what malloc has given out, so that nothing
 * has to be counted where it happens and nothing is forgotten; but only when the data
 * segment is large enough to hold that much, since malloc walks along all that is free,
 * which takes milliseconds for each ten thousand pieces.  What each connection
 * holds is only added up when somebody has to go: the one that holds the most, of
 * the client that holds the most, so that the others keep theirs.
 * Runs in: worker.
 */
#include "config.h"

#include "worker/memory.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "har/coding.h"
#include "proc/clients.h"
#include "proc/counters.h"
#include "worker/conn.h"
#include "worker/front.h"
#include "worker/front_state.h"
#include "worker/worker_state.h"

#define LOOK_SECONDS 0.05
#define LOOK_SHARE 20	/* looking may take one part in so many of the time */
#define DECODERS 4	/* may have one part in so many */

struct memory {
	struct worker *worker;
	size_t max, used;
	double due;		/* loop time: to look again */
	int statm_fd;
	long page;
	bool ended;		/* somebody was, for this */
};

struct holder {
	struct front *front;
	struct conn *conn;	/* or one that was let go of, and is sent to the end */
	uint64_t client;	/* its address, as a number */
	size_t held;
	size_t all;		/* by all of that client's */
};

struct memory *
memory_new(struct worker *w, size_t max)
{
	struct memory *m = mem_new(struct memory);

	m->worker = w;
	m->max = max;
	m->statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	m->page = sysconf(_SC_PAGESIZE);
	coding_memory(m->max / DECODERS);
	return m;
}

void
memory_free(struct memory **pm)
{
	if (*pm == NULL)
		return;
	fd_close(&(*pm)->statm_fd);
	free(*pm);
	*pm = NULL;
}

/* All that malloc could have given out. */
static size_t
data_segment(const struct memory *m)
{
	unsigned long long pages;
	char text[128];
	ssize_t n = pread(m->statm_fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	if (sscanf(text, "%*u %*u %*u %*u %*u %llu", &pages) != 1)
		return SIZE_MAX;
	return (size_t)pages * (size_t)m->page;
}

static void
look(struct memory *m)
{
	double began = clock_mono_s(), now;
	struct mallinfo2 info;

	m->used = data_segment(m);
	if (m->used > m->max / 2) {
		info = mallinfo2();
		m->used = info.uordblks + info.hblkhd;
	}
	now = clock_mono_s();
	m->due = now + MAX(LOOK_SECONDS, (now - began) * LOOK_SHARE);
}

bool
memory_may_read(struct memory *m, double now)
{
	if (now >= m->due)
		look(m);
	return m->used <= m->max;
}

bool
memory_is_short(const struct memory *m)
{
	return m->used > m->max / 2;
}

/* ---- who goes ---- */

static int
by_client(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;

	return x->client == y->client ? 0 : x->client < y->client ? -1 : 1;
}

/* The first one goes first. */
static int
by_holding(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;

	if (x->all != y->all)
		return x->all > y->all ? -1 : 1;
	if (x->client != y->client)
		return x->client < y->client ? -1 : 1;
	return x->held == y->held ? 0 : x->held > y->held ? -1 : 1;
}

static struct holder *
list_holders(const struct worker *w, size_t *out_n)
{
	struct holder *v = mem_grow(NULL, w->nfronts + conn_hub_count(w->conns) + 1, sizeof(*v));
	struct conn *c = NULL;
	struct front *fr;
	size_t n = 0, i, from, sum;

	TAILQ_FOREACH(fr, &w->fronts, link)
		v[n++] = (struct holder){.front = fr, .held = front_held(fr),
		    .client = clients_key(w->proc->counters, &fr->client_addr)};
	while ((c = conn_hub_lingering(w->conns, c)) != NULL)
		v[n++] = (struct holder){.conn = c, .held = conn_held(c),
		    .client = clients_key(w->proc->counters, conn_peer(c))};
	qsort(v, n, sizeof(*v), by_client);
	for (from = 0; from < n;) {
		sum = 0;
		for (i = from; i < n && v[i].client == v[from].client; i++)
			sum += v[i].held;
		while (from < i)
			v[from++].all = sum;
	}
	qsort(v, n, sizeof(*v), by_holding);
	*out_n = n;
	return v;
}

static void
end_one(struct worker *w, struct holder *h)
{
	char client[ADDR_TEXT_SIZE];

	if (h->conn != NULL) {
		conn_hub_drop(&h->conn);
		return;
	}
	counter_add(&w->counters->ended_for_memory, 1);
	log_event(LOG_LEVEL_WARNING, LOG_PLAIN, true, NULL, 0,
	    "too much memory in use: ended a connection of %s, which held %zu KiB",
	    addr_ip_text(&h->front->client_addr, client), h->held >> 10);
	front_cut(h->front, "ended by the proxy: too much memory in use, and this client held "
	    "the most");
}

/*
 * As few as will do; their memory is free when the turn is over, but for what is still
 * sent to them. False: there is nobody.
 */
static bool
end_largest(struct memory *m)
{
	struct worker *w = m->worker;
	size_t n, i, freed = 0, over = m->used - m->max;
	struct holder *v = list_holders(w, &n);

	for (i = 0; i < n && freed < over; i++) {
		freed += v[i].held;
		end_one(w, &v[i]);
	}
	free(v);
	return n > 0;
}

/* Nobody is there who could hold it: nobody would be served any more. */
static void
make_do(struct memory *m)
{
	m->max = m->used + m->max / 4;
	log_warning("%zu MiB of memory in use without any client", m->used >> 20);
}

void
memory_turn(struct memory *m)
{
	bool again = m->ended;

	if (m->used > m->max)
		look(m);
	if (m->used <= m->max) {
		if (m->ended)
			(void)malloc_trim(0);	/* what was a thousand small pieces, too */
		m->ended = false;
		return;
	}
	m->ended = true;
	/* Who has just gone still has his memory until the turn is over. */
	if (!end_largest(m) && again)
		make_do(m);
	m->due = 0;		/* by then all of that is free */
}
