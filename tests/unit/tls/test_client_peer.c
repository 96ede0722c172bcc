/* SPDX-License-Identifier: ISC */
/* test_client_peer.c - certificates of clients. */
#include "config.h"

#include <stdlib.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/tls1.h>

#include "certs.h"
#include "pair.h"
#include "suites.h"
#include "tls/client.h"
#include "tls/origin.h"

static struct tls_ticket_keys keys;
static SSL_CTX *clients;
static SSL_SESSION *kept;
static struct tls_leaf *leaf;
static X509_STORE *strangers;
static const uint8_t sid[32] = {1};

static void
give_keys(void *arg, struct tls_ticket_keys *out)
{
	*out = *(struct tls_ticket_keys *)arg;
}

static int
keep(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(kept);
	kept = session;
	return 1;
}

static struct tls_client *
worker(bool ask, X509_STORE *ca)
{
	struct tls_client_conf conf = {.min_version = TLS1_2_VERSION, .ticket_keys = give_keys,
		.ticket_arg = &keys, .ask_cert = ask, .client_ca = ca};
	struct errmsg err;
	struct tls_client *c = tls_client_new(&conf, &err);

	ck_assert_ptr_nonnull(c);
	return c;
}

static void
setup(void)
{
	memset(&keys, 1, sizeof(keys));
	clients = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_session_cache_mode(clients, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_sess_set_new_cb(clients, keep);
	EVP_PKEY_up_ref(certs_key());
	leaf = tls_leaf_new(certs_leaf(&(struct spec){.cn = "l"}), certs_key(), NULL);
	strangers = X509_STORE_new();
	ck_assert_int_eq(X509_STORE_add_cert(strangers, certs_stranger()->cert), 1);
}

static void
teardown(void)
{
	SSL_SESSION_free(kept);
	kept = NULL;
	SSL_CTX_free(clients);
	tls_leaf_unref(&leaf);
	X509_STORE_free(strangers);
}

static void
have_cert(const struct spec *spec, const struct issuer *by)
{
	X509 *cert = certs_make(spec, by);

	ck_assert_int_eq(SSL_CTX_use_certificate(clients, cert), 1);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey(clients, spec->key != NULL ? spec->key
	    : certs_key()), 1);
	X509_free(cert);
}

struct outcome {
	bool shaken, resumed, asked;
	int alert;		/* that the client got; 0: none */
	int ncas;		/* names sent with the request; -1: no list */
	struct tls_peer peer;
};

/* What the server thinks of it comes after the client's Finished (TLS 1.3). */
static int
alert_got(SSL *ssl)
{
	unsigned long e;
	char c;
	int alert = 0;

	(void)SSL_read(ssl, &c, 1);
	while ((e = ERR_get_error()) != 0)
		if (ERR_GET_LIB(e) == ERR_LIB_SSL && ERR_GET_REASON(e) > SSL_AD_REASON_OFFSET)
			alert = ERR_GET_REASON(e) - SSL_AD_REASON_OFFSET;
	return alert;
}

static int
on_asked(SSL *ssl, void *arg)
{
	struct outcome *out = arg;

	if (SSL_get0_peer_CA_list(ssl) != NULL)
		out->ncas = sk_X509_NAME_num(SSL_get0_peer_CA_list(ssl));
	out->asked = true;
	return 1;
}

static struct outcome
visit(struct tls_client *c, struct tls_leaf *shown)
{
	SSL *server = tls_client_start(c, shown, STR_NONE, sid), *ssl = SSL_new(clients);
	struct outcome out = {.ncas = -1};

	ck_assert_ptr_nonnull(server);
	ERR_clear_error();
	SSL_set_connect_state(ssl);
	SSL_set_cert_cb(ssl, on_asked, &out);
	if (kept != NULL)
		SSL_set_session(ssl, kept);
	out.shaken = pair_shake(ssl, server);
	out.resumed = SSL_session_reused(ssl);
	if (out.shaken) {
		ck_assert(pair_say(server, ssl));
		tls_client_peer(server, &out.peer);
	} else {
		out.alert = alert_got(ssl);
	}
	if (out.shaken && SSL_version(ssl) == TLS1_2_VERSION) {
		SSL_SESSION_free(kept);
		kept = SSL_get1_session(ssl);
	}
	SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(ssl);
	tls_client_stop(&server);
	return out;
}

static struct outcome
visit_once(bool ask, X509_STORE *ca)
{
	struct tls_client *c = worker(ask, ca);
	struct outcome out = visit(c, leaf);

	tls_client_free(&c);
	return out;
}

/* Even loop indexes are TLS 1.2. */
static void
choose_version(int i)
{
	if (i % 2 == 0)
		SSL_CTX_set_max_proto_version(clients, TLS1_2_VERSION);
}

