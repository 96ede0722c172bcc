/* SPDX-License-Identifier: ISC */
/* leaf_ask.c - see leaf_ask.h.  Runs in: worker. */
#include "config.h"

#include "worker/leaf_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "ipc/channel.h"
#include "worker/worker_state.h"

#define ASK_SECONDS 5		/* for the signer's answer */
#define SENDS_MAX 2		/* of one question, to one signer after the other */

struct question {
	TAILQ_ENTRY(question) link;
	uint32_t id;
	struct cert_key key;
	unsigned sign_key;
	uint32_t sequence;	/* of the keys when asked */
	unsigned sent;
	bool put_off;		/* the signer had too many: once more with the next tick */
	double deadline;
	struct buf packed;	/* asked again when a new signer comes */
	TAILQ_HEAD(, leaf_ask) asks;
};

struct leaf_ask {
	TAILQ_ENTRY(leaf_ask) link;
	struct question *question;	/* NULL: a told_later */
	leaf_done_fn *done;
	void *arg;
};

struct leaf_asks {
	struct worker *worker;
	struct channel *signer;
	struct leaf_keys *keys;
	const struct leaf_asks_ops *ops;
	void *arg;
	TAILQ_HEAD(, question) questions;
	uint32_t last_id;
	ev_timer timer;
};

static void
question_free(struct leaf_asks *as, struct question *q)
{
	TAILQ_REMOVE(&as->questions, q, link);
	buf_free(&q->packed);
	free(q);
	if (TAILQ_EMPTY(&as->questions))
		ev_timer_stop(as->worker->loop, &as->timer);
}

/* Everybody gets a reference of his own, or the reason. */
static void
answer_all(struct leaf_asks *as, struct question *q, struct tls_leaf *leaf, const char *reason)
{
	struct leaf_ask *ask;

	while ((ask = TAILQ_FIRST(&q->asks)) != NULL) {
		TAILQ_REMOVE(&q->asks, ask, link);
		ask->done(ask->arg, leaf != NULL ? tls_leaf_ref(leaf) : NULL, reason);
		free(ask);
	}
	question_free(as, q);
}

static void
send_question(struct leaf_asks *as, struct question *q)
{
	q->put_off = false;
	/* Without a signer it waits for the next one. Who ends two is not asked again. */
	if (as->signer != NULL && q->sent++ < SENDS_MAX)
		(void)!channel_send(as->signer, MSG_SIGN_ASK, &q->packed, NULL, 0);
}

static void
on_timer(struct ev_loop *loop UNUSED, ev_timer *w, int events UNUSED)
{
	struct leaf_asks *as = w->data;
	struct question *q, *next;

	TAILQ_FOREACH_SAFE(q, &as->questions, link, next) {
		if (clock_mono_s() >= q->deadline)
			answer_all(as, q, NULL, "the signer does not answer");
		else if (q->put_off)
			send_question(as, q);
	}
}

static struct question *
find_question(struct leaf_asks *as, uint32_t id)
{
	struct question *q;

	TAILQ_FOREACH(q, &as->questions, link)
		if (q->id == id)
			return q;
	return NULL;
}

static void
refused(struct leaf_asks *as, struct question *q, const struct msg_sign_answer *a)
{
	char reason[128];

	(void)snprintf(reason, sizeof(reason), "%.*s", STR_ARG(a->reason));
	if (a->status == SIGN_REFUSED)
		as->ops->refused(as->arg, &q->key, reason);
	answer_all(as, q, NULL, reason);
}

static int
on_message(void *arg, struct channel *ch UNUSED, enum msg_type type, struct str body,
    int *fds UNUSED, size_t nfds)
{
	struct leaf_asks *as = arg;
	struct msg_sign_answer a;
	struct tls_leaf *leaf;
	struct question *q;

	if (type != MSG_SIGN_ANSWER || nfds != 0 || msg_unpack_sign_answer(body, &a) != 0)
		return -1;
	q = find_question(as, a.id);
	if (q == NULL)
		return 0;	/* it came too late */
	if (a.status == SIGN_BUSY) {
		q->sent--;
		q->put_off = true;
		return 0;
	}
	if (a.status != SIGN_OK) {
		refused(as, q, &a);
		return 0;
	}
	leaf_keys_look(as->keys);
	leaf = as->ops->minted(as->arg, &q->key, q->sign_key, a.bundle, a.refresh_at);
	if (leaf == NULL && q->sequence != leaf_keys_sequence(as->keys)) {
		/* The keys were rotated in between: once more, for the new one. */
		q->sequence = leaf_keys_sequence(as->keys);
		send_question(as, q);
		return 0;
	}
	answer_all(as, q, leaf, "the signer's leaf does not fit our key");
	tls_leaf_unref(&leaf);
	return 0;
}

