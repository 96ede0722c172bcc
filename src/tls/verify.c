/* SPDX-License-Identifier: ISC */
/*
 * verify.c - verification; see verify.h.  OpenSSL's own checks at level 2,
 * then the ones it does not make.
 * Runs in: worker, tests.
 */
#include "config.h"

#include "tls/verify.h"

#include <stdlib.h>

#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/mem.h"
#include "tls/cert.h"
#include "tls/roots.h"
#include "tls/warn.h"

#define CHAIN_MAX 64	/* certificates kept; some 300 empty ones fit a handshake */
#define REASON_MAX 480

void
verify_param(X509_VERIFY_PARAM *p, struct str name, bool name_is_ip)
{
	char *z = str_dup(name);

	CHECK(X509_VERIFY_PARAM_set_purpose(p, X509_PURPOSE_SSL_SERVER) == 1);
	X509_VERIFY_PARAM_set_auth_level(p, 2);
	X509_VERIFY_PARAM_set_depth(p, 10);
	/* Always: what only this flag finds is at least a warning. */
	CHECK(X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_X509_STRICT) == 1);
	/*
	 * A name in the subject alone, or f*o.example: browsers and Go refuse both
	 * (RFC 9525 2, 6.3); a copied leaf lets other clients decide.
	 */
	X509_VERIFY_PARAM_set_hostflags(p, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	/*
	 * A name OpenSSL cannot take (an empty one would switch the check off)
	 * becomes one that no certificate is for (RFC 6761 6.4).
	 */
	if (name.n == 0 || strlen(z) != name.n ||
	    (name_is_ip ? X509_VERIFY_PARAM_set1_ip_asc(p, z) :
	    X509_VERIFY_PARAM_set1_host(p, z, name.n)) != 1)
		CHECK(X509_VERIFY_PARAM_set1_host(p, "invalid", 0) == 1);
	free(z);
}

static void
add_verdict(struct tls_facts *f, int code, int depth)
{
	size_t i;

	for (i = 0; i < f->nverdicts; i++)
		if (f->verdicts[i].code == code && f->verdicts[i].depth == depth)
			return;
	/* What decides alone is not lost behind what a long bad chain brings along. */
	if (f->nverdicts == NELEM(f->verdicts) &&
	    (code == X509_V_ERR_CERT_UNTRUSTED || code == X509_V_ERR_CERT_REVOKED))
		f->nverdicts--;
	if (f->nverdicts < NELEM(f->verdicts))
		f->verdicts[f->nverdicts++] = (struct tls_verdict){code, depth};
}

struct run {
	struct tls_facts *facts;
	bool strict;
};

static int
run_index(void)
{
	static int index = -1;

	if (index == -1)
		index = X509_STORE_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	CHECK(index >= 0);
	return index;
}

/* Told by has_aki and key_usage. */
static bool
is_leafs_own(int code, int depth)
{
	return depth == 0 && (code == X509_V_ERR_MISSING_AUTHORITY_KEY_IDENTIFIER ||
	    code == X509_V_ERR_KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA);
}

static int
collect(int ok, X509_STORE_CTX *ctx)
{
	struct run *run = X509_STORE_CTX_get_ex_data(ctx, run_index());
	int code = X509_STORE_CTX_get_error(ctx), depth = X509_STORE_CTX_get_error_depth(ctx);

	if (ok)
		return 1;
	if (warn_is_strict(ctx) && !is_leafs_own(code, depth))
		run->facts->strict_minds = true;
	if (!run->strict && warn_is_strict(ctx))
		warn_strict(run->facts, code, depth);
	else
		add_verdict(run->facts, code, depth);
	return 1;
}

/* No client but OpenSSL takes one; its own checks find all other odd keys. */
static bool
is_dsa(X509 *cert)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);

	return key != NULL && EVP_PKEY_is_a(key, "DSA") == 1;
}

/* Nothing that stands below it is worth anything. */
static bool
is_broken_key(X509 *cert)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);

	return key == NULL || is_dsa(cert) ||
	    (EVP_PKEY_is_a(key, "RSA") == 1 && EVP_PKEY_get_bits(key) < 1024);
}

static void
own_checks(const STACK_OF(X509) *built, const struct tls_origin_conf *conf, struct tls_facts *f)
{
	int i;

	for (i = 0; i < sk_X509_num(built); i++) {
		X509 *cert = sk_X509_value(built, i);

		if (tls_spki_among(cert, conf->own_ca_spki, conf->nown_ca))
			add_verdict(f, X509_V_ERR_CERT_UNTRUSTED, i);
		if (i > 0 && is_broken_key(cert))
			f->broken_ca_key = true;
		if (is_dsa(cert))
			add_verdict(f, i == 0 ? X509_V_ERR_EE_KEY_TOO_SMALL :
			    X509_V_ERR_CA_KEY_TOO_SMALL, i);
	}
}

static bool
is_self_issued(X509 *cert)
{
	return X509_NAME_cmp(X509_get_subject_name(cert), X509_get_issuer_name(cert)) == 0;
}

static void
read_chain(const STACK_OF(X509) *sent, struct tls_facts *f)
{
	int i, n = MIN(sk_X509_num(sent), CHAIN_MAX);

	f->chain = mem_grow(NULL, n > 0 ? (size_t)n : 1, sizeof(f->chain[0]));
	for (i = 0; i < n; i++)
		cert_read(sk_X509_value(sent, i), &f->chain[f->nchain++]);
	f->last_is_self_signed = n > 0 && is_self_issued(sk_X509_value(sent, n - 1));
}

