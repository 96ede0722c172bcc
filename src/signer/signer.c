/* SPDX-License-Identifier: ISC */
/*
 * signer.c - the role: opens the CA while it still may, then only answers
 * workers.
 * Runs in: signer.
 */
#include "config.h"

#include "signer/signer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "proc/counters.h"
#include "proc/sandbox.h"
#include "shm/cert_cache.h"
#include "signer/desk.h"
#include "signer/key_maker.h"
#include "signer/keys.h"
#include "signer/retired.h"
#include "signer/vault.h"
#include "tls/roots.h"

#define CHECK_SECONDS 3600.	/* between looks at the age of the keys */
#define MAKE_SECONDS 1.		/* between keys that were left out at first */

/* One worker's channel. */
struct peer {
	LIST_ENTRY(peer) link;
	struct signer *signer;
	struct channel *channel;
	unsigned index;
	struct desk_client client;
};

struct signer {
	struct proc *proc;
	struct ca ca;
	struct retired retired;
	struct permit *permit;
	struct desk *desk;
	struct key_maker *maker;
	ev_timer age, make;
	LIST_HEAD(, peer) peers;
};

static int64_t
now_seconds(void)
{
	return (int64_t)(clock_wall_us() / 1000000);
}

static void
peer_free(struct peer *peer)
{
	LIST_REMOVE(peer, link);
	channel_free(&peer->channel);
	free(peer);
}

static int
peer_on_message(void *arg, struct channel *ch, enum msg_type type, struct str body, int *fds,
    size_t nfds)
{
	struct peer *peer = arg;
	struct buf answer = {0};
	size_t i;
	int err;

	for (i = 0; i < nfds; i++)
		fd_close(&fds[i]);
	if (type != MSG_SIGN_ASK || nfds > 0)
		return -1;
	err = desk_serve(peer->signer->desk, &peer->client, peer->index, body, clock_mono_us(),
	    now_seconds(), &answer);
	if (err == 0)
		err = channel_send(ch, MSG_SIGN_ANSWER, &answer, NULL, 0);
	buf_free(&answer);
	if (err == ERR_LIMIT)
		log_warning("worker %u does not read its answers", peer->index);
	/* A closed channel tells of itself; a flooder's is closed here. */
	return err == 0 || err == ERR_CLOSED ? 0 : -1;
}

static void
peer_on_closed(void *arg, struct channel *ch UNUSED)
{
	peer_free(arg);
}

static int
take_peer(struct signer *s, struct str body, int *fds, size_t nfds)
{
	struct msg_peer m;
	struct peer *peer;

	if (msg_unpack_peer(body, &m) != 0 || m.role != ROLE_WORKER || nfds != 1)
		return -1;
	peer = mem_new(struct peer);
	peer->signer = s;
	peer->index = m.index;
	peer->channel = channel_new(s->proc->loop, fds[0], ROLE_SIGNER, ROLE_WORKER,
	    peer_on_message, peer_on_closed, peer);
	fds[0] = -1;
	LIST_INSERT_HEAD(&s->peers, peer, link);
	return 0;
}

static int
on_message(void *arg, enum msg_type type, struct str body, int *fds, size_t nfds)
{
	int err = type == MSG_PEER ? take_peer(arg, body, fds, nfds) : -1;
	size_t i;

	for (i = 0; err != 0 && i < nfds; i++)
		fd_close(&fds[i]);
	return err;
}

static void
on_stop(void *arg, uint64_t timeout_ms UNUSED)
{
	struct signer *s = arg;

	/* Nothing here takes longer than one request: there is nothing to wait for. */
	proc_quit(s->proc);
}

/* Draining workers still need leafs; new keys are the new generation's matter. */
static void
on_drain(void *arg, uint64_t timeout_ms UNUSED, uint64_t idle_ms UNUSED)
{
	struct signer *s = arg;

	ev_timer_stop(s->proc->loop, &s->age);
	ev_timer_stop(s->proc->loop, &s->make);
}

static void
on_age(struct ev_loop *loop, ev_timer *w, int events UNUSED)
{
	struct signer *s = w->data;

	keys_renew(s->proc->keyring, now_seconds());
	ev_timer_again(loop, &s->make);
}

/* The start has not waited for these, and nobody who needs one later shall either. */
static void
on_make(struct ev_loop *loop, ev_timer *w, int events UNUSED)
{
	struct signer *s = w->data;
	enum keyring_key which;

	if (keys_missing(s->proc->keyring, &which))
		(void)key_maker_start(s->maker, which);
	else
		ev_timer_stop(loop, w);
}

static void
on_made(void *arg, enum keyring_key which, EVP_PKEY *key)
{
	struct signer *s = arg;

	keys_put(s->proc->keyring, which, key);
}

static void
start_timers(struct signer *s)
{
	s->maker = key_maker_new(s->proc->loop, on_made, s);
	ev_timer_init(&s->age, on_age, CHECK_SECONDS, CHECK_SECONDS);
	ev_timer_init(&s->make, on_make, MAKE_SECONDS, MAKE_SECONDS);
	s->age.data = s->make.data = s;
	ev_timer_start(s->proc->loop, &s->age);
	ev_timer_start(s->proc->loop, &s->make);
}

static void
warn_of_end(const struct ca *ca, int64_t now)
{
	int64_t left = ca->not_after - now;

	if (left < CA_WARN_SECONDS)
		log_warning("the CA ends in %lld days: prepare a new one, and install it on "
		    "all clients before that", (long long)(left / 86400));
}

