/* SPDX-License-Identifier: ISC */
/*
 * coding.c - see coding.h.  Each stage decodes into a piece on the stack and
 * hands it to the next one, so the memory of a body in flight is the windows
 * of its decoders: 32 KiB (gzip), 16 MiB at most (br), 8 MiB at most (zstd).
 * Owns: how much all of them may have together.
 * Runs in: worker, tests, fuzzers.
 */
#include "config.h"

#include "har/coding.h"

#include <stddef.h>
#include <stdlib.h>

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"
#include "har/work.h"

#define PIECE (16u << 10)
/* RFC 9659 3: content coded zstd must not need a window above 8 MiB. */
#define ZSTD_WINDOW_LOG 23
#define WINDOW_LARGE (256u << 10)
#define INFLATE_BYTES (44u << 10)	/* zlib.h: about 44 KiB */

/* By all decoders of this process. */
static size_t all_held, all_max = SIZE_MAX;

struct stage {
	enum coding_id id;
	bool started;
	bool ended;		/* the stream's own end was seen */
	uint8_t head[2];	/* first bytes of deflate, to tell zlib's from raw */
	uint8_t nhead;
	size_t held;
	size_t prepaid;		/* of what comes out */
	union {
		z_stream z;
		BrotliDecoderState *br;
		ZSTD_DStream *zstd;
	};
};

struct coding {
	struct coding_sink sink;
	bool fed;
	uint8_t n;
	struct stage stages[CODING_DEPTH];	/* the last coding applied comes off first */
};

static int deliver(struct coding *, unsigned next, const uint8_t *p, size_t n);

/* ---- memory ---- */

void
coding_memory(size_t max)
{
	all_max = max;
}

size_t
coding_held(const struct coding *c)
{
	size_t sum = 0;
	unsigned i;

	for (i = 0; c != NULL && i < c->n; i++)
		sum += c->stages[i].held;
	return sum;
}

/* It has n bytes now; false: that is more than there is. */
static bool
hold(struct stage *s, size_t n)
{
	all_held = all_held - s->held + n;
	s->held = n;
	return all_held <= all_max;
}

struct block {
	size_t n;
	max_align_t bytes[];
};

/*
 * What goes into a window comes out when that is full, 16 MiB later: it is paid for
 * now, and not once more then.
 */
static void *
br_alloc(void *stage, size_t n)
{
	struct stage *s = stage;
	struct block *b;

	if (!hold(s, s->held + n) || (n >= WINDOW_LARGE && !work_spend(n))) {
		(void)hold(s, s->held - n);
		return NULL;
	}
	if (n >= WINDOW_LARGE)
		s->prepaid += n;
	b = mem_alloc(sizeof(*b) + n);
	b->n = n;
	return b->bytes;
}

static void
br_free(void *stage, void *p)
{
	struct stage *s = stage;
	struct block *b;

	if (p == NULL)
		return;
	b = (struct block *)((char *)p - offsetof(struct block, bytes));
	(void)hold(s, s->held - b->n);
	free(b);
}

/* ---- names ---- */

static bool
coding_by_name(struct str name, enum coding_id *out)
{
	static const struct {
		struct str name;
		enum coding_id id;
	} names[] = {
		{{"gzip", 4}, CODING_GZIP},
		{{"x-gzip", 6}, CODING_GZIP},
		{{"br", 2}, CODING_BR},
		{{"zstd", 4}, CODING_ZSTD},
		{{"deflate", 7}, CODING_DEFLATE},
		{{"identity", 8}, CODING_IDENTITY},
	};
	size_t i;

	for (i = 0; i < NELEM(names); i++) {
		if (str_ieq(name, names[i].name)) {
			*out = names[i].id;
			return true;
		}
	}
	return false;
}

int
coding_parse(struct str list, struct coding_list *out)
{
	enum coding_id id;
	struct str name;

	out->n = 0;
	while (str_list_next(&list, &name)) {
		if (!coding_by_name(name, &id))
			return ERR_UNSUPPORTED;
		if (id == CODING_IDENTITY)
			continue;
		if (out->n == CODING_DEPTH)
			return ERR_LIMIT;
		out->v[out->n++] = id;
	}
	return 0;
}

