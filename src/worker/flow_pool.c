/* SPDX-License-Identifier: ISC */
/* flow_pool.c - see flow_pool.h.  Runs in: worker, tests. */
#include "config.h"

#include "worker/flow_pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "worker/worker_state.h"

#define SPARE_MAX 256
#define MESSAGE_MEMORY_MAX (16u << 10)	/* larger heads are not kept for the next flow */

struct flow_pool {
	TAILQ_HEAD(flow_list, flow) spare, spent, recoding;
	size_t nspare;
};

struct flow_pool *
flow_pool_new(void)
{
	struct flow_pool *pool = mem_new(struct flow_pool);

	TAILQ_INIT(&pool->spare);
	TAILQ_INIT(&pool->spent);
	TAILQ_INIT(&pool->recoding);
	return pool;
}

struct flow *
flow_pool_take(struct worker *worker)
{
	struct flow_pool *pool = worker->flows;
	struct flow *f = TAILQ_FIRST(&pool->spare);

	if (f != NULL) {
		TAILQ_REMOVE(&pool->spare, f, link);
		pool->nspare--;
		return f;
	}
	f = mem_new(struct flow);
	message_init(&f->request);
	message_init(&f->response);
	message_init(&f->informational);
	return f;
}

void
flow_pool_give(struct flow *f)
{
	TAILQ_INSERT_TAIL(&f->worker->flows->spent, f, link);
}

static void
destroy(struct flow *f)
{
	message_free(&f->request);
	message_free(&f->response);
	message_free(&f->informational);
	free(f);
}

static bool
worth_keeping(const struct message *m)
{
	return m->line.cap + m->fields.text.cap + m->trailers.text.cap <= MESSAGE_MEMORY_MAX;
}

static void
clean(struct flow *f)
{
	tls_info_unref(&f->facts.tls);
	capture_clear(f);
	buf_free(&f->raw_head);
	buf_free(&f->side[FLOW_FRONT].held);
	buf_free(&f->side[FLOW_BACK].held);
	message_clear(&f->request);
	message_clear(&f->response);
	message_clear(&f->informational);
}

/* Everything behind the messages starts at zero. */
static void
reset(struct flow *f)
{
	size_t from = offsetof(struct flow, facts);

	f->worker = NULL;
	memset((char *)f + from, 0, sizeof(*f) - from);
}

static void
recycle(struct flow_pool *pool, struct flow *f)
{
	bool keep = pool->nspare < SPARE_MAX && worth_keeping(&f->request) &&
	    worth_keeping(&f->response) && worth_keeping(&f->informational);

	clean(f);
	if (!keep) {
		destroy(f);
		return;
	}
	reset(f);
	TAILQ_INSERT_HEAD(&pool->spare, f, link);
	pool->nspare++;
}

bool
flow_pool_turn(struct flow_pool *pool)
{
	struct flow *f = TAILQ_FIRST(&pool->recoding);

	/* One slice of one body a turn: others do not wait for it. */
	if (f != NULL && capture_step(f)) {
		TAILQ_REMOVE(&pool->recoding, f, link);
		recycle(pool, f);
	}
	while ((f = TAILQ_FIRST(&pool->spent)) != NULL) {
		TAILQ_REMOVE(&pool->spent, f, link);
		if (f->capture.recoding)
			TAILQ_INSERT_TAIL(&pool->recoding, f, link);
		else
			recycle(pool, f);
	}
	return !TAILQ_EMPTY(&pool->recoding);
}

void
flow_pool_free(struct flow_pool **pp)
{
	struct flow_pool *pool = *pp;
	struct flow *f;

	*pp = NULL;
	while (flow_pool_turn(pool))
		;
	while ((f = TAILQ_FIRST(&pool->spare)) != NULL) {
		TAILQ_REMOVE(&pool->spare, f, link);
		destroy(f);
	}
	free(pool);
}
