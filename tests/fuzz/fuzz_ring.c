/* SPDX-License-Identifier: ISC */
/*
 * fuzz_ring.c - a ring that a hostile worker filled.  Input: where the position
 * stands beyond the bytes that follow (one byte, signed, in steps of 8), then
 * the ring's bytes.  Whatever the reader hands out has to be readable and
 * within the bounds that it promises.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "recorder/pieces.h"
#include "shm/receipts.h"

#define HEAD_BYTES 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct receipts *receipts;
static int ring, spill;
static uint8_t *map;

static void
setup(void)
{
	struct errmsg err;

	receipts = receipts_create(&err);
	ring = ring_create(0, &err);
	CHECK(receipts != NULL && ring != -1);
	map = mmap(NULL, HEAD_BYTES + RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ring, 0);
	CHECK(map != MAP_FAILED);
	spill = memfd_create("spill", 0);
}

static void
read_entry(const struct ring_entry *e)
{
	static char bytes[65536];
	struct pieces p;
	uint64_t n = 0;
	ssize_t got = 0;

	CHECK(ring_tag_ok(e->tag) && e->text.n > 0 && e->text.n <= RING_TEXT_MAX);
	if (pieces_init(&p, e, spill, 1u << 20) != 0)
		return;
	while (n <= p.total && (got = pieces_read(&p, bytes, sizeof(bytes))) > 0)
		n += (uint64_t)got;
	CHECK(got < 0 || n == p.total);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ring_reader *reader;
	struct ring_entry e;
	struct errmsg err;
	uint64_t written;

	if (receipts == NULL)
		setup();
	if (size < 1 || size - 1 > RING_BYTES)
		return 0;
	written = ((size - 1 + 7) & ~7ull) + (uint64_t)(int64_t)((int8_t)data[0] * 8);
	memset(map + HEAD_BYTES, 0, 4096);
	memcpy(map + HEAD_BYTES, data + 1, size - 1);
	memcpy(map, &written, sizeof(written));
	receipts_reset(receipts, 0);
	reader = ring_reader_new(ring, receipts, 0, &err);
	CHECK(reader != NULL);
	while (ring_next(reader, &e) == 0) {
		CHECK(ring_reader_pos(reader) <= written);
		read_entry(&e);
	}
	ring_reader_free(&reader);
	return 0;
}
