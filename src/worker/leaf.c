/* SPDX-License-Identifier: ISC */
/* leaf.c - see leaf.h.  Runs in: worker. */
#include "config.h"

#include "worker/leaf.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "ipc/bundle.h"
#include "shm/cert_cache.h"
#include "shm/keyring.h"
#include "worker/worker_state.h"

#define TABLE_BUCKETS 1024
#define TABLE_MAX 2048
#define NAMES_MAX 7000		/* bytes of names in an ask; then only those that matter */
#define REFUSED_SECONDS 10	/* a refusal is not asked again so soon */
#define ASK_SECONDS 5		/* for the signer's answer */
#define SENDS_MAX 2		/* of one question, to one signer after the other */

struct entry {
	TAILQ_ENTRY(entry) chain, age;
	struct cert_key key;
	struct tls_leaf *leaf;	/* NULL: refused until */
	int64_t until;
	char reason[128];
};

/* One question to the signer and everybody who waits for its answer. */
struct question {
	TAILQ_ENTRY(question) link;
	uint32_t id;
	struct cert_key key;
	bool rsa;
	uint32_t sequence;	/* of the keyring when asked */
	unsigned sent;
	double deadline;
	struct buf packed;	/* asked again when a new signer comes */
	TAILQ_HEAD(, leaf_ask) asks;
};

struct leaf_ask {
	TAILQ_ENTRY(leaf_ask) link;
	struct question *question;
	leaf_done_fn *done;
	void *arg;
};

struct leafs {
	struct worker *worker;
	struct channel *signer;
	struct cert_cache *cache;
	struct keyring_reader *keyring;
	uint32_t sequence;
	struct keyring ring;
	EVP_PKEY *keys[2];	/* by SIGN_KEY_* */
	struct tls_ticket_keys tickets;
	STACK_OF(X509) *ca_chain;
	struct buf names;	/* scratch */
	uint8_t ca_id[32];
	TAILQ_HEAD(entry_list, entry) table[TABLE_BUCKETS], by_age;
	size_t nentries;
	TAILQ_HEAD(, question) questions;
	uint32_t last_id;
	ev_timer timer;
};

static const enum keyring_key key_of[2] = {
    [SIGN_KEY_EC] = KEYRING_EC, [SIGN_KEY_RSA] = KEYRING_RSA};

static int64_t
now_seconds(void)
{
	return (int64_t)(clock_wall_us() / 1000000);
}

/* ---- the key ring ---- */

static void
copy_ticket(struct tls_ticket_key *to, const struct keyring_ticket *from)
{
	memcpy(to->name, from->name, sizeof(to->name));
	memcpy(to->aes, from->aes, sizeof(to->aes));
	memcpy(to->hmac, from->hmac, sizeof(to->hmac));
}

/* Look whether a signer has put new keys there; nearly always it has not. */
static void
look_at_keyring(struct leafs *ls)
{
	uint32_t sequence = keyring_sequence(ls->keyring);
	int i;

	if (sequence == ls->sequence || !keyring_read(ls->keyring, &ls->ring))
		return;
	ls->sequence = sequence;
	for (i = 0; i < 2; i++) {
		const struct keyring_private *k = &ls->ring.keys[key_of[i]];
		const unsigned char *p = k->der;
		EVP_PKEY *key =
		    k->der_len > 0 ? d2i_AutoPrivateKey(NULL, &p, k->der_len) : NULL;

		if (key == NULL)
			continue;
		EVP_PKEY_free(ls->keys[i]);
		ls->keys[i] = key;
	}
	copy_ticket(&ls->tickets.current, &ls->ring.ticket);
	copy_ticket(&ls->tickets.previous, &ls->ring.previous_ticket);
	ls->tickets.has_previous = ls->ring.has_previous_ticket != 0;
}

void
leafs_ticket_keys(void *arg, struct tls_ticket_keys *out)
{
	struct leafs *ls = arg;

	look_at_keyring(ls);
	*out = ls->tickets;
}

/* ---- the table ---- */

static struct entry_list *
bucket_of(struct leafs *ls, const struct cert_key *key)
{
	return &ls->table[(key->hash[0] | (size_t)key->hash[1] << 8) % TABLE_BUCKETS];
}

