/* SPDX-License-Identifier: ISC */
/*
 * sandbox_calls.c - THE table of which role may make which system call; see
 * sandbox_calls.h.  A row that is not needed is a hole: each was seen in use,
 * and says by whom where that is not plain.
 * Runs in: every process.
 */
#include "config.h"

#include "proc/sandbox_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "proc/denied.h"

/* Developers build with SCMP_ACT_KILL_PROCESS to see at once what a table lacks. */
#ifndef SANDBOX_DENIED
#define SANDBOX_DENIED (denied_watched() ? SCMP_ACT_TRAP : SCMP_ACT_ERRNO(EPERM))
#endif

enum { S = 1 << ROLE_SIGNER, R = 1 << ROLE_RECORDER, W = 1 << ROLE_WORKER, ALL = S | R | W };

/* Without a look at arguments: the kernel remembers those and asks no filter again. */
static const struct {
	int call;
	unsigned roles;
} plain[] = {
    /* what a loop does */
    {SCMP_SYS(read), ALL},
    {SCMP_SYS(write), ALL},
    {SCMP_SYS(close), ALL},
    {SCMP_SYS(epoll_wait), ALL},
    {SCMP_SYS(epoll_pwait), ALL},
    {SCMP_SYS(epoll_ctl), ALL},
    {SCMP_SYS(epoll_create1), ALL},	/* libev, when a descriptor is not what it was */
    {SCMP_SYS(sendmsg), ALL},	/* the channels between processes, with descriptors */
    {SCMP_SYS(recvmsg), ALL},
    {SCMP_SYS(clock_gettime), ALL},	/* where the vDSO cannot tell */
    {SCMP_SYS(gettimeofday), ALL},
    {SCMP_SYS(time), ALL},
    {SCMP_SYS(getrandom), ALL},
    {SCMP_SYS(restart_syscall), ALL},

    /* memory; for what may not become executable see below */
    {SCMP_SYS(brk), ALL},
    {SCMP_SYS(sysinfo), ALL},	/* qsort(3) of much */
    {SCMP_SYS(munmap), ALL},
    {SCMP_SYS(mremap), ALL},
    {SCMP_SYS(madvise), ALL},

    /* the end, also by a CHECK() or the allocator's own checks */
    {SCMP_SYS(exit), ALL},
    {SCMP_SYS(exit_group), ALL},
    {SCMP_SYS(getpid), ALL},
    {SCMP_SYS(gettid), ALL},
    {SCMP_SYS(rt_sigaction), ALL},
    {SCMP_SYS(rt_sigprocmask), ALL},
    {SCMP_SYS(rt_sigreturn), ALL},

    /* locks; and what a thread beside the loop, made before, does at first */
    {SCMP_SYS(futex), ALL},
    {SCMP_SYS(set_robust_list), S | R},
    {SCMP_SYS(rseq), S | R},
    {SCMP_SYS(sched_getaffinity), S | R},	/* malloc, for a thread's arena */
    {SCMP_SYS(sched_yield), S | R},

    /* files: descriptors that were given, ... */
    {SCMP_SYS(fstat), ALL},
    {SCMP_SYS(pread64), ALL},
    {SCMP_SYS(pwrite64), R | W},
    {SCMP_SYS(ftruncate), R | W},
    {SCMP_SYS(fallocate), R | W},
    {SCMP_SYS(lseek), R | W},
    /* ... and in the spool, where Landlock keeps what follows */
    {SCMP_SYS(openat), R},
    {SCMP_SYS(newfstatat), R},
    {SCMP_SYS(fstatfs), R},
    {SCMP_SYS(statfs), R},
    {SCMP_SYS(geteuid), R},
    {SCMP_SYS(faccessat), R},
    {SCMP_SYS(faccessat2), R},
    {SCMP_SYS(access), R},
    {SCMP_SYS(mkdir), R},
    {SCMP_SYS(mkdirat), R},
    {SCMP_SYS(unlinkat), R},
    {SCMP_SYS(linkat), R},
    {SCMP_SYS(renameat), R},
    {SCMP_SYS(renameat2), R},
    {SCMP_SYS(fchmod), R},
    {SCMP_SYS(flock), R},
    {SCMP_SYS(fsync), R},
    {SCMP_SYS(fdatasync), R},
    {SCMP_SYS(getdents64), R},
    {SCMP_SYS(pwritev), R},
    {SCMP_SYS(poll), R},	/* is somebody still following? */
    {SCMP_SYS(ppoll), R},
    {SCMP_SYS(clock_nanosleep), R},	/* while a predecessor has the spool */
    {SCMP_SYS(nanosleep), R},
    {SCMP_SYS(poll), R},	/* has who follows the entries gone? */
    {SCMP_SYS(ppoll), R},
    {SCMP_SYS(eventfd2), S | R},	/* libev, for news from a thread */

    /* network: what is asked of an address is access.c's matter */
    {SCMP_SYS(accept4), W},
    {SCMP_SYS(connect), W},
    {SCMP_SYS(recvfrom), W},
    {SCMP_SYS(sendto), W},
    {SCMP_SYS(writev), W},
    {SCMP_SYS(shutdown), W},
    {SCMP_SYS(getsockopt), W},
    {SCMP_SYS(getsockname), W},
    {SCMP_SYS(getpeername), W},
};

