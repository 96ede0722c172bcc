/* SPDX-License-Identifier: ISC */
/* offer.c - see offer.h.  Runs in: worker, tests. */
#include "config.h"

#include "tls/offer.h"

struct named {
	uint16_t id;
	const char *name;
};

/* CCM_8 has half a tag (RFC 6655); CCM alone is not in OpenSSL's default. */
static const struct named suites13[] = {
	{0x1301, "TLS_AES_128_GCM_SHA256"},
	{0x1302, "TLS_AES_256_GCM_SHA384"},
	{0x1303, "TLS_CHACHA20_POLY1305_SHA256"},
};

/* SHA-1 and DSA are left out: level 2 would refuse what was signed with them. */
static const struct named schemes[] = {
	{0x0403, "ecdsa_secp256r1_sha256"},
	{0x0503, "ecdsa_secp384r1_sha384"},
	{0x0603, "ecdsa_secp521r1_sha512"},
	{0x0807, "ed25519"},
	{0x0808, "ed448"},
	{0x0804, "rsa_pss_rsae_sha256"},
	{0x0805, "rsa_pss_rsae_sha384"},
	{0x0806, "rsa_pss_rsae_sha512"},
	{0x0809, "rsa_pss_pss_sha256"},
	{0x080a, "rsa_pss_pss_sha384"},
	{0x080b, "rsa_pss_pss_sha512"},
	{0x0401, "rsa_pkcs1_sha256"},
	{0x0501, "rsa_pkcs1_sha384"},
	{0x0601, "rsa_pkcs1_sha512"},
	{0x0303, "ECDSA+SHA224"},
	{0x0301, "RSA+SHA224"},
};

#define OWN_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
#define OWN_SUITES "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define OWN_SIGALGS                                                                       \
	"ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256:rsa_pkcs1_sha256:"                    \
	"ecdsa_secp384r1_sha384:rsa_pss_rsae_sha384:rsa_pkcs1_sha384:"                    \
	"rsa_pss_rsae_sha512:rsa_pkcs1_sha512"

void
offer_suites_init(struct offer_suites *out, SSL_CTX *ctx)
{
	STACK_OF(SSL_CIPHER) *list;
	SSL *ssl;
	int i;

	out->n = 0;
	CHECK(SSL_CTX_set_cipher_list(ctx, "DEFAULT:!kDHE:!aNULL:!eNULL:!PSK:!SRP:!DSS:"
	    "!3DES:!RC4:!IDEA:!SEED") == 1);
	ssl = SSL_new(ctx);	/* only an SSL is asked with the security level applied */
	CHECK(ssl != NULL);
	list = SSL_get1_supported_ciphers(ssl);
	for (i = 0; i < sk_SSL_CIPHER_num(list) && out->n < NELEM(out->v); i++) {
		const SSL_CIPHER *c = sk_SSL_CIPHER_value(list, i);

		if (strcmp(SSL_CIPHER_get_version(c), "TLSv1.3") == 0)
			continue;
		out->v[out->n].id = SSL_CIPHER_get_protocol_id(c);
		out->v[out->n++].name = SSL_CIPHER_get_name(c);
	}
	sk_SSL_CIPHER_free(list);
	SSL_free(ssl);
}

/* "A:B"; what does not fit is not offered. */
static void
append(char *list, size_t size, const char *name)
{
	size_t have = strlen(list), n = strlen(name);

	if (have + 1 + n + 1 > size)
		return;
	if (have > 0)
		list[have++] = ':';
	memcpy(list + have, name, n + 1);
}

static void
pick_ciphers(struct offer *o, const struct tls_hello *h, const struct offer_suites *known)
{
	bool taken[NELEM(known->v)] = {false};
	size_t i, k, n = 0;

	o->known_ciphers = true;
	for (i = 0; i < h->nciphers; i++)
		for (k = 0; k < known->n; k++)
			if (known->v[k].id == h->ciphers[i] && !taken[k]) {
				taken[k] = true;
				append(o->ciphers, sizeof(o->ciphers), known->v[k].name);
				o->known_ciphers = o->known_ciphers && k == n++;
			}
	o->known_ciphers = o->known_ciphers && n == known->n;
}

/* In the client's order, each once: OpenSSL refuses a list with doubles. */
static void
pick_named(const uint16_t *ids, size_t n, const struct named *known, size_t nknown, char *out,
    size_t size)
{
	unsigned taken = 0;
	size_t i, k;

	for (i = 0; i < n; i++)
		for (k = 0; k < nknown; k++)
			if (known[k].id == ids[i] && (taken & 1u << k) == 0) {
				taken |= 1u << k;
				append(out, size, known[k].name);
			}
}