static void
entry_free(struct leafs *ls, struct entry *e)
{
	TAILQ_REMOVE(bucket_of(ls, &e->key), e, chain);
	TAILQ_REMOVE(&ls->by_age, e, age);
	ls->nentries--;
	tls_leaf_unref(&e->leaf);
	free(e);
}

static struct entry *
table_find(struct leafs *ls, const struct cert_key *key)
{
	struct entry *e;

	TAILQ_FOREACH(e, bucket_of(ls, key), chain)
		if (memcmp(e->key.hash, key->hash, sizeof(key->hash)) == 0)
			break;
	if (e == NULL)
		return NULL;
	if (now_seconds() >= e->until) {
		entry_free(ls, e);
		return NULL;
	}
	if (TAILQ_FIRST(&ls->by_age) != e) {
		TAILQ_REMOVE(&ls->by_age, e, age);
		TAILQ_INSERT_HEAD(&ls->by_age, e, age);
	}
	return e;
}

static struct entry *
table_add(struct leafs *ls, const struct cert_key *key, struct tls_leaf *leaf, int64_t until)
{
	struct entry *e = mem_new(struct entry);

	if (ls->nentries >= TABLE_MAX)
		entry_free(ls, TAILQ_LAST(&ls->by_age, entry_list));
	e->key = *key;
	e->leaf = tls_leaf_ref(leaf);
	e->until = until;
	TAILQ_INSERT_HEAD(bucket_of(ls, key), e, chain);
	TAILQ_INSERT_HEAD(&ls->by_age, e, age);
	ls->nentries++;
	return e;
}

/* A new reference to the leaf in der, which is kept in the table too; NULL: not usable. */
static struct tls_leaf *
take_der(struct leafs *ls, const struct cert_key *key, bool rsa, const uint8_t *der, size_t n,
    int64_t refresh_at)
{
	EVP_PKEY *private_key = ls->keys[rsa ? SIGN_KEY_RSA : SIGN_KEY_EC];
	const unsigned char *p;
	struct tls_leaf *leaf;
	struct bundle b;
	X509 *cert;

	if (bundle_unpack(str_of(der, n), &b) != 0)
		return NULL;
	p = (const unsigned char *)b.leaf.p;
	cert = d2i_X509(NULL, &p, (long)b.leaf.n);

	if (cert == NULL || private_key == NULL ||
	    EVP_PKEY_eq(X509_get0_pubkey(cert), private_key) != 1) {
		X509_free(cert);
		return NULL;
	}
	leaf = mem_new(struct tls_leaf);
	leaf->refs = 1;
	leaf->cert = cert;
	leaf->key = private_key;
	CHECK(EVP_PKEY_up_ref(private_key));
	leaf->chain = X509_chain_up_ref(ls->ca_chain);
	CHECK(leaf->chain != NULL);
	leaf->refresh_at = refresh_at;
	(void)table_add(ls, key, leaf, refresh_at);
	return leaf;
}

/* ---- questions ---- */

static void
question_free(struct leafs *ls, struct question *q)
{
	TAILQ_REMOVE(&ls->questions, q, link);
	buf_free(&q->packed);
	free(q);
	if (TAILQ_EMPTY(&ls->questions))
		ev_timer_stop(ls->worker->loop, &ls->timer);
}

/* Everybody gets a reference of his own, or the reason. */
static void
answer_all(struct leafs *ls, struct question *q, struct tls_leaf *leaf, const char *reason)
{
	struct leaf_ask *ask;

	while ((ask = TAILQ_FIRST(&q->asks)) != NULL) {
		TAILQ_REMOVE(&q->asks, ask, link);
		ask->done(ask->arg, tls_leaf_ref(leaf), reason);
		free(ask);
	}
	question_free(ls, q);
}

static void
on_timer(struct ev_loop *loop, ev_timer *w, int events UNUSED)
{
	struct leafs *ls = w->data;
	struct question *q, *next;

	TAILQ_FOREACH_SAFE(q, &ls->questions, link, next)
		if (ev_now(loop) >= q->deadline)
			answer_all(ls, q, NULL, "the signer does not answer");
}

