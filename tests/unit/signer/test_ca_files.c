/* SPDX-License-Identifier: ISC */
/* test_ca_files.c - where the CA's key may lie, and the list of retired CAs. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "ca_rig.h"
#include "signer/ca_public.h"
#include "signer/export.h"
#include "signer/retired.h"
#include "suites.h"

/* ---- retired CAs ---- */

static struct retired retired;

static void
retire(void)
{
	ck_assert_int_eq(retired_load(&retired, &files, &err), 0);
	ck_assert_msg(retired_add(&retired, &files, ca.cert, &err) == 0, "%s", err.text);
	retired_free(&retired);
}

START_TEST(a_retired_one_may_be_followed_by_a_new_one)
{
	struct buf pem = {0};
	uint8_t id[32];

	ck_assert_int_eq(open_at(NOW), 0);
	memcpy(id, ca.id, sizeof(id));
	export_pem(ca.cert, &pem);
	write_file(CA_CERT_FILE, 0644, buf_str(&pem));
	buf_free(&pem);
	retire();
	ck_assert_int_eq(files_remove(&files, CA_FILE, &err), 0);
	ck_assert_msg(open_at(NOW) == 0, "%s", err.text);
	ck_assert_mem_ne(id, ca.id, sizeof(id));
}
END_TEST