/* The same, but only with these bits of an argument. */
static const struct {
	int call;
	unsigned roles;
	unsigned arg;
	uint64_t mask, value;
} narrow[] = {
    {SCMP_SYS(mmap), ALL, 2, PROT_EXEC, 0},
    {SCMP_SYS(mprotect), ALL, 2, PROT_EXEC, 0},
    {SCMP_SYS(newfstatat), S | W, 3, UINT32_MAX, AT_EMPTY_PATH},	/* glibc's fstat(3) */
    {SCMP_SYS(fcntl), ALL, 1, UINT32_MAX, F_GETFD},
    {SCMP_SYS(fcntl), ALL, 1, UINT32_MAX, F_SETFD},
    {SCMP_SYS(fcntl), ALL, 1, UINT32_MAX, F_GETFL},
    {SCMP_SYS(fcntl), ALL, 1, UINT32_MAX, F_SETFL},
    {SCMP_SYS(fcntl), ALL, 1, UINT32_MAX, F_DUPFD_CLOEXEC},
    {SCMP_SYS(fcntl), ALL, 1, UINT32_MAX, F_GET_SEALS},
    {SCMP_SYS(socket), W, 0, UINT32_MAX, AF_INET},
    {SCMP_SYS(socket), W, 0, UINT32_MAX, AF_INET6},
    {SCMP_SYS(prlimit64), ALL, 2, UINT64_MAX, 0},	/* looked at, not set */
};

/* Options of a socket; none that load a filter, take a device or an address. */
static const struct {
	int level, name;
} options[] = {
    {SOL_SOCKET, SO_LINGER},
    {IPPROTO_TCP, TCP_NODELAY},
};

/* No process of ours ever has a reason. */
static const int never[] = {
#ifndef SANDBOX_RELAXED	/* the sanitizers search for leaks, and run a program for names */
    SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace),
#endif
    SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
    SCMP_SYS(kcmp), SCMP_SYS(pidfd_getfd), SCMP_SYS(process_madvise),
    SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot),
    SCMP_SYS(fsopen), SCMP_SYS(fsconfig), SCMP_SYS(fsmount), SCMP_SYS(fspick),
    SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(mount_setattr),
    SCMP_SYS(unshare), SCMP_SYS(setns),
    SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register),
    SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(keyctl),
    SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(reboot),
    SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(acct),
    SCMP_SYS(quotactl), SCMP_SYS(quotactl_fd),
    SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(clock_adjtime),
    SCMP_SYS(adjtimex), SCMP_SYS(sethostname), SCMP_SYS(setdomainname),
    SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(modify_ldt), SCMP_SYS(personality),
    SCMP_SYS(name_to_handle_at), SCMP_SYS(open_by_handle_at), SCMP_SYS(lookup_dcookie),
    SCMP_SYS(vhangup), SCMP_SYS(syslog), SCMP_SYS(mknod), SCMP_SYS(mknodat),
};

