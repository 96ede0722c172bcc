/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "recorder/recover.h"
#include "suites.h"
#include "world.h"

#define HEAD "{\"log\":{\"version\":\"1.2\",\"entries\":[\n"
#define TAIL "\n]}}\n"
#define NAME "20261122T080102Z-host-1.har"

static struct world w;

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

/* order: the ids kept; "": the file is removed. */
static const struct {
	const char *what, *text, *order;
} files[] = {
    {"whole", HEAD "{\"id\":1},\n{\"id\":2}" TAIL, "1 2 "},
    {"no tail", HEAD "{\"id\":1},\n{\"id\":2}", "1 2 "},
    {"torn tail", HEAD "{\"id\":1},\n{\"id\":2}\n]", "1 2 "},
    {"tail and a half", HEAD "{\"id\":1}" TAIL "]}}", "1 "},
    {"torn entry", HEAD "{\"id\":1},\n{\"id\":2,\"a\":", "1 "},
    {"torn in a string", HEAD "{\"id\":1},\n{\"id\":2,\"a\":\"", "1 "},
    {"comma and nothing", HEAD "{\"id\":1},\n", "1 "},
    {"comma without newline", HEAD "{\"id\":1},", "1 "},
    {"old tail in the middle", HEAD "{\"id\":1}" TAIL "{\"id\":2},\n{\"id\":3}" TAIL, "1 2 3 "},
    {"bad line in the middle", HEAD "{\"id\":1},\n{\"id\":2,},\n{\"id\":3}" TAIL, "1 3 "},
    {"torn end looks like an entry", HEAD "{\"id\":1},\n{\"a\":{\"id\":2}", "1 "},
    {"comma lost", HEAD "{\"id\":1}\n\n{\"id\":2}" TAIL, "1 2 "},
    {"header broken inside",
	"{\"log\":{\"version\":}\"1.2\",\"entries\":[\n{\"id\":1}" TAIL, "1 "},
    {"another object's header", "{\"log\":[\n{\"id\":1}" TAIL, "1 "},
    {"header torn", "{\"log\":{\"vers\n{\"id\":1}" TAIL, "1 "},
    {"header missing", "{\"id\":1},\n{\"id\":2}" TAIL, "1 2 "},
    {"empty", "", ""},
    {"header only", HEAD, ""},
    {"header and tail", HEAD TAIL, ""},
    {"one torn entry", HEAD "{\"id\":1", ""},
    {"nothing of ours", "hello\nworld\n", ""},
    {"scalars and arrays", HEAD "1,\n[{\"id\":1}],\n\"x\"" TAIL, ""},
    {"two objects on a line", HEAD "{\"id\":1} {\"id\":2},\n{\"id\":3}" TAIL, "3 "},
};

static void
make(const char *tag, const char *name, const char *text, size_t n)
{
	char path[1024];

	(void)snprintf(path, sizeof(path), "%s/%s", w.dir, tag);
	(void)mkdir(path, 0750);
	(void)snprintf(path, sizeof(path), "%s/%s/%s", w.dir, tag, name);
	write_file(path, text, n);
}

static bool
exists(const char *name)
{
	char path[1024];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", w.dir, name);
	return lstat(path, &st) == 0;
}

START_TEST(by_line)
{
	struct found f;

	make("t", NAME SPOOL_PART, files[_i].text, strlen(files[_i].text));
	world_start(&w);
	world_sync(&w);
	world_look(&w, "t", &f);
	ck_assert_str_eq(f.order, files[_i].order);
	ck_assert_msg(f.invalid == 0, "%s", files[_i].what);
	ck_assert_uint_eq(f.part, 0);
	ck_assert_uint_eq(f.other, 0);
	ck_assert_uint_eq(f.har, files[_i].order[0] != '\0' ? 1 : 0);
}
END_TEST

START_TEST(whole_file_stays_byte_for_byte)
{
	static const char text[] = HEAD "{\"id\":1},\n{\"id\":2}" TAIL;
	char path[1024], *got;
	size_t n;

	make("t", NAME SPOOL_PART, text, strlen(text));
	world_start(&w);
	world_sync(&w);
	(void)snprintf(path, sizeof(path), "%s/t/" NAME, w.dir);
	got = read_all(path, &n);
	ck_assert_str_eq(got, text);
	free(got);
}
END_TEST

