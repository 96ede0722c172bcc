/* SPDX-License-Identifier: ISC */
/*
 * test_walls.c - the real processes, as master/roles.c has them, stopped where they
 * would begin to work: each tries what it must not be able to do.  proc_run() is
 * replaced by the linker, so that the program itself needs no back door.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/roles.h"
#include "proc/counters.h"
#include "proc/denied.h"
#include "proc/landlock.h"
#include "proc/sandbox.h"
#include "proc/sandbox_calls.h"
#include "shm/cert_cache.h"
#include "shm/keyring.h"
#include "shm/receipts.h"
#include "shm/ring.h"
#include "shm/trust.h"
#include "tries.h"
#include "suites.h"

#define PATIENCE 300	/* seconds for one try: only one that hangs is longer at it */

void __real_proc_run(struct proc *);
void __wrap_proc_run(struct proc *);

static struct {
	char dir[256];
	struct conf *conf;
	struct segment cert_cache, keyring, trust;
	struct receipts *receipts;
	struct counters *counters;
	int counters_fd;
	X509_STORE *roots;
	char *ca_chain, *own_keys;
	size_t ca_chain_n, own_keys_n;
	unsigned worker_slots[1];
	pid_t sibling;
} world;

static const struct try *trying;	/* NULL: work as always */
static struct tries_world at;

/* What a child has to say before it may be no more. */
static struct result {
	bool at_work;
	bool tried;
	long value;
	int error;
	uint64_t walls;
} *result;

void
__wrap_proc_run(struct proc *p)
{
	result->at_work = true;
	result->walls = p->walls;
	if (trying == NULL) {
		__real_proc_run(p);
		return;
	}
	at.self = p;
	errno = 0;
	result->value = trying->run(&at);
	result->error = errno;
	result->tried = true;
	_exit(0);
}

/* ---- a master, as far as a role needs one ---- */

static void
inherit(enum role role, bool yes)
{
	if (roles[role].writes_cert_cache)
		segment_fork(&world.cert_cache, yes);
	if (roles[role].writes_keyring)
		segment_fork(&world.keyring, yes);
	if (roles[role].writes_receipts)
		receipts_fork(world.receipts, yes);
}

static struct proc
proc_of(enum role role, int master_fd)
{
	bool serves = roles[role].serves;

	return (struct proc){
	    .role = role, .generation = 1, .master_pid = getpid(), .user = USER_STAY,
	    .slot = role == ROLE_WORKER ? 0 : role == ROLE_RECORDER ? SLOT_RECORDER :
	    SLOT_SIGNERS,
	    .conf = world.conf, .master_fd = master_fd, .signer_fd = -1,
	    .cert_cache = &world.cert_cache, .keyring = &world.keyring,
	    .receipts = world.receipts, .receipts_fd = receipts_fd(world.receipts),
	    .ring_fd = -1, .wake_fd = -1, .counters = world.counters,
	    .counters_fd = world.counters_fd, .trust_fd = serves ? world.trust.fd : -1,
	    .peer_slots = world.worker_slots, .npeers = 1,
	    .roots = serves ? world.roots : NULL,
	    .ca_chain = str_of(world.ca_chain, world.ca_chain_n),
	    .own_keys = str_of(world.own_keys, world.own_keys_n),
	};
}

/* A role in a process of its own; *out_fd is the master's end. */
static pid_t
start(enum role role, int *out_fd)
{
	struct errmsg err;
	struct proc p;
	int pair[2], signer[2];
	pid_t pid;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, signer), 0);
	p = proc_of(role, pair[1]);
	if (roles[role].serves) {
		p.ring_fd = ring_create(p.slot, &err);
		p.signer_fd = signer[0];
		p.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	}
	memset(result, 0, sizeof(*result));
	inherit(role, true);
	pid = fork();
	if (pid == 0) {
		fd_close(&pair[0]);
		_exit(roles[role].main(&p));
	}
	inherit(role, false);
	ck_assert_int_gt(pid, 0);
	fd_close(&pair[1]);
	fd_close(&signer[0]);
	fd_close(&signer[1]);
	fd_close(&p.ring_fd);
	fd_close(&p.wake_fd);
	*out_fd = pair[0];
	return pid;
}

