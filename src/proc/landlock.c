/* SPDX-License-Identifier: ISC */
/* landlock.c - see landlock.h.  Runs in: every role but the master. */
#include "config.h"

#include "proc/landlock.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/fd.h"

/* Numbers are the kernel's contract; linux/landlock.h of Debian 12 ends with ABI 2. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif
#define CREATE_VERSION 1u
#define RULE_PATH_BENEATH 1

enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_OF_ABI_1 = (1 << 13) - 1,
	FS_REFER = 1 << 13,		/* ABI 2 */
	FS_TRUNCATE = 1 << 14,		/* ABI 3 */
	FS_IOCTL_DEV = 1 << 15		/* ABI 5 */
};
enum { NET_BIND_TCP = 1 << 0, NET_CONNECT_TCP = 1 << 1 };	/* ABI 4 */
enum { SCOPE_ABSTRACT_UNIX = 1 << 0, SCOPE_SIGNAL = 1 << 1 };	/* ABI 6 */

struct ruleset {
	uint64_t fs, net, scoped;
};
struct beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

int
landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, CREATE_VERSION);

	return abi > 0 ? (int)abi : 0;
}

static uint64_t
all_file_rights(int abi)
{
	return FS_OF_ABI_1 | (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) |
	    (abi >= 5 ? FS_IOCTL_DEV : 0);
}

/* A kernel refuses a structure with more in it than it knows. */
static size_t
ruleset_size(int abi)
{
	return abi >= 6 ? sizeof(struct ruleset) :
	    abi >= 4 ? offsetof(struct ruleset, scoped) : offsetof(struct ruleset, net);
}

static bool
allow(int ruleset, int dir, uint64_t rights)
{
	struct beneath rule = {.allowed = rights, .parent = dir};

	return syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0u) == 0;
}

static bool
add_rules(int ruleset, int abi, const struct landlock_wish *wish)
{
	uint64_t all = all_file_rights(abi);

#ifdef SANDBOX_RELAXED
	/* The sanitizers' reports read /proc and the program; gcov writes its counts. */
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool good = root != -1 && allow(ruleset, root, all);

	fd_close(&root);
	if (!good)
		return false;
#endif
	/* No links, devices, sockets or pipes are made there, and nothing is executed. */
	return wish->dir == -1 || allow(ruleset, wish->dir, all & (FS_WRITE_FILE |
	    FS_READ_FILE | FS_READ_DIR | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR |
	    FS_MAKE_REG | FS_REFER | FS_TRUNCATE));
}

int
landlock_enter(const struct landlock_wish *wish)
{
	int abi = landlock_abi(), fd;
	struct ruleset set = {
	    .fs = all_file_rights(abi),
	    .net = NET_BIND_TCP | (wish->connects ? 0 : NET_CONNECT_TCP),
	    .scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL,
	};
	bool entered;

	if (abi == 0)
		return 0;
	fd = (int)syscall(SYS_landlock_create_ruleset, &set, ruleset_size(abi), 0u);
	if (fd == -1)
		return 0;
	entered = add_rules(fd, abi, wish) &&
	    syscall(SYS_landlock_restrict_self, fd, 0u) == 0;
	fd_close(&fd);
	return entered ? abi : 0;
}
