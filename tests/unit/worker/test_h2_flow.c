/* SPDX-License-Identifier: ISC */
/* test_h2_flow.c - HTTP/2: flow control; credit comes back, whatever becomes of a stream. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "h2rig.h"
#include "suites.h"

static const struct peer_conf slow_client = {.slow = true};

#define MIB (1u << 20)

/* ---- flow control ---- */

/* A client that opens no window stops its origin's stream, and only that one. */
START_TEST(slow_stream_and_its_neighbour)
{
	size_t stuck;

	alone_begin(TO_H2, &slow_client, &usual_origin, false);
	peer_ask(c, NULL, NULL);
	peer_ask(c, NULL, NULL);
	settle();
	peer_answer(o, 1, ":status: 200\n", "");
	peer_filler(o, 1, 10 * MIB);
	settle();
	/* RFC 9113 6.9.2: 65,535 bytes of window, and what we hold ourselves. */
	ck_assert_uint_eq(c->stream[1].got, 65535);
	stuck = 10 * MIB - o->stream[1].filler;
	ck_assert_uint_le(stuck, 65535 + H2_OUT_HIGH + H2_STREAM_WINDOW);
	ck_assert_uint_eq(h2_origin->withheld, h2_origin->streams.tqh_first->owed);

	/* The connection's window is the client's, too: it opens that one only. */
	ck_assert_int_eq(
	    nghttp2_submit_window_update(c->session, NGHTTP2_FLAG_NONE, 0, 1 << 20), 0);
	peer_answer(o, 3, ":status: 200\n", "");
	peer_filler(o, 3, 60000);
	peer_end(o, 3, NULL);
	settle();
	ck_assert(peer_has_seen(c, "D3[60000] D3. "));
	ck_assert_uint_eq(10 * MIB - o->stream[1].filler, stuck);

	/* ... and goes on when it is opened. */
	peer_opens(c, 1, 65535);
	settle();
	ck_assert_uint_eq(c->stream[1].got, 2 * 65535);
	c->slow = false;
	peer_opens(c, 1, 65535);
	peer_end(o, 1, NULL);
	settle();
	ck_assert_uint_eq(c->stream[1].got, 10 * MIB);
	ck_assert_uint_eq(h2_origin->withheld, 0);
	ck_assert_uint_eq(h2_origin->owed, 0);
	drop_entries();
}
END_TEST

/* The same for an upload to an origin that does not read. */
START_TEST(slow_upload)
{
	static const struct peer_conf slow_origin = {.server = true, .slow = true};

	alone_begin(TO_H2, &usual_client, &slow_origin, false);
	peer_ask(c, LINES_POST, "");
	peer_ask(c, LINES_POST, "");
	peer_filler(c, 1, 2 * MIB);
	settle();
	ck_assert_uint_eq(o->stream[1].got, 65535);
	ck_assert_uint_le(
	    2 * MIB - c->stream[1].filler, 65535 + H2_OUT_HIGH + H2_STREAM_WINDOW);
	o->slow = false;
	peer_opens(o, 1, 65535);
	peer_end(c, 1, NULL);
	peer_body(c, 3, "x");
	peer_end(c, 3, NULL);
	settle();
	ck_assert_uint_eq(o->stream[1].got, 2 * MIB);
	ck_assert_uint_eq(o->stream[3].got, 1);
}
END_TEST

/* What came for streams that died counts as taken: ten windows of it. */
START_TEST(credit_of_dead_streams)
{
	int32_t id = 0;
	unsigned i;

	alone_usual();
	for (i = 0; i < 11 * H2_CONN_WINDOW / H2_STREAM_WINDOW; i++) {
		id = peer_ask(c, LINES_POST, "");
		peer_filler(c, id, H2_STREAM_WINDOW - 100);
		while (c->stream[id].filler > 0)
			settle();
		if (i % 3 == 0)
			peer_reset(c, id, NGHTTP2_CANCEL);
		else
			peer_reset(o, id, NGHTTP2_CANCEL);
		settle();
	}
	ck_assert_uint_eq(h2_client->withheld, 0);
	ck_assert_uint_eq(h2_client->owed, 0);
	ck_assert_uint_eq(h2_client->nstreams, 0);
	drop_entries();
	peer_forget(c);
	id = peer_ask(c, LINES_POST, "");
	peer_filler(c, id, 3 * MIB);
	peer_end(c, id, NULL);
	settle();
	ck_assert_uint_eq(o->stream[id].got, 3 * MIB);
}
END_TEST

