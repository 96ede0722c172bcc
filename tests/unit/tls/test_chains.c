/* SPDX-License-Identifier: ISC */
/* Chains of every sort, and all that verification says of each. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "certs.h"
#include "suites.h"
#include "tls/origin.h"

#define STRICTLY "refused by clients that verify strictly"

enum top { BY_ROOT, BY_STRANGER, BY_ITSELF };

/* The leaf, perhaps one or two CAs above it, and who signs the uppermost. */
struct row {
	const char *what;
	struct spec leaf, sub, upper;
	size_t nsubs;
	enum top top;
	bool own_root;		/* `root` is trusted, and the uppermost's issuer */
	struct spec root;
	bool send_root;
	int flip;		/* this many bytes before the leaf's end, one bit */
	const char *name;	/* NULL: www.test */
	const char *verdicts;	/* "code@depth code@depth" */
	const char *strict;	/* more of them, when strict; warnings otherwise */
	const char *warnings[3];	/* whatever is strict; parts of the sentences */
};

#define SUB(...) .nsubs = 1, \
	.sub = {.cn = "Sub", .ca = true, .key_type = "P-256 sub", __VA_ARGS__}
#define UPPER(...) .nsubs = 2, .sub = {.cn = "Sub", .ca = true, .key_type = "P-256 sub"}, \
	.upper = {.cn = "Upper", .ca = true, .key_type = "P-256 upper", __VA_ARGS__}
#define OWN_ROOT(...) .own_root = true, \
	.root = {.cn = "Own", .ca = true, .key_type = "P-256 root", __VA_ARGS__}

