/* SPDX-License-Identifier: ISC */
/* staple.c - see staple.h.  Runs in: worker. */
#include "config.h"

#include "tls/staple.h"

#include <openssl/ocsp.h>

#define SKEW 300	/* seconds a responder's clock may be off */

/* The response names its certificate by hashes of a digest of its choice. */
static bool
is_for(OCSP_SINGLERESP *single, X509 *leaf, X509 *issuer)
{
	OCSP_CERTID *id = (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(single), *want;
	ASN1_OBJECT *algorithm = NULL;
	const EVP_MD *md;
	bool same;

	if (OCSP_id_get0_info(NULL, &algorithm, NULL, NULL, id) != 1)
		return false;
	md = EVP_get_digestbyobj(algorithm);
	want = md != NULL ? OCSP_cert_to_id(md, leaf, issuer) : NULL;
	same = want != NULL && OCSP_id_cmp(id, want) == 0;
	OCSP_CERTID_free(want);
	return same;
}

static enum tls_staple
status_of(OCSP_BASICRESP *basic, X509 *leaf, X509 *issuer)
{
	ASN1_GENERALIZEDTIME *from, *until;
	int i, status, reason;

	for (i = 0; i < OCSP_resp_count(basic); i++) {
		OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);

		if (!is_for(single, leaf, issuer))
			continue;
		status = OCSP_single_get0_status(single, &reason, NULL, &from, &until);
		if (OCSP_check_validity(from, until, SKEW, -1) != 1)
			return TLS_STAPLE_INVALID;
		if (status == V_OCSP_CERTSTATUS_REVOKED)
			return TLS_STAPLE_REVOKED;
		return status == V_OCSP_CERTSTATUS_GOOD ? TLS_STAPLE_GOOD : TLS_STAPLE_UNKNOWN;
	}
	return TLS_STAPLE_INVALID;
}

enum tls_staple
staple_read(SSL *ssl, X509_STORE *roots)
{
	enum tls_staple out = TLS_STAPLE_INVALID;
	STACK_OF(X509) *built = SSL_get0_verified_chain(ssl);
	OCSP_RESPONSE *response;
	OCSP_BASICRESP *basic = NULL;
	const unsigned char *der;
	long n = SSL_get_tlsext_status_ocsp_resp(ssl, &der);

	if (n <= 0)
		return TLS_STAPLE_NONE;
	response = d2i_OCSP_RESPONSE(NULL, &der, n);
	if (response != NULL &&
	    OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
		basic = OCSP_response_get1_basic(response);
	/* The responder is the leaf's issuer, or one it named (RFC 6960 4.2.2.2). */
	if (basic != NULL && sk_X509_num(built) > 1 &&
	    OCSP_basic_verify(basic, built, roots, 0) == 1)
		out = status_of(basic, sk_X509_value(built, 0), sk_X509_value(built, 1));
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	return out;
}
