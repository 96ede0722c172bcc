/* SPDX-License-Identifier: ISC */
/*
 * fuzz_tls_verify.c - a chain of DER certificates, judged and turned into
 * facts.  The first byte says whether the last certificate is trusted, and
 * whether to be strict.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "tls/origin.h"
#include "tls/roots.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What goes into logs and recordings holds no control bytes. */
static void
check_text(const char *s)
{
	for (; *s != '\0'; s++)
		CHECK((unsigned char)*s >= 0x20 && *s != 0x7f);
}

static void
check_facts(const struct tls_facts *f)
{
	size_t i;

	CHECK(f->refs == 1 && f->nchain > 0);
	CHECK(f->verified == (f->nverdicts == 0));
	CHECK(f->verified == (f->reason[0] == '\0'));
	check_text(f->reason);
	for (i = 0; i < f->nchain; i++) {
		check_text(f->chain[i].subject);
		check_text(f->chain[i].issuer);
		check_text(f->chain[i].subject_cn);
		check_text(f->chain[i].issuer_cn);
		check_text(f->chain[i].serial);
	}
	for (i = 0; f->verified && i < f->nnames; i++)
		CHECK(memchr(f->names[i].value.p, '\0', f->names[i].value.n) == NULL ||
		    f->names[i].type == TLS_NAME_IP);
}

static STACK_OF(X509) *
read_certs(const uint8_t *data, size_t size)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	const unsigned char *p = data, *end = data + size;

	while (p < end && sk_X509_num(chain) < 8) {
		X509 *x = d2i_X509(NULL, &p, end - p);

		if (x == NULL)
			break;
		CHECK(sk_X509_push(chain, x) > 0);
	}
	return chain;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_origin_conf conf = {.min_version = TLS1_2_VERSION};
	STACK_OF(X509) *chain;
	struct tls_facts *f;
	int n;

	if (size == 0)
		return 0;
	tls_library_init();
	chain = read_certs(data + 1, size - 1);
	n = sk_X509_num(chain);
	conf.roots = X509_STORE_new();
	if (n > 0) {
		if ((data[0] & 1) != 0)
			(void)X509_STORE_add_cert(conf.roots, sk_X509_value(chain, n - 1));
		f = tls_verify_chain(chain, &conf, STR("www.test"), false,
		    (data[0] & 2) != 0);
		check_facts(f);
		tls_facts_unref(&f);
	}
	sk_X509_pop_free(chain, X509_free);
	X509_STORE_free(conf.roots);
	ERR_clear_error();
	return 0;
}
