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

static bool
is_fresh(const struct keyring *k, int64_t now)
{
	/* A clock that was put back must not keep a ring for years. */
	return k->made_at != 0 && now >= k->made_at - KEYRING_ROTATE_SECONDS &&
	    now < k->made_at + KEYRING_ROTATE_SECONDS;
}

void
keys_renew(struct segment *keyring, int64_t now)
{
	struct keyring old, next = {.made_at = now};
	uint32_t seen = keyring_sequence_own(keyring);

	keyring_read_own(keyring, &old);
	if (is_fresh(&old, now))
		goto done;
	fill_key(&next.keys[KEYRING_EC], ca_make_key(false));
	fill_key(&next.keys[KEYRING_RSA], ca_make_key(true));
	fill_key(&next.keys[KEYRING_MIRROR_EC], ca_make_key(false));
	fill_key(&next.keys[KEYRING_MIRROR_RSA], ca_make_key(true));
	fill_key(&next.keys[KEYRING_WEAK], EVP_RSA_gen(1024));
	CHECK(RAND_priv_bytes((uint8_t *)&next.ticket, sizeof(next.ticket)) == 1);
	if (old.made_at != 0) {
		next.previous_ticket = old.ticket;
		next.has_previous_ticket = 1;
	}
	if (keyring_replace(keyring, seen, &next))
		log_debug("new leaf keys and ticket secret");
done:
	mem_wipe(&old, sizeof(old));
	mem_wipe(&next, sizeof(next));
}
