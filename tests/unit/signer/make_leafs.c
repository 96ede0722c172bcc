/* SPDX-License-Identifier: ISC */
/*
 * make_leafs.c - writes a CA with all its public files, leafs of every kind with
 * their key, and two staples, into the directory of its first argument.  A second
 * argument "rsa" makes an RSA CA.
 */
#include "config.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "signer/ca.h"
#include "signer/export.h"
#include "signer/keys.h"
#include "signer/mint.h"
#include "tls/name.h"

#define L60 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct ask ask;
static struct minted minted;

static void
write_leaf(const char *dir, const char *file, const struct keyring_private *k)
{
	char *path = mem_printf("%s/%s.pem", dir, file);
	const uint8_t *p = minted.der, *key_der = k->der;
	X509 *leaf = d2i_X509(NULL, &p, (long)minted.n);
	EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &key_der, k->der_len);
	FILE *f = fopen(path, "w");

	CHECK(leaf != NULL && key != NULL && f != NULL);
	CHECK(PEM_write_X509(f, leaf) == 1);
	CHECK(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1);
	CHECK(fclose(f) == 0);
	EVP_PKEY_free(key);
	X509_free(leaf);
	free(path);
}

static void
write_staple(const char *dir, const char *file)
{
	char *path = mem_printf("%s/%s.ocsp", dir, file);
	struct str staple = minted.bundle.staple;
	FILE *f = fopen(path, "w");

	CHECK(f != NULL && fwrite(staple.p, 1, staple.n, f) == staple.n);
	CHECK(fclose(f) == 0);
	free(path);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *file, *name;
		uint8_t key_type, staple;
	} leafs[] = {
		{"ec", "localhost", SIGN_KEY_EC, SIGN_STAPLE_GOOD},
		{"rsa", "localhost", SIGN_KEY_RSA, SIGN_STAPLE_REVOKED},
		{"ip4", "127.0.0.1", SIGN_KEY_EC, 0},
		{"ip6", "::1", SIGN_KEY_EC, 0},
		{"long", L60 "." L60 ".example.com", SIGN_KEY_EC, 0},
		{"underscore", "_a_b.example.com", SIGN_KEY_EC, 0},
		{"idn", "xn--bcher-kva.example", SIGN_KEY_EC, 0},
		{"many", "h7.example.com", SIGN_KEY_EC, 0},
	};
	int64_t now = (int64_t)(clock_wall_us() / 1000000);
	struct segment segment;
	struct keyring ring;
	struct minter *minter;
	struct buf many = {0};
	struct files files;
	struct errmsg err;
	struct ca ca = {.key = NULL};
	struct ca_new want = {.rsa = argc > 2, .host = "test",
	    .permit = permit_new(NULL, 0, &err)};
	size_t i;

	if (argc < 2 || files_open(&files, argv[1], (uid_t)-1, (gid_t)-1, &err) != 0 ||
	    ca_open(&ca, &files, &want, now, &err) != 0 ||
	    export_files(ca.cert, ca.chain, &files, EXPORT_SYSTEM_ROOTS, &err) != 0 ||
	    keyring_create(&segment, &err) != 0) {
		(void)fprintf(stderr, "%s\n",
		    argc < 2 ? "usage: make-leafs DIR [rsa]" : err.text);
		return 1;
	}
	keys_renew(&segment, now);
	keys_put(&segment, KEYRING_RSA, keys_new(KEYRING_RSA));
	keyring_read_own(&segment, &ring);
	minter = minter_new(ca.cert, ca.key, ca.not_after, 86400);
	CHECK(minter_take_keys(minter, &ring) == 0);
	for (i = 0; i < 300; i++) {
		char entry[64];
		int n = snprintf(entry + 3, sizeof(entry) - 3, "h%zu.example.com", i);

		entry[0] = NAME_DNS;
		entry[1] = 0;
		entry[2] = (char)n;
		buf_put(&many, entry, (size_t)n + 3);
	}
	for (i = 0; i < NELEM(leafs); i++) {
		struct msg_sign_ask m = {.recipe = RECIPE_GOOD, .key = leafs[i].key_type,
		    .staple = leafs[i].staple, .asked_name = str_z(leafs[i].name)};
		const char *why;

		if (i == NELEM(leafs) - 1)
			m.names = buf_str(&many);
		CHECK(ask_check(&m, want.permit, now, &ask, &why) == 0);
		CHECK(mint_leaf(minter, &ask, now, &minted) == 0);
		write_leaf(argv[1], leafs[i].file,
		    &ring.keys[m.key == SIGN_KEY_RSA ? KEYRING_RSA : KEYRING_EC]);
		if (m.staple != SIGN_STAPLE_NONE)
			write_staple(argv[1], leafs[i].file);
	}
	buf_free(&many);
	minter_free(&minter);
	segment_free(&segment);
	ca_free(&ca);
	files_close(&files);
	permit_free((struct permit **)(uintptr_t)&want.permit);
	return 0;
}
