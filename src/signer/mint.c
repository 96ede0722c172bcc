/* SPDX-License-Identifier: ISC */
/* mint.c - see mint.h.  Runs in: signer. */
#include "config.h"

#include "signer/mint.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "signer/ocsp.h"
#include "signer/strangers.h"

#define NAME_DER_MAX 256	/* O and CN of 64 bytes each */
#define ROOT_NOT_SENT "root that is not sent"
#define STAPLE_BACKDATE_SECONDS 3600
#define STAPLE_STALE_SECONDS (7 * 86400)

/* A key of the key ring. */
struct leaf_key {
	bool there;
	struct tbs_key key;
	struct seal seal;	/* for the self-signed */
};

struct minter {
	struct seal seal;	/* the CA's */
	int64_t not_after, lifetime;
	uint8_t *issuer;	/* the CA's name, DER */
	size_t issuer_len;
	uint8_t authority[64];	/* the CA's subject key identifier */
	size_t authority_len;
	struct ocsp_issuer ocsp;
	struct strangers strangers;
	struct leaf_key keys[SIGN_KEY_COUNT];
};

struct dates {
	int64_t first, last, refresh_at;
};

static void
take_authority(struct minter *m, X509 *ca)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(ca);
	unsigned n = 0;

	/* A byte copy, never computed anew: OpenSSL compares bytes (RFC 5280 4.2.1.1). */
	if (id != NULL && (size_t)ASN1_STRING_length(id) <= sizeof(m->authority)) {
		m->authority_len = (size_t)ASN1_STRING_length(id);
		memcpy(m->authority, ASN1_STRING_get0_data(id), m->authority_len);
		return;
	}
	CHECK(X509_pubkey_digest(ca, EVP_sha1(), m->authority, &n) == 1);
	m->authority_len = n;
}

struct minter *
minter_new(X509 *ca, EVP_PKEY *ca_key, int64_t not_after, int64_t lifetime)
{
	struct minter *m = mem_new(struct minter);
	int n;

	m->not_after = not_after;
	m->lifetime = lifetime;
	seal_init(&m->seal, ca_key);
	n = i2d_X509_NAME(X509_get_subject_name(ca), &m->issuer);
	CHECK(n > 0);
	m->issuer_len = (size_t)n;
	take_authority(m, ca);
	ocsp_issuer_init(&m->ocsp, ca, str_of(m->issuer, m->issuer_len));
	strangers_init(&m->strangers);
	return m;
}

void
minter_free(struct minter **pm)
{
	struct minter *m = pm != NULL ? *pm : NULL;
	size_t i;

	if (m == NULL)
		return;
	*pm = NULL;
	for (i = 0; i < NELEM(m->keys); i++)
		seal_free(&m->keys[i].seal);
	strangers_free(&m->strangers);
	seal_free(&m->seal);
	OPENSSL_free(m->issuer);
	free(m);
}

static int
take_key(struct leaf_key *to, const struct keyring_private *k)
{
	const uint8_t *p = k->der;
	EVP_PKEY *key;
	int err;

	seal_free(&to->seal);
	to->there = false;
	if (k->der_len == 0)
		return 0;
	key = d2i_AutoPrivateKey(NULL, &p, k->der_len);
	if (key == NULL)
		return ERR_SYS;
	err = tbs_key_init(&to->key, key);
	if (err == 0) {
		seal_init(&to->seal, key);
		to->there = true;
	}
	EVP_PKEY_free(key);
	return err;
}

int
minter_take_keys(struct minter *m, const struct keyring *k)
{
	size_t i;

	_Static_assert((int)SIGN_KEY_COUNT == (int)KEYRING_KEY_COUNT, "numbered alike");
	for (i = 0; i < NELEM(m->keys); i++)
		if (take_key(&m->keys[i], &k->keys[i]) != 0)
			return -1;
	return 0;
}

/* What our CA vouches for has a life of ours, whatever the origin's. */
static int
our_dates(const struct minter *m, const struct ask *ask, int64_t now, struct dates *d)
{
	bool copied = (ask->copy & COPY_DATES) != 0;
	int64_t life = ask->key == SIGN_KEY_WEAK ? MIN(m->lifetime, MINT_WEAK_SECONDS) :
	    m->lifetime;

	if (m->not_after <= now)
		return ERR_DENIED;
	d->refresh_at = now + life / 2;
	d->first = now - ASK_BACKDATE_SECONDS;
	if (copied && ask->not_after <= now) {
		d->last = ask->not_after;
		d->first = MAX(ask->not_before, d->last - life - ASK_BACKDATE_SECONDS);
		d->first = MAX(d->first, ASK_DATE_MIN);
		return 0;
	}
	if (copied)
		d->first = MAX(d->first, ask->not_before);
	d->last = MIN(MAX(d->first, now) + life, m->not_after);
	if (ask->not_after != 0)
		d->last = MIN(d->last, ask->not_after);
	d->refresh_at = MIN(d->refresh_at, now + (d->last - now) / 2);
	return 0;
}