/* Only the master has one, and before its children are what they are, they. */
static const int not_in_roles[] = {
    SCMP_SYS(clone), SCMP_SYS(clone3), SCMP_SYS(fork), SCMP_SYS(vfork),
    SCMP_SYS(kill), SCMP_SYS(tkill), SCMP_SYS(rt_sigqueueinfo),
    SCMP_SYS(rt_tgsigqueueinfo), SCMP_SYS(pidfd_send_signal),
    SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setreuid), SCMP_SYS(setregid),
    SCMP_SYS(setresuid), SCMP_SYS(setresgid), SCMP_SYS(setgroups), SCMP_SYS(setfsuid),
    SCMP_SYS(setfsgid), SCMP_SYS(capset), SCMP_SYS(seccomp), SCMP_SYS(memfd_create),
    SCMP_SYS(memfd_secret),
};

/*
 * Calls that this machine's architecture does not have (negative numbers) are
 * denied with all the others; libseccomp says so in more than one way.
 */
static bool
add(scmp_filter_ctx ctx, uint32_t action, int call, unsigned nargs,
    const struct scmp_arg_cmp *args)
{
	int e;

	if (call < 0)
		return true;
	e = seccomp_rule_add_array(ctx, action, call, nargs, args);
	/* EACCES: it is what is done without a rule. */
	return e == 0 || e == -EDOM || e == -EOPNOTSUPP || e == -EACCES;
}

static bool
add_all(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!add(ctx, action, calls[i], 0, NULL))
			return false;
	return true;
}

static bool
add_options(scmp_filter_ctx ctx)
{
	size_t i;

	for (i = 0; i < NELEM(options); i++) {
		struct scmp_arg_cmp args[2] = {
		    SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint32_t)options[i].level),
		    SCMP_A2(SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint32_t)options[i].name)};

		if (!add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 2, args))
			return false;
	}
	return true;
}

/* abort(3) and pthread_kill(3) of a thread of ours; nobody else's. */
static bool
add_own_signals(scmp_filter_ctx ctx)
{
	struct scmp_arg_cmp own =
	    SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint32_t)getpid());

	return add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &own);
}

static bool
add_allowed(scmp_filter_ctx ctx, enum role role)
{
	size_t i;

	for (i = 0; i < NELEM(plain); i++)
		if ((plain[i].roles & 1u << role) != 0 &&
		    !add(ctx, SCMP_ACT_ALLOW, plain[i].call, 0, NULL))
			return false;
	for (i = 0; i < NELEM(narrow); i++) {
		struct scmp_arg_cmp arg = SCMP_CMP(narrow[i].arg, SCMP_CMP_MASKED_EQ,
		    narrow[i].mask, narrow[i].value);

		if ((narrow[i].roles & 1u << role) != 0 &&
		    !add(ctx, SCMP_ACT_ALLOW, narrow[i].call, 1, &arg))
			return false;
	}
	return add_own_signals(ctx) && (role != ROLE_WORKER || add_options(ctx));
}

/* Of the master, and with tools that look inside, only the worst is forbidden. */
static bool
is_wide(enum role role)
{
#ifdef SANDBOX_RELAXED
	(void)role;
	return true;
#else
	return role == ROLE_MASTER;
#endif
}

static bool
fill(scmp_filter_ctx ctx, enum role role)
{
	if (!add_all(ctx, SCMP_ACT_KILL_PROCESS, never, NELEM(never)))
		return false;
	return is_wide(role) ||
	    (add_all(ctx, SCMP_ACT_KILL_PROCESS, not_in_roles, NELEM(not_in_roles)) &&
	    add_allowed(ctx, role));
}

bool
sandbox_calls(enum role role)
{
	scmp_filter_ctx ctx = seccomp_init(is_wide(role) ? SCMP_ACT_ALLOW : SANDBOX_DENIED);
	bool loaded;

	if (ctx == NULL)
		return false;
	/* By another table of calls (32 bits, x32): not only that thread. */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* A binary tree; threads that run already; denials in the kernel's log. */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_LOG, 1);
	loaded = fill(ctx, role) && seccomp_load(ctx) == 0;
	seccomp_release(ctx);
	return loaded;
}

void
sandbox_call_name(int call, char out[SANDBOX_CALL_NAME])
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call);

	if (name != NULL)
		(void)snprintf(out, SANDBOX_CALL_NAME, "%s", name);
	else
		(void)snprintf(out, SANDBOX_CALL_NAME, "number %d", call);
	free(name);
}