START_TEST(not_asked_by_default)
{
	struct outcome o;

	choose_version(_i);
	have_cert(&(struct spec){.cn = "ben", .eku = "clientAuth"}, certs_root());
	o = visit_once(false, NULL);
	ck_assert(o.shaken && !o.asked && !o.peer.has_cert);
}
END_TEST

START_TEST(none_is_fine)
{
	struct outcome o;

	choose_version(_i);
	o = visit_once(true, _i < 2 ? NULL : certs_store());
	ck_assert(o.shaken && o.asked);
	ck_assert(!o.peer.has_cert && !o.peer.verified);
	ck_assert_str_eq(o.peer.subject, "");
	if (_i < 2)
		ck_assert_int_le(o.ncas, 0);	/* TLS 1.3 has no empty list */
	else
		ck_assert_int_eq(o.ncas, 1);
}
END_TEST

START_TEST(any_without_ca)
{
	struct outcome o;

	choose_version(_i);
	have_cert(&(struct spec){.cn = "ben", .org = "Team", .from = -9, .until = -2}, NULL);
	o = visit_once(true, NULL);
	ck_assert(o.shaken && o.peer.has_cert && !o.peer.verified);
	ck_assert_str_eq(o.peer.subject, "CN = ben, O = Team");
	ck_assert_uint_eq(strlen(o.peer.sha256), 64);
	ck_assert_uint_eq(strspn(o.peer.sha256, "0123456789abcdef"), 64);
}
END_TEST

START_TEST(verified)
{
	struct outcome o;

	choose_version(_i);
	have_cert(&(struct spec){.cn = "ben", .eku = "clientAuth"}, certs_root());
	o = visit_once(true, certs_store());
	ck_assert(o.shaken && o.peer.has_cert && o.peer.verified);
	ck_assert_str_eq(o.peer.subject, "CN = ben");
}
END_TEST

static const struct {
	struct spec spec;
	bool stranger;
	int alert;
} refused[] = {
	{{.cn = "x", .eku = "clientAuth"}, true, TLS1_AD_UNKNOWN_CA},
	{{.cn = "x", .eku = "clientAuth", .from = -9, .until = -2}, false,
	    SSL3_AD_CERTIFICATE_EXPIRED},
	{{.cn = "x", .eku = "clientAuth", .from = 2, .until = 9}, false,
	    SSL3_AD_BAD_CERTIFICATE},
	{{.cn = "x", .eku = "serverAuth"}, false, SSL3_AD_UNSUPPORTED_CERTIFICATE},
};

START_TEST(refused_by_ca)
{
	struct outcome o;

	choose_version(_i);
	have_cert(&refused[_i / 2].spec, refused[_i / 2].stranger ? certs_stranger()
	    : certs_root());
	o = visit_once(true, certs_store());
	ck_assert(!o.shaken);
	ck_assert_int_eq(o.alert, refused[_i / 2].alert);
}
END_TEST

/* An intermediate without its root is enough of an anchor. */
START_TEST(intermediate_as_ca)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct issuer middle = {certs_leaf(&(struct spec){.cn = "M", .ca = true, .key = key}),
		key};
	X509_STORE *ca = X509_STORE_new();
	struct outcome o;

	choose_version(_i);
	ck_assert_int_eq(X509_STORE_add_cert(ca, middle.cert), 1);
	have_cert(&(struct spec){.cn = "ben", .eku = "clientAuth"}, &middle);
	o = visit_once(true, ca);
	ck_assert(o.shaken && o.peer.verified);
	X509_STORE_free(ca);
	X509_free(middle.cert);
	EVP_PKEY_free(key);
}
END_TEST

/* The level that a mirrored leaf needs is not that of the client's certificate. */
START_TEST(weak_client_at_weak_leaf)
{
	EVP_PKEY *weak = certs_rsa(1024);
	struct tls_client *c = worker(true, certs_store());
	struct tls_leaf *shown;
	struct outcome o;

	choose_version(_i);
	SSL_CTX_set_security_level(clients, 0);
	have_cert(&(struct spec){.cn = "ben", .eku = "clientAuth", .key = weak}, certs_root());
	EVP_PKEY_up_ref(weak);
	shown = tls_leaf_new(certs_leaf(&(struct spec){.cn = "w", .key = weak}), weak, NULL);
	o = visit(c, shown);
	ck_assert(!o.shaken);
	ck_assert_int_eq(o.alert, SSL3_AD_BAD_CERTIFICATE);
	tls_leaf_unref(&shown);
	tls_client_free(&c);
}
END_TEST