static struct question *
find_question(struct leafs *ls, uint32_t id)
{
	struct question *q;

	TAILQ_FOREACH(q, &ls->questions, link)
		if (q->id == id)
			return q;
	return NULL;
}

static void
send_question(struct leafs *ls, struct question *q)
{
	/* Without a signer it waits for the next one. Who ends two is not asked again. */
	if (ls->signer != NULL && q->sent++ < SENDS_MAX)
		(void)!channel_send(ls->signer, MSG_SIGN_ASK, &q->packed, NULL, 0);
}

static void
refused(struct leafs *ls, struct question *q, const struct msg_sign_answer *a)
{
	char reason[128];

	(void)snprintf(reason, sizeof(reason), "%.*s", STR_ARG(a->reason));
	if (a->status == SIGN_REFUSED) {
		struct entry *e = table_add(ls, &q->key, NULL, now_seconds() + REFUSED_SECONDS);

		memcpy(e->reason, reason, sizeof(e->reason));
	}
	answer_all(ls, q, NULL, reason);
}

static int
on_message(void *arg, struct channel *ch UNUSED, enum msg_type type, struct str body,
    int *fds UNUSED, size_t nfds)
{
	struct leafs *ls = arg;
	struct msg_sign_answer a;
	struct tls_leaf *leaf;
	struct question *q;

	if (type != MSG_SIGN_ANSWER || nfds != 0 || msg_unpack_sign_answer(body, &a) != 0)
		return -1;
	q = find_question(ls, a.id);
	if (q == NULL)
		return 0;	/* it came too late */
	if (a.status != SIGN_OK) {
		refused(ls, q, &a);
		return 0;
	}
	look_at_keyring(ls);
	leaf = take_der(ls, &q->key, q->rsa, (const uint8_t *)a.bundle.p, a.bundle.n, a.refresh_at);
	if (leaf == NULL && q->sequence != ls->sequence) {
		/* The keys were rotated in between: once more, for the new one. */
		q->sequence = ls->sequence;
		send_question(ls, q);
		return 0;
	}
	answer_all(ls, q, leaf, "the signer's leaf does not fit our key");
	tls_leaf_unref(&leaf);
	return 0;
}

static void
on_closed(void *arg, struct channel *ch UNUSED)
{
	struct leafs *ls = arg;

	channel_free(&ls->signer);	/* the master sends a new one */
}

void
leafs_signer(struct leafs *ls, int fd)
{
	struct question *q;

	channel_free(&ls->signer);
	ls->signer = channel_new(ls->worker->loop, fd, ROLE_WORKER, ROLE_SIGNER, on_message,
	    on_closed, ls);
	TAILQ_FOREACH(q, &ls->questions, link)
		send_question(ls, q);
}

/* ---- what is asked ---- */

static bool
covers(const struct tls_name *n, struct str asked)
{
	ssize_t dot;

	if (n->type != TLS_NAME_DNS)
		return false;
	if (str_ieq(n->value, asked))
		return true;
	dot = str_chr(asked, '.');
	return n->value.n > 2 && n->value.p[0] == '*' && dot > 0 &&
	    str_ieq(str_from(n->value, 1), str_from(asked, (size_t)dot));
}

static void
put_name(struct buf *out, uint8_t type, struct str value)
{
	uint8_t head[3] = {type, (uint8_t)(value.n >> 8), (uint8_t)value.n};

	buf_put(out, head, sizeof(head));
	buf_puts(out, value);
}

static void
pack_names(struct buf *out, const struct tls_facts *origin, struct str asked, bool all)
{
	size_t i;

	for (i = 0; i < origin->nnames; i++) {
		const struct tls_name *n = &origin->names[i];
		if (n->value.n <= 0xffff && (all || covers(n, asked)))
			put_name(out, n->type, n->value);
	}
}

