/* SPDX-License-Identifier: ISC */
/*
 * sandbox.h - the walls around a process: what it could not do any more if a
 * stranger's bytes had taken it over.  Which process may do what is decided in
 * one table, sandbox_calls.c.
 * Runs in: every role (build), master (tell).
 */
#ifndef MITMD_PROC_SANDBOX_H
#define MITMD_PROC_SANDBOX_H

#include <stdint.h>

#include "base/buf.h"
#include "proc/proc.h"

/* What the gauge `protections` has a bit for: name, what people read. */
#define SANDBOX_WALLS(W)                                                                  \
	W(SECCOMP, "seccomp")			/* system calls by an allow-list */       \
	W(FILES, "landlock")			/* no file but those it works with */     \
	W(NET, "landlock-net")			/* no TCP port opened, by the kernel, too */ \
	W(SCOPE, "landlock-scope")		/* no signal to others, by the kernel, too */ \
	W(NO_NEW_PRIVS, "no-new-privs")                                                   \
	W(NOT_DUMPABLE, "not-dumpable")		/* no ptrace, no /proc/PID/mem */         \
	W(NO_CORE, "no-core")                                                             \
	W(NO_WRITE_EXEC, "no-write-exec")	/* by the kernel; seccomp has it, too */  \
	W(NO_CAPABILITIES, "no-capabilities")	/* the master: no more than it needs */   \
	W(OWN_USER, "own-user")			/* no other role runs as this user */     \
	W(LOCKED_KEYS, "locked-keys")		/* its keys are never swapped or dumped */ \
	W(SECRET_KEYS, "secret-keys")		/* ... nor seen by the kernel itself */

enum {
#define W(name, text) WALL_BIT_##name,
	SANDBOX_WALLS(W)
#undef W
	WALL_COUNT
};
enum {
#define W(name, text) WALL_##name = 1 << WALL_BIT_##name,
	SANDBOX_WALLS(W)
#undef W
};

/*
 * When a role has opened what it needs, and before its first thread: no capability,
 * no file but what lies below dir (-1: none).
 */
void sandbox_fence(struct proc *, int dir) NONNULL(1);
/*
 * When it is at work but for strangers' bytes: no system call that its work does
 * not need, also for threads. What stands, `walls` that it has built itself (keys)
 * with it, is in its slot's gauge. -1 with what is missing, where `sandbox:
 * required` forbids that.
 */
int sandbox_enter(struct proc *, uint64_t walls, struct errmsg *) NONNULL(1, 3) MUSTCHECK;
/*
 * The master's, before its first fork and at each reload: it keeps the
 * capabilities that root needs for its children, no others. The walls for its gauge.
 */
uint64_t sandbox_master(const struct conf *) NONNULL(1);

/* Those of `walls` without which the role is not what SECURITY promises. */
uint64_t sandbox_missing(uint64_t walls, enum role);
/* For people: "seccomp, landlock"; nothing where there is none. */
void sandbox_names(uint64_t walls, struct buf *out) NONNULL(2);
bool sandbox_wanted(const struct conf *) NONNULL(1);

#endif
