/* SPDX-License-Identifier: ISC */
/*
 * fuzz_tls_verify.c - a chain of DER certificates, judged and turned into
 * facts.  The first byte says whether the last certificate is trusted, and
 * whether to be strict.  Nothing that OpenSSL refuses by itself, strict or not,
 * may be missing, nor anything of its findings be added.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "tls/origin.h"
#include "tls/roots.h"
#include "tls/verify.h"

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
	for (i = 0; i < f->nwarnings; i++)
		check_text(f->warnings[i]);
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

static struct tls_verdict plain[256];
static size_t nplain;

static int
note(int ok, X509_STORE_CTX *ctx)
{
	if (!ok && nplain < NELEM(plain))
		plain[nplain++] = (struct tls_verdict){X509_STORE_CTX_get_error(ctx),
		    X509_STORE_CTX_get_error_depth(ctx)};
	return 1;
}

static bool
among(struct tls_verdict v, const struct tls_verdict *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (list[i].code == v.code && list[i].depth == v.depth)
			return true;
	return false;
}

/* Those of ours that are no findings of OpenSSL. */
static bool
is_own(int code)
{
	return code == X509_V_ERR_INVALID_EXTENSION || code == X509_V_ERR_EE_KEY_TOO_SMALL ||
	    code == X509_V_ERR_CA_KEY_TOO_SMALL || code == X509_V_ERR_UNSPECIFIED;
}

/* The same chain with the flag set or not, as OpenSSL would be asked by a client. */
static void
compare(STACK_OF(X509) *chain, X509_STORE *roots, bool strict, const struct tls_facts *f)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *p;
	size_t i;

	nplain = 0;
	CHECK(X509_STORE_CTX_init(ctx, roots, sk_X509_value(chain, 0), chain) == 1);
	CHECK(X509_STORE_CTX_set_default(ctx, "ssl_server") == 1);
	p = X509_STORE_CTX_get0_param(ctx);
	verify_param(p, STR("www.test"), false);
	if (!strict)
		CHECK(X509_VERIFY_PARAM_clear_flags(p, X509_V_FLAG_X509_STRICT) == 1);
	X509_STORE_CTX_set_verify_cb(ctx, note);
	(void)X509_verify_cert(ctx);
	X509_STORE_CTX_free(ctx);
	for (i = 0; i < nplain && f->nverdicts < NELEM(f->verdicts); i++)
		CHECK(among(plain[i], f->verdicts, f->nverdicts));
	for (i = 0; i < f->nverdicts; i++)
		CHECK(is_own(f->verdicts[i].code) || among(f->verdicts[i], plain, nplain));
	CHECK(nplain == 0 || !f->verified);
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
		/* Read once for all: with a broken key OpenSSL does so only later. */
		(void)X509_check_purpose(x, -1, 0);
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
		compare(chain, conf.roots, (data[0] & 2) != 0, f);
		tls_facts_unref(&f);
	}
	sk_X509_pop_free(chain, X509_free);
	X509_STORE_free(conf.roots);
	ERR_clear_error();
	return 0;
}
