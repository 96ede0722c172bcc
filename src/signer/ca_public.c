/* SPDX-License-Identifier: ISC */
/* ca_public.c - see ca_public.h.  Runs in: mitmctl. */
#include "config.h"

#include "signer/ca_public.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "base/mem.h"

#define FILE_MAX (64u << 10)
#define ABOVE_MAX 10

/* The first certificate, and those behind it; whatever else is there is passed over. */
static X509 *
parse(const char *text, size_t n, STACK_OF(X509) *above)
{
	BIO *bio = BIO_new_mem_buf(text, (int)n);
	X509 *first, *next;

	CHECK(bio != NULL);
	first = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	while (first != NULL && above != NULL && sk_X509_num(above) < ABOVE_MAX &&
	    (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		CHECK(sk_X509_push(above, next) > 0);
	(void)BIO_free(bio);
	ERR_clear_error();
	return first;
}

/* NULL with a reason, which is empty when there is no such file. */
static X509 *
read_file(struct files *f, const char *name, STACK_OF(X509) *above, struct errmsg *err)
{
	X509 *cert;
	char *text;
	size_t n;

	err->text[0] = '\0';
	if (files_read(f, name, FILE_MAX, &text, &n, err) != 1)
		return NULL;
	cert = parse(text, n, above);
	mem_wipe(text, n);	/* it may have had the key */
	free(text);
	if (cert == NULL)
		(void)errmsg_set(err, "%s/%s has no certificate that can be read", f->path,
		    name);
	return cert;
}

int
ca_public_load(struct ca_public *ca, struct files *f, struct errmsg *err)
{
	struct errmsg why;
	X509 *published;

	*ca = (struct ca_public){.above = sk_X509_new_null()};
	CHECK(ca->above != NULL);
	if (retired_load(&ca->retired, f, err) != 0) {
		ca_public_free(ca);
		return -1;
	}
	ca->cert = read_file(f, CA_FILE, ca->above, err);
	ca->from_key_file = ca->cert != NULL;
	published = read_file(f, CA_CERT_FILE, NULL, &why);
	if (ca->cert == NULL && published != NULL &&
	    (err->text[0] != '\0' || !retired_has(&ca->retired, published)))
		ca->cert = published;
	else if (ca->cert != NULL && published != NULL && X509_cmp(ca->cert, published) != 0)
		ca->published = published;
	else
		X509_free(published);
	if (ca->cert != NULL)
		return 1;
	if (err->text[0] == '\0')
		*err = why;
	if (err->text[0] == '\0')
		return 0;
	ca_public_free(ca);
	return -1;
}

void
ca_public_free(struct ca_public *ca)
{
	X509_free(ca->cert);
	X509_free(ca->published);
	sk_X509_pop_free(ca->above, X509_free);
	retired_free(&ca->retired);
	*ca = (struct ca_public){.cert = NULL};
}

int
ca_public_retire(struct ca_public *ca, struct files *f, struct errmsg *err)
{
	if (retired_add(&ca->retired, f, ca->cert, err) != 0 ||
	    (ca->published != NULL && retired_add(&ca->retired, f, ca->published, err) != 0))
		return -1;
	return files_remove(f, CA_FILE, err) == 0 ? 0 : -1;
}
