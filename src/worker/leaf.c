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
#include "base/mem.h"
#include "ipc/bundle.h"
#include "proc/counters.h"
#include "shm/cert_cache.h"
#include "tls/name.h"
#include "tls/permit.h"
#include "worker/leaf_table.h"
#include "worker/worker_state.h"

#define TABLE_MAX 2048
#define NAMES_MAX 7000		/* bytes of names in an ask; then only those that matter */
#define OTHER_NAME "mirror.invalid"	/* RFC 6761 6.4 */
#define REFUSED_SECONDS 10	/* a refusal is not asked again so soon */

struct leafs {
	struct worker *worker;
	struct cert_cache *cache;
	struct leaf_keys *keys;
	struct leaf_table *table;
	struct leaf_asks *asks;
	STACK_OF(X509) *ca_chain;
	struct permit *permit;
	struct buf names;	/* scratch */
	uint8_t issuer_id[32];
};

static int64_t
now_seconds(void)
{
	return (int64_t)(clock_wall_us() / 1000000);
}

void
leafs_ticket_keys(void *arg, struct tls_ticket_keys *out)
{
	struct leafs *ls = arg;

	leaf_keys_look(ls->keys);
	leaf_keys_tickets(ls->keys, out);
}

/* ---- from a bundle ---- */

static X509 *
parse(struct str der)
{
	const unsigned char *p = (const unsigned char *)der.p;

	return d2i_X509(NULL, &p, (long)der.n);
}

/* NULL: an issuer cannot be read. */
static STACK_OF(X509) *
chain_of(const struct leafs *ls, const struct bundle *b)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *cert;
	size_t i;

	CHECK(chain != NULL);
	for (i = 0; i < b->nissuers; i++) {
		cert = parse(b->issuers[i]);
		if (cert == NULL) {
			sk_X509_pop_free(chain, X509_free);
			return NULL;
		}
		CHECK(sk_X509_push(chain, cert) > 0);
	}
	if (b->with_ca)
		CHECK(X509_add_certs(chain, ls->ca_chain, X509_ADD_FLAG_UP_REF) == 1);
	return chain;
}

/* A new reference to the leaf, which is kept in the table too; NULL: not usable. */
static struct tls_leaf *
take_bundle(void *arg, const struct cert_key *key, unsigned sign_key, struct str packed,
    int64_t refresh_at)
{
	struct leafs *ls = arg;
	EVP_PKEY *private = leaf_key(ls->keys, sign_key);
	STACK_OF(X509) *chain = NULL;
	struct tls_leaf *leaf;
	struct bundle b;
	X509 *cert;

	if (private == NULL || bundle_unpack(packed, &b) != 0)
		return NULL;
	cert = parse(b.leaf);
	if (cert != NULL && EVP_PKEY_eq(X509_get0_pubkey(cert), private) == 1)
		chain = chain_of(ls, &b);
	if (chain == NULL) {
		X509_free(cert);
		return NULL;
	}
	CHECK(EVP_PKEY_up_ref(private) == 1);
	leaf = tls_leaf_new(cert, private, chain);
	sk_X509_pop_free(chain, X509_free);
	leaf->refresh_at = refresh_at;
	leaf->ocsp_len = b.staple.n;
	leaf->ocsp = b.staple.n > 0 ? mem_dup(b.staple.p, b.staple.n) : NULL;
	leaf_table_add(ls->table, key, leaf, NULL, refresh_at);
	return leaf;
}

static void
note_refusal(void *arg, const struct cert_key *key, const char *reason)
{
	struct leafs *ls = arg;

	leaf_table_add(ls->table, key, NULL, reason, now_seconds() + REFUSED_SECONDS);
}

static const struct leaf_asks_ops asks_ops = {.minted = take_bundle, .refused = note_refusal};