static void
note_dates(struct tls_facts *f, const struct tls_cert *c)
{
	f->earliest_not_after = MIN(f->earliest_not_after, c->not_after);
	f->latest_not_before = MAX(f->latest_not_before, c->not_before);
}

static const struct tls_cert *
find_sent(const struct tls_facts *f, const STACK_OF(X509) *sent, const X509 *cert)
{
	size_t i;

	for (i = 0; i < f->nchain; i++)
		if (X509_cmp(sk_X509_value(sent, (int)i), cert) == 0)
			return &f->chain[i];
	return NULL;
}

static void
read_dates(const STACK_OF(X509) *sent, const STACK_OF(X509) *built, struct tls_facts *f)
{
	int i;

	f->earliest_not_after = INT64_MAX;
	f->latest_not_before = INT64_MIN;
	for (i = 0; i < sk_X509_num(built); i++) {
		X509 *cert = sk_X509_value(built, i);
		const struct tls_cert *known = find_sent(f, sent, cert);
		struct tls_cert root;

		if (known == NULL)
			cert_dates(cert, &root);
		note_dates(f, known != NULL ? known : &root);
	}
	if (sk_X509_num(built) > 0)
		return;
	for (i = 0; i < (int)f->nchain; i++)
		note_dates(f, &f->chain[i]);
}

static void
put_verdict(struct buf *b, const struct tls_facts *f, const struct tls_verdict *v,
    const STACK_OF(X509) *built, struct str asked)
{
	X509 *cert = sk_X509_value(built, v->depth);
	char *subject;

	switch (v->code) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		buf_printf(b, "certificate is not for %.*s", STR_ARG(asked));
		break;
	case X509_V_ERR_CERT_UNTRUSTED:
		buf_putz(b, "issued by this proxy's own CA");
		break;
	default:
		buf_putz(b, X509_verify_cert_error_string(v->code));
	}
	if (v->depth == 0) {
		buf_printf(b, " (depth 0, %s)", f->nchain > 0 ? f->chain[0].subject : "?");
		return;
	}
	subject = cert != NULL ? cert_subject(cert) : NULL;
	buf_printf(b, " (depth %d, %s)", v->depth, subject != NULL ? subject : "?");
	free(subject);
}

/* All of them in one line, in the order OpenSSL found them. */
static char *
make_reason(const struct tls_facts *f, const STACK_OF(X509) *built, struct str asked)
{
	struct buf b;
	char *out;
	size_t i;

	buf_init(&b, 0);
	for (i = 0; i < f->nverdicts && b.len < REASON_MAX; i++) {
		if (i > 0)
			buf_putz(&b, "; ");
		put_verdict(&b, f, &f->verdicts[i], built, asked);
	}
	out = b.len > 0 ? mem_strndup((char *)buf_data(&b), b.len) : mem_strdup("");
	buf_free(&b);
	return out;
}

struct tls_facts *
verify_run(X509_STORE_CTX *ctx, const struct tls_origin_conf *conf, struct str name,
    bool strict)
{
	struct tls_facts *f = mem_new(struct tls_facts);
	struct run run = {f, strict};
	STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(ctx), *built;
	X509 *leaf = X509_STORE_CTX_get0_cert(ctx);
	int rc;

	f->refs = 1;
	CHECK(X509_STORE_CTX_set_ex_data(ctx, run_index(), &run) == 1);
	X509_STORE_CTX_set_verify_cb(ctx, collect);
	rc = X509_verify_cert(ctx);
	/* Trouble that no callback was asked about must not look like success. */
	if (rc <= 0 && f->nverdicts == 0)
		add_verdict(f, X509_V_ERR_UNSPECIFIED, 0);
	built = X509_STORE_CTX_get0_chain(ctx);
	own_checks(built, conf, f);
	read_chain(sent, f);
	if (leaf != NULL) {
		f->odd_names = !cert_read_leaf(leaf, f);
		warn_leaf(f, leaf);
	}
	/* What nobody could read at all, OpenSSL has refused. */
	if (f->odd_names && strict)
		add_verdict(f, X509_V_ERR_INVALID_EXTENSION, 0);
	else if (f->odd_names)
		warn_odd_names(f);
	read_dates(sent, built, f);
	f->verified = f->nverdicts == 0;
	f->reason = make_reason(f, built, name);
	return f;
}

void
verify_revoked(struct tls_facts *f)
{
	char *before = f->reason;

	add_verdict(f, X509_V_ERR_CERT_REVOKED, 0);
	f->verified = false;
	f->reason = mem_printf("%s%s%s (depth 0, %s)", before, before[0] != '\0' ? "; " : "",
	    X509_verify_cert_error_string(X509_V_ERR_CERT_REVOKED),
	    f->nchain > 0 ? f->chain[0].subject : "?");
	free(before);
}

struct tls_facts *
tls_verify_chain(STACK_OF(X509) *chain, const struct tls_origin_conf *conf, struct str name,
    bool name_is_ip, bool strict)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	struct tls_facts *f;

	CHECK(ctx != NULL);
	CHECK(X509_STORE_CTX_init(ctx, conf->roots, sk_X509_value(chain, 0), chain) == 1);
	CHECK(X509_STORE_CTX_set_default(ctx, "ssl_server") == 1);
	verify_param(X509_STORE_CTX_get0_param(ctx), name, name_is_ip);
	f = verify_run(ctx, conf, name, strict);
	X509_STORE_CTX_free(ctx);
	return f;
}