START_TEST(kept_by_sessions)
{
	struct tls_client *c = worker(true, _i < 2 ? certs_store() : NULL);
	struct outcome first, o;
	int i;

	choose_version(_i);
	have_cert(&(struct spec){.cn = "ben", .eku = "clientAuth"}, certs_root());
	first = visit(c, leaf);
	ck_assert(first.shaken && !first.resumed && first.peer.has_cert);
	for (i = 0; i < 3; i++) {
		o = visit(c, leaf);
		ck_assert(o.shaken && o.resumed && o.peer.has_cert);
		ck_assert(o.peer.verified == (_i < 2));
		ck_assert_str_eq(o.peer.subject, "CN = ben");
		ck_assert_str_eq(o.peer.sha256, first.peer.sha256);
	}
	tls_client_free(&c);
}
END_TEST

/* A ticket must not carry a client past a CA that came with a reload. */
START_TEST(bound_to_ca)
{
	struct tls_client *before = worker(true, NULL), *after = worker(true, strangers);
	struct outcome o;

	choose_version(_i);
	have_cert(&(struct spec){.cn = "ben", .eku = "clientAuth"}, certs_root());
	ck_assert(visit(before, leaf).shaken);
	ck_assert(visit(before, leaf).resumed);
	o = visit(after, leaf);
	ck_assert(!o.shaken && !o.resumed);
	tls_client_free(&before);
	tls_client_free(&after);
}
END_TEST

START_TEST(not_past_its_end)
{
	struct tls_client *c = worker(true, certs_store());
	X509 *cert;
	struct outcome o;

	choose_version(_i);
	have_cert(&(struct spec){.cn = "ben", .eku = "clientAuth"}, certs_root());
	ck_assert(visit(c, leaf).shaken);
	ck_assert(visit(c, leaf).resumed);
	/* One that ends between two visits. */
	cert = certs_leaf(&(struct spec){.cn = "ben", .eku = "clientAuth"});
	X509_gmtime_adj(X509_getm_notAfter(cert), 2);
	ck_assert_int_gt(X509_sign(cert, certs_root()->key, EVP_sha256()), 0);
	ck_assert_int_eq(SSL_CTX_use_certificate(clients, cert), 1);
	X509_free(cert);
	SSL_SESSION_free(kept);
	kept = NULL;
	ck_assert(visit(c, leaf).shaken);
	while (X509_cmp_current_time(X509_get0_notAfter(SSL_CTX_get0_certificate(clients))) > 0)
		(void)nanosleep(&(struct timespec){0, 20000000}, NULL);
	(void)nanosleep(&(struct timespec){1, 0}, NULL);
	o = visit(c, leaf);
	ck_assert(!o.shaken && !o.resumed);
	ck_assert_int_eq(o.alert, SSL3_AD_CERTIFICATE_EXPIRED);
	tls_client_free(&c);
}
END_TEST

START_TEST(long_subject)
{
	char cn[65];
	struct outcome o;
	X509 *cert;
	int i;

	memset(cn, 'x', 64);
	cn[64] = '\0';
	cert = certs_make(&(struct spec){.cn = cn}, NULL);
	for (i = 0; i < 20; i++)
		ck_assert_int_eq(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "OU",
		    MBSTRING_UTF8, (const unsigned char *)"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc",
		    -1, -1, 0), 1);
	ck_assert_int_gt(X509_sign(cert, certs_key(), EVP_sha256()), 0);
	ck_assert_int_eq(SSL_CTX_use_certificate(clients, cert), 1);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey(clients, certs_key()), 1);
	X509_free(cert);
	o = visit_once(true, NULL);
	ck_assert(o.shaken && o.peer.has_cert);
	ck_assert_uint_le(strlen(o.peer.subject), sizeof(o.peer.subject) - 1);
	ck_assert_uint_gt(strlen(o.peer.subject), 300);
}
END_TEST

Suite *
client_peer_suite(void)
{
	Suite *s = suite_create("tls client peer");
	TCase *t = tcase_create("client peer");

	tcase_set_timeout(t, 30);
	tcase_add_unchecked_fixture(t, NULL, certs_cleanup);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, not_asked_by_default, 0, 2);
	tcase_add_loop_test(t, none_is_fine, 0, 4);
	tcase_add_loop_test(t, any_without_ca, 0, 2);
	tcase_add_loop_test(t, verified, 0, 2);
	tcase_add_loop_test(t, refused_by_ca, 0, 2 * (int)NELEM(refused));
	tcase_add_loop_test(t, intermediate_as_ca, 0, 2);
	tcase_add_loop_test(t, weak_client_at_weak_leaf, 0, 2);
	tcase_add_loop_test(t, kept_by_sessions, 0, 4);
	tcase_add_loop_test(t, bound_to_ca, 0, 2);
	tcase_add_loop_test(t, not_past_its_end, 0, 2);
	tcase_add_test(t, long_subject);
	suite_add_tcase(s, t);
	return s;
}
