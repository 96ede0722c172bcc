/* SPDX-License-Identifier: ISC */
/*
 * store.c - see store.h.  While bytes are in memory they stay as they are;
 * when they have to go to the spill, what was seen so far decides between
 * text and base64.  Text that turns out to be binary later is continued raw
 * in a second run, and recoded in slices at the end.
 * Runs in: worker, tests, fuzzers.
 */
#include "config.h"

#include "har/store.h"

#include <string.h>

#include "base/err.h"
#include "har/json.h"
#include "har/utf8.h"

#define PIECE (8u << 10)	/* decoded bytes turned into text at once */
#define STAGE (64u << 10)	/* text written at once */
#define STEP (256u << 10)	/* recoded in one call of store_step() */

void
store_init(struct store *s, uint64_t max, size_t memory, struct spill *spill, bool text_allowed)
{
	*s = (struct store){.max = max, .memory = memory, .spill = spill,
	    .staged = MIN(memory, (size_t)STAGE), .text_allowed = text_allowed};
}

void
store_free(struct store *s)
{
	spill_release(&s->run);
	spill_release(&s->tail);
	spill_release(&s->recoded);
	buf_free(&s->raw);
	buf_free(&s->stage);
}

static void
fill(struct store *s, const char *why)
{
	s->full = true;
	s->why = why;
}

/* What is staged goes to r; false (and the store is full) when there is no room. */
static bool
flush(struct store *s, struct spill_run *r)
{
	int err = s->stage.len > 0
	    ? spill_write(s->spill, r, buf_data(&s->stage), s->stage.len) : 0;

	buf_clear(&s->stage);
	if (err == 0)
		s->kept += s->pending;
	s->pending = 0;
	if (err != 0) {
		s->failed = true;
		fill(s, err == ERR_LIMIT ? "no room for large bodies" : "the spool is full");
	}
	return err == 0;
}

static bool
flush_full(struct store *s, struct spill_run *r)
{
	return s->stage.len < s->staged || flush(s, r);
}

static uint8_t *
stage_room(struct store *s, size_t n)
{
	uint8_t *at;

	if (s->stage.mem == NULL)
		CHECK(buf_reserve(&s->stage, s->staged + JSON_ESCAPE_ROOM(PIECE)) != NULL);
	at = buf_reserve(&s->stage, n);
	CHECK(at != NULL);
	return at;
}

static bool
put_raw(struct store *s, const uint8_t *p, size_t n)
{
	size_t k;
	bool ok = true;

	for (; n > 0 && ok; p += k, n -= k) {
		k = MIN(n, (size_t)STAGE);
		memcpy(stage_room(s, k), p, k);
		buf_commit(&s->stage, k);
		s->pending += k;
		ok = flush_full(s, &s->tail);
	}
	return ok;
}

static bool
put_base64(struct store *s, struct spill_run *r, const uint8_t *p, size_t n)
{
	size_t k;
	bool ok = true;

	for (; n > 0 && ok; p += k, n -= k) {
		k = MIN(n, (size_t)PIECE);
		buf_commit(&s->stage,
		    base64_feed(&s->b64, (char *)stage_room(s, BASE64_ROOM(k)), p, k));
		s->pending += k;
		ok = flush_full(s, r);
	}
	return ok;
}

static bool
put_escaped(struct store *s, const uint8_t *p, size_t n)
{
	buf_commit(&s->stage, json_escape((char *)stage_room(s, JSON_ESCAPE_ROOM(n)), p, n));
	s->pending += n;
	return flush_full(s, &s->run);
}

static bool
turn(struct store *s, const uint8_t *p, size_t n)
{
	if (!flush(s, &s->run))
		return false;
	s->state = STORE_TURNED;
	s->turned_at = s->kept;
	if (!put_raw(s, s->carry, s->ncarry))
		return false;
	s->ncarry = 0;
	return put_raw(s, p, n);
}

/* Completes the sequence that began in an earlier piece; *used of p's bytes went into it. */
static bool
put_carry(struct store *s, const uint8_t *p, size_t n, size_t *used)
{
	int len = -1;

	for (*used = 0; len < 0 && *used < n; len = utf8_sequence(s->carry, s->ncarry))
		s->carry[s->ncarry++] = p[(*used)++];
	if (len < 0)
		return true;	/* still not whole */
	if (len == 0 || utf8_text(s->carry, (size_t)len) == 0)
		return false;
	s->ncarry = 0;
	return put_escaped(s, s->carry, (size_t)len);
}

static void
put_text(struct store *s, const uint8_t *p, size_t n)
{
	size_t k;

	if (s->ncarry > 0) {
		if (!put_carry(s, p, n, &k)) {
			if (!s->full)
				(void)turn(s, p + k, n - k);
			return;
		}
		p += k;
		n -= k;
	}
	while (n > 0) {
		k = utf8_text(p, MIN(n, (size_t)PIECE));
		if (k == 0 && utf8_sequence(p, n) < 0) {
			memcpy(s->carry, p, n);
			s->ncarry = (uint8_t)n;
			return;
		}
		if (k == 0) {
			(void)turn(s, p, n);
			return;
		}
		if (!put_escaped(s, p, k))
			return;
		p += k;
		n -= k;
	}
}

static void
put_spilled(struct store *s, const uint8_t *p, size_t n)
{
	if (s->state == STORE_TEXT)
		put_text(s, p, n);
	else if (s->state == STORE_BASE64)
		(void)put_base64(s, &s->run, p, n);
	else
		(void)put_raw(s, p, n);
}

/* All of it is text; with cut, up to a sequence that is not whole at its end. */
static bool
raw_is_text(struct store *s, bool cut, size_t *len)
{
	size_t n = s->raw.len;
	const uint8_t *p;

	*len = 0;
	if (!s->text_allowed || n == 0)
		return s->text_allowed;
	p = buf_data(&s->raw);
	*len = utf8_text(p, n);
	return *len == n || (cut && utf8_sequence(p + *len, n - *len) < 0);
}