/* What a signer tells when it is ready. */
static void
take_ca(int fd)
{
	static uint8_t bytes[MSG_MAX];
	int fds[FD_PASS_MAX];
	size_t nfds;
	struct msg_ready ready;
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	ssize_t n;

	ck_assert_int_eq(poll(&wait, 1, -1), 1);
	n = fd_recv_msg(fd, bytes, sizeof(bytes), fds, &nfds);
	ck_assert_int_gt(n, 8);
	ck_assert_int_eq(bytes[3], MSG_READY);
	ck_assert_int_eq(msg_unpack_ready(str_of(bytes + 8, (size_t)n - 8), &ready), 0);
	world.ca_chain_n = ready.ca_chain.n;
	world.ca_chain = mem_dup(ready.ca_chain.p, ready.ca_chain.n);
	world.own_keys_n = ready.own_keys.n;
	world.own_keys = mem_dup(ready.own_keys.p, ready.own_keys.n);
}

static void
end(pid_t pid, int *fd, int *out_status)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (out_status != NULL)
		*out_status = status;
	fd_close(fd);
}

static void
path(char out[300], const char *name)
{
	(void)snprintf(out, 300, "%s/%s", world.dir, name);
}

static void
make_world(void)
{
	const char *tmp = getenv("TMPDIR");
	struct errmsg err;
	char text[1024];
	int fd;
	pid_t pid;

	(void)snprintf(world.dir, sizeof(world.dir), "%s/mitmd-walls-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(world.dir));
	(void)snprintf(text, sizeof(text), "listen: 127.0.0.1:0\nworkers: 1\nuser: root\n"
	    "instance: test\nca: {dir: %s/ca}\nspool: {dir: %s/spool, min_free: off}\n",
	    world.dir, world.dir);
	world.conf = conf_load_text("walls.yaml", str_z(text), &err);
	ck_assert_msg(world.conf != NULL, "%s", world.conf == NULL ? err.text : "");
	ck_assert_int_eq(cert_cache_create(&world.cert_cache, 1024, &err), 0);
	ck_assert_int_eq(keyring_create(&world.keyring, &err), 0);
	ck_assert_int_eq(trust_create(&world.trust, &err), 0);
	world.receipts = receipts_create(&err);
	world.counters = counters_create(&world.counters_fd, &err);
	world.roots = X509_STORE_new();
	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	    -1, 0);
	path(at.ca_file, "ca/mitmd-ca.pem");
	path(at.spool, "spool/new");
	path(at.outside, "outside");
	path(at.victim, "victim");
	at.dir = world.dir;
	(void)snprintf(text, sizeof(text), "%s/spool", world.dir);
	ck_assert_int_eq(mkdir(text, 0700), 0);
	pid = start(ROLE_SIGNER, &fd);		/* makes the CA */
	take_ca(fd);
	(void)kill(pid, SIGKILL);
	end(pid, &fd, NULL);
	world.sibling = fork();
	if (world.sibling == 0)
		for (;;)
			(void)pause();
	at.sibling = world.sibling;
}

static void
remove_tree(const char *name)
{
	char command[600];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", name);
	(void)!system(command);
}

static void
end_world(void)
{
	(void)kill(world.sibling, SIGKILL);
	(void)waitpid(world.sibling, NULL, 0);
	remove_tree(world.dir);
}