/* Re-minted late: with each new leaf a browser forgets an exception. */
static void
stranger_dates(const struct ask *ask, int64_t now, struct dates *d)
{
	if ((ask->copy & COPY_DATES) != 0) {
		d->first = ask->not_before;
		d->last = ask->not_after;
	} else {
		d->first = now - ASK_BACKDATE_SECONDS;
		d->last = now + MINT_STRANGER_SECONDS;
		if (ask->not_after != 0)
			d->last = MIN(d->last, ask->not_after);
	}
	d->refresh_at = now + (d->last > now ? MIN(d->last - now, MINT_STRANGER_SECONDS) :
	    MINT_STRANGER_SECONDS) / 7 * 6;
}

/* One certificate into p; by seal, or by a forger of its signatures. */
static int
sign(const struct seal *seal, bool forged, bool sha1, struct tbs *t, uint8_t *p, size_t cap,
    size_t *out_n)
{
	struct der d = der_into(p, cap);
	size_t certificate, start;
	int err;

	t->algorithm = forged ? seal_forged_algorithm(seal, sha1) : seal->algorithm;
	certificate = der_open(&d, DER_SEQUENCE);
	start = d.n;
	tbs_put(&d, t);
	CHECK(!d.full);	/* a checked request always fits */
	err = forged ? seal_forge(seal, sha1, &d) :
	    seal_put(seal, &d, str_of(d.p + start, d.n - start));
	if (err != 0)
		return err;
	der_close(&d, certificate);
	CHECK(!d.full);
	*out_n = d.n;
	return 0;
}

/* The only use of the CA's key for a certificate. */
static int
sign_ours(const struct minter *m, struct tbs *t, int64_t now, uint8_t *p, size_t cap,
    size_t *out_n)
{
	CHECK(!t->is_ca);
	CHECK(t->not_after - t->not_before <= m->lifetime + ASK_BACKDATE_SECONDS);
	CHECK(t->not_after <= m->not_after && t->not_before <= now + ASK_AHEAD_SECONDS);
	t->issuer = str_of(m->issuer, m->issuer_len);
	t->authority = str_of(m->authority, m->authority_len);
	return sign(&m->seal, false, false, t, p, cap, out_n);
}

static struct str
key_id(const struct tbs_key *key)
{
	return str_of(key->id, sizeof(key->id));
}

static struct str
name_der(uint8_t buf[NAME_DER_MAX], struct str org, struct str cn)
{
	struct der d = der_into(buf, NAME_DER_MAX);

	tbs_put_name(&d, org, cn);
	CHECK(!d.full);
	return str_of(buf, d.n);
}

/* The certificate that goes behind the leaf. */
static int
add_issuer(struct minted *out, size_t n)
{
	out->bundle.issuers[out->bundle.nissuers++] = str_of(out->issuer, n);
	return 0;
}

static int
mint_good(const struct minter *m, const struct ask *ask, int64_t now, struct tbs *leaf,
    struct minted *out)
{
	struct der d = der_into(out->staple, sizeof(out->staple));
	int64_t from = now - STAPLE_BACKDATE_SECONDS, until;
	int err = sign_ours(m, leaf, now, out->der, sizeof(out->der), &out->n);

	out->bundle.with_ca = true;
	if (err != 0 || ask->staple == SIGN_STAPLE_NONE)
		return err;
	/* That a leaf has expired is the leaf's to say. */
	until = leaf->not_after > now ? leaf->not_after : now + m->lifetime;
	if (ask->staple == SIGN_STAPLE_STALE) {
		until = now - STAPLE_STALE_SECONDS;
		from = until - STAPLE_STALE_SECONDS;
	}
	err = ocsp_put(&d, &m->ocsp, &m->seal, out->serial,
	    ask->staple == SIGN_STAPLE_REVOKED, from, until);
	out->bundle.staple = str_of(out->staple, d.n);
	return err;
}

static int
mint_self(const struct minter *m, const struct ask *ask, struct tbs *leaf, struct minted *out)
{
	uint8_t name[NAME_DER_MAX];

	leaf->issuer = name_der(name, leaf->org, leaf->cn);
	leaf->authority = key_id(leaf->key);
	return sign(&m->keys[ask->key].seal, false, false, leaf, out->der, sizeof(out->der),
	    &out->n);
}

/* A CA that nobody trusts, valid whenever its leaf is, and now. */
static int
add_stranger(const struct stranger *who, const struct stranger *by, struct str issuer,
    const struct ask *ask, int64_t now, const struct tbs *leaf, struct minted *out)
{
	uint8_t serial[TBS_SERIAL_BYTES];
	struct tbs t = {.key = &who->key, .issuer = issuer, .authority = key_id(&by->key),
	    .org = STR(MINT_NOT_TRUSTED), .cn = ask->why, .serial = serial, .is_ca = true,
	    .not_before = MIN(leaf->not_before, now - ASK_BACKDATE_SECONDS),
	    .not_after = MAX(leaf->not_after, now + MINT_STRANGER_SECONDS)};
	size_t n;
	int err = tbs_make_serial(serial);

	if (err == 0)
		err = sign(&by->seal, false, false, &t, out->issuer, sizeof(out->issuer), &n);
	return err != 0 ? err : add_issuer(out, n);
}

