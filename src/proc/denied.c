/* SPDX-License-Identifier: ISC */
/* denied.c - see denied.h.  Runs in: every role. */
#include "config.h"

#include "proc/denied.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <ucontext.h>

#include "proc/counters.h"

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1	/* the kernel's contract; glibc does not have it */
#endif

/* In the counters: 16 bits each, the newest lowest; 0 is none, else the number and one. */
#define KIND_BITS 16
#define KIND_MAX ((1 << KIND_BITS) - 1)

static struct counters *counted;	/* NULL: nobody is told */

static uint64_t
kind_at(uint64_t latest, unsigned i)
{
	return latest >> KIND_BITS * i & KIND_MAX;
}

/* ---- the handler: any thread, at any system call; it makes none itself ---- */

/* What the call returns: the kernel's way, errno is made of it behind. */
#if defined(__x86_64__) && defined(__LP64__)
#define KNOWN_MACHINE 1
static void
set_result(ucontext_t *at, int result)
{
	at->uc_mcontext.gregs[REG_RAX] = result;
}
#elif defined(__aarch64__)
#define KNOWN_MACHINE 1
static void
set_result(ucontext_t *at, int result)
{
	at->uc_mcontext.regs[0] = (uint64_t)(int64_t)result;
}
#endif

#ifdef KNOWN_MACHINE

static void
note_kind(uint64_t kind)
{
	uint64_t was = counter_get(&counted->denied_latest);
	unsigned i;

	do {
		for (i = 0; i < DENIED_LATEST; i++)
			if (kind_at(was, i) == kind)
				return;
	} while (!atomic_compare_exchange_weak_explicit(&counted->denied_latest, &was,
	    was << KIND_BITS | kind, memory_order_relaxed, memory_order_relaxed));
}

static void
on_denied(int number UNUSED, siginfo_t *info, void *context)
{
	/*
	 * Somebody else sent the signal; or there is no call any more, for who traces us
	 * has taken it away (strace -e inject) and set its result.
	 */
	if (info->si_code != SYS_SECCOMP || info->si_syscall < 0)
		return;
	set_result(context, -EPERM);
	/* Not counter_add(): threads of the process may be here together. */
	(void)atomic_fetch_add_explicit(&counted->denied_calls, 1, memory_order_relaxed);
	(void)atomic_fetch_add_explicit(&counted->denied_now, 1, memory_order_relaxed);
	note_kind(info->si_syscall < KIND_MAX ? (uint64_t)info->si_syscall + 1 : KIND_MAX);
}

void
denied_watch(struct counters *mine)
{
	struct sigaction action = {.sa_sigaction = on_denied, .sa_flags = SA_SIGINFO};

	counted = mine;
	if (sigaction(SIGSYS, &action, NULL) == -1)
		counted = NULL;
}

#else

void
denied_watch(struct counters *mine UNUSED)
{
}

#endif

bool
denied_watched(void)
{
	return counted != NULL;
}

unsigned
denied_latest(const struct counters *of, int calls[DENIED_LATEST])
{
	uint64_t latest = counter_get(&of->denied_latest);
	unsigned n;

	for (n = 0; n < DENIED_LATEST && kind_at(latest, n) != 0; n++)
		calls[n] = (int)kind_at(latest, n) - 1;
	return n;
}
