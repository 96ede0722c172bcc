/* SPDX-License-Identifier: ISC */
/* key_maker.c - see key_maker.h.  Runs in: signer. */
#include "config.h"

#include "signer/key_maker.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/mem.h"
#include "signer/keys.h"

struct key_maker {
	struct ev_loop *loop;
	key_made_fn *made;
	void *arg;
	ev_async wake;
	pthread_t thread;
	bool busy;		/* the loop's: a thread is to be joined */
	enum keyring_key which;	/* set before the thread begins */
	EVP_PKEY *key;		/* the thread's until it was joined */
};

static void *
make(void *arg)
{
	struct key_maker *m = arg;

	m->key = keys_new(m->which);
	ev_async_send(m->loop, &m->wake);
	return NULL;
}

static EVP_PKEY *
join(struct key_maker *m)
{
	EVP_PKEY *key;

	CHECK(pthread_join(m->thread, NULL) == 0);
	m->busy = false;
	key = m->key;
	m->key = NULL;
	return key;
}

static void
on_wake(struct ev_loop *loop UNUSED, ev_async *w, int events UNUSED)
{
	struct key_maker *m = w->data;

	if (m->busy)
		m->made(m->arg, m->which, join(m));
}

struct key_maker *
key_maker_new(struct ev_loop *loop, key_made_fn *made, void *arg)
{
	struct key_maker *m = mem_new(struct key_maker);

	m->loop = loop;
	m->made = made;
	m->arg = arg;
	ev_async_init(&m->wake, on_wake);
	m->wake.data = m;
	ev_async_start(loop, &m->wake);
	return m;
}

bool
key_maker_start(struct key_maker *m, enum keyring_key which)
{
	sigset_t all, before;

	if (m->busy)
		return false;
	m->which = which;
	/* Signals are the loop's. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	m->busy = pthread_create(&m->thread, NULL, make, m) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return m->busy;
}

void
key_maker_free(struct key_maker **pm)
{
	struct key_maker *m = pm != NULL ? *pm : NULL;

	if (m == NULL)
		return;
	*pm = NULL;
	if (m->busy)
		EVP_PKEY_free(join(m));
	ev_async_stop(m->loop, &m->wake);
	free(m);
}
