/* SPDX-License-Identifier: ISC */
/*
 * key_maker.c - see key_maker.h.  Runs in: signer.
 * One thread, made before the sandbox closes: later none can be.
 */
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
	pthread_mutex_t mutex;	/* for all below */
	pthread_cond_t work;
	bool busy, asked, stopping;
	enum keyring_key which;
	EVP_PKEY *key;		/* made, and not given away yet */
};

static void *
helper(void *arg)
{
	struct key_maker *m = arg;
	EVP_PKEY *key;

	(void)pthread_mutex_lock(&m->mutex);
	while (!m->stopping) {
		if (!m->asked) {
			(void)pthread_cond_wait(&m->work, &m->mutex);
			continue;
		}
		m->asked = false;
		(void)pthread_mutex_unlock(&m->mutex);
		key = keys_new(m->which);
		(void)pthread_mutex_lock(&m->mutex);
		m->key = key;
		ev_async_send(m->loop, &m->wake);
	}
	(void)pthread_mutex_unlock(&m->mutex);
	return NULL;
}

static void
on_wake(struct ev_loop *loop UNUSED, ev_async *w, int events UNUSED)
{
	struct key_maker *m = w->data;
	EVP_PKEY *key;

	(void)pthread_mutex_lock(&m->mutex);
	key = m->key;
	m->key = NULL;
	m->busy = m->busy && key == NULL;
	(void)pthread_mutex_unlock(&m->mutex);
	if (key != NULL)
		m->made(m->arg, m->which, key);
}

struct key_maker *
key_maker_new(struct ev_loop *loop, key_made_fn *made, void *arg)
{
	struct key_maker *m = mem_new(struct key_maker);
	sigset_t all, before;

	m->loop = loop;
	m->made = made;
	m->arg = arg;
	ev_async_init(&m->wake, on_wake);
	m->wake.data = m;
	ev_async_start(loop, &m->wake);
	CHECK(pthread_mutex_init(&m->mutex, NULL) == 0);
	CHECK(pthread_cond_init(&m->work, NULL) == 0);
	/* Signals are the loop's; but this one is about a call of its own (proc/denied.h). */
	(void)sigfillset(&all);
	(void)sigdelset(&all, SIGSYS);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	CHECK(pthread_create(&m->thread, NULL, helper, m) == 0);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return m;
}

bool
key_maker_start(struct key_maker *m, enum keyring_key which)
{
	bool idle;

	(void)pthread_mutex_lock(&m->mutex);
	idle = !m->busy;
	if (idle) {
		m->busy = m->asked = true;
		m->which = which;
		(void)pthread_cond_signal(&m->work);
	}
	(void)pthread_mutex_unlock(&m->mutex);
	return idle;
}

void
key_maker_free(struct key_maker **pm)
{
	struct key_maker *m = pm != NULL ? *pm : NULL;

	if (m == NULL)
		return;
	*pm = NULL;
	(void)pthread_mutex_lock(&m->mutex);
	m->stopping = true;
	(void)pthread_cond_signal(&m->work);
	(void)pthread_mutex_unlock(&m->mutex);
	CHECK(pthread_join(m->thread, NULL) == 0);
	EVP_PKEY_free(m->key);
	ev_async_stop(m->loop, &m->wake);
	(void)pthread_mutex_destroy(&m->mutex);
	(void)pthread_cond_destroy(&m->work);
	free(m);
}
