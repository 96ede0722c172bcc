/* SPDX-License-Identifier: ISC */
/*
 * fuzz_msg_wire.c - every unpacker on the same bytes: what is taken must pack
 * to these bytes again.  A request for a leaf then goes through the signer's
 * check, and what that lets through is minted and must keep its promises.
 */
#include "config.h"

#include <stdlib.h>

#include "ipc/msg.h"
#include "signer/ask.h"
#include "signer/ca_make.h"
#include "signer/keys.h"
#include "signer/mint.h"
#include "tls/name.h"

#define NOW 1800000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ask ask;
static struct minted minted;

static void
check_name(const struct ask_name *name)
{
	ssize_t star, dot;
	struct str dns;
	size_t i;

	CHECK(name->type == NAME_DNS || name->type == NAME_IP || name->type == NAME_URI ||
	    name->type == NAME_EMAIL);
	CHECK(name->value.n > 0);
	if (name->type == NAME_IP) {
		CHECK(name->value.n == 4 || name->value.n == 16);
		return;
	}
	for (i = 0; i < name->value.n; i++)
		CHECK(name->value.p[i] > ' ' && name->value.p[i] < 0x7f);
	if (name->type != NAME_DNS)
		return;
	CHECK(name->value.n <= 254);
	dns = name_without_dot(name->value);
	star = str_chr(dns, '*');
	dot = str_chr(dns, '.');
	CHECK(star == str_rchr(dns, '*'));
	/* In the first label; alone there, it has two below. */
	CHECK(star == -1 || star < dot);
	if (star == 0 && dot == 1)
		CHECK(str_rchr(dns, '.') > dot);
}

static struct minter *
make_minter(const struct permit *all)
{
	struct ca_new want = {.host = "fuzz", .permit = all};
	EVP_PKEY *key = ca_make_key(false);
	X509 *ca = ca_make_cert(key, &want, NOW);
	struct segment segment;
	struct minter *minter;
	enum keyring_key which;
	struct keyring ring;
	struct errmsg err;

	CHECK(keyring_create(&segment, &err) == 0);
	keys_renew(&segment, NOW);
	while (keys_missing(&segment, &which))
		keys_put(&segment, which, keys_new(which));
	keyring_read_own(&segment, &ring);
	segment_free(&segment);
	minter = minter_new(ca, key, NOW + 1000 * INT64_C(86400), 86400);
	CHECK(minter_take_keys(minter, &ring) == 0);
	X509_free(ca);
	EVP_PKEY_free(key);
	return minter;
}

/* Dates, issuer and extensions are checked where they are signed: see mint.c. */
static void
check_leaf(struct minter *minter)
{
	const uint8_t *p;
	X509 *leaf;

	CHECK(mint_leaf(minter, &ask, NOW, &minted) == 0);
	p = (const uint8_t *)minted.bundle.leaf.p;
	leaf = d2i_X509(NULL, &p, (long)minted.bundle.leaf.n);
	CHECK(leaf != NULL && p == (const uint8_t *)minted.bundle.leaf.p + minted.bundle.leaf.n);
	CHECK(X509_check_ca(leaf) == 0);
	X509_free(leaf);
}

static void
check_ask(const struct msg_sign_ask *m)
{
	static struct permit *all;
	static struct minter *minter;
	struct errmsg err;
	const char *why = NULL;
	size_t i;

	if (all == NULL) {
		all = permit_new(NULL, 0, &err);
		minter = make_minter(all);
	}
	if (ask_check(m, all, NOW, &ask, &why) != 0) {
		CHECK(why != NULL);
		return;
	}
	CHECK(ask.recipe < RECIPE_COUNT && ask.key < SIGN_KEY_COUNT);
	CHECK((ask.copy & ~(uint32_t)COPY_ALL) == 0);
	CHECK(((ask.copy & COPY_WEAK_KEY) != 0) == (ask.key == SIGN_KEY_WEAK));
	CHECK(ask.staple == SIGN_STAPLE_NONE || ask.recipe == RECIPE_GOOD);
	CHECK(ask.nnames > 0 || (ask.copy & COPY_NO_NAMES) != 0 || !ask_is_ours(&ask));
	CHECK(ask.nnames <= SIGN_NAMES_MAX);
	CHECK(ask.cn.n <= ASK_ATTRIBUTE_MAX && ask.org.n <= ASK_ATTRIBUTE_MAX);
	CHECK(ask.why.n > 0 && ask.why.n <= ASK_ATTRIBUTE_MAX);
	CHECK(!ask_is_ours(&ask) || ask.not_before <= NOW + ASK_AHEAD_SECONDS);
	if ((ask.copy & COPY_DATES) == 0)
		CHECK(ask.not_after == 0 || ask.not_after > NOW);
	for (i = 0; i < ask.nnames; i++)
		check_name(&ask.names[i]);
	check_leaf(minter);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = str_of(data, size);
	struct msg_sign_ask m;

#define P(payload, fields)                                                                \
	{                                                                                 \
		struct msg_##payload msg;                                                 \
		struct buf again = {0};                                                   \
                                                                                          \
		if (msg_unpack_##payload(s, &msg) == 0) {                                 \
			msg_pack_##payload(&again, &msg);                                 \
			CHECK(str_eq(buf_str(&again), s));                                \
		}                                                                         \
		buf_free(&again);                                                         \
	}
	MSG_PAYLOADS(P)
#undef P
	if (msg_unpack_sign_ask(s, &m) == 0)
		check_ask(&m);
	return 0;
}
