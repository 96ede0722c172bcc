/* SPDX-License-Identifier: ISC */
/* test_leaf_ask.c - questions to a signer: one for all, put off, lost, refused. */
#include "config.h"

#include "worker/leaf_ask.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "ipc/channel.h"
#include "shm/keyring.h"
#include "suites.h"
#include "world.h"

static struct world world;
static struct segment segment;
static struct leaf_keys *keys;
static struct leaf_asks *asks;
static struct channel *signer;
static struct tls_leaf *minted;
static unsigned nasked, nrefused;
static uint32_t last_id;

static int
on_message(void *arg UNUSED, struct channel *ch UNUSED, enum msg_type type, struct str body,
    int *fds UNUSED, size_t nfds UNUSED)
{
	struct msg_sign_ask m;

	ck_assert_int_eq(type, MSG_SIGN_ASK);
	ck_assert_int_eq(msg_unpack_sign_ask(body, &m), 0);
	last_id = m.id;
	nasked++;
	return 0;
}

static void
on_closed(void *arg UNUSED, struct channel *ch UNUSED)
{
}

static struct tls_leaf *
take(void *arg UNUSED, const struct cert_key *key UNUSED, unsigned sign_key UNUSED,
    struct str bundle, int64_t refresh_at UNUSED)
{
	return bundle.n > 0 ? tls_leaf_ref(minted) : NULL;
}

static void
note_refused(void *arg UNUSED, const struct cert_key *key UNUSED, const char *reason UNUSED)
{
	nrefused++;
}

/* A signer begins: the other end is ours. */
static void
new_signer(void)
{
	int pair[2];

	channel_free(&signer);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	signer = channel_new(world.worker.loop, pair[1], ROLE_SIGNER, ROLE_WORKER, on_message,
	    on_closed, NULL);
	leaf_asks_signer(asks, pair[0]);
}

static void
write_key(uint8_t id)
{
	struct keyring ring = {.made_at = 1};
	EVP_PKEY *key = EVP_EC_gen("P-256");
	uint8_t *p = ring.keys[KEYRING_EC].der;

	ring.keys[KEYRING_EC].der_len = (uint16_t)i2d_PrivateKey(key, &p);
	ring.keys[KEYRING_EC].id[0] = id;
	EVP_PKEY_free(key);
	keyring_write(&segment, &ring);
}

static void
setup(void)
{
	static const struct leaf_asks_ops ops = {.minted = take, .refused = note_refused};
	struct errmsg err;

	world_init(&world);
	nasked = nrefused = 0;
	ck_assert_int_eq(keyring_create(&segment, &err), 0);
	write_key(1);
	keys = leaf_keys_new(segment.fd, &err);
	ck_assert_ptr_nonnull(keys);
	minted = tls_leaf_new(X509_new(), EVP_PKEY_new(), NULL);
	asks = leaf_asks_new(&world.worker, keys, &ops, NULL);
	new_signer();
}

static void
teardown(void)
{
	leaf_asks_free(&asks);
	channel_free(&signer);
	leaf_keys_free(&keys);
	tls_leaf_unref(&minted);
	segment_free(&segment);
	world_fini(&world);
}

/* ---- who asks ---- */

struct waiting {
	struct leaf_ask *ask;
	unsigned told;
	bool served;
	char reason[128];
};

static void
on_done(void *arg, struct tls_leaf *leaf, const char *reason)
{
	struct waiting *w = arg;

	w->ask = NULL;
	w->told++;
	w->served = leaf != NULL;
	(void)snprintf(w->reason, sizeof(w->reason), "%s", reason != NULL ? reason : "");
	tls_leaf_unref(&leaf);
}

static void
ask(struct waiting *w, uint8_t key_no)
{
	struct cert_key key = {{key_no}};
	struct msg_sign_ask m = {.asked_name = STR("a.test")};

	*w = (struct waiting){.told = 0};
	w->ask = leaf_ask(asks, &key, &m, on_done, w);
	world_run(&world);
}

static void
answer(uint8_t status, struct str bundle)
{
	struct msg_sign_answer m = {.id = last_id, .status = status, .bundle = bundle,
	    .reason = STR("because")};

	ck_assert_int_eq(CHANNEL_TELL(signer, SIGN_ANSWER, sign_answer, &m), 0);
	world_run(&world);
}

/* The loop, until the timer that looks after questions has been there. */
static void
run_until(const unsigned *n, unsigned wanted)
{
	double end = clock_mono_s() + 60;

	while (*n < wanted && clock_mono_s() < end)
		ev_run(world.worker.loop, EVRUN_ONCE);
	ck_assert_uint_eq(*n, wanted);
}

