/* SPDX-License-Identifier: ISC */
/* fuzz_sniff.c - the first bytes of a tunnel: a verdict stays, whatever follows. */
#include "config.h"

#include <stdlib.h>

#include "base/mem.h"
#include "worker/sniff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum sniffed before = SNIFF_MORE;
	size_t n, last = MIN(size, (size_t)300);

	for (n = 0; n <= last; n++) {
		uint8_t *exact = mem_dup(data, n);
		enum sniffed now = sniff(exact, n);

		free(exact);
		CHECK(before == SNIFF_MORE || now == before);
		before = now;
	}
	(void)sniff(data, size);
	return 0;
}
