/* SPDX-License-Identifier: ISC */
/* The whole role in a process of its own; the test is the master. */
#include "config.h"

#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "recorder/recorder.h"
#include "suites.h"
#include "world.h"

static struct world w;
static pid_t pid;
static int sock = -1;
static unsigned spills;		/* SPILL_MADE seen */
static uint8_t bytes[MSG_MAX + 8];

/* Under valgrind the calls are valgrind's own: it needs others. */
static enum conf_sandbox
sandbox(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload != NULL && strstr(preload, "valgrind") != NULL ? CONF_SANDBOX_OFF :
	    CONF_SANDBOX_AUTO;
}

static void
start(void)
{
	static char user[] = "root";
	struct conf conf = {.user = user, .spool = {.dir = w.dir}, .sandbox = sandbox()};
	struct proc self = {.role = ROLE_RECORDER, .conf = &conf, .signer_fd = -1,
	    .ring_fd = -1, .wake_fd = -1, .receipts_fd = -1, .receipts = w.receipts,
	    .counters = w.counters, .counters_fd = w.counters_fd, .slot = SLOT_RECORDER,
	    .trust_fd = -1};
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	receipts_fork(w.receipts, true);
	pid = fork();
	if (pid == 0) {
		self.master_pid = getppid();
		self.master_fd = pair[1];
		(void)close(pair[0]);
		_exit(recorder_main(&self));
	}
	receipts_fork(w.receipts, false);
	(void)close(pair[1]);
	sock = pair[0];
}

static void
setup(void)
{
	spills = 0;
	world_init(&w);
	start();
}

static void
teardown(void)
{
	fd_close(&sock);
	world_fini(&w);
}

/* As channel.h frames it. */
static void
tell(enum msg_type type, const struct buf *body, const int *fds, size_t nfds)
{
	struct buf b = {0};
	uint8_t head[8] = {0, 0, 0, (uint8_t)type, 0, 0, (uint8_t)(body->len >> 8),
	    (uint8_t)body->len};

	buf_put(&b, head, sizeof(head));
	if (body->len > 0)
		buf_put(&b, buf_data(body), body->len);
	ck_assert_int_eq(fd_send_msg(sock, buf_data(&b), b.len, fds, nfds), (ssize_t)b.len);
	buf_free(&b);
}

/* The next message of that type; SPILL_MADE and the like in between are passed over. */
static struct str
hear(enum msg_type type)
{
	for (;;) {
		struct pollfd p = {.fd = sock, .events = POLLIN};
		int fds[FD_PASS_MAX];
		size_t nfds;
		ssize_t n;

		ck_assert_msg(poll(&p, 1, 10000) == 1, "no %s came", msg_name(type));
		n = fd_recv_msg(sock, bytes, sizeof(bytes), fds, &nfds);
		ck_assert_msg(n >= 8, "the recorder is gone");
		if (bytes[3] == MSG_SPILL_MADE) {
			ck_assert_uint_eq(nfds, 1);
			spills++;
		}
		while (nfds > 0)
			(void)close(fds[--nfds]);
		if (bytes[3] == type)
			return str_of(bytes + 8, (size_t)n - 8);
	}
}

static bool
set_spool(const char *dir)
{
	struct msg_spool_set m = {.rotate_size = 1 << 20, .dir = str_z(dir),
	    .instance = STR("h")};
	struct msg_spool_is is;
	struct buf b = {0};

	msg_pack_spool_set(&b, &m);
	tell(MSG_SPOOL_SET, &b, NULL, 0);
	buf_free(&b);
	ck_assert_int_eq(msg_unpack_spool_is(hear(MSG_SPOOL_IS), &is), 0);
	ck_assert_int_eq(is.ok == 0, is.reason.n > 0);
	return is.ok;
}

static void
add_ring(unsigned slot)
{
	struct msg_ring_add m = {.slot = slot, .pid = 77};
	int fds[2] = {w.ring[slot], w.wake[slot]};
	struct buf b = {0};

	msg_pack_ring_add(&b, &m);
	tell(MSG_RING_ADD, &b, fds, 2);
	buf_free(&b);
}

static void
flush(uint32_t id, const char *tag)
{
	struct msg_flush m = {.id = id, .tag = str_z(tag)};
	struct buf b = {0};

	msg_pack_flush(&b, &m);
	tell(MSG_FLUSH, &b, NULL, 0);
	buf_free(&b);
}

