/* SPDX-License-Identifier: ISC */
/* seal.c - see seal.h.  Runs in: signer. */
#include "config.h"

#include "signer/seal.h"

#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#define SIGNATURE_MAX 1024	/* RSA-8192 */

/* RFC 5758 3.2: ecdsa-with-* have no parameters; RFC 4055 5: RSA's are NULL. */
#define ECDSA_SHA256 "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define ECDSA_SHA1 "\x30\x09\x06\x07\x2a\x86\x48\xce\x3d\x04\x01"
#define RSA_SHA256 "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00"
#define RSA_SHA1 "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05\x05\x00"

void
seal_init(struct seal *s, EVP_PKEY *key)
{
	bool ec = EVP_PKEY_base_id(key) == EVP_PKEY_EC;

	s->algorithm = ec ? STR(ECDSA_SHA256) : STR(RSA_SHA256);
	s->sign = EVP_PKEY_CTX_new(key, NULL);
	CHECK(s->sign != NULL && EVP_PKEY_sign_init(s->sign) == 1);
	if (!ec)
		CHECK(EVP_PKEY_CTX_set_rsa_padding(s->sign, RSA_PKCS1_PADDING) == 1);
	CHECK(EVP_PKEY_CTX_set_signature_md(s->sign, EVP_sha256()) == 1);
	CHECK((size_t)EVP_PKEY_get_size(key) <= SIGNATURE_MAX);
	s->modulus = ec ? 0 : (size_t)EVP_PKEY_get_size(key);
}

void
seal_free(struct seal *s)
{
	EVP_PKEY_CTX_free(s->sign);
	*s = (struct seal){.sign = NULL};
}

int
seal_put(const struct seal *s, struct der *d, struct str tbs)
{
	uint8_t hash[SHA256_DIGEST_LENGTH], bits[1 + SIGNATURE_MAX];
	size_t n = SIGNATURE_MAX;

	(void)SHA256((const uint8_t *)tbs.p, tbs.n, hash);
	bits[0] = 0;	/* unused bits */
	if (EVP_PKEY_sign(s->sign, bits + 1, &n, hash, sizeof(hash)) != 1)
		return ERR_SYS;
	der_raw(d, s->algorithm.p, s->algorithm.n);
	der_put(d, DER_BIT_STRING, bits, 1 + n);
	return 0;
}

struct str
seal_forged_algorithm(const struct seal *s, bool sha1)
{
	if (!sha1)
		return s->algorithm;
	return s->modulus == 0 ? STR(ECDSA_SHA1) : STR(RSA_SHA1);
}

/* Two numbers below the order of every curve that a CA may have. */
static int
forge_ecdsa(struct der *d)
{
	size_t bits = der_open(d, DER_BIT_STRING), sequence;
	uint8_t numbers[2][32];
	unsigned i;

	if (RAND_bytes(numbers[0], sizeof(numbers)) != 1)
		return ERR_SYS;
	der_raw(d, "\0", 1);
	sequence = der_open(d, DER_SEQUENCE);
	for (i = 0; i < 2; i++) {
		numbers[i][0] = (uint8_t)((numbers[i][0] & 0x7f) | 0x40);
		der_put(d, DER_INTEGER, numbers[i], sizeof(numbers[i]));
	}
	der_close(d, sequence);
	der_close(d, bits);
	return 0;
}

static int
forge_rsa(struct der *d, size_t modulus)
{
	uint8_t bits[1 + SIGNATURE_MAX];

	if (RAND_bytes(bits, (int)(1 + modulus)) != 1)
		return ERR_SYS;
	bits[0] = 0;
	bits[1] = 0;	/* less than the modulus, or it has no valid form */
	der_put(d, DER_BIT_STRING, bits, 1 + modulus);
	return 0;
}

int
seal_forge(const struct seal *s, bool sha1, struct der *d)
{
	struct str algorithm = seal_forged_algorithm(s, sha1);

	der_raw(d, algorithm.p, algorithm.n);
	return s->modulus == 0 ? forge_ecdsa(d) : forge_rsa(d, s->modulus);
}