void
leafs_signer(struct leafs *ls, int fd)
{
	leaf_asks_signer(ls->asks, fd);
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

/* Those for the asked name, or those that are not, as far as there is room. */
static void
pack_some(struct buf *out, const struct tls_facts *origin, struct str asked, bool covering,
    size_t *room)
{
	size_t i;

	for (i = 0; i < origin->nnames && *room > 0; i++) {
		const struct tls_name *n = &origin->names[i];

		if (covers(n, asked) != covering || !mirror_takes_name(n) ||
		    out->len + 3 + n->value.n > NAMES_MAX)
			continue;
		put_name(out, n->type, n->value);
		(*room)--;
	}
}

static void
pack_names(struct buf *out, const struct tls_facts *origin, struct str asked)
{
	size_t i, n = 0, room = SIGN_NAMES_MAX - 1;	/* one more may be added */

	for (i = 0; i < origin->nnames && out->len <= NAMES_MAX && n <= room; i++)
		if (mirror_takes_name(&origin->names[i])) {
			put_name(out, origin->names[i].type, origin->names[i].value);
			n++;
		}
	if (out->len <= NAMES_MAX && n <= room)
		return;
	buf_clear(out);
	pack_some(out, origin, asked, true, &room);
	pack_some(out, origin, asked, false, &room);
}

/* What the signer would not sign is left out: the names decide. */
static struct str
subject_part(struct str s)
{
	return name_is_text(s) ? s : STR_NONE;
}

static void
put_asked(struct buf *out, struct str asked)
{
	struct addr ip;

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
	const struct mirror_plan *p = &want->plan;
	const struct tls_facts *o = want->origin;
	struct msg_sign_ask m = {.recipe = (uint8_t)p->recipe, .key = p->key,
	    .staple = p->staple, .copy = p->copy, .key_usage = p->key_usage,
	    .not_before = p->not_before, .not_after = p->not_after, .why = str_z(p->why),
	    .asked_name = want->name};

	memcpy(m.origin.b, o->chain[0].sha256, sizeof(m.origin.b));
	if (p->names == MIRROR_NAMES_ASKED)
		return m;	/* the signer takes the asked name where there is none */
	buf_clear(&ls->names);
	if (p->names == MIRROR_NAMES_OTHER)
		put_name(&ls->names, TLS_NAME_DNS, STR(OTHER_NAME));
	else
		pack_names(&ls->names, o, want->name);
	if (p->names == MIRROR_NAMES_ADD)
		put_asked(&ls->names, want->name);
	m.names = buf_str(&ls->names);
	m.cn = subject_part(o->cn);
	m.org = subject_part(o->org);
	return m;
}

static struct cert_key
key_for(const struct leafs *ls, const struct msg_sign_ask *m, const uint8_t key_id[8])
{
	struct cert_like like = {.origin_leaf = m->origin.b, .not_before = m->not_before,
	    .not_after = m->not_after, .cn = m->cn, .org = m->org, .names = m->names,
	    .why = m->why, .copy = m->copy, .key_usage = m->key_usage, .staple = m->staple};
	uint8_t hash[32];

	cert_like_hash(&like, hash);
	return cert_key_make(m->asked_name, hash, m->recipe, key_id, ls->issuer_id);
}

struct tls_leaf *
leaf_find(struct leafs *ls, const struct leaf_want *want, leaf_done_fn *done, void *arg,
    struct leaf_ask **out_ask)
{
	struct counters *counters = ls->worker->counters;
	uint8_t packed[CERT_CACHE_DER_MAX];
	int64_t now = now_seconds(), refresh_at;
	struct tls_leaf *leaf;
	const char *refusal;
	struct msg_sign_ask m;
	struct cert_key key;
	size_t n;

	*out_ask = NULL;
	leaf_keys_look(ls->keys);
	m = describe(ls, want);
	key = key_for(ls, &m, leaf_key_id(ls->keys, m.key));
	if (leaf_table_find(ls->table, &key, now, &leaf, &refusal)) {
		counter_add(&counters->cache_hits, 1);
		if (leaf == NULL)
			*out_ask = leaf_ask_refused(ls->asks, refusal, done, arg);
		return leaf;
	}
	n = cert_cache_find(ls->cache, &key, now, packed, &refresh_at);
	leaf = n > 0 ? take_bundle(ls, &key, m.key, str_of(packed, n), refresh_at) : NULL;
	counter_add(leaf != NULL ? &counters->cache_hits : &counters->cache_misses, 1);
	if (leaf == NULL)
		*out_ask = leaf_ask(ls->asks, &key, &m, done, arg);
	return leaf;
}

void
leaf_session_context(struct leafs *ls, const struct leaf_want *want,
    const struct tls_leaf *custom, uint8_t out[32])
{
	/* Our key's rotation must not end sessions; another custom certificate must. */
	uint8_t shown[32] = {0};
	struct msg_sign_ask m = describe(ls, want);
	struct cert_key key;

	if (custom != NULL)
		CHECK(X509_digest(custom->cert, EVP_sha256(), shown, NULL) == 1);
	key = key_for(ls, &m, shown);
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
		X509 *cert = n <= chain.n - 4 ? parse(str_sub(chain, 4, n)) : NULL;

		if (cert == NULL || !sk_X509_push(ls->ca_chain, cert))
			return errmsg_set(err, "the CA's chain cannot be read");
		chain = str_from(chain, n + 4);
	}
	if (sk_X509_num(ls->ca_chain) == 0)
		return errmsg_set(err, "there is no CA certificate");
	return 0;
}