static void
stop(void)
{
	struct msg_stop m = {.timeout_ms = 5000};
	struct buf b = {0};
	int status;

	msg_pack_stop(&b, &m);
	tell(MSG_STOP, &b, NULL, 0);
	buf_free(&b);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

static void
look(struct found *f)
{
	world_look(&w, NULL, f);
	ck_assert_uint_eq(f->invalid, 0);
	ck_assert_uint_eq(f->other, 0);
}

START_TEST(life)
{
	struct msg_flushed flushed;
	struct msg_ring_slot slot;
	struct found f;
	struct buf b = {0};

	(void)hear(MSG_READY);
	ck_assert(set_spool(w.dir));
	add_ring(0);
	ck_assert_int_eq(msg_unpack_ring_slot(hear(MSG_SPILL_MADE), &slot), 0);
	ck_assert_uint_eq(slot.slot, 0);
	world_put(&w, 0, "a", 1, 10);
	world_put(&w, 0, "b", 2, 10);
	flush(5, "a");		/* nobody kicked: it looks into the ring itself */
	ck_assert_int_eq(msg_unpack_flushed(hear(MSG_FLUSHED), &flushed), 0);
	ck_assert_uint_eq(flushed.id, 5);
	ck_assert_uint_eq(flushed.files, 1);
	look(&f);
	ck_assert_uint_eq(f.har, 1);
	ck_assert_uint_eq(f.part, 1);

	world_put(&w, 0, "a", 3, 10);
	slot = (struct msg_ring_slot){.slot = 0};
	msg_pack_ring_slot(&b, &slot);
	tell(MSG_RING_END, &b, NULL, 0);
	buf_free(&b);
	ck_assert_int_eq(msg_unpack_ring_slot(hear(MSG_RING_DONE), &slot), 0);
	ck_assert_uint_eq(ring_taken(w.writer[0]), ring_written(w.writer[0]));

	add_ring(1);
	world_put(&w, 1, "a", 4, 10);
	stop();
	look(&f);
	ck_assert_uint_eq(f.part, 0);
	ck_assert_uint_eq(f.ids[1] + f.ids[2] + f.ids[3] + f.ids[4], 4);
}
END_TEST

START_TEST(tells_its_tags)
{
	struct msg_listed listed;
	struct msg_list ask = {.id = 9};
	struct buf b = {0};
	char file[200], tag[80], when[80], text[500];
	unsigned entries, size;

	(void)hear(MSG_READY);
	ck_assert(set_spool(w.dir));
	add_ring(0);
	world_put(&w, 0, "b", 1, 10);
	flush(1, "none");
	(void)hear(MSG_FLUSHED);
	world_put(&w, 0, "a", 2, 10);
	world_put(&w, 0, "a", 3, 10);
	flush(2, "b");
	(void)hear(MSG_FLUSHED);
	msg_pack_list(&b, &ask);
	tell(MSG_LIST, &b, NULL, 0);
	buf_free(&b);
	ck_assert_int_eq(msg_unpack_listed(hear(MSG_LISTED), &listed), 0);
	ck_assert_uint_eq(listed.id, 9);
	ck_assert(listed.last);
	(void)snprintf(text, sizeof(text), "%.*s", STR_ARG(listed.rows));
	ck_assert_int_eq(sscanf(text, "tag file entries bytes last\n%79[^\t]\t%199[^\t]\t%u\t"
	    "%u\t%79[^\n]\n", tag, file, &entries, &size, when), 5);
	ck_assert_str_eq(tag, "a");
	ck_assert(spool_name_ok(file, SPOOL_PART));
	ck_assert_uint_eq(entries, 2);
	ck_assert_uint_gt(size, 100);
	ck_assert(str_ends(str_z(when), STR("Z")) && strlen(when) == CLOCK_ISO_SIZE - 1);
	ck_assert(str_ends(listed.rows, STR("Z\n")));
	stop();
}
END_TEST

START_TEST(is_followed)
{
	char text[100];
	int p[2];

	(void)hear(MSG_READY);
	ck_assert_int_eq(pipe(p), 0);
	tell(MSG_TAIL, &(struct buf){0}, &p[1], 1);
	fd_close(&p[1]);
	ck_assert(set_spool(w.dir));
	add_ring(0);
	world_put(&w, 0, "b", 1, 1);
	ring_kick(w.writer[0]);
	ck_assert_int_eq(read(p[0], text, sizeof(text)), 19);
	ck_assert_int_eq(memcmp(text, "{\"id\":1,\"pad\":\"x\"}\n", 19), 0);
	stop();
	ck_assert_int_eq(read(p[0], text, sizeof(text)), 0);
	fd_close(&p[0]);
}
END_TEST

START_TEST(unusable_spool)
{
	char dir[400];

	(void)hear(MSG_READY);
	(void)snprintf(dir, sizeof(dir), "%s/no/such", w.dir);
	ck_assert(!set_spool(dir));
	add_ring(0);
	world_put(&w, 0, "a", 1, 10);
	ck_assert_uint_eq(spills, 0);
	ck_assert(set_spool(w.dir));
	ck_assert_uint_eq(spills, 1);
	stop();
}
END_TEST

START_TEST(ring_before_the_spool)
{
	struct found f;

	add_ring(0);
	world_put(&w, 0, "a", 1, 10);
	(void)hear(MSG_READY);
	ck_assert(set_spool(w.dir));
	stop();
	look(&f);
	ck_assert_uint_eq(f.ids[1], 1);
}
END_TEST

START_TEST(master_dies)
{
	struct found f;
	int status;

	(void)hear(MSG_READY);
	ck_assert(set_spool(w.dir));
	add_ring(0);
	(void)hear(MSG_SPILL_MADE);
	world_put(&w, 0, "a", 1, 10);
	fd_close(&sock);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	look(&f);
	ck_assert_uint_eq(f.har, 1);
	ck_assert_uint_eq(f.ids[1], 1);
}
END_TEST

START_TEST(killed_and_started_again)
{
	struct found f;
	unsigned id, round;

	for (id = 0, round = 0; round < 5; round++) {
		ck_assert(set_spool(w.dir));
		add_ring(0);
		(void)hear(MSG_SPILL_MADE);
		for (unsigned k = 0; k < 500; k++)
			world_put(&w, 0, k % 2 ? "a" : "b", id++, 1000);
		ring_kick(w.writer[0]);
		(void)usleep(1000 * round);
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		fd_close(&sock);
		start();
	}
	ck_assert(set_spool(w.dir));
	add_ring(0);
	flush(1, "");
	(void)hear(MSG_FLUSHED);
	stop();
	look(&f);
	ck_assert_uint_eq(f.part, 0);
	while (id-- > 0)
		ck_assert_uint_eq(f.ids[id], 1);
}
END_TEST

/* What `flock -s FILE cat FILE` sees while it is written is whole, always. */
START_TEST(locked_reader_sees_whole_files)
{
	unsigned id, looks = 0;

	(void)hear(MSG_READY);
	ck_assert(set_spool(w.dir));
	add_ring(0);
	(void)hear(MSG_SPILL_MADE);
	for (id = 0; id < 400; id++) {
		char command[600], path[600];
		int fd;
		FILE *p;

		world_put(&w, 0, "a", id, 5000);
		ring_kick(w.writer[0]);
		(void)snprintf(command, sizeof(command), "ls %s/a/*.part 2>/dev/null", w.dir);
		if (id % 20 != 0 || (p = popen(command, "r")) == NULL)
			continue;
		if (fgets(path, sizeof(path), p) != NULL) {
			path[strcspn(path, "\n")] = '\0';
			fd = open(path, O_RDONLY);
			if (fd != -1 && flock(fd, LOCK_SH) == 0 && access(path, F_OK) == 0) {
				struct stat st;

				(void)fstat(fd, &st);
				if (st.st_size > 0) {
					ck_assert(file_is_json(path));
					looks++;
				}
			}
			fd_close(&fd);
		}
		(void)pclose(p);
	}
	stop();
	ck_assert_uint_gt(looks, 0);
}
END_TEST

Suite *
recorder_suite(void)
{
	Suite *s = suite_create("recorder");
	TCase *t = tcase_create("recorder");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, life);
	tcase_add_test(t, tells_its_tags);
	tcase_add_test(t, is_followed);
	tcase_add_test(t, unusable_spool);
	tcase_add_test(t, ring_before_the_spool);
	tcase_add_test(t, master_dies);
	tcase_add_test(t, killed_and_started_again);
	tcase_add_test(t, locked_reader_sees_whole_files);
	suite_add_tcase(s, t);
	return s;
}
