/* SPDX-License-Identifier: ISC */
/* ctl_ca_show.c - mitmctl ca show and export.  Runs in: mitmctl. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "ctl/ctl_ca.h"
#include "ctl/tsv.h"
#include "har/json.h"
#include "signer/export.h"
#include "tls/roots.h"

char *
ctl_ca_name(const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text, *out;
	long n;

	CHECK(bio != NULL);
	(void)X509_NAME_print_ex(bio, name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
	n = BIO_get_mem_data(bio, &text);
	out = mem_strndup(text, (size_t)n);
	(void)BIO_free(bio);
	return out;
}

void
ctl_ca_fingerprint(X509 *cert, const EVP_MD *md, char out[CTL_CA_PRINT_SIZE])
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned n = 0, i;

	CHECK(X509_digest(cert, md, hash, &n) == 1 && n > 0 && 3 * n < CTL_CA_PRINT_SIZE);
	for (i = 0; i < n; i++)
		(void)snprintf(out + 3 * i, 4, "%02X%s", hash[i], i + 1 < n ? ":" : "");
}

/* What HTTP clients and browsers call a pin: base64 of the key's SHA-256. */
#define PIN_SIZE 45
static void
pin_of(X509 *cert, char out[PIN_SIZE])
{
	uint8_t spki[32];

	tls_spki_sha256(cert, spki);
	CHECK(EVP_EncodeBlock((uint8_t *)out, spki, sizeof(spki)) == PIN_SIZE - 1);
}

static int64_t
seconds_of(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static void
date_of(const ASN1_TIME *t, char out[CLOCK_ISO_SIZE])
{
	int64_t s = seconds_of(t);

	clock_iso(s > 0 ? (uint64_t)s * 1000000 : 0, out);
	(void)strcpy(out + 19, "Z");	/* certificates know no fractions */
}

static int64_t
days_left(X509 *cert)
{
	int64_t left = seconds_of(X509_get0_notAfter(cert)) -
	    (int64_t)(clock_wall_us() / 1000000);

	return left > 0 ? left / 86400 : -(-left / 86400) - 1;
}

static char *
key_of(X509 *cert)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	char group[64] = "";
	size_t n = 0;

	if (key == NULL)
		return mem_strdup("unknown");
	if (EVP_PKEY_base_id(key) != EVP_PKEY_EC)
		return mem_printf("%s %d", EVP_PKEY_base_id(key) == EVP_PKEY_RSA ? "RSA" :
		    "other", EVP_PKEY_get_bits(key));
	(void)EVP_PKEY_get_group_name(key, group, sizeof(group), &n);
	return mem_printf("EC %s", strcmp(group, "prime256v1") == 0 ? "P-256" : group);
}

/* ---- name constraints ---- */

static void
put_block(struct buf *out, struct str bytes)
{
	struct addr a = {.len = 0};
	char text[ADDR_TEXT_SIZE];
	size_t half = bytes.n / 2, i;
	unsigned bits = 0;

	if (half == 4) {
		a.in.sin_family = AF_INET;
		memcpy(&a.in.sin_addr, bytes.p, half);
		a.len = sizeof(a.in);
	} else if (half == 16) {
		a.in6.sin6_family = AF_INET6;
		memcpy(&a.in6.sin6_addr, bytes.p, half);
		a.len = sizeof(a.in6);
	} else {
		buf_putz(out, "IP:?");
		return;
	}
	for (i = 0; i < 8 * half; i++)
		bits += (uint8_t)bytes.p[half + i / 8] >> (7 - i % 8) & 1;
	buf_printf(out, "IP:%s/%u", addr_ip_text(&a, text), bits);
}

static void
put_limit(struct buf *out, const GENERAL_NAME *name)
{
	switch (name->type) {
	case GEN_IPADD:
		put_block(out, str_of(ASN1_STRING_get0_data(name->d.iPAddress),
		    (size_t)ASN1_STRING_length(name->d.iPAddress)));
		break;
	case GEN_DNS:
	case GEN_URI:
	case GEN_EMAIL:
		buf_printf(out, "%s:%.*s", name->type == GEN_DNS ? "DNS" :
		    name->type == GEN_URI ? "URI" : "email", ASN1_STRING_length(name->d.ia5),
		    (const char *)ASN1_STRING_get0_data(name->d.ia5));
		break;
	default:
		buf_printf(out, "other (%d)", name->type);
	}
}

