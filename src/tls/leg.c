/* SPDX-License-Identifier: ISC */
/*
 * leg.c - what a finished handshake agreed on, and why one has failed, in the words of
 * the standards (tls_leg_of() and tls_alert_text() of origin.h).
 * Runs in: worker.
 */
#include "config.h"

#include <stdio.h>

#include <openssl/ssl.h>

#include "tls/origin.h"

static void
put(char *out, size_t size, const char *text)
{
	(void)snprintf(out, size, "%s", text != NULL ? text : "");
}

/* IANA's and browsers' names where OpenSSL has older ones. */
static void
put_group(SSL *ssl, char *out, size_t size)
{
	EVP_PKEY *key = NULL;
	int id = (int)SSL_get_negotiated_group(ssl);

	/* 0: TLS 1.2 on the client's side, where only the key is there. */
	if (id == 0 && SSL_get_peer_tmp_key(ssl, &key) == 1) {
		char name[64] = "";

		if (EVP_PKEY_get_group_name(key, name, sizeof(name), NULL) == 1)
			id = OBJ_sn2nid(name);
		else
			id = EVP_PKEY_get_base_id(key);
		EVP_PKEY_free(key);
	}
	switch (id) {
	case NID_undef:
		put(out, size, "");
		break;
	case NID_X25519:
		put(out, size, "X25519");
		break;
	case NID_X9_62_prime256v1:
		put(out, size, "P-256");
		break;
	case NID_secp384r1:
		put(out, size, "P-384");
		break;
	case NID_secp521r1:
		put(out, size, "P-521");
		break;
	default:
		put(out, size, SSL_group_to_name(ssl, id));
	}
}

static const char *
ecdsa_name(int md)
{
	switch (md) {
	case NID_sha256:
		return "ecdsa_secp256r1_sha256";
	case NID_sha384:
		return "ecdsa_secp384r1_sha384";
	case NID_sha512:
		return "ecdsa_secp521r1_sha512";
	default:
		return "ecdsa";
	}
}

static void
put_sigalg(SSL *ssl, char *out, size_t size)
{
	int type = NID_undef, md = NID_undef;
	bool found = SSL_is_server(ssl) ? SSL_get_signature_type_nid(ssl, &type) == 1 :
	    SSL_get_peer_signature_type_nid(ssl, &type) == 1;

	if (!found || SSL_session_reused(ssl) == 1)
		return;
	if (SSL_is_server(ssl))
		(void)SSL_get_signature_nid(ssl, &md);
	else
		(void)SSL_get_peer_signature_nid(ssl, &md);
	switch (type) {
	case EVP_PKEY_RSA_PSS:
		(void)snprintf(out, size, "rsa_pss_rsae_%s", OBJ_nid2ln(md));
		break;
	case EVP_PKEY_RSA:
		(void)snprintf(out, size, "rsa_pkcs1_%s", OBJ_nid2ln(md));
		break;
	case EVP_PKEY_EC:
		put(out, size, ecdsa_name(md));
		break;
	case EVP_PKEY_ED25519:
		put(out, size, "ed25519");
		break;
	case EVP_PKEY_ED448:
		put(out, size, "ed448");
		break;
	default:
		put(out, size, OBJ_nid2sn(type));
	}
}

void
tls_leg_of(SSL *ssl, struct tls_leg *out)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
	const unsigned char *alpn = NULL;
	unsigned n = 0;

	memset(out, 0, sizeof(*out));
	put(out->protocol, sizeof(out->protocol),
	    SSL_version(ssl) == TLS1_3_VERSION ? "TLS 1.3" : "TLS 1.2");
	put(out->cipher, sizeof(out->cipher),
	    cipher != NULL ? SSL_CIPHER_standard_name(cipher) : NULL);
	put_group(ssl, out->group, sizeof(out->group));
	put_sigalg(ssl, out->sigalg, sizeof(out->sigalg));
	SSL_get0_alpn_selected(ssl, &alpn, &n);
	if (n > 0 && n < sizeof(out->alpn))
		memcpy(out->alpn, alpn, n);
	put(out->sni, sizeof(out->sni), SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
	out->resumed = SSL_session_reused(ssl) == 1;
}

const char *
tls_alert_text(unsigned alert)
{
	switch (alert) {
	case 86:
		return "inappropriate fallback";	/* RFC 7507 */
	case 109:
		return "missing extension";
	case 116:
		return "certificate required";
	default:
		return SSL_alert_desc_string_long((int)alert);
	}
}