/* Whatever the list says, clients trust the certificate for what it says itself. */
static void
warn_of_permit(const struct signer *s)
{
	if (!permit_any(s->permit) && !permit_is_that_of(s->permit, s->ca.cert))
		log_warning("ca.permit: the CA was not made with this list: what either of "
		    "both leaves out is passed on untouched, but clients trust the CA for what "
		    "its certificate says; 'mitmctl ca retire' and 'mitmctl ca init' make one "
		    "that is limited to the list");
}

/* The running generation's clients get its chain: another CA is the next one's matter. */
static int
check_same(const struct signer *s, struct errmsg *err)
{
	struct str before = s->proc->ca_chain;
	struct buf now = {0};
	bool same;

	if (before.n == 0)
		return 0;
	ca_pack_chain(&s->ca, &now);
	same = str_eq(before, buf_str(&now));
	buf_free(&now);
	return same ? 0 : errmsg_set(err, "the CA in %s is not the one this generation has "
	    "begun with: reload", s->proc->conf->ca.dir);
}

static void
warn_of_files(const struct signer *s, const struct files *files)
{
	if (s->ca.credential && faccessat(files->dir, CA_FILE, F_OK, 0) == 0)
		log_warning("%s/%s is not used: the CA's key is a systemd credential",
		    files->path, CA_FILE);
	if (retired_has(&s->retired, s->ca.cert))
		log_warning("the CA was retired: %s/%s has its key", files->path, RETIRED_FILE);
}

static int
take_ca(struct signer *s, struct files *files, struct errmsg *err)
{
	struct ca_new want = {.rsa = s->proc->conf->ca.key_rsa, .permit = s->permit};
	int64_t now = now_seconds();
	char host[256] = "";

	(void)gethostname(host, sizeof(host) - 1);
	want.host = host;
	if (retired_load(&s->retired, files, err) != 0 ||
	    ca_open(&s->ca, files, &want, now, err) != 0 || check_same(s, err) != 0)
		return -1;
	warn_of_permit(s);
	warn_of_end(&s->ca, now);
	warn_of_files(s, files);
	return ca_narrow(&s->ca, s->permit, err);
}

/* A start or a reload that fails after this takes it away again. */
static void
tell_made(struct signer *s, bool dir)
{
	struct msg_ca_made made = {.made = s->ca.made, .dir = dir};
	struct buf payload;

	buf_init(&payload, 0);
	msg_pack_ca_made(&payload, &made);
	proc_tell_early(s->proc, MSG_CA_MADE, &payload);
	buf_free(&payload);
}

static int
open_ca(struct signer *s, struct errmsg *err)
{
	const struct conf *conf = s->proc->conf;
	struct files files;
	struct errmsg why;
	int ret;

	s->permit = permit_new(conf->ca.permit.v, conf->ca.permit.n, &why);
	if (s->permit == NULL)
		return errmsg_set(err, "ca.permit: %s", why.text);
	if (files_open(&files, conf->ca.dir, s->proc->user.uid, s->proc->user.gid, err) != 0)
		return -1;
	ret = take_ca(s, &files, err);
	if (ret != 0)
		ca_unmake(&files, s->ca.made, files.made);
	else if (s->ca.made != 0 || files.made)
		tell_made(s, files.made);
	files_close(&files);
	return ret;
}

static void
tell_ready(struct signer *s)
{
	static const struct proc_ops ops = {
		.message = on_message,
		.stop = on_stop,
		.drain = on_drain,
	};
	struct buf chain = {0};
	uint8_t own[1 + RETIRED_MAX][32];
	size_t i;

	ca_pack_chain(&s->ca, &chain);
	tls_spki_sha256(s->ca.cert, own[0]);
	for (i = 0; i < s->retired.n; i++)
		tls_spki_sha256(s->retired.v[i], own[1 + i]);
	proc_ready(s->proc, &ops, s, buf_str(&chain), str_of(own, (1 + i) * sizeof(*own)));
	buf_free(&chain);
}

int
signer_main(struct proc *p)
{
	struct signer s = {.proc = p};
	struct desk_conf desk;
	struct peer *peer;
	uint64_t walls;
	struct errmsg err;

	proc_begin(p);
	LIST_INIT(&s.peers);
	walls = vault_open();
	if (open_ca(&s, &err) != 0)
		proc_fail(p, &err);
	keys_renew(p->keyring, now_seconds());
	desk = (struct desk_conf){.ca = &s.ca, .permit = s.permit, .cert_cache = p->cert_cache,
	    .keyring = p->keyring, .counters = &p->counters[p->slot],
	    .lifetime = (int64_t)(p->conf->leaf_lifetime_ms / 1000)};
	cert_issuer_id(s.ca.id, desk.lifetime, p->conf->ca.permit.v, p->conf->ca.permit.n,
	    desk.issuer_id);
	s.desk = desk_new(&desk);
	proc_drop(p);
	sandbox_fence(p, -1);
	start_timers(&s);
	if (sandbox_enter(p, walls, &err) != 0)
		proc_fail(p, &err);
	tell_ready(&s);
	proc_run(p);
	while ((peer = LIST_FIRST(&s.peers)) != NULL)
		peer_free(peer);
	ev_timer_stop(p->loop, &s.age);
	ev_timer_stop(p->loop, &s.make);
	key_maker_free(&s.maker);
	desk_free(&s.desk);
	ca_free(&s.ca);
	retired_free(&s.retired);
	permit_free(&s.permit);
	return proc_end(p);
}