START_TEST(retired_ones_are_kept_once_each)
{
	struct stat st;
	int i;

	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(open_at(NOW), 0);
		retire();
		retire();
		ck_assert_int_eq(files_remove(&files, CA_FILE, &err), 0);
	}
	ck_assert_int_eq(retired_load(&retired, &files, &err), 0);
	ck_assert_uint_eq(retired.n, 3);
	ck_assert(retired_has(&retired, ca.cert));
	ck_assert_int_eq(open_at(NOW), 0);
	ck_assert(!retired_has(&retired, ca.cert));
	retired_free(&retired);
	ck_assert_int_eq(stat(in_dir(RETIRED_FILE), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
}
END_TEST

/* It is the key that may have been seen. */
START_TEST(another_certificate_of_a_retired_key_is_retired)
{
	struct ca_new want = {.host = "renewed", .permit = all};
	X509 *renewed;

	ck_assert_int_eq(open_at(NOW), 0);
	retire();
	ck_assert_int_eq(retired_load(&retired, &files, &err), 0);
	renewed = ca_make_cert(ca.key, &want, NOW + 1000);
	ck_assert_int_ne(X509_cmp(renewed, ca.cert), 0);
	ck_assert(retired_has(&retired, renewed));
	X509_free(renewed);
	retired_free(&retired);
}
END_TEST

START_TEST(the_list_of_retired_ones_has_an_end)
{
	struct buf pem = {0}, text = {0};
	int i;

	ck_assert_int_eq(open_at(NOW), 0);
	export_pem(ca.cert, &pem);
	for (i = 0; i < RETIRED_MAX; i++)
		buf_puts(&text, buf_str(&pem));
	write_file(RETIRED_FILE, 0644, buf_str(&text));
	ck_assert_int_eq(retired_load(&retired, &files, &err), 0);
	ck_assert_uint_eq(retired.n, RETIRED_MAX);
	ck_assert_int_eq(files_remove(&files, CA_FILE, &err), 0);
	ck_assert_int_eq(open_at(NOW), 0);
	ck_assert_int_eq(retired_add(&retired, &files, ca.cert, &err), -1);
	retired_free(&retired);
	buf_puts(&text, buf_str(&pem));
	write_file(RETIRED_FILE, 0644, buf_str(&text));
	ck_assert_int_eq(retired_load(&retired, &files, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "more than"));
	buf_free(&pem);
	buf_free(&text);
}
END_TEST

static const char *const garbled[] = {
	"", "hello\n", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
	"-----BEGIN CERTIFICATE-----\nMIIB\n",
	"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n",
};

START_TEST(a_garbled_list_is_refused)
{
	struct buf text = {0};

	write_file(RETIRED_FILE, 0644, str_z(garbled[_i]));
	ck_assert_int_eq(retired_load(&retired, &files, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, RETIRED_FILE));
	/* Behind a good one as well; nothing behind it is nothing wrong. */
	ck_assert_int_eq(open_at(NOW), 0);
	export_pem(ca.cert, &text);
	buf_putz(&text, garbled[_i]);
	write_file(RETIRED_FILE, 0644, buf_str(&text));
	ck_assert_int_eq(retired_load(&retired, &files, &err), _i < 2 ? 0 : -1);
	retired_free(&retired);
	buf_free(&text);
}
END_TEST

START_TEST(a_list_that_others_can_write_is_refused)
{
	struct buf text = {0};

	ck_assert_int_eq(open_at(NOW), 0);
	export_pem(ca.cert, &text);
	write_file(RETIRED_FILE, 0666, buf_str(&text));
	ck_assert_int_eq(retired_load(&retired, &files, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "chmod"));
	ck_assert_int_eq(unlink(in_dir(RETIRED_FILE)), 0);
	ck_assert_int_eq(symlink("/etc/ssl/certs/ca-certificates.crt",
	    in_dir(RETIRED_FILE)), 0);
	ck_assert_int_eq(retired_load(&retired, &files, &err), -1);
	buf_free(&text);
}
END_TEST

/* ---- what everybody may know, and the end of a CA ---- */

static struct ca_public shown;

static void
publish(void)
{
	struct buf pem = {0};

	ck_assert_int_eq(open_at(NOW), 0);
	export_pem(ca.cert, &pem);
	write_file(CA_CERT_FILE, 0644, buf_str(&pem));
	buf_free(&pem);
}

START_TEST(shown_from_either_file)
{
	ck_assert_int_eq(ca_public_load(&shown, &files, &err), 0);
	ca_public_free(&shown);
	publish();
	ck_assert_int_eq(ca_public_load(&shown, &files, &err), 1);
	ck_assert(shown.from_key_file);
	ck_assert_ptr_null(shown.published);
	ck_assert_int_eq(X509_cmp(shown.cert, ca.cert), 0);
	ca_public_free(&shown);
	ck_assert_int_eq(unlink(in_dir(CA_FILE)), 0);
	ck_assert_int_eq(ca_public_load(&shown, &files, &err), 1);
	ck_assert(!shown.from_key_file);
	ck_assert_int_eq(X509_cmp(shown.cert, ca.cert), 0);
	ca_public_free(&shown);
}
END_TEST

START_TEST(shown_when_the_key_cannot_be_used)
{
	struct buf text = {0};

	publish();
	export_pem(ca.cert, &text);
	write_file(CA_FILE, 0644, buf_str(&text));
	ck_assert_int_eq(ca_public_load(&shown, &files, &err), 1);
	ca_public_free(&shown);
	write_file(CA_FILE, 0600, STR("garbage"));
	ck_assert_int_eq(ca_public_load(&shown, &files, &err), 1);
	ck_assert(!shown.from_key_file);
	ca_public_free(&shown);
	ck_assert_int_eq(unlink(in_dir(CA_CERT_FILE)), 0);
	ck_assert_int_eq(ca_public_load(&shown, &files, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, CA_FILE));
	buf_free(&text);
}
END_TEST

START_TEST(retiring_takes_both_certificates_and_the_key)
{
	struct buf pem = {0};

	publish();
	export_pem(ca.cert, &pem);
	ck_assert_int_eq(unlink(in_dir(CA_FILE)), 0);
	ck_assert_int_eq(unlink(in_dir(CA_CERT_FILE)), 0);
	ck_assert_int_eq(open_at(NOW), 0);	/* another one, not published yet */
	write_file(CA_CERT_FILE, 0644, buf_str(&pem));
	ck_assert_int_eq(ca_public_load(&shown, &files, &err), 1);
	ck_assert_ptr_nonnull(shown.published);
	ck_assert_msg(ca_public_retire(&shown, &files, &err) == 0, "%s", err.text);
	ca_public_free(&shown);
	ck_assert_int_eq(access(in_dir(CA_FILE), F_OK), -1);
	ck_assert_int_eq(ca_public_load(&shown, &files, &err), 0);
	ck_assert_uint_eq(shown.retired.n, 2);
	ck_assert(retired_has(&shown.retired, ca.cert));
	ca_public_free(&shown);
	buf_free(&pem);
}
END_TEST

/* Cut short between its two steps it has lost nothing, and can be done again. */
START_TEST(retiring_twice_is_retiring_once)
{
	publish();
	retire();
	ck_assert_int_eq(ca_public_load(&shown, &files, &err), 1);
	ck_assert_int_eq(ca_public_retire(&shown, &files, &err), 0);
	ca_public_free(&shown);
	ck_assert_int_eq(ca_public_load(&shown, &files, &err), 0);
	ck_assert_uint_eq(shown.retired.n, 1);
	ca_public_free(&shown);
}
END_TEST

START_TEST(without_its_place_on_the_list_the_key_stays)
{
	struct buf pem = {0}, text = {0};
	int i;

	publish();
	export_pem(ca.cert, &pem);
	for (i = 0; i < RETIRED_MAX; i++)
		buf_puts(&text, buf_str(&pem));
	write_file(RETIRED_FILE, 0644, buf_str(&text));
	ck_assert_int_eq(unlink(in_dir(CA_FILE)), 0);
	ck_assert_int_eq(open_at(NOW), 0);
	ck_assert_int_eq(ca_public_load(&shown, &files, &err), 1);
	ck_assert_int_eq(ca_public_retire(&shown, &files, &err), -1);
	ca_public_free(&shown);
	ck_assert_int_eq(access(in_dir(CA_FILE), F_OK), 0);
	buf_free(&pem);
	buf_free(&text);
}
END_TEST

/* ---- where the key is ---- */

START_TEST(a_credential_comes_before_the_file)
{
	char *credentials = fixture_dir(), *path = mem_printf("%s/" CA_FILE, credentials);
	struct ca_new want = {.host = "c", .permit = all};
	struct files other;
	uint8_t id[32];

	ck_assert_int_eq(open_at(NOW), 0);
	memcpy(id, ca.id, sizeof(id));
	ck_assert(!ca.credential);
	ck_assert_int_eq(files_open(&other, credentials, (uid_t)-1, (gid_t)-1, &err), 0);
	ck_assert_int_eq(ca_make(&other, &want, NOW, &err), 0);
	files_close(&other);
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", credentials, 1), 0);
	ck_assert_int_eq(chmod(path, 0400), 0);
	ck_assert_msg(open_at(NOW) == 0, "%s", err.text);
	ck_assert(ca.credential);
	ck_assert_mem_ne(id, ca.id, sizeof(id));
	/* systemd's ACL for the service's user shows as this. */
	ck_assert_int_eq(chmod(path, 0440), 0);
	ck_assert_int_eq(open_at(NOW), 0);
	ck_assert_int_eq(chmod(path, 0444), 0);
	ck_assert_int_eq(open_at(NOW), -1);
	ck_assert_msg(strstr(err.text, path) != NULL, "%s", err.text);
	/* Without one in there the file serves. */
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(open_at(NOW), 0);
	ck_assert_mem_eq(id, ca.id, sizeof(id));
	ck_assert_int_eq(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	fixture_dir_remove(&credentials);
	free(path);
}
END_TEST

START_TEST(a_bad_credential_is_no_reason_to_make_a_ca)
{
	char *credentials = fixture_dir(), *path = mem_printf("%s/" CA_FILE, credentials);
	FILE *f = fopen(path, "w");

	ck_assert_int_ge(fputs("garbage\n", f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, 0400), 0);
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", credentials, 1), 0);
	ck_assert_int_eq(open_at(NOW), -1);
	ck_assert_msg(strstr(err.text, path) != NULL, "%s", err.text);
	ck_assert_int_eq(access(in_dir(CA_FILE), F_OK), -1);
	ck_assert_int_eq(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	fixture_dir_remove(&credentials);
	free(path);
}
END_TEST

/* systemd names no other kind of path; who has set one has not thought of ours. */
START_TEST(credentials_in_the_working_directory_are_none)
{
	char *credentials = fixture_dir(), *path = mem_printf("%s/" CA_FILE, credentials);
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FILE *f = fopen(path, "w");

	ck_assert_int_ge(fputs("garbage\n", f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", credentials + 1, 1), 0);
	ck_assert_msg(open_at(NOW) == 0, "%s", err.text);
	ck_assert(!ca.credential);
	ck_assert_int_eq(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	ck_assert_int_eq(fchdir(here), 0);
	ck_assert_int_eq(close(here), 0);
	fixture_dir_remove(&credentials);
	free(path);
}
END_TEST

START_TEST(a_link_of_ours_is_followed)
{
	uint8_t id[32];

	ck_assert_int_eq(open_at(NOW), 0);
	memcpy(id, ca.id, sizeof(id));
	ck_assert_int_eq(renameat(files.dir, CA_FILE, files.dir, "elsewhere.pem"), 0);
	ck_assert_int_eq(symlink("elsewhere.pem", in_dir(CA_FILE)), 0);
	ck_assert_msg(open_at(NOW) == 0, "%s", err.text);
	ck_assert_mem_eq(id, ca.id, sizeof(id));
	/* One that leads nowhere is no reason to make a CA. */
	ck_assert_int_eq(renameat(files.dir, "elsewhere.pem", files.dir, "x"), 0);
	ck_assert_int_eq(open_at(NOW), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "elsewhere.pem"));
}
END_TEST

/* Root could read what it leads to, and whoever made it could not. */
START_TEST(a_link_of_others_is_not_followed)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(open_at(NOW), 0);
	ck_assert_int_eq(renameat(files.dir, CA_FILE, files.dir, "elsewhere.pem"), 0);
	ck_assert_int_eq(symlink("elsewhere.pem", in_dir(CA_FILE)), 0);
	ck_assert_int_eq(lchown(in_dir(CA_FILE), 12345, 12345), 0);
	ck_assert_int_eq(open_at(NOW), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "link that belongs to user 12345"));
}
END_TEST

START_TEST(other_kinds_of_files_are_refused)
{
	ck_assert_int_eq(mkdir(in_dir(CA_FILE), 0700), 0);
	ck_assert_int_eq(open_at(NOW), -1);
	ck_assert_int_eq(rmdir(in_dir(CA_FILE)), 0);
	ck_assert_int_eq(mkfifo(in_dir(CA_FILE), 0600), 0);
	ck_assert_int_eq(open_at(NOW), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "not a file"));
}
END_TEST

START_TEST(a_directory_of_others_is_refused)
{
	struct files f;

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chown(dir, 12345, 12345), 0);
	ck_assert_int_eq(files_open(&f, dir, (uid_t)-1, (gid_t)-1, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "12345"));
	ck_assert_int_eq(files_open(&f, dir, 12345, 12345, &err), 0);
	files_close(&f);
}
END_TEST

Suite *
ca_files_suite(void)
{
	Suite *s = suite_create("ca files");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, ca_setup, ca_teardown);
	tcase_add_test(tc, a_retired_one_may_be_followed_by_a_new_one);
	tcase_add_test(tc, retired_ones_are_kept_once_each);
	tcase_add_test(tc, another_certificate_of_a_retired_key_is_retired);
	tcase_add_test(tc, the_list_of_retired_ones_has_an_end);
	tcase_add_loop_test(tc, a_garbled_list_is_refused, 0, NELEM(garbled));
	tcase_add_test(tc, a_list_that_others_can_write_is_refused);
	tcase_add_test(tc, shown_from_either_file);
	tcase_add_test(tc, shown_when_the_key_cannot_be_used);
	tcase_add_test(tc, retiring_takes_both_certificates_and_the_key);
	tcase_add_test(tc, retiring_twice_is_retiring_once);
	tcase_add_test(tc, without_its_place_on_the_list_the_key_stays);
	tcase_add_test(tc, a_credential_comes_before_the_file);
	tcase_add_test(tc, a_bad_credential_is_no_reason_to_make_a_ca);
	tcase_add_test(tc, credentials_in_the_working_directory_are_none);
	tcase_add_test(tc, a_link_of_ours_is_followed);
	tcase_add_test(tc, a_link_of_others_is_not_followed);
	tcase_add_test(tc, other_kinds_of_files_are_refused);
	tcase_add_test(tc, a_directory_of_others_is_refused);
	suite_add_tcase(s, tc);
	return s;
}
