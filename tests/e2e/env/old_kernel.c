/* SPDX-License-Identifier: ISC */
/*
 * old_kernel.c - runs a program on a kernel that seems to be an old one: calls that it did
 * not have are no calls (ENOSYS), and what it did not know it refuses.
 *
 *	old_kernel FIRST-MISSING-CALL PROGRAM...
 *
 * Calls have the same numbers everywhere from 424 on, in the order in which they came.
 * With -DPRELOAD a library instead, for kernels whose Landlock is that of $MITMD_TEST_ABI.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef PRELOAD

#define FIRST_MDWE 65		/* prctl(2): PR_SET_MDWE, Linux 6.3, and all later ones ... */
#define FIRST_ODD 0x10000	/* ... but those with numbers like words */
#define SAYS(e) (SECCOMP_RET_ERRNO | (e))
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ARG(n) (offsetof(struct seccomp_data, args) + 8 * (n))

int
main(int argc, char **argv)
{
	unsigned first = argc > 2 ? (unsigned)atoi(argv[1]) : 0;
	struct sock_filter code[] = {
	    LOAD(nr),
	    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first, 8, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARG(0)),
	    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FIRST_ODD, 4, 0),
	    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FIRST_MDWE, 5, 3),
	    /* Without a capability before Linux 6.10. */
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_linkat, 0, 2),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARG(4)),
	    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, AT_EMPTY_PATH, 3, 0),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	    BPF_STMT(BPF_RET | BPF_K, SAYS(ENOSYS)),
	    BPF_STMT(BPF_RET | BPF_K, SAYS(EINVAL)),
	    BPF_STMT(BPF_RET | BPF_K, SAYS(ENOENT)),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	if (first == 0)
		return 2;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == -1) {
		perror("seccomp");
		return 77;
	}
	(void)execv(argv[2], argv + 2);
	perror(argv[2]);
	return 1;
}

#else

#define CREATE_RULESET 444

/* As that ABI has it: how large the structure is, and which rights of files there are. */
static const struct {
	size_t size;
	uint64_t fs;
} known[] = {{0, 0}, {8, (1 << 13) - 1}, {8, (1 << 14) - 1}, {8, (1 << 15) - 1},
    {16, (1 << 15) - 1}, {16, (1 << 16) - 1}, {24, (1 << 16) - 1}};

long
syscall(long number, ...)
{
	static long (*real)(long, ...);
	const char *text = getenv("MITMD_TEST_ABI");
	int abi = text != NULL ? atoi(text) : 0, i;
	va_list ap;
	long a[6];

	va_start(ap, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == CREATE_RULESET && a[0] == 0)
		return abi;
	if (number == CREATE_RULESET && ((size_t)a[1] > known[abi].size ||
	    (*(const uint64_t *)a[0] & ~known[abi].fs) != 0)) {
		errno = (size_t)a[1] > known[abi].size ? E2BIG : EINVAL;
		return -1;
	}
	if (real == NULL)
		real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

#endif