/* The name that the client asked for, where the origin's certificate lacks it. */
static void
add_asked(struct buf *out, const struct tls_facts *origin, struct str asked)
{
	struct addr ip;
	size_t i;

	for (i = 0; i < origin->nnames; i++)
		if (covers(&origin->names[i], asked))
			return;
	if (!addr_parse_ip(asked, 0, &ip))
		put_name(out, TLS_NAME_DNS, asked);
	else if (ip.sa.sa_family == AF_INET6)
		put_name(out, TLS_NAME_IP, str_of(&ip.in6.sin6_addr, 16));
	else
		put_name(out, TLS_NAME_IP, str_of(&ip.in.sin_addr, 4));
}

/* All that the signer is told, but for the number. Names lie in the scratch buffer. */
static struct msg_sign_ask
describe(struct leafs *ls, const struct leaf_want *want)
{
	const struct tls_facts *o = want->origin;
	struct buf *names = &ls->names;
	struct msg_sign_ask m = {.recipe = (uint8_t)want->recipe,
	    .key = want->rsa ? SIGN_KEY_RSA : SIGN_KEY_EC, .asked_name = want->name};

	if (o == NULL)
		return m;
	buf_clear(names);
	pack_names(names, o, want->name, true);
	if (names->len > NAMES_MAX) {
		buf_clear(names);
		pack_names(names, o, want->name, false);
	}
	if (want->add_name)
		add_asked(names, o, want->name);
	memcpy(m.origin.b, o->chain[0].sha256, sizeof(m.origin.b));
	m.names = buf_str(names);
	m.cn = o->cn;
	m.org = o->org;
	if (o->verified)
		m.not_after = o->earliest_not_after;
	return m;
}

static struct cert_key
key_for(struct leafs *ls, const struct msg_sign_ask *m, const uint8_t key_id[8])
{
	struct cert_like like = {.origin_leaf = m->origin.b, .not_before = m->not_before,
	    .not_after = m->not_after, .cn = m->cn, .org = m->org, .names = m->names};
	uint8_t hash[32];

	cert_like_hash(&like, hash);
	return cert_key_make(m->asked_name, hash, m->recipe, key_id, ls->ca_id);
}

