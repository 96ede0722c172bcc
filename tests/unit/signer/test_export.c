/* SPDX-License-Identifier: ISC */
/* test_export.c - public forms of the CA, and when files are rewritten. */
#include "config.h"

#include "signer/export.h"

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/mem.h"
#include "fixture.h"
#include "suites.h"

static struct ca ca;
static struct buf out, again;

static void
setup(void)
{
	fixture_ca(&ca, false);
}

static void
teardown(void)
{
	buf_free(&out);
	buf_free(&again);
	ca_free(&ca);
}

START_TEST(equal_certificates_give_equal_bytes)
{
	static void (*const forms[])(X509 *, struct buf *) = {
		export_pem, export_der, export_p12, export_jks,
	};

	forms[_i](ca.cert, &out);
	forms[_i](ca.cert, &again);
	ck_assert_uint_gt(out.len, 100);
	ck_assert(str_eq(buf_str(&out), buf_str(&again)));
}
END_TEST

START_TEST(p12_has_the_certificate_and_javas_attribute)
{
	STACK_OF(PKCS7) *safes;
	STACK_OF(PKCS12_SAFEBAG) *bags;
	const ASN1_TYPE *usage;
	const PKCS12_SAFEBAG *bag;
	const uint8_t *p;
	PKCS12 *p12;
	X509 *cert;
	ASN1_OBJECT *oid = OBJ_txt2obj("2.16.840.1.113894.746875.1.1", 1);
	const STACK_OF(X509_ATTRIBUTE) *attrs;
	int i, found = 0;

	export_p12(ca.cert, &out);
	p = buf_data(&out);
	p12 = d2i_PKCS12(NULL, &p, (long)out.len);
	ck_assert_ptr_nonnull(p12);
	ck_assert_int_eq(PKCS12_verify_mac(p12, EXPORT_PASSWORD, -1), 1);
	ck_assert_int_eq(PKCS12_verify_mac(p12, "other", -1), 0);
	safes = PKCS12_unpack_authsafes(p12);
	ck_assert_int_eq(sk_PKCS7_num(safes), 1);
	bags = PKCS12_unpack_p7encdata(sk_PKCS7_value(safes, 0), EXPORT_PASSWORD, -1);
	ck_assert_int_eq(sk_PKCS12_SAFEBAG_num(bags), 1);
	bag = sk_PKCS12_SAFEBAG_value(bags, 0);
	cert = PKCS12_SAFEBAG_get1_cert(bag);
	ck_assert_int_eq(X509_cmp(cert, ca.cert), 0);
	attrs = PKCS12_SAFEBAG_get0_attrs(bag);
	for (i = 0; i < sk_X509_ATTRIBUTE_num(attrs); i++) {
		X509_ATTRIBUTE *a = sk_X509_ATTRIBUTE_value(attrs, i);

		if (OBJ_cmp(X509_ATTRIBUTE_get0_object(a), oid) != 0)
			continue;
		usage = X509_ATTRIBUTE_get0_type(a, 0);
		ck_assert_int_eq(OBJ_obj2nid(usage->value.object), NID_anyExtendedKeyUsage);
		found++;
	}
	ck_assert_int_eq(found, 1);
	ASN1_OBJECT_free(oid);
	X509_free(cert);
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	PKCS12_free(p12);
}
END_TEST

START_TEST(files_are_rewritten_only_when_they_differ)
{
	static const char *const names[] = {
		CA_CERT_FILE, "mitmd-ca-cert.cer", "mitmd-ca-cert.p12", "mitmd-ca-cert.jks",
		"mitmd-ca-bundle.pem",
	};
	char *dir = fixture_dir(), *roots = mem_printf("%s/roots", dir), *path, *text;
	struct files files;
	struct errmsg err;
	struct stat st[2][NELEM(names)];
	size_t i, n;
	int round;
	FILE *f = fopen(roots, "w");

	ck_assert_int_ge(fputs("# roots\n", f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(files_open(&files, dir, (uid_t)-1, (gid_t)-1, &err), 0);
	for (round = 0; round < 2; round++) {
		ck_assert_msg(export_files(ca.cert, ca.chain, &files, roots, &err) == 0, "%s", err.text);
		for (i = 0; i < NELEM(names); i++) {
			path = mem_printf("%s/%s", dir, names[i]);
			ck_assert_int_eq(stat(path, &st[round][i]), 0);
			ck_assert_uint_eq(st[round][i].st_mode & 07777, 0644);
			free(path);
		}
	}
	for (i = 0; i < NELEM(names); i++)
		ck_assert_uint_eq(st[0][i].st_ino, st[1][i].st_ino);
	path = mem_printf("%s/mitmd-ca-bundle.pem", dir);
	text = fd_read_file(path, 1 << 20, &n);
	ck_assert_int_eq(strncmp(text, "# roots\n-----BEGIN CERTIFICATE-----\n", 36), 0);
	free(text);
	/* New system roots. */
	f = fopen(roots, "w");
	ck_assert_int_ge(fputs("# other\n", f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(export_files(ca.cert, ca.chain, &files, roots, &err), 0);
	text = fd_read_file(path, 1 << 20, &n);
	ck_assert_int_eq(strncmp(text, "# other\n-----BEGIN", 18), 0);
	free(text);
	free(path);
	files_close(&files);
	free(roots);
	fixture_dir_remove(&dir);
}
END_TEST

Suite *
export_suite(void)
{
	Suite *s = suite_create("export");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, equal_certificates_give_equal_bytes, 0, 4);
	tcase_add_test(tc, p12_has_the_certificate_and_javas_attribute);
	tcase_add_test(tc, files_are_rewritten_only_when_they_differ);
	suite_add_tcase(s, tc);
	return s;
}
