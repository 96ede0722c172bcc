/* SPDX-License-Identifier: ISC */
/*
 * ring.c - see ring.h.  Runs in: master (create), worker (write), recorder (read).
 *
 * The memfd is one head block, the data area, which both sides map twice in a
 * row, so that an entry never wraps, and the table of open flows.  Positions count bytes and never fall; the data
 * area's size is a power of two, so the offset is their low bits.  The worker
 * may write anything anywhere in it at any time: the reader believes nothing
 * that it has not copied first.
 */
#include "config.h"

#include "shm/ring.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "shm/open_flows.h"
#include "shm/receipts.h"

#define MAP_BYTES ((size_t)RING_HEAD_BYTES + 2 * (size_t)RING_BYTES)
#define FILE_BYTES ((size_t)RING_OPEN_FLOWS_AT + OPEN_FLOWS_BYTES)
#define ALIGNMENT 8u
#define TELL_BYTES (256u << 10)
#define RECORD_MAGIC 0x6d52u

_Static_assert((RING_BYTES & (RING_BYTES - 1)) == 0, "offsets are the low bits of positions");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "positions are shared between processes");

struct head {
	_Atomic uint64_t written;
};

struct record {
	uint32_t size;		/* all of it, padding included */
	uint32_t text_len;
	uint16_t magic;
	uint8_t tag_len, ninserts;
	uint32_t unused;
	struct ring_insert inserts[RING_INSERTS_MAX];
	char tag[RING_TAG_MAX];
	/* extent numbers, then the text */
};

struct ring_writer {
	uint8_t *map;
	int wake_fd;
	const struct receipts *receipts;
	unsigned slot;
	uint64_t written, told;
};

struct ring_reader {
	const uint8_t *map;
	struct receipts *receipts;
	unsigned slot;
	uint64_t pos;
	struct record record;	/* of the entry handed out last */
	uint8_t *body;
	size_t cap;
};

