/* SPDX-License-Identifier: ISC */
/* keys.c - see keys.h.  Runs in: signer. */
#include "config.h"

#include "signer/keys.h"

#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "base/log.h"
#include "base/mem.h"
#include "signer/ca_make.h"

static void
fill_key(struct keyring_private *k, EVP_PKEY *key)
{
	uint8_t hash[SHA256_DIGEST_LENGTH], *spki = NULL, *der = k->der;
	int n;

	CHECK(key != NULL);
	n = i2d_PrivateKey(key, NULL);
	CHECK(n > 0 && (size_t)n <= sizeof(k->der));
	CHECK(i2d_PrivateKey(key, &der) == n);
	k->der_len = (uint16_t)n;
	n = i2d_PUBKEY(key, &spki);
	CHECK(n > 0);
	(void)SHA256(spki, (size_t)n, hash);
	memcpy(k->id, hash, sizeof(k->id));
	OPENSSL_free(spki);
	EVP_PKEY_free(key);
}

/* A clock that was put back must not keep a key for years. */
static bool
is_fresh(int64_t made_at, int64_t life, int64_t now)
{
	return made_at != 0 && now >= made_at - life && now < made_at + life;
}

static void
renew_mirror(struct keyring *k, int64_t now)
{
	if (is_fresh(k->mirror_made_at, KEYRING_MIRROR_SECONDS, now))
		return;
	k->mirror_made_at = now;
	fill_key(&k->keys[KEYRING_MIRROR_EC], ca_make_key(false));
	k->keys[KEYRING_MIRROR_RSA] = (struct keyring_private){.der_len = 0};
}

static void
renew(struct keyring *k, int64_t now)
{
	k->has_previous_ticket = k->made_at != 0;
	k->previous_ticket = k->ticket;
	k->made_at = now;
	CHECK(RAND_priv_bytes((uint8_t *)&k->ticket, sizeof(k->ticket)) == 1);
	fill_key(&k->keys[KEYRING_EC], ca_make_key(false));
	k->keys[KEYRING_RSA] = (struct keyring_private){.der_len = 0};
	k->keys[KEYRING_WEAK] = (struct keyring_private){.der_len = 0};
	renew_mirror(k, now);
}

void
keys_renew(struct segment *keyring, int64_t now)
{
	uint32_t seen = keyring_sequence_own(keyring);
	struct keyring k;

	keyring_read_own(keyring, &k);
	if (!is_fresh(k.made_at, KEYRING_ROTATE_SECONDS, now)) {
		renew(&k, now);
		if (keyring_replace(keyring, seen, &k))
			log_debug("new leaf keys and ticket secret");
	}
	mem_wipe(&k, sizeof(k));
}

EVP_PKEY *
keys_new(enum keyring_key which)
{
	return which == KEYRING_WEAK ? EVP_RSA_gen(1024) :
	    ca_make_key(which == KEYRING_RSA || which == KEYRING_MIRROR_RSA);
}

void
keys_put(struct segment *keyring, enum keyring_key which, EVP_PKEY *key)
{
	struct keyring_private made;
	uint32_t seen = keyring_sequence_own(keyring);
	struct keyring k;

	fill_key(&made, key);
	keyring_read_own(keyring, &k);
	while (k.made_at != 0 && k.keys[which].der_len == 0) {
		k.keys[which] = made;
		if (keyring_replace(keyring, seen, &k))
			break;
		/* Another signer was there meanwhile, perhaps for another key. */
		seen = keyring_sequence_own(keyring);
		keyring_read_own(keyring, &k);
	}
	mem_wipe(&made, sizeof(made));
	mem_wipe(&k, sizeof(k));
}

bool
keys_missing(struct segment *keyring, enum keyring_key *out)
{
	struct keyring k;
	size_t i, n;

	keyring_read_own(keyring, &k);
	n = k.made_at != 0 ? NELEM(k.keys) : 0;
	for (i = 0; i < n && k.keys[i].der_len != 0; i++)
		continue;
	mem_wipe(&k, sizeof(k));
	*out = (enum keyring_key)i;
	return i < n;
}
