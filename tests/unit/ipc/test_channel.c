/* SPDX-License-Identifier: ISC */
/* test_channel.c - two ends of a socket pair on one loop. */
#include "config.h"

#include "ipc/channel.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "suites.h"

struct end {
	struct channel *channel;
	unsigned received, closed;
	enum msg_type type;
	uint32_t last_id;
	size_t last_n;
	int fd;
	size_t nfds;
	bool refuse, in_order;
};

static struct ev_loop *loop;
static struct end worker, signer;
static int pair[2];

static int
on_message(void *arg, struct channel *ch, enum msg_type type, struct str body, int *fds,
    size_t nfds)
{
	struct end *end = arg;
	struct msg_sign_ask m;

	ck_assert_ptr_eq(ch, end->channel);
	end->received++;
	end->type = type;
	end->last_n = body.n;
	end->nfds = nfds;
	end->fd = nfds > 0 ? fds[0] : -1;
	if (type == MSG_SIGN_ASK && msg_unpack_sign_ask(body, &m) == 0) {
		end->in_order &= m.id == end->last_id + 1;
		end->last_id = m.id;
	}
	return end->refuse ? -1 : 0;
}

static void
on_closed(void *arg, struct channel *ch UNUSED)
{
	struct end *end = arg;

	end->closed++;
}

