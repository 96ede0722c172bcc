/* SPDX-License-Identifier: ISC */
/* What becomes of the flows that a worker was in the middle of when it died. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "har/json.h"
#include "recorder/aborted.h"
#include "suites.h"
#include "world.h"

#define WALL UINT64_C(1700000000000000)
#define MONO UINT64_C(5000000000)

static struct world w;

/* ---- one entry ---- */

static struct open_flow
good(void)
{
	return (struct open_flow){.started_wall_us = WALL - 1500000, .started_us = MONO - 1500000,
	    .client_id = 7, .version = HTTP_VERSION_2, .flags = OPEN_SECURE, .port = 443,
	    .tag_len = 3, .method_len = 4, .host_len = 6, .path_len = 4, .tag = "job",
	    .method = "POST", .host = "o.test", .path = "/a?b",
	    .client = {.in = {.sin_family = AF_INET, .sin_port = htons(999),
	    .sin_addr = {htonl(0x7f000001)}}, .len = sizeof(struct sockaddr_in)}};
}

static const char *
buf_z(struct buf *b)
{
	*buf_reserve(b, 1) = 0;	/* behind its end */
	return (const char *)buf_data(b);
}

static bool
is_json(const struct buf *b)
{
	struct json_check c;

	json_check_init(&c);
	return json_check_feed(&c, buf_data(b), b->len) && json_check_end(&c);
}

static const struct {
	uint8_t flags;
	const char *url;
} urls[] = {
    {OPEN_SECURE, "https://o.test/a?b"},
    {0, "http://o.test:443/a?b"},
    {OPEN_CONNECT, "https://o.test/"},
    {OPEN_SECURE | OPEN_WEBSOCKET, "wss://o.test/a?b"},
    {OPEN_WEBSOCKET, "ws://o.test:443/a?b"},
};

START_TEST(an_entry_says_what_was_known)
{
	static const char *const parts[] = {"\"method\":\"POST\"", "\"httpVersion\":\"HTTP/2\"",
	    "\"_tag\":\"job\"", "\"_error\":\"aborted by crash\"", "\"status\":0,",
	    "\"_clientAddress\":\"127.0.0.1:999\"", "\"_clientConnectionId\":\"7\"",
	    "\"time\":1500,", "\"wait\":1500,", "\"startedDateTime\":\"2023-11-14T22:13:18.500Z\""};
	struct open_flow f = good();
	struct buf b = {0}, url = {0};
	unsigned i;

	f.flags = urls[_i].flags;
	ck_assert(aborted_entry(&f, WALL, MONO, &b));
	ck_assert(is_json(&b));
	buf_printf(&url, "\"url\":\"%s\"", urls[_i].url);
	ck_assert_ptr_nonnull(strstr(buf_z(&b), buf_z(&url)));
	for (i = 0; i < NELEM(parts); i++)
		ck_assert_msg(strstr(buf_z(&b), parts[i]) != NULL, "%s in %s", parts[i],
		    buf_z(&b));
	buf_free(&url);
	buf_free(&b);
}
END_TEST

START_TEST(a_cut_url_is_marked)
{
	struct open_flow f = good();
	struct buf b = {0};

	f.flags |= OPEN_CUT;
	ck_assert(aborted_entry(&f, WALL, MONO, &b));
	ck_assert_ptr_nonnull(strstr(buf_z(&b), "\"comment\":\"the URL "));
	buf_free(&b);
}
END_TEST

static const struct {
	uint64_t wall, mono;
	const char *time;
} clocks[] = {
    {WALL + 1, MONO - 1000, "\"time\":1,"},		/* the clock was set back */
    {WALL, MONO + 1, "\"time\":0,"},
    {0, 0, "\"time\":5000000,"},
    {UINT64_MAX, UINT64_MAX, "\"time\":0,"},
};

START_TEST(times_are_never_negative_nor_of_tomorrow)
{
	struct open_flow f = good();
	struct buf b = {0};

	f.started_wall_us = clocks[_i].wall;
	f.started_us = clocks[_i].mono;
	ck_assert(aborted_entry(&f, WALL, MONO, &b));
	ck_assert_ptr_nonnull(strstr(buf_z(&b), "\"startedDateTime\":\"2023-11-14T2"));
	ck_assert_msg(strstr(buf_z(&b), clocks[_i].time) != NULL, "%s", buf_z(&b));
	buf_free(&b);
}
END_TEST

