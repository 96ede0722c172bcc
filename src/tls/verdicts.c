/* SPDX-License-Identifier: ISC */
/*
 * verdicts.c - a table with one place per hash value: who comes later has it.
 * See verdicts.h.
 * Runs in: worker, tests.
 */
#include "config.h"

#include "tls/verdicts.h"

#include <stdlib.h>

#include <openssl/x509.h>

#include "base/clock.h"
#include "base/mem.h"

#define PLACES 256	/* some 10 KB each, never more than 100 */

struct place {
	uint8_t key[32];
	struct tls_facts *facts;	/* NULL: free */
};

struct verdicts {
	struct place places[PLACES];
};

struct verdicts *
verdicts_new(void)
{
	return mem_new(struct verdicts);
}

void
verdicts_free(struct verdicts **vp)
{
	size_t i;

	if (*vp == NULL)
		return;
	for (i = 0; i < PLACES; i++)
		tls_facts_unref(&(*vp)->places[i].facts);
	free(*vp);
	*vp = NULL;
}

void
verdicts_key(X509_STORE_CTX *ctx, struct str name, bool name_is_ip, bool strict,
    uint8_t out[32])
{
	STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(ctx);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len;
	int i;

	CHECK(md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1);
	/* The digests are of one length, so where the name begins is certain. */
	for (i = 0; i < sk_X509_num(sent); i++) {
		CHECK(X509_digest(sk_X509_value(sent, i), EVP_sha256(), digest, &len) == 1);
		CHECK(EVP_DigestUpdate(md, digest, len) == 1);
	}
	memset(digest, 0, sizeof(digest));
	digest[0] = name_is_ip;
	digest[1] = strict;
	CHECK(EVP_DigestUpdate(md, digest, 32) == 1);
	CHECK(EVP_DigestUpdate(md, name.p, name.n) == 1);
	CHECK(EVP_DigestFinal_ex(md, out, NULL) == 1);
	EVP_MD_CTX_free(md);
}

static struct place *
place_of(struct verdicts *v, const uint8_t key[32])
{
	return &v->places[key[0] % PLACES];
}

/* The edges are X509_cmp_time()'s: at notBefore it is valid, at notAfter no more. */
static bool
is_good(const struct tls_facts *f)
{
	int64_t now = (int64_t)(clock_wall_us() / 1000000u);

	return f->verified && f->latest_not_before <= now && now < f->earliest_not_after;
}

struct tls_facts *
verdicts_find(struct verdicts *v, const uint8_t key[32])
{
	struct place *p = place_of(v, key);

	if (p->facts == NULL || memcmp(p->key, key, sizeof(p->key)) != 0)
		return NULL;
	if (is_good(p->facts))
		return tls_facts_ref(p->facts);
	tls_facts_unref(&p->facts);
	return NULL;
}

void
verdicts_keep(struct verdicts *v, const uint8_t key[32], struct tls_facts *facts)
{
	struct place *p = place_of(v, key);

	if (!is_good(facts) || tls_facts_is_large(facts))
		return;
	tls_facts_unref(&p->facts);
	memcpy(p->key, key, sizeof(p->key));
	p->facts = tls_facts_ref(facts);
}
