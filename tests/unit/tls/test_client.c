/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tls/client.h"

#include <openssl/err.h>
#include <stdlib.h>

#include "base/mem.h"
#include "certs.h"
#include "pair.h"
#include "suites.h"
#include "tls/origin.h"

static struct tls_ticket_keys keys;
static struct tls_client *workers[2];
static SSL_CTX *clients;
static SSL_SESSION *kept;
static struct tls_leaf *leaf;
static const uint8_t sid[2][32] = {{1}, {2}};

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

static struct tls_leaf *
leaf_of(X509 *cert, EVP_PKEY *key)
{
	struct tls_leaf *l;
	STACK_OF(X509) *chain = certs_chain(certs_root()->cert, NULL);

	EVP_PKEY_up_ref(key);
	l = tls_leaf_new(cert, key, chain);
	sk_X509_pop_free(chain, X509_free);
	return l;
}

static void
setup(void)
{
	struct tls_client_conf conf = {.min_version = TLS1_2_VERSION, .ticket_keys = give_keys,
		.ticket_arg = &keys};
	struct errmsg err;
	int i;

	memset(&keys, 1, sizeof(keys));
	keys.has_previous = false;
	for (i = 0; i < 2; i++) {
		workers[i] = tls_client_new(&conf, &err);
		ck_assert_ptr_nonnull(workers[i]);
	}
	clients = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_session_cache_mode(clients, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_sess_set_new_cb(clients, keep);
	SSL_CTX_set1_verify_cert_store(clients, certs_store());
	SSL_CTX_set_verify(clients, SSL_VERIFY_PEER, NULL);
	leaf = leaf_of(certs_leaf(&(struct spec){.cn = "l"}), certs_key());
}

static void
teardown(void)
{
	SSL_SESSION_free(kept);
	kept = NULL;
	SSL_CTX_free(clients);
	tls_client_free(&workers[0]);
	tls_client_free(&workers[1]);
	ck_assert_uint_eq(leaf->refs, 1);	/* no SSL keeps one */
	tls_leaf_unref(&leaf);
	ck_assert_ptr_null(leaf);
}

struct outcome {
	bool shaken, resumed;
	struct tls_leg leg;
};

/* A client with what it was given before. */
static struct outcome
visit(struct tls_client *worker, struct tls_leaf *shown, struct str alpn,
    const uint8_t context[32])
{
	SSL *server = tls_client_start(worker, shown, alpn, context), *ssl = SSL_new(clients);
	struct outcome out;

	ck_assert_ptr_nonnull(server);
	SSL_set_connect_state(ssl);
	SSL_set_tlsext_host_name(ssl, "www.test");
	if (kept != NULL)
		SSL_set_session(ssl, kept);
	out.shaken = pair_shake(ssl, server);
	out.resumed = SSL_session_reused(ssl);
	if (out.shaken) {
		ck_assert(pair_say(server, ssl));
		tls_leg_of(server, &out.leg);
	}
	/* A renewed ticket of TLS 1.2 is told to nobody. */
	if (out.shaken && SSL_version(ssl) == TLS1_2_VERSION) {
		SSL_SESSION_free(kept);
		kept = SSL_get1_session(ssl);
	}
	SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(ssl);
	tls_client_stop(&server);
	return out;
}

START_TEST(handshake)
{
	struct outcome o;

	if (_i == 0)
		SSL_CTX_set_max_proto_version(clients, TLS1_2_VERSION);
	o = visit(workers[0], leaf, STR_NONE, sid[0]);
	ck_assert(o.shaken);
	ck_assert_str_eq(o.leg.protocol, _i == 0 ? "TLS 1.2" : "TLS 1.3");
	ck_assert_str_eq(o.leg.group, "X25519");
	ck_assert_str_eq(o.leg.sigalg, "ecdsa_secp256r1_sha256");
	ck_assert_str_eq(o.leg.sni, "www.test");
	ck_assert_str_eq(o.leg.alpn, "");
}
END_TEST

static const struct {
	const char *offered, *chosen, *want;
} alpns[] = {
	{"\2h2\x08http/1.1", "h2", "h2"},
	{"\2h2\x08http/1.1", "http/1.1", "http/1.1"},
	{"\2h2\x08http/1.1", "", ""},
	{"\2h2\x08http/1.1", "http/1.0", ""},
	{"\3h2c", "h2", ""},
};

START_TEST(alpn)
{
	const char *offered = alpns[_i].offered;
	struct outcome o;

	SSL_CTX_set_alpn_protos(clients, (const uint8_t *)offered, (unsigned)strlen(offered));
	o = visit(workers[0], leaf, str_z(alpns[_i].chosen), sid[0]);
	ck_assert(o.shaken);
	ck_assert_str_eq(o.leg.alpn, alpns[_i].want);
}
END_TEST

/* Twenty of twenty, whichever worker it is. */
START_TEST(resumed_always)
{
	int i;

	if (_i == 0)
		SSL_CTX_set_max_proto_version(clients, TLS1_2_VERSION);
	ck_assert(!visit(workers[0], leaf, STR_NONE, sid[0]).resumed);
	for (i = 0; i < 20; i++) {
		struct outcome o = visit(workers[i % 2], leaf, STR_NONE, sid[0]);

		ck_assert(o.shaken && o.resumed);
	}
}
END_TEST

START_TEST(keys_rotate)
{
	if (_i == 0)
		SSL_CTX_set_max_proto_version(clients, TLS1_2_VERSION);
	ck_assert(visit(workers[0], leaf, STR_NONE, sid[0]).shaken);
	keys.previous = keys.current;
	keys.has_previous = true;
	memset(&keys.current, 2, sizeof(keys.current));
	ck_assert(visit(workers[1], leaf, STR_NONE, sid[0]).resumed);
	/* That one brought a ticket of the new key; the old key may go. */
	keys.has_previous = false;
	ck_assert(visit(workers[0], leaf, STR_NONE, sid[0]).resumed);
	memset(&keys.current, 3, sizeof(keys.current));
	ck_assert(!visit(workers[0], leaf, STR_NONE, sid[0]).resumed);
}
END_TEST

static const struct {
	const char *offered, *chosen;
} orders[] = {
	/* ours */
	{"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
	    "ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"},
	/* who has no AES in hardware says so */
	{"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384",
	    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"},
};

START_TEST(order_of_suites)
{
	struct outcome o;

	SSL_CTX_set_max_proto_version(clients, TLS1_2_VERSION);
	ck_assert_int_eq(SSL_CTX_set_cipher_list(clients, orders[_i].offered), 1);
	o = visit(workers[0], leaf, STR_NONE, sid[0]);
	ck_assert(o.shaken);
	ck_assert_str_eq(o.leg.cipher, orders[_i].chosen);
}
END_TEST

START_TEST(no_renegotiation)
{
	SSL *server = tls_client_start(workers[0], leaf, STR_NONE, sid[0]);
	SSL *ssl = SSL_new(clients);
	char c;

	SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
	SSL_set_connect_state(ssl);
	ck_assert(pair_shake(ssl, server));
	ck_assert_int_eq(SSL_renegotiate(ssl), 1);
	(void)SSL_do_handshake(ssl);
	ck_assert_int_le(SSL_read(server, &c, 1), 0);
	ck_assert_int_eq(SSL_in_init(server), 0);
	ck_assert_int_le(SSL_read(ssl, &c, 1), 0);
	ck_assert_int_eq(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_NO_RENEGOTIATION);
	ERR_clear_error();
	SSL_free(ssl);
	tls_client_stop(&server);
}
END_TEST

START_TEST(no_ticket_is_for_early_data)
{
	ck_assert(visit(workers[0], leaf, STR_NONE, sid[0]).shaken);
	ck_assert_ptr_nonnull(kept);
	ck_assert_uint_eq(SSL_SESSION_get_max_early_data(kept), 0);
}
END_TEST

START_TEST(bound_to_context)
{
	struct outcome o;

	if (_i == 0)
		SSL_CTX_set_max_proto_version(clients, TLS1_2_VERSION);
	ck_assert(visit(workers[0], leaf, STR_NONE, sid[0]).shaken);
	o = visit(workers[0], leaf, STR_NONE, sid[1]);
	ck_assert(o.shaken && !o.resumed);
	ck_assert(visit(workers[0], leaf, STR_NONE, sid[1]).resumed);
}
END_TEST

START_TEST(rsa_leaf)
{
	EVP_PKEY *key = certs_rsa(_i == 0 ? 2048 : 1024);
	X509 *cert = certs_leaf(&(struct spec){.cn = "rsa", .key = key});
	struct tls_leaf *rsa = leaf_of(cert, key);

	SSL_CTX_set_max_proto_version(clients, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(clients, "ECDHE-RSA-AES128-GCM-SHA256");
	SSL_CTX_set_security_level(clients, _i == 0 ? 2 : 0);	/* a mirrored weak one */
	ck_assert(visit(workers[0], rsa, STR_NONE, sid[0]).shaken);
	/* With another binding, so that no ticket spares the client the leaf. */
	ck_assert(!visit(workers[0], leaf, STR_NONE, sid[1]).shaken);
	tls_leaf_unref(&rsa);
}
END_TEST

START_TEST(foreign_key)
{
	struct tls_leaf *odd = leaf_of(certs_leaf(&(struct spec){.cn = "x"}), certs_rsa(2048));

	ck_assert_ptr_null(tls_client_start(workers[0], odd, STR_NONE, sid[0]));
	ck_assert_uint_eq(odd->refs, 1);
	tls_leaf_unref(&odd);
}
END_TEST

/* A custom certificate by an old CA: the client decides. */
START_TEST(weak_issuer)
{
	const struct spec spec = {.cn = "old CA", .ca = true, .key = certs_rsa(1024)};
	struct issuer old = {certs_make(&spec, certs_root()), certs_rsa(1024)};
	STACK_OF(X509) *chain = certs_chain(old.cert, NULL);
	struct tls_leaf *l;

	EVP_PKEY_up_ref(certs_key());
	l = tls_leaf_new(certs_make(&(struct spec){.cn = "w"}, &old), certs_key(), chain);
	SSL_CTX_set_security_level(clients, 0);
	ck_assert(visit(workers[0], l, STR_NONE, sid[0]).shaken);
	SSL_CTX_set_security_level(clients, 2);
	ck_assert(!visit(workers[0], l, STR_NONE, sid[1]).shaken);
	sk_X509_pop_free(chain, X509_free);
	X509_free(old.cert);
	tls_leaf_unref(&l);
}
END_TEST

START_TEST(only_sound_suites)
{
	static const char *const weak[] = {"AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA",
		"DHE-RSA-AES128-GCM-SHA256"};

	SSL_CTX_set_max_proto_version(clients, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(clients, weak[_i]);
	ck_assert(!visit(workers[0], leaf, STR_NONE, sid[0]).shaken);
}
END_TEST

START_TEST(floor_of_13)
{
	struct tls_client_conf conf = {.min_version = TLS1_3_VERSION, .ticket_keys = give_keys,
		.ticket_arg = &keys};
	struct errmsg err;
	struct tls_client *c = tls_client_new(&conf, &err);

	SSL_CTX_set_max_proto_version(clients, TLS1_2_VERSION);
	ck_assert(!visit(c, leaf, STR_NONE, sid[0]).shaken);
	tls_client_free(&c);
}
END_TEST

static int
see_staple(SSL *ssl, void *arg)
{
	const unsigned char *der;
	long n = SSL_get_tlsext_status_ocsp_resp(ssl, &der);

	*(long *)arg = n;
	return n <= 0 || memcmp(der, "staple", 6) == 0;
}

START_TEST(staple)
{
	long seen = -2;

	if (_i < 2)
		SSL_CTX_set_max_proto_version(clients, TLS1_2_VERSION);
	SSL_CTX_set_tlsext_status_type(clients, TLSEXT_STATUSTYPE_ocsp);
	SSL_CTX_set_tlsext_status_cb(clients, see_staple);
	SSL_CTX_set_tlsext_status_arg(clients, &seen);
	if (_i % 2 == 0) {
		leaf->ocsp = mem_dup("staple", 6);
		leaf->ocsp_len = 6;
	}
	ck_assert(visit(workers[0], leaf, STR_NONE, sid[0]).shaken);
	ck_assert_int_eq(seen, _i % 2 == 0 ? 6 : -1);
}
END_TEST

/* The leaf, its issuer, and nothing parsed again: the very same objects. */
START_TEST(chain_sent)
{
	SSL *server = tls_client_start(workers[0], leaf, STR_NONE, sid[0]);
	SSL *ssl = SSL_new(clients);

	ck_assert_ptr_eq(SSL_get_certificate(server), leaf->cert);
	SSL_set_connect_state(ssl);
	ck_assert(pair_shake(ssl, server));
	ck_assert_int_eq(sk_X509_num(SSL_get_peer_cert_chain(ssl)), 2);
	SSL_free(ssl);
	tls_client_stop(&server);
	tls_client_stop(&server);
}
END_TEST

Suite *
client_suite(void)
{
	Suite *s = suite_create("tls client");
	TCase *t = tcase_create("client");

	tcase_set_timeout(t, 30);
	tcase_add_unchecked_fixture(t, NULL, certs_cleanup);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, handshake, 0, 2);
	tcase_add_loop_test(t, alpn, 0, NELEM(alpns));
	tcase_add_loop_test(t, resumed_always, 0, 2);
	tcase_add_loop_test(t, keys_rotate, 0, 2);
	tcase_add_loop_test(t, order_of_suites, 0, NELEM(orders));
	tcase_add_test(t, no_renegotiation);
	tcase_add_test(t, no_ticket_is_for_early_data);
	tcase_add_loop_test(t, bound_to_context, 0, 2);
	tcase_add_loop_test(t, rsa_leaf, 0, 2);
	tcase_add_test(t, foreign_key);
	tcase_add_test(t, weak_issuer);
	tcase_add_loop_test(t, only_sound_suites, 0, 3);
	tcase_add_test(t, floor_of_13);
	tcase_add_loop_test(t, staple, 0, 4);
	tcase_add_test(t, chain_sent);
	suite_add_tcase(s, t);
	return s;
}
