/* SPDX-License-Identifier: ISC */
/* test_ca.c - the CA is made once, loaded for ever, and refused with a reason. */
#include "config.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "ca_rig.h"
#include "suites.h"

START_TEST(is_made_with_the_profile)
{
	char cn[128];
	BASIC_CONSTRAINTS *bc;
	int critical, days, secs;
	struct stat st;

	ck_assert_int_eq(open_at(NOW), 0);
	ck_assert_int_eq(stat(in_dir(CA_FILE), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_gt(X509_NAME_get_text_by_NID(X509_get_subject_name(ca.cert),
	    NID_commonName, cn, sizeof(cn)), 0);
	ck_assert_int_eq(strncmp(cn, "mitmd CA build7 ", 16), 0);
	ck_assert_uint_eq(strlen(cn), 24);
	bc = X509_get_ext_d2i(ca.cert, NID_basic_constraints, &critical, NULL);
	ck_assert_int_eq(critical, 1);
	ck_assert(bc->ca);
	ck_assert_int_eq(ASN1_INTEGER_get(bc->pathlen), 0);
	BASIC_CONSTRAINTS_free(bc);
	ck_assert_int_eq(X509_EXTENSION_get_critical(X509_get_ext(ca.cert,
	    X509_get_ext_by_NID(ca.cert, NID_key_usage, -1))), 1);
	ck_assert_uint_eq(X509_get_key_usage(ca.cert), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	ck_assert_uint_eq(X509_get_extended_key_usage(ca.cert), XKU_SSL_SERVER);
	ck_assert_ptr_nonnull(X509_get0_subject_key_id(ca.cert));
	ck_assert_int_eq(X509_get_ext_count(ca.cert), 4);
	ck_assert_int_eq(ASN1_TIME_diff(&days, &secs, X509_get0_notBefore(ca.cert),
	    X509_get0_notAfter(ca.cert)), 1);
	ck_assert_int_eq(days, 3 * 365 + 2);
	ck_assert_int_eq(secs, 0);
	ck_assert_int_eq(ca.not_after, NOW + CA_LIFETIME_SECONDS);
	ck_assert_int_eq(ASN1_STRING_length(X509_get0_serialNumber(ca.cert)), 16);
	ck_assert_int_eq(X509_verify(ca.cert, ca.key), 1);
	ck_assert_int_eq(EVP_PKEY_base_id(ca.key), EVP_PKEY_EC);
}
END_TEST

START_TEST(is_made_once)
{
	uint8_t id[32];

	ck_assert_int_eq(open_at(NOW), 0);
	memcpy(id, ca.id, sizeof(id));
	ck_assert_int_eq(open_at(NOW + 1000), 0);
	ck_assert_mem_eq(id, ca.id, sizeof(id));
	ck_assert_int_eq(unlink(in_dir(CA_FILE)), 0);
	ck_assert_int_eq(open_at(NOW), 0);
	ck_assert_mem_ne(id, ca.id, sizeof(id));
}
END_TEST

START_TEST(nothing_else_is_left_in_the_directory)
{
	struct stat st;
	char *temp = mem_printf("ls -A %s | wc -l", dir);
	FILE *p;
	int n = 0;

	ck_assert_int_eq(open_at(NOW), 0);
	p = popen(temp, "r");
	ck_assert_int_eq(fscanf(p, "%d", &n), 1);
	ck_assert_int_eq(pclose(p), 0);
	ck_assert_int_eq(n, 1);
	ck_assert_int_eq(stat(in_dir(CA_FILE), &st), 0);
	ck_assert_uint_eq(st.st_nlink, 1);
	free(temp);
}
END_TEST

START_TEST(is_not_replaced_when_only_the_key_is_gone)
{
	write_file(CA_CERT_FILE, 0644, STR("x"));
	ck_assert_int_eq(open_at(NOW), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "is gone"));
	ck_assert_int_eq(access(in_dir(CA_FILE), F_OK), -1);
}
END_TEST

START_TEST(permit_becomes_name_constraints)
{
	static const char *const patterns[] = {".example.com"};
	struct ca_new want = {.host = "", .permit = fixture_permit(patterns, 1)};
	NAME_CONSTRAINTS *nc;
	int critical;

	ck_assert_int_eq(ca_open(&ca, &files, &want, NOW, &err), 0);
	nc = X509_get_ext_d2i(ca.cert, NID_name_constraints, &critical, NULL);
	ck_assert_ptr_nonnull(nc);
	ck_assert_int_eq(critical, 1);
	NAME_CONSTRAINTS_free(nc);
	permit_free((struct permit **)(uintptr_t)&want.permit);
}
END_TEST

/* ---- the operator's own CA below another one ---- */

static void
add_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ck_assert_msg(e != NULL, "%s", value);
	ck_assert_int_eq(X509_add_ext(cert, e, -1), 1);
	X509_EXTENSION_free(e);
}

/* above NULL: self-signed. constraints may be NULL. */
static X509 *
ca_below(const char *cn, EVP_PKEY *key, X509 *above, EVP_PKEY *above_key, const char *bc,
    const char *constraints, int64_t lifetime)
{
	X509 *cert = X509_new();

	ck_assert_int_eq(X509_set_version(cert, X509_VERSION_3), 1);
	ck_assert_int_eq(ASN1_INTEGER_set(X509_get_serialNumber(cert), 7), 1);
	ck_assert_int_eq(X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), NID_commonName,
	    MBSTRING_UTF8, (const uint8_t *)cn, -1, -1, 0), 1);
	ck_assert_int_eq(X509_set_issuer_name(cert, X509_get_subject_name(above != NULL ?
	    above : cert)), 1);
	ck_assert_ptr_nonnull(ASN1_TIME_set(X509_getm_notBefore(cert), NOW - 100));
	ck_assert_ptr_nonnull(ASN1_TIME_set(X509_getm_notAfter(cert), NOW + lifetime));
	ck_assert_int_eq(X509_set_pubkey(cert, key), 1);
	add_ext(cert, cert, NID_basic_constraints, bc);
	add_ext(cert, cert, NID_key_usage, "critical,keyCertSign");
	add_ext(cert, cert, NID_subject_key_identifier, "hash");
	if (constraints != NULL)
		add_ext(cert, cert, NID_name_constraints, constraints);
	ck_assert_int_gt(X509_sign(cert, above != NULL ? above_key : key, EVP_sha256()), 0);
	return cert;
}