static bool
pick_versions(struct offer *o, const struct tls_hello *h, int floor)
{
	bool v12 = floor <= TLS1_2_VERSION && o->ciphers[0] != '\0' &&
	    (h == NULL || tls_hello_offers_version(h, TLS1_2_VERSION));
	bool v13 = o->suites[0] != '\0' &&
	    (h == NULL || tls_hello_offers_version(h, TLS1_3_VERSION));

	o->min_version = v12 ? TLS1_2_VERSION : TLS1_3_VERSION;
	o->max_version = v13 ? TLS1_3_VERSION : TLS1_2_VERSION;
	return v12 || v13;
}

static void
own_offer(struct offer *o)
{
	append(o->ciphers, sizeof(o->ciphers), OWN_CIPHERS);
	append(o->suites, sizeof(o->suites), OWN_SUITES);
	append(o->sigalgs, sizeof(o->sigalgs), OWN_SIGALGS);
	o->alpn = (const uint8_t *)"\x08http/1.1";
	o->alpn_len = 9;
	o->status_request = true;
}

static void
mirror_offer(struct offer *o, const struct tls_hello *h, const struct offer_suites *known)
{
	pick_ciphers(o, h, known);
	pick_named(h->ciphers, h->nciphers, suites13, NELEM(suites13), o->suites,
	    sizeof(o->suites));
	pick_named(h->sigalgs, h->nsigalgs, schemes, NELEM(schemes), o->sigalgs,
	    sizeof(o->sigalgs));
	/* A TLS 1.2 hello without the extension means SHA-1 (RFC 5246 7.4.1.4.1). */
	if (h->nsigalgs == 0)
		append(o->sigalgs, sizeof(o->sigalgs), OWN_SIGALGS);
	o->alpn = h->alpn;
	o->alpn_len = h->alpn_len;
	o->status_request = h->status_request;
	o->fallback_scsv = h->fallback_scsv;
}

bool
offer_make(struct offer *o, const struct tls_hello *h, const struct offer_suites *known,
    int min_version)
{
	o->ciphers[0] = o->suites[0] = o->sigalgs[0] = '\0';
	o->status_request = o->fallback_scsv = o->known_ciphers = false;
	if (h != NULL)
		mirror_offer(o, h, known);
	else
		own_offer(o);
	return pick_versions(o, h, min_version) && o->sigalgs[0] != '\0';
}

bool
offer_set(const struct offer *o, SSL *ssl)
{
	if (SSL_set_min_proto_version(ssl, o->min_version) != 1 ||
	    SSL_set_max_proto_version(ssl, o->max_version) != 1 ||
	    SSL_set1_sigalgs_list(ssl, o->sigalgs) != 1)
		return false;
	if (o->max_version == TLS1_3_VERSION && SSL_set_ciphersuites(ssl, o->suites) != 1)
		return false;
	/* The context's own list need not be parsed again, for 20 microseconds. */
	if (o->min_version == TLS1_2_VERSION && !o->known_ciphers &&
	    SSL_set_cipher_list(ssl, o->ciphers) != 1)
		return false;
	/* This one returns 0 for success. */
	if (o->alpn_len > 0 && SSL_set_alpn_protos(ssl, o->alpn, (unsigned)o->alpn_len) != 0)
		return false;
	if (o->status_request && SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp) != 1)
		return false;
	if (o->fallback_scsv)
		(void)SSL_set_mode(ssl, SSL_MODE_SEND_FALLBACK_SCSV);
	return true;
}

static void
hash_bytes(EVP_MD_CTX *md, const void *p, size_t n)
{
	uint32_t len = (uint32_t)n;

	CHECK(EVP_DigestUpdate(md, &len, sizeof(len)) == 1);
	CHECK(EVP_DigestUpdate(md, p, n) == 1);
}

void
offer_hash(const struct offer *o, EVP_MD_CTX *md)
{
	uint8_t flags[2] = {o->status_request, o->fallback_scsv};

	hash_bytes(md, &o->min_version, sizeof(o->min_version));
	hash_bytes(md, &o->max_version, sizeof(o->max_version));
	hash_bytes(md, o->ciphers, strlen(o->ciphers));
	hash_bytes(md, o->suites, strlen(o->suites));
	hash_bytes(md, o->sigalgs, strlen(o->sigalgs));
	hash_bytes(md, o->alpn, o->alpn_len);
	hash_bytes(md, flags, sizeof(flags));
}
