/* SPDX-License-Identifier: ISC */
/*
 * attr.h - what the compiler is told about functions, and the check that
 * stays in every build.
 */
#ifndef MITMD_BASE_ATTR_H
#define MITMD_BASE_ATTR_H

#define NONNULL(...) __attribute__((nonnull(__VA_ARGS__)))
#define MUSTCHECK __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/*
 * A bug ends the process (the master restarts it); CHECK is never compiled out.
 */
#define CHECK(cond)                                                                       \
	do {                                                                              \
		if (UNLIKELY(!(cond)))                                                    \
			check_failed(#cond, __FILE__, __LINE__);                          \
	} while (0)

void check_failed(const char *cond, const char *file, int line) NORETURN;

#endif