START_TEST(equal_questions_are_one)
{
	struct waiting a, b, c;

	ask(&a, 1);
	ask(&b, 1);
	ck_assert_uint_eq(nasked, 1);
	answer(SIGN_OK, STR("leaf"));
	ck_assert(a.served && b.served);
	ck_assert_uint_eq(a.told + b.told, 2);
	ask(&c, 2);
	ck_assert_uint_eq(nasked, 2);
	leaf_cancel(&c.ask);
}
END_TEST

START_TEST(a_refusal_is_told_and_remembered)
{
	struct waiting a;

	ask(&a, 1);
	answer(SIGN_REFUSED, STR_NONE);
	ck_assert(a.told == 1 && !a.served);
	ck_assert_str_eq(a.reason, "because");
	ck_assert_uint_eq(nrefused, 1);
}
END_TEST

/* What is broken for now may work the next time. */
START_TEST(a_broken_signer_is_not_remembered)
{
	struct waiting a;

	ask(&a, 1);
	answer(SIGN_BROKEN, STR_NONE);
	ck_assert(a.told == 1 && !a.served);
	ck_assert_uint_eq(nrefused, 0);
}
END_TEST

START_TEST(what_was_too_much_is_asked_once_more)
{
	struct waiting a;
	unsigned i;

	ask(&a, 1);
	for (i = 2; i <= 4; i++) {
		answer(SIGN_BUSY, STR_NONE);
		ck_assert_uint_eq(a.told, 0);
		run_until(&nasked, i);
	}
	ck_assert_uint_eq(nrefused, 0);
	answer(SIGN_OK, STR("leaf"));
	ck_assert(a.told == 1 && a.served);
}
END_TEST

START_TEST(nobody_waits_for_ever)
{
	struct waiting a;

	ask(&a, 1);
	run_until(&a.told, 1);
	ck_assert(!a.served);
	ck_assert_str_eq(a.reason, "the signer does not answer");
	ck_assert_uint_eq(nasked, 1);
}
END_TEST

START_TEST(the_next_signer_is_asked_and_no_third_one)
{
	struct waiting a;

	ask(&a, 1);
	new_signer();
	world_run(&world);
	ck_assert_uint_eq(nasked, 2);
	new_signer();
	world_run(&world);
	ck_assert_uint_eq(nasked, 2);
	answer(SIGN_OK, STR("leaf"));
	ck_assert(a.told == 1 && a.served);
}
END_TEST

START_TEST(a_leaf_for_an_old_key_is_asked_for_anew)
{
	struct waiting a;

	ask(&a, 1);
	write_key(2);
	answer(SIGN_OK, STR_NONE);	/* take() has no use for it */
	ck_assert_uint_eq(a.told, 0);
	ck_assert_uint_eq(nasked, 2);
	answer(SIGN_OK, STR_NONE);	/* the key is the same as before now */
	ck_assert(a.told == 1 && !a.served);
	ck_assert_str_eq(a.reason, "the signer's leaf does not fit our key");
}
END_TEST

START_TEST(who_has_gone_is_not_told)
{
	struct waiting a, b;

	ask(&a, 1);
	ask(&b, 1);
	leaf_cancel(&a.ask);
	answer(SIGN_OK, STR("leaf"));
	ck_assert_uint_eq(a.told, 0);
	ck_assert(b.told == 1 && b.served);
	answer(SIGN_OK, STR("leaf"));	/* nobody has asked: nothing happens */
	ck_assert_uint_eq(b.told, 1);
}
END_TEST

START_TEST(a_known_refusal_is_told_from_the_loop)
{
	struct waiting a = {.told = 0}, b = {.told = 0};

	a.ask = leaf_ask_refused(asks, "known", on_done, &a);
	b.ask = leaf_ask_refused(asks, "known", on_done, &b);
	ck_assert_uint_eq(a.told, 0);
	leaf_cancel(&b.ask);
	world_run(&world);
	ck_assert_str_eq(a.reason, "known");
	ck_assert(a.told == 1 && b.told == 0);
}
END_TEST

Suite *
leaf_ask_suite(void)
{
	Suite *s = suite_create("leaf_ask");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, equal_questions_are_one);
	tcase_add_test(tc, a_refusal_is_told_and_remembered);
	tcase_add_test(tc, a_broken_signer_is_not_remembered);
	tcase_add_test(tc, what_was_too_much_is_asked_once_more);
	tcase_add_test(tc, nobody_waits_for_ever);
	tcase_add_test(tc, the_next_signer_is_asked_and_no_third_one);
	tcase_add_test(tc, a_leaf_for_an_old_key_is_asked_for_anew);
	tcase_add_test(tc, who_has_gone_is_not_told);
	tcase_add_test(tc, a_known_refusal_is_told_from_the_loop);
	suite_add_tcase(s, tc);
	return s;
}