static int
mint_untrusted(const struct minter *m, const struct ask *ask, int64_t now, struct tbs *leaf,
    struct minted *out)
{
	const struct strangers *s = &m->strangers;
	const struct stranger *by = ask->recipe == RECIPE_UNTRUSTED_SUB ? &s->sub : &s->root;
	uint8_t name[NAME_DER_MAX], root[NAME_DER_MAX];
	int err;

	leaf->issuer = name_der(name, STR(MINT_NOT_TRUSTED), ask->why);
	leaf->authority = key_id(&by->key);
	err = sign(&by->seal, false, false, leaf, out->der, sizeof(out->der), &out->n);
	if (err != 0 || ask->recipe == RECIPE_UNTRUSTED_LEAF)
		return err;
	if (ask->recipe == RECIPE_UNTRUSTED_ROOT)
		return add_stranger(by, by, leaf->issuer, ask, now, leaf, out);
	return add_stranger(by, &s->root, name_der(root, STR(MINT_NOT_TRUSTED),
	    STR(ROOT_NOT_SENT)), ask, now, leaf, out);
}

/* Our CA certifies an ordinary host, which then plays the CA. */
static int
mint_not_ca(const struct minter *m, const struct ask *ask, int64_t now, struct tbs *leaf,
    struct minted *out)
{
	const struct stranger *by = &m->strangers.go_between;
	uint8_t name[NAME_DER_MAX], serial[TBS_SERIAL_BYTES];
	struct tbs t = {.key = &by->key, .org = STR(MINT_NOT_TRUSTED),
	    .cn = STR("mirror.invalid"), .names = &ask->go_between, .nnames = 1,
	    .serial = serial, .not_before = now - ASK_BACKDATE_SECONDS,
	    .not_after = MIN(now + m->lifetime, m->not_after)};
	size_t n;
	int err = tbs_make_serial(serial);

	if (err == 0)
		err = sign_ours(m, &t, now, out->issuer, sizeof(out->issuer), &n);
	if (err != 0)
		return err;
	out->bundle.with_ca = true;
	leaf->issuer = name_der(name, t.org, t.cn);
	leaf->authority = key_id(&by->key);
	err = sign(&by->seal, false, false, leaf, out->der, sizeof(out->der), &out->n);
	return err != 0 ? err : add_issuer(out, n);
}

static int
mint_forged(const struct minter *m, const struct ask *ask, struct tbs *leaf, struct minted *out)
{
	out->bundle.with_ca = true;
	leaf->issuer = str_of(m->issuer, m->issuer_len);
	leaf->authority = str_of(m->authority, m->authority_len);
	return sign(&m->seal, true, ask->recipe == RECIPE_FORGED_SHA1, leaf, out->der,
	    sizeof(out->der), &out->n);
}

static int
mint_by_recipe(const struct minter *m, const struct ask *ask, int64_t now, struct tbs *leaf,
    struct minted *out)
{
	switch (ask->recipe) {
	case RECIPE_GOOD:
		return mint_good(m, ask, now, leaf, out);
	case RECIPE_SELF:
		return mint_self(m, ask, leaf, out);
	case RECIPE_UNTRUSTED_LEAF:
	case RECIPE_UNTRUSTED_SUB:
	case RECIPE_UNTRUSTED_ROOT:
		return mint_untrusted(m, ask, now, leaf, out);
	case RECIPE_NOT_CA:
		return mint_not_ca(m, ask, now, leaf, out);
	case RECIPE_FORGED:
	case RECIPE_FORGED_SHA1:
		return mint_forged(m, ask, leaf, out);
	case RECIPE_COUNT:
		break;
	}
	CHECK(!"a recipe");
	return ERR_SYS;
}

int
mint_leaf(struct minter *m, const struct ask *ask, int64_t now, struct minted *out)
{
	struct tbs leaf = {.key = &m->keys[ask->key].key, .org = ask->org, .cn = ask->cn,
	    .names = ask->names, .nnames = ask->nnames, .serial = out->serial,
	    .copy = ask->copy, .key_usage = ask->key_usage};
	struct dates dates;
	int err = 0;

	if (!m->keys[ask->key].there)
		return ERR_NOTFOUND;
	if (ask_is_ours(ask))
		err = our_dates(m, ask, now, &dates);
	else
		stranger_dates(ask, now, &dates);
	if (err == 0)
		err = tbs_make_serial(out->serial);
	if (err != 0)
		return err;
	leaf.not_before = dates.first;
	leaf.not_after = dates.last;
	out->refresh_at = dates.refresh_at;
	out->bundle = (struct bundle){.nissuers = 0};
	err = mint_by_recipe(m, ask, now, &leaf, out);
	out->bundle.leaf = str_of(out->der, out->n);
	return err;
}