struct coding *
coding_new(const struct coding_list *list, struct coding_sink sink)
{
	struct coding *c = mem_new(struct coding);
	unsigned i;

	c->sink = sink;
	c->n = list->n;
	for (i = 0; i < list->n; i++)
		c->stages[i].id = list->v[list->n - 1 - i];
	return c;
}

static void
stage_free(struct stage *s)
{
	if (!s->started)
		return;
	switch (s->id) {
	case CODING_BR:
		BrotliDecoderDestroyInstance(s->br);
		break;
	case CODING_ZSTD:
		(void)ZSTD_freeDStream(s->zstd);
		break;
	default:
		(void)inflateEnd(&s->z);
		break;
	}
	(void)hold(s, 0);
	s->started = false;
}

void
coding_free(struct coding **cp)
{
	struct coding *c = *cp;
	unsigned i;

	if (c == NULL)
		return;
	for (i = 0; i < c->n; i++)
		stage_free(&c->stages[i]);
	free(c);
	*cp = NULL;
}

/* ---- gzip and deflate ---- */

static int
inflate_start(struct stage *s, int window_bits)
{
	if (!hold(s, INFLATE_BYTES)) {
		(void)hold(s, 0);
		return ERR_UNAVAILABLE;
	}
	CHECK(inflateInit2(&s->z, window_bits) == Z_OK);
	s->started = true;
	return 0;
}

/*
 * A gzip body may have several members (RFC 1952 2.2); what follows the last
 * one and is none is padding that nobody shows.
 */
static int
inflate_run(struct coding *c, unsigned i, const uint8_t *p, size_t n)
{
	struct stage *s = &c->stages[i];
	uint8_t out[PIECE];
	int r, err;

	s->z.next_in = (Bytef *)(uintptr_t)p;
	s->z.avail_in = (uInt)n;
	for (;;) {
		if (s->ended) {
			if (s->z.avail_in == 0 || s->id != CODING_GZIP || *s->z.next_in != 0x1f)
				return 0;
			(void)inflateReset(&s->z);
			s->ended = false;
		}
		s->z.next_out = out;
		s->z.avail_out = sizeof(out);
		/* Z_FINISH: if this is all of it, it is not copied into a window first. */
		r = inflate(&s->z, Z_FINISH);
		if (s->z.avail_out < sizeof(out)) {
			err = deliver(c, i + 1, out, sizeof(out) - s->z.avail_out);
			if (err != 0)
				return err;
		}
		if (r == Z_STREAM_END)
			s->ended = true;
		else if (r == Z_BUF_ERROR && s->z.avail_out > 0)
			return 0;	/* wants more input */
		else if (r != Z_OK && r != Z_BUF_ERROR)
			return ERR_SYNTAX;
	}
}

static int
gzip_feed(struct coding *c, unsigned i, const uint8_t *p, size_t n)
{
	int err = 0;

	if (!c->stages[i].started)
		err = inflate_start(&c->stages[i], 15 + 32); /* zlib's header is known by itself */
	return err != 0 ? err : inflate_run(c, i, p, n);
}

/*
 * "deflate" is the zlib format (RFC 9110 8.4.1.2), but some servers send raw
 * deflate data; the two bytes of zlib's header tell which (RFC 1950 2.2).
 */
static int
deflate_feed(struct coding *c, unsigned i, const uint8_t *p, size_t n)
{
	struct stage *s = &c->stages[i];
	int err;

	while (!s->started && n > 0) {
		s->head[s->nhead++] = *p++;
		n--;
		if (s->nhead < 2)
			continue;
		err = inflate_start(s, (s->head[0] & 0x8f) == 0x08 &&
		    (s->head[0] << 8 | s->head[1]) % 31 == 0 ? 15 : -15);
		if (err == 0)
			err = inflate_run(c, i, s->head, 2);
		if (err != 0)
			return err;
	}
	return n > 0 ? inflate_run(c, i, p, n) : 0;
}

/* ---- br ---- */

/* Their number is negative: formats first, then what it had no memory for. */
static int
br_error(const struct stage *s)
{
	BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(s->br);

	return code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
	    code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES ? ERR_UNAVAILABLE : ERR_SYNTAX;
}