static const struct row rows[] = {
	{"good", .verdicts = ""},
	{"good behind a sub", SUB(.until = 9), .verdicts = ""},
	{"root sent too", .send_root = true, .verdicts = ""},

	{"self-signed", .top = BY_ITSELF, .verdicts = "18@0"},
	{"self-signed CA", .leaf = {.ca = true, .san = "DNS:www.test",
	    .key_usage = "keyCertSign,digitalSignature"}, .top = BY_ITSELF,
	    .verdicts = "18@0", .warnings = {"is one of a CA"}},
	{"unknown issuer", .top = BY_STRANGER, .verdicts = "20@0 21@0"},
	{"unknown issuer of a sub", SUB(.until = 9), .top = BY_STRANGER, .verdicts = "20@1"},
	{"untrusted root", .top = BY_STRANGER, .send_root = true, .verdicts = "19@1"},
	{"untrusted root of a sub", SUB(.until = 9), .top = BY_STRANGER, .send_root = true,
	    .verdicts = "19@2"},
	{"bad signature", .flip = 1, .verdicts = "7@0"},

	{"other name", .leaf = {.san = "DNS:b.test"}, .verdicts = "62@0"},
	{"common name alone", .leaf = {.san = ""}, .verdicts = "62@0",
	    .warnings = {"no subjectAltName: refused by browsers and Go"}},
	{"partial wildcard", .leaf = {.san = "DNS:w*w.test"}, .verdicts = "62@0",
	    .warnings = {"a wildcard within a label"}},
	{"partial wildcard, first", .leaf = {.san = "DNS:*w.test"}, .verdicts = "62@0",
	    .warnings = {"a wildcard within a label"}},
	{"wildcard", .leaf = {.san = "DNS:*.a.test"}, .name = "b.a.test", .verdicts = ""},
	{"wildcard for two labels", .leaf = {.san = "DNS:*.a.test"}, .name = "c.b.a.test",
	    .verdicts = "62@0"},
	{"wildcard for its parent", .leaf = {.san = "DNS:*.a.test"}, .name = "a.test",
	    .verdicts = "62@0"},
	{"wildcard top level", .leaf = {.san = "DNS:*.test"}, .verdicts = "62@0"},
	{"wildcard for all", .leaf = {.san = "DNS:*"}, .verdicts = "62@0"},
	{"wildcard in the middle", .leaf = {.san = "DNS:www.*.test"}, .name = "www.a.test",
	    .verdicts = "62@0", .warnings = {"a wildcard within a label"}},
	{"8-bit name", .leaf = {.raw_san = "\x30\x0a\x82\x08www\xfc.tes", .raw_san_len = 12},
	    .verdicts = "62@0", .strict = "41@0"},
	{"address", .leaf = {.san = "IP:192.0.2.7"}, .name = "192.0.2.7", .verdicts = ""},
	{"other address", .leaf = {.san = "IP:192.0.2.8"}, .name = "192.0.2.7",
	    .verdicts = "64@0"},
	{"address as a name", .leaf = {.san = "DNS:192.0.2.7"}, .name = "192.0.2.7",
	    .verdicts = "64@0"},
	{"address as common name", .leaf = {.cn = "192.0.2.7"}, .name = "192.0.2.7",
	    .verdicts = "64@0"},

	{"expired", .leaf = {.from = -9, .until = -1}, .verdicts = "10@0"},
	{"expires now", .leaf = {.from = -60, .in_seconds = true}, .verdicts = "10@0"},
	{"begins now", .leaf = {.until = 600, .in_seconds = true}, .verdicts = ""},
	{"expired sub", SUB(.from = -9, .until = -1), .verdicts = "10@1"},
	{"expired root", OWN_ROOT(.from = -9, .until = -1), .verdicts = "10@1"},
	{"not yet valid", .leaf = {.from = 1, .until = 9}, .verdicts = "9@0"},
	{"sub not yet valid", SUB(.from = 1, .until = 9), .verdicts = "9@1"},
	{"root not yet valid", OWN_ROOT(.from = 1, .until = 9), .verdicts = "9@1"},
	{"ends behind 2050", .leaf = {.until = 365 * 40}, .verdicts = "",
	    .warnings = {"is valid for 14600 days"}},
	{"398 days", .leaf = {.from = -1, .until = 397}, .verdicts = ""},
	{"399 days", .leaf = {.from = -1, .until = 398}, .verdicts = "",
	    .warnings = {"is valid for 399 days: from a public CA"}},
	{"1000 days of 2019", .leaf = {.from = -3000, .until = 20}, .verdicts = ""},

	{"sub is no CA", SUB(.constraints = "critical,CA:FALSE"), .verdicts = "79@1 26@1",
	    .strict = "82@1"},
	{"issuer is a leaf", .nsubs = 1, .sub = {.cn = "Sub", .key_type = "P-256 sub"},
	    .verdicts = "79@1 26@1"},
	{"sub without basicConstraints", SUB(.constraints = ""), .verdicts = "79@1",
	    .strict = "82@1"},
	{"sub of version 1", SUB(.v1 = true), .verdicts = "79@1 26@1",
	    .strict = "85@0"},
	{"root of version 1", OWN_ROOT(.v1 = true), .verdicts = "", .strict = "85@0 79@1"},
	{"root without basicConstraints", OWN_ROOT(.constraints = ""), .verdicts = "",
	    .strict = "79@1 82@1"},
	{"leaf is a CA by key usage", .leaf = {.constraints = "",
	    .key_usage = "keyCertSign,digitalSignature"}, .verdicts = "", .strict = "79@0 82@0"},
	{"path too long", UPPER(.constraints = "critical,CA:TRUE,pathlen:0"),
	    .verdicts = "25@2"},
	{"path just long enough", UPPER(.constraints = "critical,CA:TRUE,pathlen:1"),
	    .verdicts = ""},
	{"path too long for the root", SUB(.until = 9),
	    OWN_ROOT(.constraints = "critical,CA:TRUE,pathlen:0"), .verdicts = "25@2"},
	{"path length of a leaf", .leaf = {.constraints = "critical,CA:FALSE,pathlen:0"},
	    .verdicts = "", .strict = "80@0 81@0"},

	{"name not permitted", SUB(.names_allowed = "critical,permitted;DNS:a.test"),
	    .verdicts = "47@0"},
	{"name permitted", SUB(.names_allowed = "critical,permitted;DNS:test"), .verdicts = ""},
	{"name excluded", SUB(.names_allowed = "critical,excluded;DNS:www.test"),
	    .verdicts = "48@0"},
	{"name excluded by the root", OWN_ROOT(.names_allowed = "excluded;DNS:test"),
	    .verdicts = "48@0"},
	{"wildcard over an excluded name", .leaf = {.san = "DNS:*.a.test"},
	    SUB(.names_allowed = "critical,excluded;DNS:bad.a.test"), .name = "good.a.test",
	    .verdicts = ""},
	{"address not permitted", .leaf = {.san = "IP:192.0.2.7"}, .name = "192.0.2.7",
	    SUB(.names_allowed = "critical,permitted;IP:198.51.100.0/255.255.255.0"),
	    .verdicts = "47@0"},
	{"address excluded", .leaf = {.san = "IP:192.0.2.7"}, .name = "192.0.2.7",
	    SUB(.names_allowed = "critical,excluded;IP:192.0.2.0/255.255.255.0"),
	    .verdicts = "48@0"},

	{"unknown critical extension", .leaf = {.extra = "critical,x"}, .verdicts = "34@0"},
	{"unknown extension", .leaf = {.extra = "x"}, .verdicts = ""},
	{"unknown critical extension of a sub", SUB(.extra = "critical,x"),
	    .verdicts = "34@1"},
	{"unknown critical extension of a root", OWN_ROOT(.extra = "critical,x"),
	    .verdicts = "34@1"},
	{"an extension twice", .leaf = {.again = "clientAuth"}, .verdicts = "20@0 21@0",
	    .strict = "26@0"},

	{"for clients", .leaf = {.eku = "clientAuth"}, .verdicts = "26@0"},
	{"for signing code", .leaf = {.eku = "codeSigning"}, .verdicts = "26@0"},
	{"for anything", .leaf = {.eku = "anyExtendedKeyUsage"}, .verdicts = "26@0",
	    .warnings = {"for any purpose"}},
	{"for anything and servers", .leaf = {.eku = "serverAuth,anyExtendedKeyUsage"},
	    .verdicts = ""},
	{"without purpose", .leaf = {.eku = ""}, .verdicts = ""},
	{"sub for clients", SUB(.eku = "clientAuth"), .verdicts = "26@1"},
	{"sub without keyCertSign", SUB(.key_usage = "cRLSign"), .verdicts = "79@1 26@1 32@1"},
	{"root without keyCertSign", OWN_ROOT(.key_usage = "cRLSign"),
	    .verdicts = "79@1 26@1 32@1"},
	{"for encipherment", .leaf = {.key_usage = "keyEncipherment"}, .verdicts = "",
	    .warnings = {"lacks digitalSignature"}},
	{"for signing CRLs", .leaf = {.key_usage = "cRLSign"}, .verdicts = "26@0",
	    .warnings = {"lacks digitalSignature"}},
	{"may sign certificates", .leaf = {.key_usage = "keyCertSign,digitalSignature"},
	    .verdicts = "", .strict = "82@0"},
	{"leaf is a CA", .leaf = {.ca = true, .san = "DNS:www.test",
	    .key_usage = "digitalSignature,keyCertSign"}, .verdicts = "",
	    .warnings = {"is one of a CA"}},

	{"SHA-1", .leaf = {.digest = "SHA1"}, .verdicts = "68@0"},
	{"MD5", .leaf = {.digest = "MD5"}, .nsubs = 1, .sub = {.cn = "Sub", .ca = true,
	    .key_type = "RSA-2048"}, .verdicts = "68@0"},
	{"SHA-1 of a sub", SUB(.digest = "SHA1"), .verdicts = "68@1"},
	{"SHA-1 of a root", OWN_ROOT(.digest = "SHA1"), .verdicts = ""},
	{"SHA-512", .leaf = {.digest = "SHA512"}, .verdicts = ""},
	{"RSA-512", .leaf = {.key_type = "RSA-512"}, .verdicts = "66@0"},
	{"RSA-1024", .leaf = {.key_type = "RSA-1024"}, .verdicts = "66@0",
	    .warnings = {"RSA key has 1024 bits"}},
	{"RSA-2048", .leaf = {.key_type = "RSA-2048"}, .verdicts = ""},
	{"RSA-1024 of a sub", .nsubs = 1, .sub = {.cn = "Sub", .ca = true,
	    .key_type = "RSA-1024"}, .verdicts = "67@1"},
	{"P-192", .leaf = {.key_type = "P-192"}, .verdicts = "66@0"},
	{"P-384", .leaf = {.key_type = "P-384"}, .verdicts = ""},
	{"Ed25519", .leaf = {.key_type = "ED25519"}, .verdicts = ""},
	{"explicit curve", .leaf = {.key_type = "explicit"}, .verdicts = "94@0"},
	{"explicit curve of a sub", .nsubs = 1, .sub = {.cn = "Sub", .ca = true,
	    .key_type = "explicit"}, .verdicts = "94@1"},
	{"DSA", .leaf = {.key_type = "DSA"}, .verdicts = "66@0"},
	{"DSA of a sub", .nsubs = 1, .sub = {.cn = "Sub", .ca = true, .key_type = "DSA"},
	    .verdicts = "67@1"},

	{"1000 names", .leaf = {.sans = true}, .verdicts = ""},
	{"no subject", .leaf = {.no_subject = true, .san = "critical,DNS:www.test"},
	    .verdicts = ""},
	{"no subject, names not critical", .leaf = {.no_subject = true}, .verdicts = "",
	    .strict = "88@0"},
	{"no subject and no names", .leaf = {.no_subject = true, .san = ""},
	    .verdicts = "62@0", .strict = "84@0", .warnings = {"no subjectAltName"}},
	{"empty names", .leaf = {.raw_san = "\x30\0", .raw_san_len = 2}, .verdicts = "62@0",
	    .strict = "87@0"},
	{"sub without subject", SUB(.no_subject = true), .verdicts = "",
	    .strict = "83@0 84@1"},
	{"serial zero", .leaf = {.serial = "0"}, .verdicts = "",
	    .warnings = {"serial number is zero"}},
	{"serial negative", .leaf = {.serial = "-5"}, .verdicts = "",
	    .warnings = {"serial number is negative"}},
	{"serial of 21 octets", .leaf = {.serial = "0102030405060708091011121314151617181920"
	    "21"}, .verdicts = "", .warnings = {"longer than 20 octets"}},
	{"serial of 20 octets and a zero in front",
	    .leaf = {.serial = "8102030405060708091011121314151617181920"}, .verdicts = "",
	    .warnings = {"longer than 20 octets"}},
	{"serial of 20 octets", .leaf = {.serial = "0102030405060708091011121314151617181920"},
	    .verdicts = ""},

	{"no authority key", .leaf = {.aki = ""}, .verdicts = "", .strict = "85@0"},
	{"no authority key of a sub", SUB(.aki = ""), .verdicts = "", .strict = "85@1"},
	{"critical authority key", .leaf = {.aki = "critical,keyid"}, .verdicts = "34@0"},
	{"no key id of a sub", SUB(.ski = ""), .verdicts = "", .strict = "85@0 86@1"},
	{"critical key id", .leaf = {.ski = "critical,hash"}, .verdicts = "34@0"},
	{"sub's constraints not critical", SUB(.constraints = "CA:TRUE"), .verdicts = "",
	    .strict = "89@1"},
	{"sub without key usage", SUB(.key_usage = ""), .verdicts = "", .strict = "92@1"},
	{"sub with a path length, without key usage", SUB(.key_usage = "cRLSign",
	    .constraints = "critical,CA:TRUE,pathlen:0"), .verdicts = "79@1 26@1 32@1",
	    .strict = "81@1"},

	{"several", .leaf = {.from = -9, .until = -1, .eku = "clientAuth", .digest = "SHA1",
	    .extra = "critical,x"}, .name = "b.test",
	    .verdicts = "34@0 26@0 68@0 62@0 10@0"},
	{"several, each of its own", .leaf = {.from = -9, .until = -1},
	    SUB(.from = -9, .until = -1), .verdicts = "10@1 10@0"},
};

