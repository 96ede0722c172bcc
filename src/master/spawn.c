/* SPDX-License-Identifier: ISC */
/*
 * spawn.c - forks a role and wires its channels.
 * Runs in: master (and, up to role_main, the child).
 */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "master/leaving.h"
#include "master/polls.h"
#include "master/roles.h"
#include "master/state.h"
#include "proc/counters.h"
#include "shm/cert_cache.h"
#include "shm/keyring.h"

static int
on_message(void *arg, struct channel *ch UNUSED, enum msg_type type, struct str body, int *fds,
    size_t nfds)
{
	struct child *c = arg;
	struct msg_ready ready;
	struct msg_failed failed;

	switch (type) {
	case MSG_READY:
		if (msg_unpack_ready(body, &ready) != 0 || ready.version != MSG_VERSION)
			return -1;
		c->ready = true;
		if (c->role == ROLE_RECORDER)
			recording_ready(c->master);
		else
			generation_child_ready(c, &ready);
		leaving_tell(c);
		return 0;
	case MSG_CA_MADE:
		return msg_unpack_ca_made(body, &c->gen->ca_made);
	case MSG_LET_GO:
		generation_let_go(c);
		return 0;
	case MSG_TOLD:
	case MSG_FLUSHED:
	case MSG_LISTED:
		return poll_message(c, type, body);
	case MSG_TRUST:
		return master_news(c, body);
	case MSG_FAILED:
		if (msg_unpack_failed(body, &failed) != 0)
			return -1;
		if (c->gen != NULL ? c->gen->state < GEN_SERVING :
		    c->master->next != NULL && c->master->next->state == GEN_SPOOL)
			generation_child_failed(c, failed.reason);
		else
			log_error("%s: %.*s", role_name(c->role), STR_ARG(failed.reason));
		return 0;
	default:
		return recording_message(c->master, type, body, fds, nfds);
	}
}

/*
 * It ends, or it broke the contract: without a channel it is of no use, and what
 * the kernel says of its end tells the rest.
 */
static void
on_closed(void *arg, struct channel *ch UNUSED)
{
	struct child *c = arg;

	if (c->pid > 0 && !c->leaving)
		(void)kill(c->pid, SIGKILL);
}

static void
inherit(struct master *m, const struct role_row *row, bool yes)
{
	if (row->writes_cert_cache)
		segment_fork(&m->cert_cache, yes);
	if (row->writes_keyring)
		segment_fork(&m->keyring, yes);
	if (row->writes_receipts)
		receipts_fork(m->receipts, yes);
}

static void
fill_proc(struct child *c, struct proc *p, int master_fd, int signer_fd)
{
	struct master *m = c->master;
	bool serves = roles[c->role].serves;
	const struct generation *gen = c->gen;

	*p = (struct proc){
	    .role = c->role,
	    .index = c->index,
	    .generation = gen != NULL ? gen->number : 0,
	    .slot = c->slot,
	    .master_pid = m->pid,
	    .user = users_of(gen != NULL ? gen->conf : m->spool_conf, c->role),
	    .conf = gen != NULL ? gen->conf : m->spool_conf,
	    .master_fd = master_fd,
	    .signer_fd = signer_fd,
	    .listeners = serves ? gen->listeners : NULL,
	    .nlisteners = serves ? gen->nlisteners : 0,
	    .cert_cache = &m->cert_cache,
	    .keyring = &m->keyring,
	    .receipts = m->receipts,
	    .receipts_fd = receipts_fd(m->receipts),
	    .ring_fd = serves ? m->slots[c->slot].ring_fd : -1,
	    .wake_fd = serves ? m->slots[c->slot].wake_fd : -1,
	    .counters = m->counters,
	    .counters_fd = m->counters_fd,
	    .system_files = {
		[FILE_HOSTS] = str_of(m->system_files[FILE_HOSTS].text,
		    m->system_files[FILE_HOSTS].n),
		[FILE_RESOLV_CONF] = str_of(m->system_files[FILE_RESOLV_CONF].text,
		    m->system_files[FILE_RESOLV_CONF].n)},
	    .trust_fd = serves ? m->trust.fd : -1,
	    .peer_slots = gen != NULL ? gen->worker_slots : NULL,
	    .npeers = gen != NULL ? gen->nworkers : 0,
	    .roots = serves ? gen->roots : NULL,
	    .certs = serves ? gen->identities.certs : NULL,
	    .client_certs = serves ? gen->identities.client_certs : NULL,
	    .client_ca = serves ? gen->identities.client_ca : NULL,
	    .ca_chain = gen != NULL ? str_of(gen->ca_chain, gen->ca_chain_len) : STR_NONE,
	    .own_keys = serves ? str_of(gen->own_keys,
	    gen->nown_keys * sizeof(*gen->own_keys)) : STR_NONE,
	};
}