START_TEST(nonsense_is_refused)
{
	struct open_flow f[7];
	struct buf b = {0};
	unsigned i;

	for (i = 0; i < NELEM(f); i++)
		f[i] = good();
	memcpy(f[0].tag, "../", 3);
	f[1].tag_len = 0;
	f[2].method_len = 0;
	f[3].method[1] = '\n';
	f[4].host[0] = '/';
	f[5].host_len = 0;
	f[6].host[2] = '\0';
	for (i = 0; i < NELEM(f); i++)
		ck_assert_msg(!aborted_entry(&f[i], WALL, MONO, &b), "%u: %s", i, buf_z(&b));
	buf_free(&b);
}
END_TEST

/* Whatever a broken worker leaves: none, or one line that every reader can take. */
START_TEST(any_bytes_make_one_line_of_json_or_none)
{
	struct buf b = {0};
	unsigned i, k, taken = 0;

	srandom(1);
	for (i = 0; i < 20000; i++) {
		struct open_flow f = good();

		for (k = random() % 40; k > 0; k--)
			((uint8_t *)&f)[random() % sizeof(f)] = (uint8_t)random();
		f.tag_len %= OPEN_TAG_MAX + 1;	/* open_flows_lost() saw to these */
		f.method_len %= OPEN_METHOD_MAX + 1;
		f.host_len %= OPEN_HOST_MAX + 1;
		f.path_len %= OPEN_PATH_MAX + 1;
		buf_clear(&b);
		if (!aborted_entry(&f, WALL, MONO, &b))
			continue;
		taken++;
		ck_assert_msg(is_json(&b) && str_chr(buf_str(&b), '\n') < 0, "%s", buf_z(&b));
	}
	ck_assert_uint_gt(taken, 1000);
	buf_free(&b);
}
END_TEST

/* ---- out of the table ---- */

static void
setup(void)
{
	world_init(&w);
}

static void
teardown(void)
{
	world_fini(&w);
}

static const struct {
	enum world_stage stage;
	unsigned entry, aborted;
} stages[] = {
    {STAGE_BEGUN, 0, 0}, {STAGE_KNOWN, 0, 1}, {STAGE_ANNOUNCED, 0, 1}, {STAGE_PUBLISHED, 1, 0},
    {STAGE_ENDED, 1, 0},
};

START_TEST(killed_at_each_step_there_is_one_entry)
{
	struct found f;

	world_open(&w, 1, "a", 5, stages[_i].stage);
	world_start(&w);
	intake_end(w.intake, 1);
	world_take_all(&w);
	world_look(&w, NULL, &f);
	ck_assert_uint_eq(f.ids[5], stages[_i].entry);
	ck_assert_uint_eq(f.aborted[5], stages[_i].aborted);
	ck_assert_uint_eq(w.drained, 2);
}
END_TEST

START_TEST(of_a_living_worker_nothing_is_taken)
{
	struct found f;

	world_open(&w, 1, "a", 5, STAGE_KNOWN);
	world_start(&w);
	world_take_all(&w);
	world_look(&w, NULL, &f);
	ck_assert_uint_eq(f.aborted[5], 0);
}
END_TEST

START_TEST(rows_are_used_again)
{
	struct open_flow *row;
	unsigned i, no[OPEN_FLOWS];

	for (i = 0; i < OPEN_FLOWS; i++) {
		no[i] = open_flows_begin(w.open[0], &row);
		ck_assert_uint_ne(no[i], 0);
	}
	ck_assert_uint_eq(open_flows_begin(w.open[0], &row), 0);
	for (i = 0; i < OPEN_FLOWS; i++)
		open_flows_end(w.open[0], no[i]);
	for (i = 0; i < 3; i++) {
		no[0] = open_flows_begin(w.open[0], &row);
		ck_assert_uint_ne(no[0], 0);
		open_flows_end(w.open[0], no[0]);
	}
}
END_TEST

/* A row that held a published flow tells of the next one, which was not. */
START_TEST(a_row_that_is_used_again_forgets_its_position)
{
	struct found f;

	world_open(&w, 0, "a", 1, STAGE_ENDED);
	world_open(&w, 0, "a", 2, STAGE_KNOWN);
	world_start(&w);
	intake_end(w.intake, 0);
	world_take_all(&w);
	world_look(&w, NULL, &f);
	ck_assert_uint_eq(f.ids[1], 1);
	ck_assert_uint_eq(f.aborted[2], 1);
}
END_TEST