static void
make_victim(void)
{
	int fd;

	(void)unlink(at.victim);
	(void)unlink(at.outside);
	(void)rmdir(at.outside);
	(void)unlink(at.spool);
	fd = open(at.victim, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_ne(fd, -1);
	fd_close(&fd);
}

/* ---- the tests ---- */

static bool
is_denied(const struct try *t)
{
	return result->tried && result->value == -1 && (result->error == EPERM ||
	    result->error == EACCES || (t->end == TRY_FENCED && result->error == EXDEV));
}

static void
check_try(enum role role, const struct try *t)
{
	int fd, status;
	pid_t pid;
	bool good;

	if ((t->roles & 1u << role) == 0)
		return;
	make_victim();
	trying = t;
	pid = start(role, &fd);
	(void)alarm(PATIENCE);
	end(pid, &fd, &status);
	(void)alarm(0);
	ck_assert_msg(result->at_work, "%s: a %s did not start", t->name, role_name(role));
	/* A recorder's files are Landlock's matter, and a kernel may have none. */
	if (role == ROLE_RECORDER && (result->walls & WALL_FILES) == 0 && t->end == TRY_FENCED)
		return;
	good = t->end == TRY_KILLED ? WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS :
	    t->end == TRY_FAULT ? WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV :
	    is_denied(t);
	ck_assert_msg(good, "%s: a %s %s (status %x, value %ld, errno %d)", t->name,
	    role_name(role), result->tried && result->value != -1 ? "could" :
	    "ended otherwise than it should", (unsigned)status, result->value, result->error);
}

START_TEST(signer_cannot)
{
	check_try(ROLE_SIGNER, &tries[_i]);
}
END_TEST

START_TEST(recorder_cannot)
{
	check_try(ROLE_RECORDER, &tries[_i]);
}
END_TEST

START_TEST(worker_cannot)
{
	check_try(ROLE_WORKER, &tries[_i]);
}
END_TEST

/* What could not be done anywhere would prove nothing. */
START_TEST(works_outside)
{
	const struct try *t = &tries[_i];
	struct proc p = proc_of(ROLE_WORKER, -1);
	int status;
	pid_t pid;

	if (!t->works)
		return;
	make_victim();
	memset(result, 0, sizeof(*result));
	pid = fork();
	if (pid == 0) {
		at.self = &p;
		result->value = t->run(&at);
		result->error = errno;
		result->tried = true;
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	/* execve(2) does not return when it works. */
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
	    (!result->tried || result->value != -1), "%s: errno %d, status %x", t->name,
	    result->error, (unsigned)status);
}
END_TEST

static long
do_nothing(const struct tries_world *w UNUSED)
{
	return 0;
}

/* The walls that it has told of are all that this kernel can have. */
START_TEST(all_walls_stand)
{
	static const enum role all[] = {ROLE_SIGNER, ROLE_RECORDER, ROLE_WORKER};
	static const struct try nothing = {.name = "nothing", .run = do_nothing};
	uint64_t expect = WALL_SECCOMP | WALL_NO_NEW_PRIVS | WALL_NOT_DUMPABLE | WALL_NO_CORE |
	    WALL_NO_CAPABILITIES | (landlock_abi() >= 1 ? WALL_FILES : 0) |
	    (landlock_abi() >= 4 ? WALL_NET : 0) | (landlock_abi() >= 6 ? WALL_SCOPE : 0);
	int fd;
	pid_t pid;

	trying = &nothing;
	pid = start(all[_i], &fd);
	end(pid, &fd, NULL);
	ck_assert(result->at_work);
	ck_assert_uint_eq(result->walls & expect, expect);
	ck_assert_uint_eq(counter_get(&world.counters[proc_of(all[_i], -1).slot].protections),
	    result->walls);
}
END_TEST

/* Three calls of two kinds. */
static long
be_denied(const struct tries_world *w UNUSED)
{
	long a = syscall(SYS_getppid), b = syscall(SYS_getsid, 0), c = syscall(SYS_getppid);

	/* The handler must leave everything but the result as it was. */
	return a == -1 && b == -1 && c == -1 && errno == EPERM &&
	    syscall(SYS_gettid) == getpid() ? -1 : 0;
}

START_TEST(denied_calls_are_counted)
{
	static const enum role all[] = {ROLE_SIGNER, ROLE_RECORDER, ROLE_WORKER};
	static const struct try denied = {.name = "three calls", .run = be_denied};
	struct counters *own = &world.counters[proc_of(all[_i], -1).slot];
	uint64_t before = counter_get(&own->denied_calls);
	int fd, latest[DENIED_LATEST], status;
	char name[SANDBOX_CALL_NAME];
	pid_t pid;

	trying = &denied;
	pid = start(all[_i], &fd);
	end(pid, &fd, &status);
	ck_assert_msg(WIFEXITED(status), "status %x", (unsigned)status);
	ck_assert(result->tried && result->value == -1 && result->error == EPERM);
#if (defined(__x86_64__) && defined(__LP64__)) || defined(__aarch64__)
	ck_assert_uint_eq(counter_get(&own->denied_calls) - before, 3);
	ck_assert_uint_eq(counter_get(&own->denied_now), 3);
	ck_assert_uint_eq(denied_latest(own, latest), 2);
	sandbox_call_name(latest[0], name);
	ck_assert_str_eq(name, "getsid");
	sandbox_call_name(latest[1], name);
	ck_assert_str_eq(name, "getppid");
	/* As the master does when it was reaped. */
	counters_left(world.counters, proc_of(all[_i], -1).slot);
	ck_assert_uint_eq(denied_latest(own, latest), 0);
	ck_assert_uint_eq(counter_get(&own->denied_calls) - before, 3);
#endif
}
END_TEST

static long
be_denied_much(const struct tries_world *w UNUSED)
{
	int i;

	for (i = 0; i < 1000; i++)
		(void)syscall(i % 2 == 0 ? SYS_getppid : SYS_getsid, 0);
	(void)syscall(SYS_getuid);
	(void)syscall(SYS_getgid);
	(void)syscall(SYS_umask, 0);
	return syscall(4711);
}

/* More kinds than are kept: the newest are. One that no kernel has is one, too. */
START_TEST(the_latest_kinds_are_kept)
{
	static const struct try denied = {.name = "many calls", .run = be_denied_much};
	struct counters *own = &world.counters[0];
	int fd, latest[DENIED_LATEST], status;
	char name[SANDBOX_CALL_NAME];
	pid_t pid;

	trying = &denied;
	pid = start(ROLE_WORKER, &fd);
	end(pid, &fd, &status);
	ck_assert(WIFEXITED(status) && result->error == EPERM);
#if (defined(__x86_64__) && defined(__LP64__)) || defined(__aarch64__)
	ck_assert_uint_eq(counter_get(&own->denied_now), 1004);
	ck_assert_uint_eq(denied_latest(own, latest), DENIED_LATEST);
	sandbox_call_name(latest[0], name);
	ck_assert_str_eq(name, "number 4711");
	sandbox_call_name(latest[3], name);
	ck_assert_str_eq(name, "getuid");
#endif
}
END_TEST

/* Somebody who may signal it says nothing of its calls by that. */
static long
signal_itself(const struct tries_world *w UNUSED)
{
	return raise(SIGSYS);
}

START_TEST(a_signal_is_no_denied_call)
{
	static const struct try signalled = {.name = "a signal", .run = signal_itself};
	int fd, status;
	pid_t pid;

	trying = &signalled;
	pid = start(ROLE_WORKER, &fd);
	end(pid, &fd, &status);
	ck_assert(WIFEXITED(status) && result->value == 0);
	ck_assert_uint_eq(counter_get(&world.counters[0].denied_now), 0);
}
END_TEST

START_TEST(forty_and_more)
{
	size_t i, n[ROLE_COUNT] = {0};
	unsigned role;

	for (i = 0; i < ntries; i++)
		for (role = 0; role < ROLE_COUNT; role++)
			n[role] += (tries[i].roles & 1u << role) != 0;
	ck_assert_uint_ge(n[ROLE_SIGNER], 40);
	ck_assert_uint_ge(n[ROLE_RECORDER], 40);
	ck_assert_uint_ge(n[ROLE_WORKER], 40);
}
END_TEST

Suite *
walls_suite(void)
{
	Suite *s = suite_create("walls");
	TCase *tc = tcase_create("tries");

	tcase_add_unchecked_fixture(tc, make_world, end_world);
	tcase_add_loop_test(tc, works_outside, 0, (int)ntries);
	tcase_add_loop_test(tc, signer_cannot, 0, (int)ntries);
	tcase_add_loop_test(tc, recorder_cannot, 0, (int)ntries);
	tcase_add_loop_test(tc, worker_cannot, 0, (int)ntries);
	tcase_add_loop_test(tc, all_walls_stand, 0, 3);
	tcase_add_loop_test(tc, denied_calls_are_counted, 0, 3);
	tcase_add_test(tc, the_latest_kinds_are_kept);
	tcase_add_test(tc, a_signal_is_no_denied_call);
	tcase_add_test(tc, forty_and_more);
	suite_add_tcase(s, tc);
	return s;
}