static void
setup(void)
{
	log_init(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	loop = ev_loop_new(0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	worker = signer = (struct end){.fd = -1, .in_order = true};
	worker.channel = channel_new(loop, pair[0], ROLE_WORKER, ROLE_SIGNER, on_message,
	    on_closed, &worker);
	signer.channel = channel_new(loop, pair[1], ROLE_SIGNER, ROLE_WORKER, on_message,
	    on_closed, &signer);
}

static void
teardown(void)
{
	channel_free(&worker.channel);
	channel_free(&signer.channel);
	ev_loop_destroy(loop);
}

/* Until nothing moves any more. */
static void
turn(void)
{
	int i;

	for (i = 0; i < 300; i++)
		(void)ev_run(loop, EVRUN_NOWAIT);
}

static int
ask(uint32_t id)
{
	struct msg_sign_ask m = {.id = id, .asked_name = STR("a.test")};

	return CHANNEL_TELL(worker.channel, SIGN_ASK, sign_ask, &m);
}

START_TEST(a_message_arrives_whole)
{
	ck_assert_int_eq(ask(1), 0);
	turn();
	ck_assert_uint_eq(signer.received, 1);
	ck_assert_int_eq(signer.type, MSG_SIGN_ASK);
	ck_assert_uint_eq(signer.last_id, 1);
	ck_assert_uint_eq(signer.closed, 0);
}
END_TEST

START_TEST(the_largest_message_passes_a_larger_one_does_not)
{
	static char bytes[MSG_MAX + 1];
	struct msg_sign_answer m = {.bundle = str_of(bytes, MSG_MAX - 4 - 1 - 8 - 4 - 4)};

	ck_assert_int_eq(CHANNEL_TELL(signer.channel, SIGN_ANSWER, sign_answer, &m), 0);
	turn();
	ck_assert_uint_eq(worker.received, 1);
	ck_assert_uint_eq(worker.last_n, MSG_MAX);
	m.bundle.n++;
	ck_assert_int_eq(CHANNEL_TELL(signer.channel, SIGN_ANSWER, sign_answer, &m), ERR_LIMIT);
	turn();
	ck_assert_uint_eq(worker.received, 1);
	ck_assert_uint_eq(worker.closed, 0);
}
END_TEST

START_TEST(what_waits_keeps_its_order_and_its_bound)
{
	uint32_t id = 0, sent;

	while (ask(id + 1) == 0) {
		id++;
		ck_assert_uint_lt(id, 100000);
	}
	ck_assert_uint_gt(channel_queued(worker.channel), 1000);
	ck_assert_int_eq(ask(id + 1), ERR_LIMIT);
	sent = id;
	turn();
	ck_assert_uint_eq(signer.received, sent);
	ck_assert(signer.in_order);
	ck_assert_uint_eq(channel_queued(worker.channel), 0);
	ck_assert_int_eq(ask(id + 1), 0);
	turn();
	ck_assert_uint_eq(signer.last_id, sent + 1);
}
END_TEST

START_TEST(a_descriptor_comes_along_also_when_it_waited)
{
	struct msg_sign_ask m = {.id = 1};
	int pipes[2], queued;
	char c = 0;

	for (queued = 0; queued < 2; queued++) {
		ck_assert_int_eq(pipe(pipes), 0);
		while (queued && channel_queued(worker.channel) == 0)
			ck_assert_int_eq(ask(1), 0);
		ck_assert_int_eq(CHANNEL_TELL_FDS(worker.channel, SIGN_ASK, sign_ask, &m,
		    &pipes[1], 1), 0);
		(void)close(pipes[1]);
		turn();
		ck_assert_uint_eq(signer.nfds, 1);
		ck_assert_int_eq(fcntl(signer.fd, F_GETFD), FD_CLOEXEC);
		ck_assert_int_eq((int)write(signer.fd, "x", 1), 1);
		(void)close(signer.fd);
		ck_assert_int_eq((int)read(pipes[0], &c, 1), 1);
		/* No other copy is left open. */
		ck_assert_int_eq((int)read(pipes[0], &c, 1), 0);
		(void)close(pipes[0]);
	}
}
END_TEST

static int
open_descriptors(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static const struct {
	const char *what;
	struct str bytes;
} broken[] = {
	{"no header", STR("\0\0\0")},
	{"unknown type", STR("\0\0\0\x77\0\0\0\0")},
	{"type above 16 bits", STR("\1\0\0\x10\0\0\0\0")},
	{"the signer's own message", STR("\0\0\0\x11\0\0\0\0")},
	{"the master's message", STR("\0\0\0\2\0\0\0\0")},
	{"a length too small", STR("\0\0\0\x10\0\0\0\0x")},
	{"a length too large", STR("\0\0\0\x10\0\0\0\2x")},
	{"a length of 4 GiB", STR("\0\0\0\x10\xff\xff\xff\xffx")},
};

START_TEST(what_breaks_the_contract_closes_the_channel)
{
	int pipes[2], before;

	ck_assert_int_eq(pipe(pipes), 0);
	before = open_descriptors();
	ck_assert_int_eq((int)fd_send_msg(pair[0], broken[_i].bytes.p, broken[_i].bytes.n,
	    &pipes[0], 1), (int)broken[_i].bytes.n);
	ck_assert_int_eq(ask(1), 0);
	turn();
	ck_assert_uint_eq(signer.received, 0);
	ck_assert_uint_eq(signer.closed, 1);
	/* The descriptor that came along is not kept. */
	ck_assert_int_eq(open_descriptors(), before);
	ck_assert_int_eq(CHANNEL_TELL(signer.channel, SIGN_ANSWER, sign_answer,
	    &(struct msg_sign_answer){.id = 1}), ERR_CLOSED);
	(void)close(pipes[0]);
	(void)close(pipes[1]);
}
END_TEST

START_TEST(a_malformed_body_closes_the_channel)
{
	signer.refuse = true;
	ck_assert_int_eq(ask(1), 0);
	ck_assert_int_eq(ask(2), 0);
	turn();
	ck_assert_uint_eq(signer.received, 1);
	ck_assert_uint_eq(signer.closed, 1);
}
END_TEST

START_TEST(a_peer_that_is_gone_is_told_once)
{
	channel_free(&worker.channel);
	turn();
	ck_assert_uint_eq(signer.closed, 1);
	ck_assert_uint_eq(signer.received, 0);
}
END_TEST

START_TEST(what_was_sent_before_the_end_still_arrives)
{
	ck_assert_int_eq(ask(1), 0);
	channel_free(&worker.channel);
	turn();
	ck_assert_uint_eq(signer.received, 1);
	ck_assert_uint_eq(signer.closed, 1);
}
END_TEST

Suite *
channel_suite(void)
{
	Suite *s = suite_create("channel");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_message_arrives_whole);
	tcase_add_test(tc, the_largest_message_passes_a_larger_one_does_not);
	tcase_add_test(tc, what_waits_keeps_its_order_and_its_bound);
	tcase_add_test(tc, a_descriptor_comes_along_also_when_it_waited);
	tcase_add_loop_test(tc, what_breaks_the_contract_closes_the_channel, 0, NELEM(broken));
	tcase_add_test(tc, a_malformed_body_closes_the_channel);
	tcase_add_test(tc, a_peer_that_is_gone_is_told_once);
	tcase_add_test(tc, what_was_sent_before_the_end_still_arrives);
	suite_add_tcase(s, tc);
	return s;
}