static struct issuer
top_of(const struct row *row, X509 **mine)
{
	if (row->own_root) {
		*mine = certs_make(&row->root, NULL);
		return (struct issuer){*mine, certs_key_of(row->root.key_type)};
	}
	return row->top == BY_STRANGER ? *certs_stranger() : *certs_root();
}

static void
push(STACK_OF(X509) *chain, X509 *cert)
{
	ck_assert_int_eq(X509_add_cert(chain, cert, X509_ADD_FLAG_UP_REF |
	    X509_ADD_FLAG_PREPEND), 1);
}

static X509 *
flipped(X509 *x, int behind)
{
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der);
	const unsigned char *at = der;
	X509 *out;

	der[n - behind] ^= 1;
	out = d2i_X509(NULL, &at, n);
	OPENSSL_free(der);
	X509_free(x);
	return out;
}

/* From the top down; *mine is a root of this row's own. */
static STACK_OF(X509) *
build(const struct row *row, X509 **mine)
{
	struct issuer by = top_of(row, mine);
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *x;
	size_t i;

	if (row->send_root)
		push(chain, by.cert);
	for (i = row->nsubs; i > 0; i--) {
		const struct spec *s = i == 2 ? &row->upper : &row->sub;

		by.cert = certs_make(s, &by);
		by.key = certs_key_of(s->key_type);
		push(chain, by.cert);
		X509_free(by.cert);
	}
	x = certs_make(&row->leaf, row->top == BY_ITSELF ? NULL : &by);
	if (row->flip > 0)
		x = flipped(x, row->flip);
	push(chain, x);
	X509_free(x);
	return chain;
}