/* The list as text with that between its elements, or as a JSON array. */
static void
put_limits(struct buf *out, const STACK_OF(GENERAL_SUBTREE) *list, bool json)
{
	int i;

	for (i = 0; i < sk_GENERAL_SUBTREE_num(list); i++) {
		struct buf one = {0};

		put_limit(&one, sk_GENERAL_SUBTREE_value(list, i)->base);
		if (json) {
			json_comma(out);
			json_string(out, buf_str(&one));
		} else {
			buf_putz(out, i > 0 ? ", " : "");
			buf_puts(out, buf_str(&one));
		}
		buf_free(&one);
	}
}

/* ---- show ---- */

static const char *const public_files[][2] = {
	{"pem", CA_CERT_FILE}, {"cer", "mitmd-ca-cert.cer"}, {"p12", "mitmd-ca-cert.p12"},
	{"jks", "mitmd-ca-cert.jks"}, {"bundle", "mitmd-ca-bundle.pem"},
};

static void
show_text(const struct conf *conf, const struct ca_public *ca)
{
	NAME_CONSTRAINTS *nc = X509_get_ext_d2i(ca->cert, NID_name_constraints, NULL, NULL);
	char print[CTL_CA_PRINT_SIZE], pin[PIN_SIZE], from[CLOCK_ISO_SIZE], to[CLOCK_ISO_SIZE];
	char *subject = ctl_ca_name(X509_get_subject_name(ca->cert)), *key = key_of(ca->cert);
	char *issuer = ctl_ca_name(X509_get_issuer_name(ca->cert));
	struct buf limits = {0};

	(void)printf("subject    %s\n", subject);
	if (strcmp(subject, issuer) != 0)
		(void)printf("issuer     %s\n", issuer);
	(void)printf("key        %s\n", key);
	ctl_ca_fingerprint(ca->cert, EVP_sha256(), print);
	(void)printf("SHA-256    %s\n", print);
	ctl_ca_fingerprint(ca->cert, EVP_sha1(), print);
	(void)printf("SHA-1      %s\n", print);
	pin_of(ca->cert, pin);
	(void)printf("SPKI pin   sha256/%s\n", pin);
	date_of(X509_get0_notBefore(ca->cert), from);
	date_of(X509_get0_notAfter(ca->cert), to);
	(void)printf("valid      %s to %s (%lld days left)\n", from, to,
	    (long long)days_left(ca->cert));
	if (nc != NULL) {
		put_limits(&limits, nc->permittedSubtrees, false);
		(void)printf("permitted  %.*s\n", STR_ARG(buf_str(&limits)));
		buf_clear(&limits);
		put_limits(&limits, nc->excludedSubtrees, false);
		(void)printf("excluded   %.*s\n", STR_ARG(buf_str(&limits)));
	} else {
		(void)printf("permitted  every name\n");
	}
	(void)printf("files      %s/mitmd-ca-cert.{pem,cer,p12,jks}, mitmd-ca-bundle.pem\n",
	    conf->ca.dir);
	if (ca->published != NULL)
		(void)printf("           " CA_CERT_FILE " has another one: the next start or "
		    "reload rewrites it\n");
	NAME_CONSTRAINTS_free(nc);
	buf_free(&limits);
	free(subject);
	free(issuer);
	free(key);
}

static void
show_retired_text(const struct retired *r)
{
	char print[CTL_CA_PRINT_SIZE];
	size_t i;

	for (i = 0; i < r->n; i++) {
		char *name = ctl_ca_name(X509_get_subject_name(r->v[i]));

		ctl_ca_fingerprint(r->v[i], EVP_sha256(), print);
		(void)printf("%s%s\n           SHA-256 %s\n", i == 0 ? "retired    " :
		    "           ", name, print);
		free(name);
	}
}

