/* SPDX-License-Identifier: ISC */
/* sandbox.c - see sandbox.h.  Runs in: every process. */
#include "config.h"

#include "proc/sandbox.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "proc/counters.h"
#include "proc/denied.h"
#include "proc/landlock.h"
#include "proc/sandbox_calls.h"

#ifndef PR_SET_MDWE	/* Linux 6.3 */
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

#define MEMLOCK_BYTES (1u << 20)	/* the signer's vault, twice while it moves in */
#define CAP(name) ((uint64_t)1 << (name))
/*
 * What root is needed for: children become others, are signalled and timed out;
 * ports below 1024; the spool and the CA's files are given to those who use them,
 * and the signer reads and makes the latter before it becomes one.
 */
#define MASTER_CAPABILITIES                                                               \
	(CAP(CAP_SETUID) | CAP(CAP_SETGID) | CAP(CAP_KILL) | CAP(CAP_NET_BIND_SERVICE) |  \
	CAP(CAP_CHOWN) | CAP(CAP_DAC_OVERRIDE))

static const char *const wall_names[WALL_COUNT] = {
#define W(name, text) text,
    SANDBOX_WALLS(W)
#undef W
};

/* Started as root; children know by it after they have become others. */
static bool as_root;

/* ---- what stands, for people ---- */

/*
 * What every kernel of Debian 12 and later has. The others are more than was
 * promised: newer kernels' second line behind seccomp.
 */
uint64_t
sandbox_missing(uint64_t walls, enum role role)
{
	uint64_t needed = WALL_SECCOMP | WALL_NO_NEW_PRIVS | WALL_NOT_DUMPABLE | WALL_NO_CORE |
	    WALL_NO_CAPABILITIES;

	if (role != ROLE_MASTER)
		needed |= WALL_FILES;
	if (role == ROLE_SIGNER || role == ROLE_MASTER)
		needed |= WALL_LOCKED_KEYS;
	/* Only root can give every role a user: who starts as one user has no others. */
	if (role != ROLE_MASTER && as_root)
		needed |= WALL_OWN_USER;
	return needed & ~walls;
}

void
sandbox_names(uint64_t walls, struct buf *out)
{
	const char *between = "";
	unsigned i;

	for (i = 0; i < WALL_COUNT; i++)
		if ((walls & (uint64_t)1 << i) != 0) {
			buf_printf(out, "%s%s", between, wall_names[i]);
			between = ", ";
		}
}

bool
sandbox_wanted(const struct conf *conf)
{
	return conf->sandbox != CONF_SANDBOX_OFF;
}

/* ---- capabilities ---- */

static bool
set_capabilities(uint64_t wanted)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};
	unsigned i;

	for (i = 0; i < 2; i++)
		data[i].effective = data[i].permitted = (uint32_t)(wanted >> 32 * i);
	return syscall(SYS_capset, &head, data) == 0;
}

static uint64_t
capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	if (syscall(SYS_capget, &head, data) != 0)
		return UINT64_MAX;
	return data[0].permitted | data[0].effective |
	    (uint64_t)(data[1].permitted | data[1].effective) << 32;
}

/* A program with file capabilities or the set-user-id bit could not get more either. */
static void
drop_bounding(uint64_t wanted)
{
	int cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if ((wanted & CAP(cap)) == 0)
			(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

/* ---- the walls ---- */

/* Two that hold in every process and cost nothing, asked for and looked at. */
static uint64_t
build_common(uint64_t caps)
{
	struct rlimit none = {0, 0}, core = {1, 1};
	uint64_t walls = 0;

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		walls |= WALL_NO_NEW_PRIVS;
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0)
		walls |= WALL_NOT_DUMPABLE;
	if (getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0)
		walls |= WALL_NO_CORE;
	if ((capabilities() & ~caps) == 0)
		walls |= WALL_NO_CAPABILITIES;
	return walls;
}

/* Behind seccomp, which denies the same: what the kernel refuses by counting. */
static void
set_limits(enum role role)
{
	struct rlimit none = {0, 0};
	struct stat st;

	(void)setrlimit(RLIMIT_NPROC, &none);
	/* The others write files; and so does who logs to one. */
	if (role == ROLE_SIGNER && fstat(STDERR_FILENO, &st) == 0 && !S_ISREG(st.st_mode))
		(void)setrlimit(RLIMIT_FSIZE, &none);
}

void
sandbox_fence(struct proc *p, int dir)
{
	struct landlock_wish wish = {.dir = dir, .connects = p->role == ROLE_WORKER};
	int abi;

	(void)set_capabilities(0);	/* root keeps none either */
	p->walls = build_common(0) | (p->user.own ? WALL_OWN_USER : 0);
	if (!sandbox_wanted(p->conf))
		return;
	abi = landlock_enter(&wish);
	p->walls |= (abi >= 1 ? WALL_FILES : 0) | (abi >= 4 ? WALL_NET : 0) |
	    (abi >= 6 ? WALL_SCOPE : 0);
}

static void
close_calls(struct proc *p)
{
	set_limits(p->role);
#ifndef SANDBOX_RELAXED
	if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0)
		p->walls |= WALL_NO_WRITE_EXEC;
#endif
	denied_watch(&p->counters[p->slot]);
	if (sandbox_calls(p->role))
		p->walls |= WALL_SECCOMP;
}

int
sandbox_enter(struct proc *p, uint64_t walls, struct errmsg *err)
{
	uint64_t missing;
	struct buf names;

	p->walls |= walls;
	tzset();	/* whoever asks for the local time later opens no file */
	if (sandbox_wanted(p->conf))
		close_calls(p);
	counter_set(&p->counters[p->slot].protections, p->walls);
	missing = sandbox_missing(p->walls, p->role);
	if (p->conf->sandbox != CONF_SANDBOX_REQUIRED || missing == 0)
		return 0;
	buf_init(&names, 0);
	sandbox_names(missing, &names);
	(void)errmsg_set(err, "sandbox: required, but a %s cannot have: %.*s",
	    role_name(p->role), STR_ARG(buf_str(&names)));
	buf_free(&names);
	return -1;
}

/* For keys: what root may lock without a limit now, its children may not later. */
static void
raise_memlock(void)
{
	struct rlimit rl = {MEMLOCK_BYTES, MEMLOCK_BYTES}, now;

	if (getrlimit(RLIMIT_MEMLOCK, &now) == 0 && now.rlim_max < MEMLOCK_BYTES)
		(void)setrlimit(RLIMIT_MEMLOCK, &rl);
}

uint64_t
sandbox_master(const struct conf *conf)
{
	static bool has_filter;
	uint64_t walls, caps = capabilities();

	as_root = geteuid() == 0;
	raise_memlock();
	caps &= as_root ? MASTER_CAPABILITIES : CAP(CAP_NET_BIND_SERVICE);
	drop_bounding(caps);
	(void)set_capabilities(caps);
	walls = build_common(caps);
	if (!has_filter && sandbox_wanted(conf))
		has_filter = sandbox_calls(ROLE_MASTER);
	return walls | (has_filter ? WALL_SECCOMP : 0);
}