static struct leaf_ask *
ask(struct leafs *ls, const struct cert_key *key, struct msg_sign_ask *m, leaf_done_fn *done,
    void *arg)
{
	struct leaf_ask *a = mem_new(struct leaf_ask);
	struct question *q;

	TAILQ_FOREACH(q, &ls->questions, link)
		if (memcmp(q->key.hash, key->hash, sizeof(key->hash)) == 0)
			break;
	if (q == NULL) {
		q = mem_new(struct question);
		q->id = ++ls->last_id;
		q->key = *key;
		q->rsa = m->key == SIGN_KEY_RSA;
		q->sequence = ls->sequence;
		q->deadline = ev_now(ls->worker->loop) + ASK_SECONDS;
		TAILQ_INIT(&q->asks);
		m->id = q->id;
		msg_pack_sign_ask(&q->packed, m);
		if (TAILQ_EMPTY(&ls->questions))
			ev_timer_again(ls->worker->loop, &ls->timer);
		TAILQ_INSERT_TAIL(&ls->questions, q, link);
		send_question(ls, q);
	}
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

static struct leaf_ask *
tell_later(struct leafs *ls, const char *reason, leaf_done_fn *done, void *arg)
{
	struct told_later *t = mem_new(struct told_later);

	(void)snprintf(t->reason, sizeof(t->reason), "%s", reason);
	t->ask.done = done;
	t->ask.arg = arg;
	ev_timer_init(&t->timer, on_told_later, 0, 0);
	t->timer.data = t;
	ev_timer_start(ls->worker->loop, &t->timer);
	return &t->ask;
}

struct tls_leaf *
leaf_find(struct leafs *ls, const struct leaf_want *want, leaf_done_fn *done, void *arg,
    struct leaf_ask **out_ask)
{
	uint8_t der[CERT_CACHE_DER_MAX];
	struct msg_sign_ask m;
	struct cert_key key;
	struct entry *e;
	int64_t refresh_at;
	size_t n;

	*out_ask = NULL;
	look_at_keyring(ls);
	m = describe(ls, want);
	key = key_for(ls, &m, ls->ring.keys[key_of[m.key]].id);
	e = table_find(ls, &key);
	if (e != NULL && e->leaf != NULL)
		return tls_leaf_ref(e->leaf);
	if (e != NULL) {
		*out_ask = tell_later(ls, e->reason, done, arg);
		return NULL;
	}
	n = cert_cache_find(ls->cache, &key, now_seconds(), der, &refresh_at);
	if (n > 0) {
		struct tls_leaf *leaf = take_der(ls, &key, want->rsa, der, n, refresh_at);

		if (leaf != NULL)
			return leaf;
	}
	*out_ask = ask(ls, &key, &m, done, arg);
	return NULL;
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

void
leaf_session_context(struct leafs *ls, const struct leaf_want *want, uint8_t out[32])
{
	/* The key's rotation must not end sessions; everything else must. */
	static const uint8_t any_key[8];
	struct msg_sign_ask m = describe(ls, want);
	struct cert_key key = key_for(ls, &m, any_key);

	memcpy(out, key.hash, 32);
}

/* ---- beginning and end ---- */

static int
take_ca_chain(struct leafs *ls, struct str chain, struct errmsg *err)
{
	ls->ca_chain = sk_X509_new_null();
	while (chain.n >= 4) {
		const uint8_t *p = (const uint8_t *)chain.p;
		size_t n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
		const unsigned char *der = p + 4;
		X509 *cert = n <= chain.n - 4 ? d2i_X509(NULL, &der, (long)n) : NULL;

		if (cert == NULL || !sk_X509_push(ls->ca_chain, cert))
			return errmsg_set(err, "the CA's chain cannot be read");
		if (sk_X509_num(ls->ca_chain) == 1)
			CHECK(EVP_Digest(p + 4, n, ls->ca_id, NULL, EVP_sha256(), NULL) == 1);
		chain = str_from(chain, n + 4);
	}
	if (sk_X509_num(ls->ca_chain) == 0)
		return errmsg_set(err, "there is no CA certificate");
	return 0;
}

struct leafs *
leafs_new(struct worker *w, struct errmsg *err)
{
	struct leafs *ls = mem_new(struct leafs);
	size_t i;

	ls->worker = w;
	for (i = 0; i < TABLE_BUCKETS; i++)
		TAILQ_INIT(&ls->table[i]);
	TAILQ_INIT(&ls->by_age);
	TAILQ_INIT(&ls->questions);
	ev_timer_init(&ls->timer, on_timer, 1, 1);
	ls->timer.data = ls;
	ls->cache = cert_cache_reader(w->proc->cert_cache->fd, err);
	ls->keyring = ls->cache != NULL ? keyring_reader_new(w->proc->keyring->fd, err) : NULL;
	if (ls->keyring == NULL || take_ca_chain(ls, w->proc->ca_chain, err) != 0) {
		leafs_free(&ls);
		return NULL;
	}
	look_at_keyring(ls);
	if (ls->keys[SIGN_KEY_EC] == NULL) {
		(void)errmsg_set(err, "the signer has left no leaf key");
		leafs_free(&ls);
		return NULL;
	}
	leafs_signer(ls, w->proc->signer_fd);
	return ls;
}

void
leafs_free(struct leafs **pls)
{
	struct leafs *ls = *pls;
	struct question *q;
	struct leaf_ask *a;

	*pls = NULL;
	if (ls == NULL)
		return;
	channel_free(&ls->signer);
	while ((q = TAILQ_FIRST(&ls->questions)) != NULL) {
		while ((a = TAILQ_FIRST(&q->asks)) != NULL) {
			TAILQ_REMOVE(&q->asks, a, link);
			free(a);
		}
		question_free(ls, q);
	}
	while (!TAILQ_EMPTY(&ls->by_age))
		entry_free(ls, TAILQ_FIRST(&ls->by_age));
	EVP_PKEY_free(ls->keys[0]);
	EVP_PKEY_free(ls->keys[1]);
	sk_X509_pop_free(ls->ca_chain, X509_free);
	buf_free(&ls->names);
	keyring_reader_free(&ls->keyring);
	cert_cache_free(&ls->cache);
	mem_wipe(&ls->ring, sizeof(ls->ring));
	mem_wipe(&ls->tickets, sizeof(ls->tickets));
	free(ls);
}