/* More tags than a transaction may have files. */
START_TEST(all_of_a_full_table)
{
	static struct found f;
	unsigned id;

	for (id = 0; id < WORLD_IDS; id++) {
		char tag[16];

		(void)snprintf(tag, sizeof(tag), "t%u", id / 14);
		world_open(&w, 0, tag, id, STAGE_KNOWN);
	}
	world_start(&w);
	intake_end(w.intake, 0);
	world_take_all(&w);
	world_look(&w, NULL, &f);
	for (id = 0; id < WORLD_IDS; id++)
		ck_assert_msg(f.aborted[id] == 1, "flow %u: %u", id, f.aborted[id]);
}
END_TEST

/* The ring is given up, and what follows in it is lost; its open flows are not. */
START_TEST(a_broken_ring_does_not_hide_open_flows)
{
	struct found f;
	void *map;

	map = mmap(NULL, RING_OPEN_FLOWS_AT, PROT_READ | PROT_WRITE, MAP_SHARED, w.ring[0], 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	world_put(&w, 0, "a", 1, 10);
	world_open(&w, 0, "a", 2, STAGE_KNOWN);
	memset((char *)map + RING_HEAD_BYTES, 0xff, 64);
	(void)munmap(map, RING_OPEN_FLOWS_AT);
	world_start(&w);
	intake_end(w.intake, 0);
	world_take_all(&w);
	world_look(&w, NULL, &f);
	ck_assert_uint_eq(f.aborted[2], 1);
	ck_assert_uint_eq(w.drained, 1);
}
END_TEST

/* The whole table is a stranger's: the recorder goes on, and files stay valid. */
START_TEST(a_table_of_any_bytes)
{
	struct found f;
	uint8_t *map;
	size_t i;

	map = mmap(NULL, OPEN_FLOWS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, w.ring[0],
	    RING_OPEN_FLOWS_AT);
	ck_assert_ptr_ne(map, MAP_FAILED);
	for (i = 0; i < OPEN_FLOWS_BYTES; i++)
		map[i] = (uint8_t)(random() >> 3);
	for (i = 0; i < OPEN_FLOWS; i++)	/* as if all were open */
		memcpy(map + OPEN_FLOWS_HEAD + i * OPEN_FLOW_SIZE + 8, &(uint32_t){1}, 4);
	(void)munmap(map, OPEN_FLOWS_BYTES);
	world_put(&w, 0, "a", 1, 10);
	world_start(&w);
	intake_end(w.intake, 0);
	world_take_all(&w);
	world_look(&w, NULL, &f);
	ck_assert_uint_eq(f.ids[1], 1);
	ck_assert_uint_eq(f.invalid, 0);
}
END_TEST

Suite *
aborted_suite(void)
{
	Suite *s = suite_create("aborted");
	TCase *entry = tcase_create("entry"), *table = tcase_create("table");

	tcase_add_loop_test(entry, an_entry_says_what_was_known, 0, (int)NELEM(urls));
	tcase_add_test(entry, a_cut_url_is_marked);
	tcase_add_loop_test(entry, times_are_never_negative_nor_of_tomorrow, 0,
	    (int)NELEM(clocks));
	tcase_add_test(entry, nonsense_is_refused);
	tcase_add_test(entry, any_bytes_make_one_line_of_json_or_none);
	suite_add_tcase(s, entry);

	tcase_add_checked_fixture(table, setup, teardown);
	tcase_set_timeout(table, 300);
	tcase_add_loop_test(table, killed_at_each_step_there_is_one_entry, 0,
	    (int)NELEM(stages));
	tcase_add_test(table, of_a_living_worker_nothing_is_taken);
	tcase_add_test(table, rows_are_used_again);
	tcase_add_test(table, a_row_that_is_used_again_forgets_its_position);
	tcase_add_test(table, all_of_a_full_table);
	tcase_add_test(table, a_broken_ring_does_not_hide_open_flows);
	tcase_add_test(table, a_table_of_any_bytes);
	suite_add_tcase(s, table);
	return s;
}
