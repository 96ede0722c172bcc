/* SPDX-License-Identifier: ISC */
/* vault.c - see vault.h.  Runs in: signer. */
#include "config.h"

#include "signer/vault.h"

#include <openssl/crypto.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/fd.h"
#include "proc/sandbox.h"

#define VAULT_BYTES (256u << 10)
#define SMALLEST 32		/* bytes of one allocation */

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447	/* the same everywhere, Linux 5.14 */
#endif

static int
secret_memory(void)
{
	int fd = (int)syscall(SYS_memfd_secret, (unsigned)0);

	if (fd != -1 && ftruncate(fd, VAULT_BYTES) == -1)
		fd_close(&fd);
	return fd;
}

/*
 * The secure heap is asked for all it has: while that is lent to us nothing of the
 * heap's own lies in it, and its pages can be exchanged for better ones.
 */
static bool
exchange_pages(void)
{
	void *all = OPENSSL_secure_malloc(VAULT_BYTES), *map = MAP_FAILED;
	long page = sysconf(_SC_PAGESIZE);
	int fd = -1;

	if (all != NULL && page > 0 && (uintptr_t)all % (unsigned long)page == 0 &&
	    OPENSSL_secure_actual_size(all) == VAULT_BYTES)
		fd = secret_memory();
	if (fd != -1)
		map = mmap(NULL, VAULT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	/* Made first and then moved there: a limit that is met leaves the heap as it was. */
	if (map != MAP_FAILED)
		CHECK(mremap(map, VAULT_BYTES, VAULT_BYTES, MREMAP_MAYMOVE | MREMAP_FIXED,
		    all) == all);
	fd_close(&fd);
	OPENSSL_secure_free(all);
	return map != MAP_FAILED;
}

uint64_t
vault_open(void)
{
	/* 2: made, but the right to lock it is missing; it is still in no dump. */
	int made = CRYPTO_secure_malloc_init(VAULT_BYTES, SMALLEST);

	if (made == 0)
		return 0;
	if (exchange_pages())
		return WALL_LOCKED_KEYS | WALL_SECRET_KEYS;
	return made == 1 ? WALL_LOCKED_KEYS : 0;
}