static struct tls_facts *
judge(const struct row *row, bool strict)
{
	const char *name = row->name != NULL ? row->name : "www.test";
	struct tls_origin_conf conf = {.roots = certs_store()};
	X509 *mine = NULL;
	STACK_OF(X509) *chain = build(row, &mine);
	X509_STORE *store = X509_STORE_new();
	struct tls_facts *f;

	if (mine != NULL) {
		ck_assert_int_eq(X509_STORE_add_cert(store, mine), 1);
		conf.roots = store;
	}
	f = tls_verify_chain(chain, &conf, str_z(name), name[0] == '1', strict);
	sk_X509_pop_free(chain, X509_free);
	X509_free(mine);
	X509_STORE_free(store);
	return f;
}

/* How many there are; each is among the verdicts. */
static size_t
expect(const struct row *row, const struct tls_facts *f, const char *list)
{
	const char *at = list;
	size_t i, n = 0;
	int code, depth, used;

	while (at != NULL && sscanf(at, "%d@%d %n", &code, &depth, &used) == 2) {
		for (i = 0; i < f->nverdicts; i++)
			if (f->verdicts[i].code == code && f->verdicts[i].depth == depth)
				break;
		ck_assert_msg(i < f->nverdicts, "%s: no %d@%d in: %s", row->what, code, depth,
		    f->reason);
		at += used;
		n++;
	}
	return n;
}