/* A file with a CA of path length 0 below a root of that kind. */
static void
own_with_root(struct buf *pem, X509 **root, const char *root_bc, int64_t root_lifetime)
{
	EVP_PKEY *root_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
	X509 *cert;

	*root = ca_below("Corp Root", root_key, NULL, NULL, root_bc, NULL, root_lifetime);
	cert = ca_below("Corp Proxy CA", key, *root, root_key, "critical,CA:TRUE,pathlen:0",
	    NULL, 1000);
	fixture_pem(pem, key, cert);
	fixture_pem(pem, NULL, *root);
	X509_free(cert);
	EVP_PKEY_free(key);
	EVP_PKEY_free(root_key);
}

static const struct {
	const char *root_bc;
	int64_t lifetime;
	const char *why;	/* NULL: accepted */
} roots[] = {
	{"critical,CA:TRUE", 2000, NULL},
	{"critical,CA:TRUE,pathlen:1", 2000, NULL},
	{"critical,CA:TRUE,pathlen:0", 2000, "allows no CA that far below"},
	{"critical,CA:FALSE", 2000, "is not that of a CA"},
	{"critical,CA:TRUE", -1, "chain has expired"},
};

START_TEST(own_below_a_root)
{
	struct buf pem = {0};
	X509 *root;

	own_with_root(&pem, &root, roots[_i].root_bc, roots[_i].lifetime);
	if (roots[_i].why == NULL) {
		ck_assert_msg(ca_parse(&ca, buf_str(&pem), NOW, "x", &err) == 0, "%s",
		    err.text);
		ck_assert_int_eq(sk_X509_num(ca.chain), 1);
	} else {
		ck_assert_int_eq(ca_parse(&ca, buf_str(&pem), NOW, "x", &err), -1);
		ck_assert_msg(strstr(err.text, roots[_i].why) != NULL, "%s", err.text);
	}
	X509_free(root);
	buf_free(&pem);
}
END_TEST