/* The members that a CA of either kind has. */
static void
json_cert(struct buf *out, X509 *cert)
{
	char print[CTL_CA_PRINT_SIZE], pin[PIN_SIZE], date[CLOCK_ISO_SIZE];
	char *subject = ctl_ca_name(X509_get_subject_name(cert));
	char *issuer = ctl_ca_name(X509_get_issuer_name(cert)), *key = key_of(cert);

	json_member(out, "subject", str_z(subject));
	json_member(out, "issuer", str_z(issuer));
	json_member(out, "key", str_z(key));
	ctl_ca_fingerprint(cert, EVP_sha256(), print);
	json_member(out, "sha256", str_z(print));
	ctl_ca_fingerprint(cert, EVP_sha1(), print);
	json_member(out, "sha1", str_z(print));
	pin_of(cert, pin);
	json_member(out, "spki_sha256", str_z(pin));
	date_of(X509_get0_notBefore(cert), date);
	json_member(out, "not_before", str_z(date));
	date_of(X509_get0_notAfter(cert), date);
	json_member(out, "not_after", str_z(date));
	json_member_int(out, "days_left", days_left(cert));
	free(subject);
	free(issuer);
	free(key);
}

static void
json_files(struct buf *out, const char *dir)
{
	size_t i;

	json_name(out, "files");
	buf_putc(out, '{');
	for (i = 0; i < NELEM(public_files); i++) {
		char *path = mem_printf("%s/%s", dir, public_files[i][1]);

		json_member(out, public_files[i][0], str_z(path));
		free(path);
	}
	buf_putc(out, '}');
}

static void
show_json(const struct conf *conf, const struct ca_public *ca)
{
	NAME_CONSTRAINTS *nc = X509_get_ext_d2i(ca->cert, NID_name_constraints, NULL, NULL);
	struct buf out = {0};
	size_t i;

	buf_putc(&out, '{');
	json_cert(&out, ca->cert);
	json_name(&out, "permitted");
	buf_putc(&out, '[');
	if (nc != NULL)
		put_limits(&out, nc->permittedSubtrees, true);
	buf_putz(&out, "]");
	json_name(&out, "excluded");
	buf_putc(&out, '[');
	if (nc != NULL)
		put_limits(&out, nc->excludedSubtrees, true);
	buf_putz(&out, "]");
	json_member_bool(&out, "published", ca->published == NULL);
	json_files(&out, conf->ca.dir);
	json_name(&out, "retired");
	buf_putc(&out, '[');
	for (i = 0; i < ca->retired.n; i++) {
		json_comma(&out);
		buf_putc(&out, '{');
		json_cert(&out, ca->retired.v[i]);
		buf_putc(&out, '}');
	}
	buf_putz(&out, "]}\n");
	(void)fwrite(buf_data(&out), 1, out.len, stdout);
	NAME_CONSTRAINTS_free(nc);
	buf_free(&out);
}

struct ca_row {
	struct buf *out;
	size_t ca;		/* 0: the one in use; retired ones from 1 on */
};

static void
tsv_value(const struct ca_row *row, const char *name, struct str value)
{
	char number[TSV_NUMBER];
	struct str cells[] = {tsv_number((int64_t)row->ca, number), str_z(name), value};

	tsv_row(row->out, cells, NELEM(cells));
}

static void
tsv_cert(const struct ca_row *row, X509 *cert)
{
	char print[CTL_CA_PRINT_SIZE], pin[PIN_SIZE], date[CLOCK_ISO_SIZE], days[TSV_NUMBER];
	char *subject = ctl_ca_name(X509_get_subject_name(cert));
	char *issuer = ctl_ca_name(X509_get_issuer_name(cert)), *key = key_of(cert);

	tsv_value(row, "subject", str_z(subject));
	tsv_value(row, "issuer", str_z(issuer));
	tsv_value(row, "key", str_z(key));
	ctl_ca_fingerprint(cert, EVP_sha256(), print);
	tsv_value(row, "sha256", str_z(print));
	ctl_ca_fingerprint(cert, EVP_sha1(), print);
	tsv_value(row, "sha1", str_z(print));
	pin_of(cert, pin);
	tsv_value(row, "spki_sha256", str_z(pin));
	date_of(X509_get0_notBefore(cert), date);
	tsv_value(row, "not_before", str_z(date));
	date_of(X509_get0_notAfter(cert), date);
	tsv_value(row, "not_after", str_z(date));
	/* Below zero when it is over. */
	(void)snprintf(days, sizeof(days), "%lld", (long long)days_left(cert));
	tsv_value(row, "days_left", str_z(days));
	free(subject);
	free(issuer);
	free(key);
}