static void
take_issuer_id(struct leafs *ls)
{
	const struct conf *conf = ls->worker->conf;
	uint8_t ca_id[32];

	CHECK(X509_digest(sk_X509_value(ls->ca_chain, 0), EVP_sha256(), ca_id, NULL) == 1);
	cert_issuer_id(ca_id, (int64_t)(conf->leaf_lifetime_ms / 1000), conf->ca.permit.v,
	    conf->ca.permit.n, ls->issuer_id);
}

static int
read_permit(struct leafs *ls, struct errmsg *err)
{
	const struct conf_strings *names = &ls->worker->conf->ca.permit;
	int i;

	ls->permit = permit_new(names->v, names->n, err);
	if (ls->permit == NULL)
		return -1;
	for (i = 0; i < sk_X509_num(ls->ca_chain); i++)
		if (permit_narrow(ls->permit, sk_X509_value(ls->ca_chain, i), err) != 0)
			return -1;
	return 0;
}

const struct permit *
leafs_permit(const struct leafs *ls)
{
	return ls->permit;
}

struct leafs *
leafs_new(struct worker *w, struct errmsg *err)
{
	struct leafs *ls = mem_new(struct leafs);

	ls->worker = w;
	ls->table = leaf_table_new(TABLE_MAX);
	ls->cache = cert_cache_reader(w->proc->cert_cache->fd, err);
	ls->keys = ls->cache != NULL ? leaf_keys_new(w->proc->keyring->fd, err) : NULL;
	if (ls->keys == NULL || take_ca_chain(ls, w->proc->ca_chain, err) != 0 ||
	    read_permit(ls, err) != 0) {
		leafs_free(&ls);
		return NULL;
	}
	take_issuer_id(ls);
	ls->asks = leaf_asks_new(w, ls->keys, &asks_ops, ls);
	leaf_asks_signer(ls->asks, w->proc->signer_fd);
	return ls;
}

void
leafs_free(struct leafs **pls)
{
	struct leafs *ls = *pls;

	*pls = NULL;
	if (ls == NULL)
		return;
	leaf_asks_free(&ls->asks);
	leaf_table_free(&ls->table);
	leaf_keys_free(&ls->keys);
	permit_free(&ls->permit);
	sk_X509_pop_free(ls->ca_chain, X509_free);
	buf_free(&ls->names);
	cert_cache_free(&ls->cache);
	free(ls);
}