/* Memory is full: go on in the spill.  Without room there, memory is what is kept. */
static void
leave_memory(struct store *s)
{
	size_t len;

	if (s->spill == NULL) {
		fill(s, "no room for large bodies");
		return;
	}
	s->kept = 0;
	s->base64 = !raw_is_text(s, true, &len);
	s->state = s->base64 ? STORE_BASE64 : STORE_TEXT;
	put_spilled(s, buf_data(&s->raw), s->raw.len);
	if (!s->full) {
		buf_free(&s->raw);
		return;
	}
	spill_release(&s->run);
	s->state = STORE_MEMORY;
	s->ncarry = 0;
	s->kept = s->raw.len;
}

void
store_put(struct store *s, const uint8_t *p, size_t n)
{
	uint64_t had = s->kept + s->pending + s->ncarry;
	size_t room, k;

	if (s->full || n == 0)
		return;
	room = (size_t)MIN((uint64_t)n, s->max - had);
	if (s->state == STORE_MEMORY) {
		k = MIN(room, s->memory - s->raw.len);
		buf_put(&s->raw, p, k);
		s->kept += k;
		p += k;
		n -= k;
		room -= k;
		if (room > 0)
			leave_memory(s);
	}
	if (room > 0 && !s->full)
		put_spilled(s, p, room);
	if (n > room && !s->full)
		fill(s, "larger than capture.max_body");
}

static int
end_memory(struct store *s, bool cut)
{
	size_t len = 0;

	s->state = STORE_DONE;
	s->base64 = !raw_is_text(s, cut, &len);
	if (!s->base64)
		buf_truncate(&s->raw, len);
	s->kept = s->raw.len;
	return 0;
}

static int
end_spilled(struct store *s)
{
	bool whole_groups = s->state == STORE_BASE64;

	if (whole_groups && !s->failed)
		buf_commit(&s->stage, base64_end(&s->b64, (char *)stage_room(s, 4)));
	(void)flush(s, &s->run);
	if (whole_groups && s->failed)
		s->kept = s->run.len / 4 * 3;
	s->state = STORE_DONE;
	buf_free(&s->stage);
	return 0;
}

int
store_end(struct store *s, bool cut)
{
	cut = cut || s->full;
	if (s->state == STORE_MEMORY)
		return end_memory(s, cut);
	if (s->state == STORE_TEXT && s->ncarry > 0 && !cut)
		(void)turn(s, NULL, 0);
	if (s->state != STORE_TURNED)
		return end_spilled(s);
	(void)flush(s, &s->tail);
	s->kept = 0;	/* counted again while it is recoded */
	return ERR_AGAIN;
}

/* ---- text that turned out to be binary ---- */

/* The next bytes behind at, decoded; how far at moves comes back, or an error. */
static ssize_t
recode_piece(struct store *s)
{
	uint8_t in[PIECE], out[PIECE];
	bool text = s->at < s->run.len;
	const struct spill_run *from = text ? &s->run : &s->tail;
	uint64_t at = text ? s->at : s->at - s->run.len;
	size_t n = (size_t)MIN((uint64_t)sizeof(in), from->len - at), used, len;

	if (n == 0)
		return 0;
	if (spill_read(from, at, in, n) != 0) {
		fill(s, "it could not be read back from the spool");
		return ERR_SYS;
	}
	if (!text)
		return put_base64(s, &s->recoded, in, n) ? (ssize_t)n : ERR_LIMIT;
	len = json_unescape(out, (const char *)in, n, &used);
	return put_base64(s, &s->recoded, out, len) ? (ssize_t)used : ERR_LIMIT;
}

/* When that failed, the text before the first odd byte is what stays. */
static void
recode_done(struct store *s, bool ok)
{
	struct spill_run drop = ok ? s->run : s->recoded;

	if (ok)
		s->run = s->recoded;
	else
		s->kept = s->turned_at;
	s->recoded = (struct spill_run){0};
	spill_release(&drop);
	spill_release(&s->tail);
	buf_free(&s->stage);
	s->base64 = ok;
	s->state = STORE_DONE;
}

int
store_step(struct store *s)
{
	uint64_t until = s->at + STEP;
	ssize_t n = 1;

	if (s->state != STORE_TURNED)
		return 0;
	while (n > 0 && s->at < until) {
		n = recode_piece(s);
		if (n > 0)
			s->at += (uint64_t)n;
	}
	if (n > 0)
		return ERR_AGAIN;
	if (n == 0) {
		buf_commit(&s->stage, base64_end(&s->b64, (char *)stage_room(s, 4)));
		n = flush(s, &s->recoded) ? 0 : ERR_LIMIT;
	}
	recode_done(s, n == 0);
	return 0;
}

void
store_put_text(const struct store *s, struct buf *out)
{
	struct base64 b64 = {0};
	size_t n = s->raw.len, k;
	const uint8_t *p;
	uint8_t *at;

	if (n == 0)
		return;
	p = buf_data(&s->raw);
	if (s->base64) {
		at = buf_reserve(out, BASE64_ROOM(n));
		CHECK(at != NULL);
		k = base64_feed(&b64, (char *)at, p, n);
		buf_commit(out, k + base64_end(&b64, (char *)at + k));
		return;
	}
	for (; n > 0; p += k, n -= k) {
		k = utf8_valid(p, MIN(n, (size_t)PIECE));
		at = buf_reserve(out, JSON_ESCAPE_ROOM(k));
		CHECK(at != NULL);
		buf_commit(out, json_escape((char *)at, p, k));
	}
}