static const char *
all_warnings(const struct tls_facts *f)
{
	static char text[2000];
	size_t i, n = 0;

	text[0] = '\0';
	for (i = 0; i < f->nwarnings; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "[%s] ", f->warnings[i]);
	return text;
}

static void
expect_warnings(const struct row *row, const struct tls_facts *f, size_t strict)
{
	size_t i, n = 0;

	for (i = 0; i < f->nwarnings; i++)
		n += strstr(f->warnings[i], STRICTLY) != NULL;
	ck_assert_msg(n == strict, "%s: %s", row->what, all_warnings(f));
	for (i = 0; i < NELEM(row->warnings) && row->warnings[i] != NULL; i++, n++)
		ck_assert_msg(strstr(all_warnings(f), row->warnings[i]) != NULL, "%s: %s",
		    row->what, all_warnings(f));
	ck_assert_msg(n == f->nwarnings, "%s: %s", row->what, all_warnings(f));
}

START_TEST(chain)
{
	const struct row *row = &rows[_i];
	struct tls_facts *lax = judge(row, false), *strict = judge(row, true);
	size_t n = expect(row, lax, row->verdicts), more;

	ck_assert_msg(lax->nverdicts == n, "%s: %s", row->what, lax->reason);
	ck_assert_int_eq(lax->verified, n == 0);
	more = expect(row, strict, row->strict);
	ck_assert_msg(strict->nverdicts == expect(row, strict, row->verdicts) + more, "%s: %s",
	    row->what, strict->reason);
	expect_warnings(row, lax, more);
	expect_warnings(row, strict, 0);
	tls_facts_unref(&lax);
	tls_facts_unref(&strict);
}
END_TEST

Suite *
chains_suite(void)
{
	Suite *s = suite_create("tls chains");
	TCase *t = tcase_create("chains");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, NULL, certs_cleanup);
	tcase_add_loop_test(t, chain, 0, NELEM(rows));
	suite_add_tcase(s, t);
	return s;
}