/* ... and when they die while their flow is held up. */
START_TEST(credit_of_streams_that_die_paused)
{
	int32_t id = 0;
	unsigned i;

	alone_begin(TO_H2, &slow_client, &usual_origin, false);
	for (i = 0; i < 40; i++) {
		id = peer_ask(c, NULL, NULL);
		settle();
		peer_answer(o, id, ":status: 200\n", "");
		peer_filler(o, id, MIB);
		settle();
		if (i % 2 == 0)
			peer_reset(c, id, NGHTTP2_CANCEL);
		else
			peer_reset(o, id, NGHTTP2_CANCEL);
		settle();
		drop_entries();
	}
	ck_assert_uint_eq(h2_origin->withheld, 0);
	ck_assert_uint_eq(h2_origin->owed, 0);
	c->slow = false;
	ck_assert_int_eq(
	    nghttp2_submit_window_update(c->session, NGHTTP2_FLAG_NONE, 0, 1 << 20), 0);
	id = peer_ask(c, NULL, NULL);
	settle();
	peer_answer(o, id, ":status: 200\n", "");
	peer_filler(o, id, 3 * MIB);
	peer_end(o, id, NULL);
	settle();
	ck_assert_uint_eq(c->stream[id].got, 3 * MIB);
	drop_entries();
}
END_TEST

/* Each has its own room while there are few; together they have what one connection may. */
START_TEST(many_slow_streams_have_little_room_each)
{
	int32_t id;
	unsigned i;

	alone_begin(TO_H2, &slow_client, &usual_origin, false);
	for (i = 0; i < 100; i++) {
		id = peer_ask(c, NULL, NULL);
		settle();
		peer_answer(o, id, ":status: 200\n", "");
		peer_filler(o, id, 60000);
		settle();
	}
	ck_assert_uint_gt(h2_client->outgoing, H2_OUT_CROWDED);
	ck_assert_uint_le(h2_client->outgoing - h2_origin->withheld,
	    H2_OUT_CROWDED + H2_OUT_HIGH + 100 * (H2_OUT_LOW + 16384));
	/* Every one goes on when its client does. */
	c->slow = false;
	ck_assert_int_eq(
	    nghttp2_submit_window_update(c->session, NGHTTP2_FLAG_NONE, 0, 1 << 24), 0);
	for (id = 1; id < 200; id += 2)
		peer_opens(c, id, 65535);
	settle();
	for (id = 1; id < 200; id += 2)
		peer_end(o, id, NULL);
	settle();
	for (id = 1; id < 200; id += 2)
		ck_assert_uint_eq(c->stream[id].got, 60000);
	ck_assert_uint_eq(h2_client->outgoing, 0);
	ck_assert_uint_eq(h2_origin->withheld, 0);
	drop_entries();
}
END_TEST

/* Padding takes window and is no content. */
START_TEST(padding_is_credited)
{
	static uint8_t payload[256] = {255};
	unsigned i;

	alone_begin(TO_FAKE, &usual_client, NULL, false);
	peer_ask(c, LINES_POST, "");
	settle();
	for (i = 0; i < 900; i++) {
		peer_frame(c, NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, payload, sizeof(payload));
		if (i % 100 == 0)
			settle();
	}
	settle();
	ck_assert_int_ge(
	    nghttp2_session_get_local_window_size(h2_client->session), H2_CONN_WINDOW / 2);
	ck_assert_int_ge(nghttp2_session_get_stream_local_window_size(h2_client->session, 1),
	    H2_STREAM_WINDOW / 2);
}
END_TEST

/* Requests of others do not put off the look at it. */
START_TEST(the_watch_goes_on_while_others_ask)
{
	double left;
	int i;

	alone_begin(TO_NOBODY, &usual_client, NULL, false);
	peer_ask(c, NULL, NULL);
	settle();
	(void)usleep(20000);
	left = ev_timer_remaining(world.worker.loop, &h2_client->watch);
	for (i = 0; i < 5; i++) {
		peer_ask(c, NULL, NULL);
		settle();
	}
	ck_assert(ev_timer_remaining(world.worker.loop, &h2_client->watch) <= left);
}
END_TEST

Suite *
h2_flow_suite(void)
{
	Suite *s = suite_create("h2_flow");
	TCase *tc = tcase_create("flow control");

	tcase_add_checked_fixture(tc, alone_setup, alone_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, slow_stream_and_its_neighbour);
	tcase_add_test(tc, slow_upload);
	tcase_add_test(tc, credit_of_dead_streams);
	tcase_add_test(tc, credit_of_streams_that_die_paused);
	tcase_add_test(tc, many_slow_streams_have_little_room_each);
	tcase_add_test(tc, padding_is_credited);
	tcase_add_test(tc, the_watch_goes_on_while_others_ask);
	suite_add_tcase(s, tc);
	return s;
}
