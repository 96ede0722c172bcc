/* SPDX-License-Identifier: ISC */
/* leaf_keys.c - see leaf_keys.h.  Runs in: worker. */
#include "config.h"

#include "worker/leaf_keys.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "shm/keyring.h"

_Static_assert((int)SIGN_KEY_EC == (int)KEYRING_EC && (int)SIGN_KEY_RSA == (int)KEYRING_RSA &&
    (int)SIGN_KEY_MIRROR_EC == (int)KEYRING_MIRROR_EC &&
    (int)SIGN_KEY_MIRROR_RSA == (int)KEYRING_MIRROR_RSA &&
    (int)SIGN_KEY_WEAK == (int)KEYRING_WEAK &&
    (int)SIGN_KEY_COUNT == (int)KEYRING_KEY_COUNT, "both number the same keys");

struct leaf_keys {
	struct keyring_reader *reader;
	uint32_t sequence;
	struct keyring ring;
	EVP_PKEY *keys[SIGN_KEY_COUNT];
	struct tls_ticket_keys tickets;
};

static void
copy_ticket(struct tls_ticket_key *to, const struct keyring_ticket *from)
{
	memcpy(to->name, from->name, sizeof(to->name));
	memcpy(to->aes, from->aes, sizeof(to->aes));
	memcpy(to->hmac, from->hmac, sizeof(to->hmac));
}

static void
take_key(struct leaf_keys *k, unsigned i)
{
	const struct keyring_private *private = &k->ring.keys[i];
	const unsigned char *p = private->der;
	EVP_PKEY *key =
	    private->der_len > 0 ? d2i_AutoPrivateKey(NULL, &p, private->der_len) : NULL;

	if (key == NULL)
		return;
	EVP_PKEY_free(k->keys[i]);
	k->keys[i] = key;
}

void
leaf_keys_look(struct leaf_keys *k)
{
	uint32_t sequence = keyring_sequence(k->reader);
	unsigned i;

	if (sequence == k->sequence || !keyring_read(k->reader, &k->ring))
		return;
	k->sequence = sequence;
	for (i = 0; i < SIGN_KEY_COUNT; i++)
		take_key(k, i);
	copy_ticket(&k->tickets.current, &k->ring.ticket);
	copy_ticket(&k->tickets.previous, &k->ring.previous_ticket);
	k->tickets.has_previous = k->ring.has_previous_ticket != 0;
}

uint32_t
leaf_keys_sequence(const struct leaf_keys *k)
{
	return k->sequence;
}

EVP_PKEY *
leaf_key(const struct leaf_keys *k, unsigned key)
{
	return k->keys[key];
}

const uint8_t *
leaf_key_id(const struct leaf_keys *k, unsigned key)
{
	return k->ring.keys[key].id;
}

void
leaf_keys_tickets(const struct leaf_keys *k, struct tls_ticket_keys *out)
{
	*out = k->tickets;
}

struct leaf_keys *
leaf_keys_new(int fd, struct errmsg *err)
{
	struct leaf_keys *k = mem_new(struct leaf_keys);

	k->reader = keyring_reader_new(fd, err);
	if (k->reader == NULL) {
		leaf_keys_free(&k);
		return NULL;
	}
	leaf_keys_look(k);
	if (k->keys[SIGN_KEY_EC] == NULL) {
		(void)errmsg_set(err, "the signer has left no leaf key");
		leaf_keys_free(&k);
	}
	return k;
}

void
leaf_keys_free(struct leaf_keys **pk)
{
	struct leaf_keys *k = *pk;
	unsigned i;

	*pk = NULL;
	if (k == NULL)
		return;
	for (i = 0; i < SIGN_KEY_COUNT; i++)
		EVP_PKEY_free(k->keys[i]);
	keyring_reader_free(&k->reader);
	mem_wipe(&k->ring, sizeof(k->ring));
	mem_wipe(&k->tickets, sizeof(k->tickets));
	free(k);
}