static bool
tag_char(char c, bool first)
{
	char l = ascii_lower(c);

	if ((l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '_')
		return true;
	return !first && (c == '.' || c == '-');
}

bool
ring_tag_ok(struct str tag)
{
	size_t i;

	if (tag.n == 0 || tag.n > RING_TAG_MAX)
		return false;
	for (i = 0; i < tag.n; i++)
		if (!tag_char(tag.p[i], i == 0))
			return false;
	return true;
}

int
ring_create(unsigned slot, struct errmsg *err)
{
	int fd = memfd_create("mitmd-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd != -1 && ftruncate(fd, (off_t)FILE_BYTES) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		return fd;
	(void)errmsg_sys(err, "cannot make the ring of slot %u", slot);
	fd_close(&fd);
	return -1;
}

static uint8_t *
map_twice(int fd, int prot, struct errmsg *err)
{
	const size_t once = (size_t)RING_HEAD_BYTES + RING_BYTES;
	uint8_t *map;

	/* Reserved first, so that nothing else can come to lie between the two. */
	map = mmap(NULL, MAP_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
	    0);
	if (map == MAP_FAILED)
		goto fail;
	if (mmap(map, once, prot, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED ||
	    mmap(map + once, RING_BYTES, prot, MAP_SHARED | MAP_FIXED, fd, RING_HEAD_BYTES) ==
	    MAP_FAILED) {
		(void)munmap(map, MAP_BYTES);
		goto fail;
	}
	return map;
fail:
	(void)errmsg_sys(err, "cannot map a ring");
	return NULL;
}

static uint64_t
load_written(const uint8_t *map)
{
	return atomic_load_explicit(&((const struct head *)map)->written, memory_order_acquire);
}

/* ---- worker ---- */

struct ring_writer *
ring_writer_new(int ring_fd, int wake_fd, const struct receipts *receipts, unsigned slot,
    struct errmsg *err)
{
	uint8_t *map = map_twice(ring_fd, PROT_READ | PROT_WRITE, err);
	struct ring_writer *w;

	if (map == NULL)
		return NULL;
	CHECK(slot < RING_SLOTS);
	w = mem_new(struct ring_writer);
	w->map = map;
	w->wake_fd = wake_fd;
	w->receipts = receipts;
	w->slot = slot;
	w->written = w->told = load_written(map);
	return w;
}

void
ring_writer_free(struct ring_writer **wp)
{
	struct ring_writer *w = *wp;

	*wp = NULL;
	if (w == NULL)
		return;
	(void)munmap(w->map, MAP_BYTES);
	free(w);
}

static size_t
record_size(size_t nextents, size_t text_len)
{
	size_t n = sizeof(struct record) + nextents * sizeof(uint32_t) + text_len;

	return (n + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

static size_t
count_extents(const struct ring_insert *inserts, size_t n)
{
	size_t i, sum = 0;

	for (i = 0; i < n; i++)
		sum += inserts[i].nextents;
	return sum;
}

static void
put_record(uint8_t *at, size_t size, const struct ring_entry *e)
{
	struct record record = {.size = (uint32_t)size, .text_len = (uint32_t)e->text.n,
	    .magic = RECORD_MAGIC, .tag_len = (uint8_t)e->tag.n,
	    .ninserts = (uint8_t)e->ninserts};
	size_t i;

	memcpy(record.inserts, e->inserts, e->ninserts * sizeof(e->inserts[0]));
	memcpy(record.tag, e->tag.p, e->tag.n);
	memcpy(at, &record, sizeof(record));
	at += sizeof(record);
	for (i = 0; i < e->ninserts; i++) {
		size_t n = e->inserts[i].nextents * sizeof(uint32_t);

		if (n > 0)
			memcpy(at, e->extents[i], n);
		at += n;
	}
	memcpy(at, e->text.p, e->text.n);
}

int
ring_put(struct ring_writer *w, const struct ring_entry *e, _Atomic uint64_t *announce,
    uint64_t *out_pos)
{
	struct head *head = (struct head *)w->map;
	size_t nextents, size;

	CHECK(ring_tag_ok(e->tag) && e->ninserts <= RING_INSERTS_MAX);
	nextents = count_extents(e->inserts, e->ninserts);
	if (e->text.n == 0 || e->text.n > RING_TEXT_MAX || nextents > RING_EXTENTS_MAX)
		return ERR_LIMIT;
	size = record_size(nextents, e->text.n);
	if (RING_BYTES - (w->written - ring_taken(w)) < size)
		return ERR_AGAIN;
	put_record(w->map + RING_HEAD_BYTES + (w->written & (RING_BYTES - 1)), size, e);
	w->written += size;
	if (announce != NULL)
		atomic_store_explicit(announce, w->written, memory_order_release);
	atomic_store_explicit(&head->written, w->written, memory_order_release);
	*out_pos = w->written;
	if (w->written - w->told >= TELL_BYTES)
		ring_kick(w);
	return 0;
}

void
ring_kick(struct ring_writer *w)
{
	uint64_t one = 1;

	if (w->told == w->written)
		return;
	/* EAGAIN means that the count is full: the recorder will wake in any case. */
	(void)!write(w->wake_fd, &one, sizeof(one));
	w->told = w->written;
}

bool
ring_untold(const struct ring_writer *w)
{
	return w->told != w->written;
}

uint64_t
ring_taken(const struct ring_writer *w)
{
	return receipts_taken(w->receipts, w->slot);
}

uint64_t
ring_written(const struct ring_writer *w)
{
	return w->written;
}

bool
ring_refused(const struct ring_writer *w)
{
	return receipts_refused(w->receipts);
}

/* ---- recorder ---- */

struct ring_reader *
ring_reader_new(int ring_fd, struct receipts *receipts, unsigned slot, struct errmsg *err)
{
	const uint8_t *map;
	struct ring_reader *r;
	struct stat st;

	/* Reading past the end of a file that is too short would be a SIGBUS. */
	if (slot >= RING_SLOTS || fstat(ring_fd, &st) == -1 ||
	    st.st_size != (off_t)FILE_BYTES ||
	    (fcntl(ring_fd, F_GET_SEALS) & F_SEAL_SHRINK) == 0) {
		(void)errmsg_set(err, "the descriptor for slot %u is no ring", slot);
		return NULL;
	}
	map = map_twice(ring_fd, PROT_READ, err);
	if (map == NULL)
		return NULL;
	r = mem_new(struct ring_reader);
	r->map = map;
	r->receipts = receipts;
	r->slot = slot;
	r->pos = receipts_taken(receipts, slot);
	return r;
}

void
ring_reader_free(struct ring_reader **rp)
{
	struct ring_reader *r = *rp;

	*rp = NULL;
	if (r == NULL)
		return;
	(void)munmap((void *)(uintptr_t)r->map, MAP_BYTES);
	free(r->body);
	free(r);
}

static bool
inserts_ok(const struct record *rec)
{
	uint64_t nextents = 0;
	uint32_t at = 0;
	size_t i;

	for (i = 0; i < rec->ninserts; i++) {
		if (rec->inserts[i].at < at || rec->inserts[i].at > rec->text_len)
			return false;
		at = rec->inserts[i].at;
		nextents += rec->inserts[i].nextents;
	}
	return nextents <= RING_EXTENTS_MAX;
}

static bool
record_ok(const struct record *rec, uint64_t avail)
{
	if (rec->magic != RECORD_MAGIC || rec->ninserts > RING_INSERTS_MAX ||
	    rec->text_len == 0 || rec->text_len > RING_TEXT_MAX || rec->tag_len > RING_TAG_MAX)
		return false;
	if (!ring_tag_ok(str_of(rec->tag, rec->tag_len)) || !inserts_ok(rec))
		return false;
	return rec->size <= avail &&
	    rec->size == record_size(count_extents(rec->inserts, rec->ninserts), rec->text_len);
}

static void
copy_body(struct ring_reader *r, const uint8_t *from)
{
	size_t n = r->record.size - sizeof(struct record);

	if (n > r->cap) {
		free(r->body);
		r->body = mem_alloc(n);
		r->cap = n;
	}
	memcpy(r->body, from, n);
}

static void
fill_entry(const struct ring_reader *r, struct ring_entry *out)
{
	const struct record *rec = &r->record;
	const uint32_t *extents = (const void *)r->body;
	size_t i;

	out->tag = str_of(rec->tag, rec->tag_len);
	out->ninserts = rec->ninserts;
	for (i = 0; i < rec->ninserts; i++) {
		out->inserts[i] = rec->inserts[i];
		out->extents[i] = extents;
		extents += rec->inserts[i].nextents;
	}
	out->text = str_of(extents, rec->text_len);
}

int
ring_next(struct ring_reader *r, struct ring_entry *out)
{
	uint64_t avail = load_written(r->map) - r->pos;
	const uint8_t *at = r->map + RING_HEAD_BYTES + (r->pos & (RING_BYTES - 1));

	if (avail == 0)
		return ERR_AGAIN;
	/* A position that fell shows as an enormous difference. */
	if (avail > RING_BYTES || avail < sizeof(r->record) || avail % ALIGNMENT != 0)
		return ERR_SYNTAX;
	memcpy(&r->record, at, sizeof(r->record));
	if (!record_ok(&r->record, avail))
		return ERR_SYNTAX;
	copy_body(r, at + sizeof(r->record));
	r->pos += r->record.size;
	fill_entry(r, out);
	return 0;
}

void
ring_rewind(struct ring_reader *r)
{
	r->pos = receipts_taken(r->receipts, r->slot);
}

uint64_t
ring_reader_pos(const struct ring_reader *r)
{
	return r->pos;
}

uint64_t
ring_reader_written(const struct ring_reader *r)
{
	return load_written(r->map);
}

void
ring_receipt(struct ring_reader *r, uint64_t pos)
{
	receipts_take(r->receipts, r->slot, pos);
}
