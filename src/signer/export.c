/* SPDX-License-Identifier: ISC */
/* export.c - see export.h.  Runs in: signer, mitmctl. */
#include "config.h"

#include "signer/export.h"

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/mem.h"
#include "signer/ca_file.h"

#define ALIAS "mitmd"
#define ITERATIONS 2048
#define ROOTS_MAX (16u << 20)

void
export_pem(X509 *cert, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long n;

	CHECK(bio != NULL && PEM_write_bio_X509(bio, cert) == 1);
	n = BIO_get_mem_data(bio, &text);
	buf_put(out, text, (size_t)n);
	(void)BIO_free(bio);
}

void
export_der(X509 *cert, struct buf *out)
{
	uint8_t *der = NULL;
	int n = i2d_X509(cert, &der);

	CHECK(n > 0);
	buf_put(out, der, (size_t)n);
	OPENSSL_free(der);
}

/* Java takes a certificate in a PKCS#12 file for trusted only with this attribute. */
static PKCS12_SAFEBAG *
trusted_bag(X509 *cert)
{
	PKCS12_SAFEBAG *bag = PKCS12_SAFEBAG_create_cert(cert);
	ASN1_OBJECT *usage = OBJ_txt2obj("2.16.840.1.113894.746875.1.1", 1);
	X509_ATTRIBUTE *a;

	CHECK(bag != NULL && usage != NULL);
	CHECK(PKCS12_add_friendlyname_utf8(bag, ALIAS, -1) == 1);
	a = X509_ATTRIBUTE_create_by_OBJ(NULL, usage, V_ASN1_OBJECT,
	    OBJ_nid2obj(NID_anyExtendedKeyUsage), -1);
	/* OpenSSL 3.0 has no setter; the list is there since the friendly name. */
	CHECK(a != NULL && sk_X509_ATTRIBUTE_push((STACK_OF(X509_ATTRIBUTE) *)(uintptr_t)
	    PKCS12_SAFEBAG_get0_attrs(bag), a) > 0);
	ASN1_OBJECT_free(usage);
	return bag;
}

/*
 * 3DES and SHA-1, which every reader knows.  The salts come from the
 * certificate: they protect nothing, and equal input must give equal files.
 */
void
export_p12(X509 *cert, struct buf *out)
{
	STACK_OF(PKCS12_SAFEBAG) *bags = sk_PKCS12_SAFEBAG_new_null();
	STACK_OF(PKCS7) *safes = sk_PKCS7_new_null();
	PKCS12 *p12 = PKCS12_init(NID_pkcs7_data);
	uint8_t hash[SHA256_DIGEST_LENGTH], *der = NULL;
	PKCS7 *safe;
	int n;

	CHECK(bags != NULL && safes != NULL && p12 != NULL);
	CHECK(X509_digest(cert, EVP_sha256(), hash, NULL) == 1);
	CHECK(sk_PKCS12_SAFEBAG_push(bags, trusted_bag(cert)) > 0);
	safe = PKCS12_pack_p7encdata(NID_pbe_WithSHA1And3_Key_TripleDES_CBC, EXPORT_PASSWORD,
	    -1, hash, 8, ITERATIONS, bags);
	CHECK(safe != NULL && sk_PKCS7_push(safes, safe) > 0);
	CHECK(PKCS12_pack_authsafes(p12, safes) == 1);
	CHECK(PKCS12_set_mac(p12, EXPORT_PASSWORD, -1, hash + 8, 8, ITERATIONS,
	    EVP_sha1()) == 1);
	n = i2d_PKCS12(p12, &der);
	CHECK(n > 0);
	buf_put(out, der, (size_t)n);
	OPENSSL_free(der);
	PKCS12_free(p12);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
}

static void
put_be(struct buf *out, uint64_t v, unsigned bytes)
{
	while (bytes-- > 0)
		buf_putc(out, (char)(v >> (8 * bytes)));
}

static void
put_counted(struct buf *out, const char *text)
{
	put_be(out, strlen(text), 2);
	buf_putz(out, text);
}

/* Java's own format, version 2, with one trusted certificate. */
void
export_jks(X509 *cert, struct buf *out)
{
	struct buf der = {0}, sealed = {0};
	uint8_t hash[SHA_DIGEST_LENGTH];
	const char *c;
	struct tm tm;

	CHECK(ASN1_TIME_to_tm(X509_get0_notBefore(cert), &tm) == 1);
	export_der(cert, &der);
	put_be(out, 0xfeedfeed, 4);
	put_be(out, 2, 4);	/* version */
	put_be(out, 1, 4);	/* entries */
	put_be(out, 2, 4);	/* a trusted certificate */
	put_counted(out, ALIAS);
	put_be(out, (uint64_t)timegm(&tm) * 1000, 8);
	put_counted(out, "X.509");
	put_be(out, der.len, 4);
	buf_put(out, buf_data(&der), der.len);
	/* The seal: SHA-1 of the password in UTF-16, Sun's own phrase, and the file. */
	for (c = EXPORT_PASSWORD; *c != '\0'; c++)
		put_be(&sealed, (uint8_t)*c, 2);
	buf_putz(&sealed, "Mighty Aphrodite");
	buf_put(&sealed, buf_data(out), out->len);
	(void)SHA1(buf_data(&sealed), sealed.len, hash);
	buf_put(out, hash, sizeof(hash));
	buf_free(&sealed);
	buf_free(&der);
}

void
export_bundle(X509 *cert, STACK_OF(X509) *above, const char *system_roots, struct buf *out)
{
	size_t n = 0;
	char *roots = fd_read_file(system_roots, ROOTS_MAX, &n);
	int i;

	if (roots != NULL && n > 0) {
		buf_put(out, roots, n);
		if (roots[n - 1] != '\n')
			buf_putc(out, '\n');
	}
	free(roots);
	export_pem(cert, out);
	for (i = 0; i < sk_X509_num(above); i++)
		export_pem(sk_X509_value(above, i), out);
}

int
export_files(X509 *cert, STACK_OF(X509) *above, struct files *f, const char *system_roots,
    struct errmsg *err)
{
	static const struct {
		const char *name;
		void (*make)(X509 *, struct buf *);
	} files[] = {
		{CA_CERT_FILE, export_pem},
		{"mitmd-ca-cert.cer", export_der},
		{"mitmd-ca-cert.p12", export_p12},
		{"mitmd-ca-cert.jks", export_jks},
		{"mitmd-ca-bundle.pem", NULL},
	};
	struct errmsg why;
	size_t i;
	int ret = 0;

	for (i = 0; i < NELEM(files); i++) {
		struct buf bytes = {0};

		if (files[i].make != NULL)
			files[i].make(cert, &bytes);
		else
			export_bundle(cert, above, system_roots, &bytes);
		if (files_update(f, files[i].name, 0644, buf_str(&bytes), &why) != 0 &&
		    ret == 0) {
			*err = why;
			ret = -1;
		}
		buf_free(&bytes);
	}
	return ret;
}
