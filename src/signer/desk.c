/* SPDX-License-Identifier: ISC */
/* desk.c - see desk.h.  Runs in: signer, fuzzers. */
#include "config.h"

#include "signer/desk.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "ipc/bundle.h"
#include "proc/counters.h"
#include "shm/cert_cache.h"
#include "signer/keys.h"
#include "signer/mint.h"

struct desk {
	struct desk_conf conf;
	struct cert_cache *cache;
	struct minter *minter;
	uint32_t sequence;	/* of the key ring that the minter uses */
	bool has_keys;
	/* By SIGN_KEY_*; keys that are asked for first are made then. */
	uint8_t key_ids[SIGN_KEY_COUNT][8];
	bool key_there[SIGN_KEY_COUNT];
	struct ask ask;		/* large, and only one at a time */
	struct minted minted;
	struct buf bundle;
	uint8_t cached[CERT_CACHE_DER_MAX];
};

struct desk *
desk_new(const struct desk_conf *conf)
{
	struct desk *d = mem_new(struct desk);

	d->conf = *conf;
	d->cache = cert_cache_writer(conf->cert_cache);
	d->minter = minter_new(conf->ca->cert, conf->ca->key, conf->ca->not_after,
	    conf->lifetime);
	return d;
}

void
desk_free(struct desk **pd)
{
	struct desk *d = pd != NULL ? *pd : NULL;

	if (d == NULL)
		return;
	*pd = NULL;
	minter_free(&d->minter);
	cert_cache_free(&d->cache);
	buf_free(&d->bundle);
	free(d);
}

/* Another signer may have made new keys since the last request. */
static void
follow_keyring(struct desk *d)
{
	uint32_t sequence = keyring_sequence_own(d->conf.keyring);
	struct keyring k;
	size_t i;

	if (d->has_keys && sequence == d->sequence)
		return;
	keyring_read_own(d->conf.keyring, &k);
	d->sequence = sequence;
	d->has_keys = k.made_at != 0 && minter_take_keys(d->minter, &k) == 0;
	for (i = 0; i < SIGN_KEY_COUNT; i++) {
		memcpy(d->key_ids[i], k.keys[i].id, sizeof(d->key_ids[i]));
		d->key_there[i] = k.keys[i].der_len != 0;
	}
	mem_wipe(&k, sizeof(k));
}

static bool
has_key(struct desk *d, unsigned key)
{
	follow_keyring(d);
	if (d->has_keys && !d->key_there[key]) {
		keys_put(d->conf.keyring, (enum keyring_key)key,
		    keys_new((enum keyring_key)key));
		follow_keyring(d);
	}
	return d->has_keys && d->key_there[key];
}

static bool
may_ask(struct desk_client *c, uint64_t mono_us)
{
	c->asks.burst = DESK_BURST;
	c->asks.per_second = DESK_RATE;
	return rate_take(&c->asks, mono_us);
}

static void
tell_minted(const struct desk *d, unsigned worker, const struct msg_sign_ask *m)
{
	char serial[2 * TBS_SERIAL_BYTES + 1];
	size_t i;

	if (!log_wants(LOG_LEVEL_DEBUG))
		return;
	for (i = 0; i < TBS_SERIAL_BYTES; i++)
		(void)snprintf(serial + 2 * i, 3, "%02x", d->minted.serial[i]);
	log_debug("signed %.*s for worker %u: %s, defects %#x, key %u, staple %u, %zu names, "
	    "CN \"%.*s\", O \"%.*s\", serial %s", STR_ARG(m->asked_name), worker,
	    recipe_name(d->ask.recipe), d->ask.copy, d->ask.key, d->ask.staple,
	    d->ask.nnames, STR_ARG(d->ask.cn), STR_ARG(d->ask.org), serial);
}

static void
answer_minted(struct desk *d, unsigned worker, const struct msg_sign_ask *m,
    const struct cert_key *key, int64_t now, struct msg_sign_answer *out)
{
	int err = mint_leaf(d->minter, &d->ask, now, &d->minted);

	if (err != 0) {
		out->status = SIGN_BROKEN;
		out->reason = err == ERR_DENIED ? STR("the CA has expired") :
		    STR("OpenSSL cannot sign");
		return;
	}
	counter_add(&d->conf.counters->certs_minted, 1);
	out->status = SIGN_OK;
	out->refresh_at = d->minted.refresh_at;
	buf_clear(&d->bundle);
	bundle_pack(&d->bundle, &d->minted.bundle);
	out->bundle = buf_str(&d->bundle);
	cert_cache_put(d->cache, key, out->bundle, out->refresh_at);
	tell_minted(d, worker, m);
}

static void
answer_checked(struct desk *d, unsigned worker, const struct msg_sign_ask *m, int64_t now,
    struct msg_sign_answer *out)
{
	struct cert_like like = {.origin_leaf = m->origin.b, .not_before = m->not_before,
	    .not_after = m->not_after, .cn = m->cn, .org = m->org, .names = m->names,
	    .why = m->why, .copy = m->copy, .key_usage = m->key_usage, .staple = m->staple};
	uint8_t like_hash[32];
	struct cert_key key;
	size_t n;

	if (!has_key(d, m->key)) {
		out->status = SIGN_BROKEN;
		out->reason = STR("there are no leaf keys");
		return;
	}
	cert_like_hash(&like, like_hash);
	key = cert_key_make(m->asked_name, like_hash, m->recipe, d->key_ids[m->key],
	    d->conf.issuer_id);
	n = cert_cache_find(d->cache, &key, now, d->cached, &out->refresh_at);
	if (n == 0) {
		answer_minted(d, worker, m, &key, now, out);
		return;
	}
	out->status = SIGN_OK;
	out->bundle = str_of(d->cached, n);
}

int
desk_serve(struct desk *d, struct desk_client *c, unsigned worker, struct str body,
    uint64_t mono_us, int64_t now, struct buf *out)
{
	struct msg_sign_answer answer = {0};
	struct msg_sign_ask m;
	const char *why;

	if (msg_unpack_sign_ask(body, &m) != 0)
		return ERR_SYNTAX;
	answer.id = m.id;
	if (!may_ask(c, mono_us)) {
		answer.status = SIGN_BUSY;
		answer.reason = STR("too many requests");
		counter_add(&d->conf.counters->certs_refused, 1);
		log_warning("worker %u asks for more than %d certificates a second: it has to "
		    "wait", worker, DESK_RATE);
	} else if (ask_check(&m, d->conf.permit, now, &d->ask, &why) != 0) {
		answer.status = SIGN_REFUSED;
		answer.reason = str_z(why);
		counter_add(&d->conf.counters->certs_refused, 1);
		log_warning("refused worker %u a certificate for %.*s: %s", worker,
		    STR_ARG(str_sub(m.asked_name, 0, 255)), why);
	} else {
		answer_checked(d, worker, &m, now, &answer);
	}
	msg_pack_sign_answer(out, &answer);
	return 0;
}