START_TEST(own_below_a_stranger)
{
	struct buf pem = {0};
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *root, *stranger = ca_below("Corp Root", key, NULL, NULL, "critical,CA:TRUE", NULL,
	    1000);

	own_with_root(&pem, &root, "critical,CA:TRUE", 1000);
	fixture_pem(&pem, NULL, stranger);
	ck_assert_int_eq(ca_parse(&ca, buf_str(&pem), NOW, "x", &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "certificate 3 does not issue certificate 2"));
	EVP_PKEY_free(key);
	X509_free(root);
	X509_free(stranger);
	buf_free(&pem);
}
END_TEST

START_TEST(limits_of_those_above_count)
{
	struct permit *permit = fixture_permit_all();
	EVP_PKEY *root_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
	X509 *root = ca_below("Root", root_key, NULL, NULL, "critical,CA:TRUE",
	    "critical,permitted;DNS:corp.test", 1000);
	X509 *cert = ca_below("Sub", key, root, root_key, "critical,CA:TRUE",
	    "critical,excluded;DNS:hr.corp.test", 1000);
	struct buf pem = {0};

	fixture_pem(&pem, key, cert);
	fixture_pem(&pem, NULL, root);
	ck_assert_msg(ca_parse(&ca, buf_str(&pem), NOW, "x", &err) == 0, "%s", err.text);
	ck_assert_int_eq(ca_narrow(&ca, permit, &err), 0);
	ck_assert(permit_has_host(permit, STR("a.corp.test")));
	ck_assert(!permit_has_host(permit, STR("a.hr.corp.test")));
	ck_assert(!permit_has_host(permit, STR("other.test")));
	buf_free(&pem);
	X509_free(cert);
	X509_free(root);
	EVP_PKEY_free(key);
	EVP_PKEY_free(root_key);
	permit_free(&permit);
}
END_TEST

START_TEST(limits_that_are_not_understood_are_refused)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = ca_below("Odd", key, NULL, NULL, "critical,CA:TRUE",
	    "critical,permitted;IP:10.0.0.0/255.0.255.0", 1000);
	struct buf pem = {0};

	fixture_pem(&pem, key, cert);
	ck_assert_int_eq(ca_parse(&ca, buf_str(&pem), NOW, "x", &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "name constraints"));
	buf_free(&pem);
	X509_free(cert);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(chain_is_packed_ca_first)
{
	struct buf chain = {0}, pem = {0};
	X509 *first, *second, *above;
	const uint8_t *p;
	uint32_t n;

	own_with_root(&pem, &above, "critical,CA:TRUE", CA_LIFETIME_SECONDS);
	ck_assert_int_eq(ca_parse(&ca, buf_str(&pem), NOW, "x", &err), 0);
	ca_pack_chain(&ca, &chain);
	p = buf_data(&chain);
	n = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	p += 4;
	first = d2i_X509(NULL, &p, n);
	ck_assert_ptr_nonnull(first);
	ck_assert_int_eq(X509_cmp(first, ca.cert), 0);
	n = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	p += 4;
	second = d2i_X509(NULL, &p, n);
	ck_assert_ptr_nonnull(second);
	ck_assert_int_eq(X509_cmp(second, above), 0);
	ck_assert_ptr_eq(p, buf_data(&chain) + chain.len);
	X509_free(first);
	X509_free(second);
	X509_free(above);
	buf_free(&chain);
	buf_free(&pem);
}
END_TEST

/* ---- refusals ---- */