/* Who shows no certificates of the operator's is to have none of their keys either. */
static NORETURN void
run(struct master *m, const struct role_row *row, struct proc *p)
{
	struct generation *gen;

	log_init(p->conf->log.level, p->conf->log.format);
	if (!row->serves)
		TAILQ_FOREACH(gen, &m->generations, link)
			identities_free(&gen->identities);
	_exit(row->main(p));
}

/* A channel between a worker that is being made and the signer of its generation. */
static int
wire_signer(struct child *worker, int pair[2], struct errmsg *err)
{
	struct msg_peer peer = {.role = ROLE_WORKER, .index = worker->slot};
	struct child *signer = &worker->gen->signer;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return errmsg_sys(err, "cannot make a channel to the signer");
	/* While there is no signer, the worker gets its channel from the next one. */
	if (signer->channel != NULL && signer->ready)
		(void)CHANNEL_TELL_FDS(signer->channel, PEER, peer, &peer, &pair[1], 1);
	fd_close(&pair[1]);
	return 0;
}

static bool
is_taken(const struct master *m, unsigned slot, const struct child *c)
{
	const struct generation *gen;

	TAILQ_FOREACH(gen, &m->generations, link)
		if (&gen->signer != c && gen->signer.pid > 0 && gen->signer.slot == slot)
			return true;
	return false;
}

/* Of a generation that drains for an hour there may have come many since. */
static int
find_signer_slot(struct child *c, struct errmsg *err)
{
	unsigned i;

	for (i = 0; i < SLOT_NSIGNERS; i++)
		if (!is_taken(c->master, SLOT_SIGNERS + i, c)) {
			c->slot = SLOT_SIGNERS + i;
			return 0;
		}
	return errmsg_set(err, "%u generations have not ended yet: try again", i);
}

int
spawn(struct child *c, struct errmsg *err)
{
	struct master *m = c->master;
	const struct role_row *row = &roles[c->role];
	int pair[2] = {-1, -1}, signer[2] = {-1, -1};
	struct proc p;

	if (row->serves && recording_slot_new(m, c, err) == -1)
		return -1;
	if (c->role == ROLE_RECORDER) {
		c->slot = SLOT_RECORDER;
		recording_prepare(m);
	}
	if (c->role == ROLE_SIGNER && find_signer_slot(c, err) == -1)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1) {
		(void)errmsg_sys(err, "cannot make a channel to the %s", role_name(c->role));
		goto fail;
	}
	if (row->serves && wire_signer(c, signer, err) == -1)
		goto fail;
	fill_proc(c, &p, pair[1], signer[0]);
	counters_taken(m->counters, c->slot);
	c->ready = c->leaving = c->stuck = false;
	c->still = 0;
	c->denied = 0;
	c->started_us = clock_mono_us();
	inherit(m, row, true);
	c->pid = fork();
	if (c->pid == 0)
		run(m, row, &p);
	inherit(m, row, false);
	if (c->pid == -1) {
		(void)errmsg_sys(err, "cannot fork a %s", role_name(c->role));
		goto fail;
	}
	fd_close(&pair[1]);
	fd_close(&signer[0]);
	c->channel =
	    channel_new(m->loop, pair[0], ROLE_MASTER, c->role, on_message, on_closed, c);
	if (row->serves)
		recording_slot_live(m, c);
	return 0;
fail:
	fd_close(&pair[0]);
	fd_close(&pair[1]);
	fd_close(&signer[0]);
	if (row->serves)
		recording_slot_drop(m, c->slot);
	return -1;
}

void
spawn_forget(struct child *c)
{
	channel_free(&c->channel);
	poll_child_gone(c);
	ev_timer_stop(c->master->loop, &c->again);
	c->pid = -1;
	c->ready = false;
}