static void
on_closed(void *arg, struct channel *ch UNUSED)
{
	struct leaf_asks *as = arg;

	channel_free(&as->signer);	/* the master sends a new one */
}

void
leaf_asks_signer(struct leaf_asks *as, int fd)
{
	struct question *q;

	channel_free(&as->signer);
	as->signer = channel_new(as->worker->loop, fd, ROLE_WORKER, ROLE_SIGNER, on_message,
	    on_closed, as);
	TAILQ_FOREACH(q, &as->questions, link)
		send_question(as, q);
}

static struct question *
question_new(struct leaf_asks *as, const struct cert_key *key, struct msg_sign_ask *m)
{
	struct question *q = mem_new(struct question);

	q->id = m->id = ++as->last_id;
	q->key = *key;
	q->sign_key = m->key;
	q->sequence = leaf_keys_sequence(as->keys);
	q->deadline = clock_mono_s() + ASK_SECONDS;
	TAILQ_INIT(&q->asks);
	msg_pack_sign_ask(&q->packed, m);
	if (TAILQ_EMPTY(&as->questions))
		ev_timer_again(as->worker->loop, &as->timer);
	TAILQ_INSERT_TAIL(&as->questions, q, link);
	send_question(as, q);
	return q;
}

struct leaf_ask *
leaf_ask(struct leaf_asks *as, const struct cert_key *key, struct msg_sign_ask *m,
    leaf_done_fn *done, void *arg)
{
	struct leaf_ask *a = mem_new(struct leaf_ask);
	struct question *q;

	TAILQ_FOREACH(q, &as->questions, link)
		if (memcmp(q->key.hash, key->hash, sizeof(key->hash)) == 0)
			break;
	if (q == NULL)
		q = question_new(as, key, m);
	a->question = q;
	a->done = done;
	a->arg = arg;
	TAILQ_INSERT_TAIL(&q->asks, a, link);
	return a;
}

/* So that a refusal, too, is told from the loop and not from inside the call. */
struct told_later {
	ev_timer timer;
	struct leaf_ask ask;
	char reason[128];
};

static void
on_told_later(struct ev_loop *loop UNUSED, ev_timer *w, int events UNUSED)
{
	struct told_later *t = w->data;

	if (t->ask.done != NULL)
		t->ask.done(t->ask.arg, NULL, t->reason);
	free(t);
}

struct leaf_ask *
leaf_ask_refused(struct leaf_asks *as, const char *reason, leaf_done_fn *done, void *arg)
{
	struct told_later *t = mem_new(struct told_later);

	(void)snprintf(t->reason, sizeof(t->reason), "%s", reason);
	t->ask.done = done;
	t->ask.arg = arg;
	ev_timer_init(&t->timer, on_told_later, 0, 0);
	t->timer.data = t;
	ev_timer_start(as->worker->loop, &t->timer);
	return &t->ask;
}

void
leaf_cancel(struct leaf_ask **pa)
{
	struct leaf_ask *a = *pa;

	*pa = NULL;
	if (a == NULL)
		return;
	if (a->question == NULL) {
		a->done = NULL;	/* a told_later: frees itself */
		return;
	}
	TAILQ_REMOVE(&a->question->asks, a, link);
	free(a);
}

struct leaf_asks *
leaf_asks_new(struct worker *w, struct leaf_keys *keys, const struct leaf_asks_ops *ops,
    void *arg)
{
	struct leaf_asks *as = mem_new(struct leaf_asks);

	as->worker = w;
	as->keys = keys;
	as->ops = ops;
	as->arg = arg;
	TAILQ_INIT(&as->questions);
	ev_timer_init(&as->timer, on_timer, 1, 1);
	as->timer.data = as;
	return as;
}

void
leaf_asks_free(struct leaf_asks **pas)
{
	struct leaf_asks *as = *pas;
	struct question *q;
	struct leaf_ask *a;

	*pas = NULL;
	if (as == NULL)
		return;
	channel_free(&as->signer);
	while ((q = TAILQ_FIRST(&as->questions)) != NULL) {
		while ((a = TAILQ_FIRST(&q->asks)) != NULL) {
			TAILQ_REMOVE(&q->asks, a, link);
			free(a);
		}
		question_free(as, q);
	}
	free(as);
}