static X509 *
cert_with(EVP_PKEY *key, const char *bc, const char *ku, const char *eku)
{
	const struct {
		int nid;
		const char *value;
	} ext[] = {{NID_basic_constraints, bc}, {NID_key_usage, ku}, {NID_ext_key_usage, eku}};
	X509 *cert = X509_new();
	X509V3_CTX ctx;
	size_t i;

	ck_assert_int_eq(X509_set_version(cert, X509_VERSION_3), 1);
	ck_assert_int_eq(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1), 1);
	ck_assert_int_eq(X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), NID_commonName,
	    MBSTRING_UTF8, (const uint8_t *)"Own CA", -1, -1, 0), 1);
	ck_assert_int_eq(X509_set_issuer_name(cert, X509_get_subject_name(cert)), 1);
	ck_assert_ptr_nonnull(ASN1_TIME_set(X509_getm_notBefore(cert), NOW - 100));
	ck_assert_ptr_nonnull(ASN1_TIME_set(X509_getm_notAfter(cert), NOW + 100));
	ck_assert_int_eq(X509_set_pubkey(cert, key), 1);
	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	for (i = 0; i < NELEM(ext); i++) {
		X509_EXTENSION *e;

		if (ext[i].value == NULL)
			continue;
		e = X509V3_EXT_conf_nid(NULL, &ctx, ext[i].nid, ext[i].value);
		ck_assert_ptr_nonnull(e);
		ck_assert_int_eq(X509_add_ext(cert, e, -1), 1);
		X509_EXTENSION_free(e);
	}
	ck_assert_int_gt(X509_sign(cert, key, EVP_PKEY_base_id(key) == EVP_PKEY_ED25519 ? NULL :
	    EVP_sha256()), 0);
	return cert;
}

enum kind { P256, P384, K1, RSA1024, RSA2048, ED };

static EVP_PKEY *
key_of(enum kind kind)
{
	EVP_PKEY *key = kind == P256 ? EVP_EC_gen("P-256") :
	    kind == P384 ? EVP_EC_gen("P-384") :
	    kind == K1 ? EVP_EC_gen("secp256k1") : kind == RSA1024 ? EVP_RSA_gen(1024) :
	    kind == RSA2048 ? fixture_rsa_key() : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

	ck_assert_ptr_nonnull(key);
	return key;
}

#define CA_BC "critical,CA:TRUE"
#define CA_KU "critical,keyCertSign"

static const struct {
	enum kind kind;
	const char *bc, *ku, *eku;
	int64_t now;
	const char *why;	/* NULL: accepted */
} own[] = {
	{P256, CA_BC, CA_KU, NULL, NOW, NULL},
	{P256, CA_BC, CA_KU, "serverAuth,clientAuth", NOW, NULL},
	{P384, CA_BC, CA_KU, NULL, NOW, NULL},
	{RSA2048, CA_BC, CA_KU, NULL, NOW, NULL},
	{P256, NULL, CA_KU, NULL, NOW, "CA:TRUE"},
	{P256, "CA:FALSE", NULL, NULL, NOW, "CA:TRUE"},
	{P256, CA_BC, NULL, NULL, NOW, "keyCertSign"},
	{P256, CA_BC, "digitalSignature,cRLSign", NULL, NOW, "keyCertSign"},
	{P256, CA_BC, CA_KU, "codeSigning", NOW, "serverAuth"},
	{P256, CA_BC, CA_KU, NULL, NOW + 100, "expired"},
	{P256, CA_BC, CA_KU, NULL, NOW - 101, "clock"},
	{K1, CA_BC, CA_KU, NULL, NOW, "P-256"},
	{RSA1024, CA_BC, CA_KU, NULL, NOW, "2048"},
	{ED, CA_BC, CA_KU, NULL, NOW, "Ed25519"},
};