/* What the last of the decoders makes is what is counted. */
static void
came_out(struct coding *c, unsigned i, size_t n)
{
	struct stage *s = &c->stages[i];
	size_t paid = MIN(n, s->prepaid);

	if (i + 1 < c->n)
		return;
	s->prepaid -= paid;
	work_give_back(paid);
}

static int
br_feed(struct coding *c, unsigned i, const uint8_t *p, size_t n)
{
	struct stage *s = &c->stages[i];
	uint8_t piece[PIECE], *out;
	size_t left;
	BrotliDecoderResult r;
	int err;

	if (!s->started) {
		s->br = BrotliDecoderCreateInstance(br_alloc, br_free, s);
		if (s->br == NULL)
			return ERR_UNAVAILABLE;
		s->started = true;
	}
	while (!s->ended) {
		out = piece;
		left = sizeof(piece);
		r = BrotliDecoderDecompressStream(s->br, &n, &p, &left, &out, NULL);
		if (left < sizeof(piece)) {
			came_out(c, i, sizeof(piece) - left);
			err = deliver(c, i + 1, piece, sizeof(piece) - left);
			if (err != 0)
				return err;
		}
		if (r == BROTLI_DECODER_RESULT_ERROR)
			return br_error(s);
		if (r == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT)
			return 0;
		s->ended = r == BROTLI_DECODER_RESULT_SUCCESS;
	}
	came_out(c, i, s->prepaid);	/* so much was not made */
	return 0;
}

/* ---- zstd ---- */

static int
zstd_feed(struct coding *c, unsigned i, const uint8_t *p, size_t n)
{
	struct stage *s = &c->stages[i];
	ZSTD_inBuffer in = {p, n, 0};
	uint8_t piece[PIECE];
	size_t r;
	int err;

	if (!s->started) {
		s->zstd = ZSTD_createDStream();
		CHECK(s->zstd != NULL);
		s->started = true;
		r = ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
		CHECK(!ZSTD_isError(r));
	}
	for (;;) {
		ZSTD_outBuffer out = {piece, sizeof(piece), 0};

		r = ZSTD_decompressStream(s->zstd, &out, &in);
		if (out.pos > 0) {
			err = deliver(c, i + 1, piece, out.pos);
			if (err != 0)
				return err;
		}
		if (ZSTD_isError(r))
			return ERR_SYNTAX;
		if (!hold(s, ZSTD_sizeof_DStream(s->zstd)))
			return ERR_UNAVAILABLE;
		s->ended = r == 0;	/* of a frame; another may follow (RFC 8878 3) */
		if (in.pos == in.size && (out.pos < out.size || s->ended))
			return 0;
	}
}

/* ---- all of them ---- */

static int
stage_feed(struct coding *c, unsigned i, const uint8_t *p, size_t n)
{
	switch (c->stages[i].id) {
	case CODING_GZIP:
		return gzip_feed(c, i, p, n);
	case CODING_DEFLATE:
		return deflate_feed(c, i, p, n);
	case CODING_BR:
		return br_feed(c, i, p, n);
	case CODING_ZSTD:
		return zstd_feed(c, i, p, n);
	case CODING_IDENTITY:
		break;
	}
	return deliver(c, i + 1, p, n);
}

static int
deliver(struct coding *c, unsigned next, const uint8_t *p, size_t n)
{
	int err = c->sink.work(c->sink.arg, n);

	if (err != 0)
		return err;
	return next < c->n ? stage_feed(c, next, p, n) : c->sink.put(c->sink.arg, p, n);
}

int
coding_feed(struct coding *c, const uint8_t *p, size_t n)
{
	size_t k;
	int err = 0;

	c->fed = c->fed || n > 0;
	for (; n > 0 && err == 0; p += k, n -= k) {
		k = MIN(n, (size_t)1 << 30);	/* zlib counts in unsigned int */
		err = stage_feed(c, 0, p, k);
	}
	return err;
}

bool
coding_complete(const struct coding *c)
{
	unsigned i;

	for (i = 0; c->fed && i < c->n; i++)
		if (!c->stages[i].ended)
			return false;
	return true;
}
