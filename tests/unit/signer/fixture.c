/* SPDX-License-Identifier: ISC */
/* fixture.c - see fixture.h. */
#include "config.h"

#include "fixture.h"

#include <check.h>
#include <dirent.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "signer/keys.h"

struct permit *
fixture_permit(const char *const *patterns, size_t n)
{
	struct errmsg err = {.text = ""};
	struct permit *p = permit_new((char **)(uintptr_t)patterns, n, &err);

	ck_assert_msg(p != NULL, "%s", err.text);
	return p;
}

struct permit *
fixture_permit_all(void)
{
	return fixture_permit(NULL, 0);
}

EVP_PKEY *
fixture_rsa_key(void)
{
	const struct keyring_private *k = &fixture_ring()->keys[KEYRING_RSA];
	const uint8_t *p = k->der;
	EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &p, k->der_len);

	ck_assert_ptr_nonnull(key);
	return key;
}

void
fixture_ca(struct ca *ca, bool rsa)
{
	struct permit *all = fixture_permit_all();
	struct ca_new want = {.rsa = rsa, .host = "host.example", .permit = all};
	EVP_PKEY *key = rsa ? fixture_rsa_key() : ca_make_key(false);
	X509 *cert = ca_make_cert(key, &want, NOW);
	struct buf pem = {0};
	struct errmsg err;

	fixture_pem(&pem, key, cert);
	ck_assert_int_eq(ca_parse(ca, buf_str(&pem), NOW, "ca.pem", &err), 0);
	buf_free(&pem);
	X509_free(cert);
	EVP_PKEY_free(key);
	permit_free(&all);
}

void
fixture_pem(struct buf *out, EVP_PKEY *key, X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long n;

	if (key != NULL)
		ck_assert_int_eq(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL,
		    NULL), 1);
	if (cert != NULL)
		ck_assert_int_eq(PEM_write_bio_X509(bio, cert), 1);
	n = BIO_get_mem_data(bio, &text);
	buf_put(out, text, (size_t)n);
	(void)BIO_free(bio);
}

void
names_add(struct buf *names, uint8_t type, struct str value)
{
	buf_putc(names, (char)type);
	buf_putc(names, (char)(value.n >> 8));
	buf_putc(names, (char)value.n);
	buf_puts(names, value);
}

struct msg_sign_ask
ask_for(const char *name)
{
	return (struct msg_sign_ask){.id = 1, .recipe = RECIPE_GOOD, .key = SIGN_KEY_EC,
	    .asked_name = str_z(name)};
}

uint8_t
fixture_key_for(unsigned recipe, uint32_t copy, bool rsa)
{
	if ((copy & COPY_WEAK_KEY) != 0)
		return SIGN_KEY_WEAK;
	if ((recipe == RECIPE_GOOD && copy == 0) || recipe == RECIPE_NOT_CA)
		return rsa ? SIGN_KEY_RSA : SIGN_KEY_EC;
	return rsa ? SIGN_KEY_MIRROR_RSA : SIGN_KEY_MIRROR_EC;
}

const struct keyring *
fixture_ring(void)
{
	static struct keyring ring;
	enum keyring_key which;
	struct segment segment;
	struct errmsg err;

	if (ring.made_at == 0) {
		ck_assert_int_eq(keyring_create(&segment, &err), 0);
		keys_renew(&segment, NOW);
		while (keys_missing(&segment, &which))
			keys_put(&segment, which, keys_new(which));
		keyring_read_own(&segment, &ring);
		segment_free(&segment);
	}
	return &ring;
}

void
fixture_warm(void)
{
	(void)fixture_ring();
}

char *
fixture_dir(void)
{
	char *dir = mem_strdup("/tmp/mitmd-signer-XXXXXX");

	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chmod(dir, 0755), 0);
	return dir;
}

void
fixture_dir_remove(char **dir)
{
	DIR *d = opendir(*dir);
	struct dirent *e;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)) != NULL)
		(void)unlinkat(dirfd(d), e->d_name, 0);
	(void)closedir(d);
	(void)rmdir(*dir);
	free(*dir);
	*dir = NULL;
}