START_TEST(own_ca)
{
	EVP_PKEY *key = key_of(own[_i].kind);
	X509 *cert = cert_with(key, own[_i].bc, own[_i].ku, own[_i].eku);
	struct buf pem = {0};

	fixture_pem(&pem, key, cert);
	write_file(CA_FILE, 0600, buf_str(&pem));
	if (own[_i].why == NULL) {
		ck_assert_msg(open_at(own[_i].now) == 0, "%s", err.text);
	} else {
		ck_assert_int_eq(open_at(own[_i].now), -1);
		ck_assert_msg(strstr(err.text, own[_i].why) != NULL, "%s", err.text);
		ck_assert_msg(strstr(err.text, in_dir(CA_FILE)) != NULL, "%s", err.text);
	}
	buf_free(&pem);
	X509_free(cert);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(own_ca_with_another_key)
{
	EVP_PKEY *key = key_of(P256), *other = key_of(P256);
	X509 *cert = cert_with(key, CA_BC, CA_KU, NULL);
	struct buf pem = {0};

	fixture_pem(&pem, other, cert);
	ck_assert_int_eq(ca_parse(&ca, buf_str(&pem), NOW, "x", &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "does not belong"));
	buf_free(&pem);
	X509_free(cert);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}
END_TEST

START_TEST(own_chain_bounds_the_end)
{
	EVP_PKEY *key = key_of(P256);
	X509 *cert = cert_with(key, CA_BC, CA_KU, NULL), *above = X509_dup(cert);
	struct buf pem = {0};

	ck_assert_ptr_nonnull(ASN1_TIME_set(X509_getm_notAfter(above), NOW + 50));
	ck_assert_int_gt(X509_sign(above, key, EVP_sha256()), 0);
	fixture_pem(&pem, key, cert);
	fixture_pem(&pem, NULL, above);
	ck_assert_int_eq(ca_parse(&ca, buf_str(&pem), NOW, "x", &err), 0);
	ck_assert_int_eq(ca.not_after, NOW + 50);
	ca_free(&ca);
	ck_assert_int_eq(ca_parse(&ca, buf_str(&pem), NOW + 50, "x", &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "chain has expired"));
	buf_free(&pem);
	X509_free(above);
	X509_free(cert);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(text_that_is_no_ca)
{
	EVP_PKEY *key = key_of(P256);
	X509 *cert = cert_with(key, CA_BC, CA_KU, NULL);
	struct buf only_key = {0}, only_cert = {0}, torn = {0};
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long n;

	fixture_pem(&only_key, key, NULL);
	fixture_pem(&only_cert, NULL, cert);
	ck_assert_int_eq(ca_parse(&ca, STR(""), NOW, "x", &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "no private key"));
	ck_assert_int_eq(ca_parse(&ca, buf_str(&only_cert), NOW, "x", &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "no private key"));
	ck_assert_int_eq(ca_parse(&ca, buf_str(&only_key), NOW, "x", &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "no certificate"));
	fixture_pem(&torn, key, cert);
	buf_puts(&torn, str_sub(buf_str(&only_cert), 0, only_cert.len / 2));
	buf_putz(&torn, "\n-----END CERTIFICATE-----\n");
	ck_assert_int_eq(ca_parse(&ca, buf_str(&torn), NOW, "x", &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "cannot be read"));
	ck_assert_int_eq(PEM_write_bio_PrivateKey(bio, key, EVP_aes_128_cbc(),
	    (const uint8_t *)"pw", 2, NULL, NULL), 1);
	n = BIO_get_mem_data(bio, &text);
	ck_assert_int_eq(ca_parse(&ca, str_of(text, (size_t)n), NOW, "x", &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "encrypted"));
	(void)BIO_free(bio);
	buf_free(&only_key);
	buf_free(&only_cert);
	buf_free(&torn);
	X509_free(cert);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(modes)
{
	static const struct {
		mode_t mode;
		bool good;
	} table[] = {
		{0600, true}, {0400, true}, {0700, true}, {0640, false}, {0604, false},
		{0644, false}, {0620, false}, {0601, false},
	};

	ck_assert_uint_eq(NELEM(table), 8);
	ck_assert_int_eq(open_at(NOW), 0);
	ck_assert_int_eq(chmod(in_dir(CA_FILE), table[_i].mode), 0);
	ck_assert_int_eq(open_at(NOW), table[_i].good ? 0 : -1);
	if (!table[_i].good)
		ck_assert_ptr_nonnull(strstr(err.text, "chmod 600"));
}
END_TEST

START_TEST(owners_and_kinds)
{
	struct stat st = {.st_mode = S_IFREG | 0600, .st_uid = 1000};

	ck_assert_int_eq(ca_file_acceptable(&st, 1000, "x", &err), 0);
	st.st_uid = 0;
	ck_assert_int_eq(ca_file_acceptable(&st, 1000, "x", &err), 0);
	st.st_uid = 1001;
	ck_assert_int_eq(ca_file_acceptable(&st, 1000, "x", &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "chown 1000"));
	st = (struct stat){.st_mode = S_IFIFO | 0600};
	ck_assert_int_eq(ca_file_acceptable(&st, 0, "x", &err), -1);
	st = (struct stat){.st_mode = S_IFREG | 0600, .st_size = 1 << 20};
	ck_assert_int_eq(ca_file_acceptable(&st, 0, "x", &err), -1);
}
END_TEST

START_TEST(owners_and_modes_of_credentials)
{
	static const struct {
		uid_t owner;
		mode_t mode;
		bool good;
	} table[] = {{0, 0400, true}, {0, 0440, true}, {1000, 0400, true}, {1000, 0600, true},
		{1001, 0400, false}, {0, 0460, false}, {0, 0420, false}, {0, 0404, false},
		{0, 0402, false}, {0, 0401, false}};
	size_t i;

	for (i = 0; i < NELEM(table); i++) {
		struct stat st = {.st_mode = S_IFREG | table[i].mode, .st_uid = table[i].owner};

		ck_assert_msg(ca_credential_acceptable(&st, 1000, "x", &err) ==
		    (table[i].good ? 0 : -1), "%zu", i);
	}
}
END_TEST

START_TEST(directories)
{
	struct files f;
	char *deep = mem_printf("%s/new/deeper", dir);
	char *new = mem_printf("%s/new", dir);
	struct stat st;

	(void)umask(077);
	ck_assert_int_eq(files_open(&f, deep, (uid_t)-1, (gid_t)-1, &err), -1);
	ck_assert_int_eq(files_open(&f, new, (uid_t)-1, (gid_t)-1, &err), 0);
	ck_assert_int_eq(stat(new, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0755);
	files_close(&f);
	ck_assert_int_eq(chmod(new, 0777), 0);
	ck_assert_int_eq(files_open(&f, new, (uid_t)-1, (gid_t)-1, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "chmod o-w"));
	ck_assert_int_eq(rmdir(new), 0);
	free(new);
	free(deep);
}
END_TEST

Suite *
ca_suite(void)
{
	Suite *s = suite_create("ca");
	TCase *tc = tcase_create("core");

	tcase_add_unchecked_fixture(tc, fixture_warm, NULL);
	tcase_add_checked_fixture(tc, ca_setup, ca_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, is_made_with_the_profile);
	tcase_add_test(tc, is_made_once);
	tcase_add_test(tc, nothing_else_is_left_in_the_directory);
	tcase_add_test(tc, is_not_replaced_when_only_the_key_is_gone);
	tcase_add_test(tc, permit_becomes_name_constraints);
	tcase_add_loop_test(tc, own_below_a_root, 0, NELEM(roots));
	tcase_add_test(tc, own_below_a_stranger);
	tcase_add_test(tc, limits_of_those_above_count);
	tcase_add_test(tc, limits_that_are_not_understood_are_refused);
	tcase_add_test(tc, chain_is_packed_ca_first);
	tcase_add_loop_test(tc, own_ca, 0, NELEM(own));
	tcase_add_test(tc, own_ca_with_another_key);
	tcase_add_test(tc, own_chain_bounds_the_end);
	tcase_add_test(tc, text_that_is_no_ca);
	tcase_add_loop_test(tc, modes, 0, 8);
	tcase_add_test(tc, owners_and_kinds);
	tcase_add_test(tc, owners_and_modes_of_credentials);
	tcase_add_test(tc, directories);
	suite_add_tcase(s, tc);
	return s;
}