static void
tsv_limits(const struct ca_row *row, const char *name, const STACK_OF(GENERAL_SUBTREE) *list)
{
	int i;

	for (i = 0; i < sk_GENERAL_SUBTREE_num(list); i++) {
		struct buf one = {0};

		put_limit(&one, sk_GENERAL_SUBTREE_value(list, i)->base);
		tsv_value(row, name, buf_str(&one));
		buf_free(&one);
	}
}

static void
show_tsv(const struct conf *conf, const struct ca_public *ca)
{
	static const char *const names[] = {"ca", "name", "value"};
	NAME_CONSTRAINTS *nc = X509_get_ext_d2i(ca->cert, NID_name_constraints, NULL, NULL);
	struct buf out = {0};
	struct ca_row row = {.out = &out};
	size_t i;

	tsv_names(&out, names, NELEM(names));
	tsv_cert(&row, ca->cert);
	if (nc != NULL) {
		tsv_limits(&row, "permitted", nc->permittedSubtrees);
		tsv_limits(&row, "excluded", nc->excludedSubtrees);
	}
	tsv_value(&row, "published", ca->published == NULL ? STR("1") : STR("0"));
	for (i = 0; i < NELEM(public_files); i++) {
		char *path = mem_printf("%s/%s", conf->ca.dir, public_files[i][1]);
		char *name = mem_printf("file_%s", public_files[i][0]);

		tsv_value(&row, name, str_z(path));
		free(path);
		free(name);
	}
	for (row.ca = 1; row.ca <= ca->retired.n; row.ca++)
		tsv_cert(&row, ca->retired.v[row.ca - 1]);
	tsv_print(&out);
	NAME_CONSTRAINTS_free(nc);
}

int
ctl_ca_show(const struct ctl *ctl, const struct conf *conf, const struct ca_public *ca)
{
	if (ctl->output == CTL_JSON) {
		show_json(conf, ca);
	} else if (ctl->output == CTL_TSV) {
		show_tsv(conf, ca);
	} else {
		show_text(conf, ca);
		show_retired_text(&ca->retired);
	}
	return CTL_OK;
}

/* ---- export ---- */

static int
write_out(const struct buf *bytes, const char *file)
{
	int fd = file == NULL ? STDOUT_FILENO :
	    open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
	int ret = fd == -1 ? -1 : fd_write_all(fd, buf_data(bytes), bytes->len);

	if (fd != -1 && file != NULL && close(fd) == -1)
		ret = -1;
	if (ret == 0)
		return CTL_OK;
	ctl_error("cannot write %s: %s", file != NULL ? file : "the output", strerror(errno));
	return CTL_FAILED;
}

int
ctl_ca_export(const struct ca_public *ca, const char *form, const char *file)
{
	static const struct {
		const char *name;
		void (*make)(X509 *, struct buf *);
		bool binary;
	} forms[] = {
		{"pem", export_pem, false}, {"cer", export_der, true},
		{"p12", export_p12, true}, {"jks", export_jks, true}, {"bundle", NULL, false},
	};
	struct buf bytes = {0};
	size_t i;
	int ret;

	for (i = 0; i < NELEM(forms); i++)
		if (strcmp(form, forms[i].name) == 0)
			break;
	if (i == NELEM(forms)) {
		ctl_error("there is no form '%s': pem, cer, p12, jks or bundle", form);
		return CTL_USAGE;
	}
	if (forms[i].binary && file == NULL && isatty(STDOUT_FILENO)) {
		ctl_error("%s is not text: name a file with -o", form);
		return CTL_USAGE;
	}
	if (forms[i].make != NULL)
		forms[i].make(ca->cert, &bytes);
	else
		export_bundle(ca->cert, ca->above, EXPORT_SYSTEM_ROOTS, &bytes);
	ret = write_out(&bytes, file);
	buf_free(&bytes);
	return ret;
}