START_TEST(zeros_of_a_power_cut)
{
	static const char text[] = HEAD "{\"id\":1},\n\0\0\0\0\0\0\0\0\n{\"id\":3}" TAIL;
	struct found f;

	make("t", NAME SPOOL_PART, text, sizeof(text) - 1);
	world_start(&w);
	world_sync(&w);
	world_look(&w, "t", &f);
	ck_assert_str_eq(f.order, "1 3 ");
	ck_assert_uint_eq(f.invalid, 0);
}
END_TEST

START_TEST(final_name_taken)
{
	struct found f;

	make("t", NAME, HEAD "{\"id\":1}" TAIL, strlen(HEAD "{\"id\":1}" TAIL));
	make("t", NAME SPOOL_PART, HEAD "{\"id\":2}" TAIL, strlen(HEAD "{\"id\":2}" TAIL));
	world_start(&w);
	world_sync(&w);
	world_look(&w, "t", &f);
	ck_assert_uint_eq(f.har, 2);
	ck_assert_uint_eq(f.ids[1], 1);
	ck_assert_uint_eq(f.ids[2], 1);
	ck_assert(exists("t/20261122T080102Z-host-2.har"));
}
END_TEST

START_TEST(odd_things_are_left_alone)
{
	static const char text[] = HEAD "{\"id\":1}";
	char path[1024], other[1024];

	make("t", "notes.har.part", text, strlen(text));
	make("t", "20261122T080102Z-host-x.har.part", text, strlen(text));
	make("t", "20261122T080102Z-host-4294967296.har.part", text, strlen(text));
	make("-bad", NAME SPOOL_PART, text, strlen(text));
	make("..hidden", NAME SPOOL_PART, text, strlen(text));
	make("real", "20261122T080102Z-host-7.har", text, strlen(text));
	(void)snprintf(path, sizeof(path), "%s/t/20261122T080102Z-host-2.har.part", w.dir);
	ck_assert_int_eq(symlink("../real/20261122T080102Z-host-7.har", path), 0);
	(void)snprintf(path, sizeof(path), "%s/t/20261122T080102Z-host-3.har.part", w.dir);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	(void)snprintf(path, sizeof(path), "%s/t/20261122T080102Z-host-4.har.part", w.dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/link", w.dir);
	(void)snprintf(other, sizeof(other), "%s/-bad", w.dir);
	ck_assert_int_eq(symlink(other, path), 0);
	world_start(&w);
	world_sync(&w);
	ck_assert(exists("t/notes.har.part"));
	ck_assert(exists("t/20261122T080102Z-host-x.har.part"));
	ck_assert(exists("t/20261122T080102Z-host-4294967296.har.part"));
	ck_assert(exists("t/20261122T080102Z-host-2.har.part"));
	ck_assert(exists("t/20261122T080102Z-host-3.har.part"));
	ck_assert(exists("t/20261122T080102Z-host-4.har.part"));
	ck_assert(exists("-bad/" NAME SPOOL_PART));
	ck_assert(exists("..hidden/" NAME SPOOL_PART));
	/* Not even through the link was it completed. */
	(void)snprintf(path, sizeof(path), "%s/real/20261122T080102Z-host-7.har", w.dir);
	ck_assert(!file_is_json(path));
}
END_TEST

/* Its other name may be anywhere. */
START_TEST(hard_links_are_left_alone)
{
	static const char text[] = HEAD "{\"id\":1},\n{\"id\":2";
	char path[1024], other[1024], *got;
	size_t n;

	make("t", NAME SPOOL_PART, text, strlen(text));
	(void)snprintf(path, sizeof(path), "%s/t/" NAME SPOOL_PART, w.dir);
	(void)snprintf(other, sizeof(other), "%s-outside", w.dir);
	ck_assert_int_eq(link(path, other), 0);
	world_start(&w);
	world_sync(&w);
	got = read_all(other, &n);
	ck_assert_str_eq(got, text);
	ck_assert(exists("t/" NAME SPOOL_PART));
	free(got);
	ck_assert_int_eq(unlink(other), 0);
}
END_TEST

START_TEST(files_of_others_are_left_alone)
{
	static const char text[] = HEAD "{\"id\":1},\n{\"id\":2";
	char path[1024], *got;
	size_t n;

	if (geteuid() != 0)
		return;
	make("t", NAME SPOOL_PART, text, strlen(text));
	(void)snprintf(path, sizeof(path), "%s/t/" NAME SPOOL_PART, w.dir);
	ck_assert_int_eq(chown(path, 65534, 65534), 0);
	world_start(&w);
	world_sync(&w);
	got = read_all(path, &n);
	ck_assert_str_eq(got, text);
	free(got);
}
END_TEST

/* Where there are no locks, another recorder may be at work on them; but not on ours. */
START_TEST(other_instances_without_locks)
{
	static const char text[] = HEAD "{\"id\":1},\n{\"id\":2";

	make("t", NAME SPOOL_PART, text, strlen(text));
	make("t", "20261122T080102Z-host-b-1.har.part", text, strlen(text));
	make("t", "20261122T080102Z-hos-1.har.part", text, strlen(text));
	make("t", ".mitmd-99-1.tmp", "x", 1);
	fail_lock = ENOLCK;
	world_start(&w);
	world_sync(&w);
	fail_lock = 0;
	ck_assert(exists("t/" NAME));
	ck_assert(exists("t/20261122T080102Z-host-b-1.har.part"));
	ck_assert(exists("t/20261122T080102Z-hos-1.har.part"));
	ck_assert(exists("t/.mitmd-99-1.tmp"));
}
END_TEST

/* With one, whoever wrote them is dead. */
START_TEST(other_instances_with_a_lock)
{
	static const char text[] = HEAD "{\"id\":1},\n{\"id\":2";

	make("t", "20261122T080102Z-other-1.har.part", text, strlen(text));
	world_start(&w);
	world_sync(&w);
	ck_assert(exists("t/20261122T080102Z-other-1.har"));
}
END_TEST

START_TEST(stale_hidden_file_goes)
{
	make("t", ".mitmd-99-1.tmp", "x", 1);
	world_start(&w);
	world_sync(&w);
	ck_assert(!exists("t/.mitmd-99-1.tmp"));
}
END_TEST

START_TEST(growing_files_are_not_touched)
{
	struct found f;

	world_start(&w);
	world_put(&w, 0, "t", 1, 10);
	world_take_all(&w);
	world_sync(&w);
	ck_assert(finish_recover(w.finish, spool_where(w.spool), "host", true));
	world_sync(&w);
	world_look(&w, NULL, &f);
	ck_assert_uint_eq(f.part, 1);
	ck_assert_uint_eq(f.har, 0);
}
END_TEST

/* Many lines over many chunks, with the cut at every kind of place near their borders. */
START_TEST(over_chunks)
{
	size_t cap = 2u << 20, n = 0;
	char *text = malloc(cap);
	unsigned id, whole;
	struct found f;

	n += (size_t)sprintf(text, HEAD);
	for (id = 1; n < (512u << 10) + 64; id++) {
		n += (size_t)sprintf(text + n, "{\"id\":%u,\"p\":\"%0*d\"}", id, 997, 0);
		n += (size_t)sprintf(text + n, ",\n");
	}
	n = (256u << 10) * 2 + (size_t)_i - 5;
	make("t", NAME SPOOL_PART, text, n);
	text[n] = '\0';
	for (whole = 0; strstr(text, "\"}") != NULL; whole++)
		memcpy(strstr(text, "\"}"), "..", 2);
	world_start(&w);
	world_sync(&w);
	world_look(&w, NULL, &f);
	ck_assert_uint_eq(f.invalid, 0);
	ck_assert_uint_eq(f.har, 1);
	for (id = 1; id <= whole; id++)
		ck_assert_uint_eq(f.ids[id], 1);
	ck_assert_uint_eq(f.ids[whole + 1], 0);
	free(text);
}
END_TEST

Suite *
recover_suite(void)
{
	Suite *s = suite_create("recover");
	TCase *t = tcase_create("recover");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, by_line, 0, (int)NELEM(files));
	tcase_add_test(t, whole_file_stays_byte_for_byte);
	tcase_add_test(t, zeros_of_a_power_cut);
	tcase_add_test(t, final_name_taken);
	tcase_add_test(t, odd_things_are_left_alone);
	tcase_add_test(t, hard_links_are_left_alone);
	tcase_add_test(t, files_of_others_are_left_alone);
	tcase_add_test(t, other_instances_without_locks);
	tcase_add_test(t, other_instances_with_a_lock);
	tcase_add_test(t, stale_hidden_file_goes);
	tcase_add_test(t, growing_files_are_not_touched);
	tcase_add_loop_test(t, over_chunks, 0, 10);
	suite_add_tcase(s, t);
	return s;
}
