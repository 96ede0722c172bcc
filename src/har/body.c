/* SPDX-License-Identifier: ISC */
/*
 * body.c - see body.h.  Owns the decoder of a body and what bounds it:
 *
 *   - all stages together make no more than 100 MiB + 200 times what came in;
 *   - once max_body bytes are kept, decoding goes on only to learn the true
 *     size, and only while it is cheap: at most 200 times what came in (or
 *     1 MiB), and at most 16 times max_body (or 1 MiB).
 *
 * Beyond, the decoder is dropped and only bytes on the wire are counted.
 * Runs in: worker, tests, fuzzers.
 */
#include "config.h"

#include "har/body.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "har/coding.h"
#include "har/store.h"
#include "har/work.h"

#define WORK_BASE (UINT64_C(100) << 20)
#define WORK_RATIO 200
#define COUNT_FACTOR 16
#define COUNT_MIN (UINT64_C(1) << 20)

enum mode {
	MODE_PLAIN,	/* what comes is kept */
	MODE_CODED,	/* ... after decoding */
	MODE_STOPPED	/* only counted */
};

struct body {
	enum mode mode;
	bool still_encoded;
	bool broken;		/* the decoder ended before the body did */
	uint64_t wire, size, work;
	uint64_t max_body;
	const char *note;
	struct coding_list codings;
	struct coding *coding;
	struct buf prefix;	/* as received, until something could be decoded */
	bool prefix_cut;
	struct store store;
	struct buf text;	/* see body_text() */
};

static bool
charset_is_text(struct str type)
{
	struct str param, value;

	(void)str_split(&type, ';', &param);
	while (str_split(&type, ';', &param)) {
		param = str_trim(param);
		if (!str_istarts(param, STR("charset=")))
			continue;
		value = str_from(param, sizeof("charset=") - 1);
		if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
			value = str_sub(value, 1, value.n - 2);
		return str_ieq(value, STR("utf-8")) || str_ieq(value, STR("utf8")) ||
		    str_ieq(value, STR("us-ascii")) || str_ieq(value, STR("ascii"));
	}
	return true;
}

struct body *
body_new(const struct body_conf *conf, struct str content_type, struct str content_encoding)
{
	struct body *b = mem_new(struct body);

	b->max_body = conf->max_body;
	b->note = "";
	store_init(&b->store, conf->max_body,
	    conf->memory != 0 ? conf->memory : (size_t)BODY_MEMORY, conf->spill,
	    charset_is_text(content_type));
	if (content_encoding.n > 0 && coding_parse(content_encoding, &b->codings) != 0) {
		b->still_encoded = true;
		b->store.text_allowed = false;
		b->note = "content coding unknown, kept as received";
	}
	b->mode = b->codings.n > 0 && !b->still_encoded ? MODE_CODED : MODE_PLAIN;
	if (b->mode == MODE_PLAIN && conf->expected > 0 && conf->expected <= b->store.memory)
		CHECK(buf_reserve(&b->store.raw, conf->expected) != NULL);
	return b;
}

void
body_free(struct body **bp)
{
	struct body *b = *bp;

	if (b == NULL)
		return;
	coding_free(&b->coding);
	buf_free(&b->prefix);
	buf_free(&b->text);
	store_free(&b->store);
	free(b);
	*bp = NULL;
}

static int
decoded(void *arg, const uint8_t *p, size_t n)
{
	struct body *b = arg;

	b->size += n;
	store_put(&b->store, p, n);
	return 0;
}

static int
worked(void *arg, size_t n)
{
	struct body *b = arg;

	b->work += n;
	if (!work_spend(n))
		return ERR_UNAVAILABLE;
	if (b->work > WORK_BASE + WORK_RATIO * b->wire)
		return ERR_LIMIT;
	if (!b->store.full)
		return 0;
	if (b->work > MAX(COUNT_MIN, WORK_RATIO * b->wire))
		return ERR_LIMIT;
	if (b->size / COUNT_FACTOR > MAX(b->max_body, COUNT_MIN / COUNT_FACTOR))
		return ERR_LIMIT;
	return 0;
}

static void
plain(struct body *b, const uint8_t *p, size_t n)
{
	b->size += n;
	store_put(&b->store, p, n);
}

/* Nothing could be decoded: what came is kept as it came. */
static void
keep_encoded(struct body *b, const char *note)
{
	b->mode = MODE_PLAIN;
	b->still_encoded = true;
	b->note = note;
	b->store.text_allowed = false;
	if (b->prefix.len > 0)
		store_put(&b->store, buf_data(&b->prefix), b->prefix.len);
	b->size = b->prefix.len;
	buf_free(&b->prefix);
	if (b->prefix_cut) {
		b->mode = MODE_STOPPED;
		b->broken = true;
		b->size = b->wire;
	}
}

static void
keep_prefix(struct body *b, const uint8_t *p, size_t n)
{
	size_t k = MIN(n, BODY_MEMORY - b->prefix.len);

	buf_put(&b->prefix, p, k);
	b->prefix_cut = k < n;
}

static const char *
why_kept(int err)
{
	switch (err) {
	case ERR_SYNTAX:
		return "content coding broken, kept as received";
	case ERR_UNAVAILABLE:
		return "no memory or time to decode it, kept as received";
	default:
		return "content coding expands too much, kept as received";
	}
}

static const char *
why_stopped(int err)
{
	switch (err) {
	case ERR_SYNTAX:
		return "content coding broken, the rest could not be decoded";
	case ERR_UNAVAILABLE:
		return "no memory or time to decode the rest";
	default:
		return "content coding expands too much, decoding was given up";
	}
}

static void
coded(struct body *b, const uint8_t *p, size_t n)
{
	struct coding_sink sink = {.put = decoded, .work = worked, .arg = b};
	int err;

	if (b->coding == NULL)
		b->coding = coding_new(&b->codings, sink);
	work_earn(n);
	err = coding_feed(b->coding, p, n);
	if (b->size > 0)
		buf_free(&b->prefix);
	else if (!b->prefix_cut)
		keep_prefix(b, p, n);
	if (err == 0)
		return;
	coding_free(&b->coding);
	if (b->size == 0) {
		keep_encoded(b, why_kept(err));
		return;
	}
	b->mode = MODE_STOPPED;
	b->broken = true;
	b->note = why_stopped(err);
}

void
body_feed(struct body *b, const uint8_t *p, size_t n)
{
	if (n == 0)
		return;
	b->wire += n;
	if (b->mode == MODE_PLAIN)
		plain(b, p, n);
	else if (b->mode == MODE_CODED)
		coded(b, p, n);
	else if (b->still_encoded)
		b->size = b->wire;
}

int
body_end(struct body *b, bool whole)
{
	if (b->coding != NULL && !coding_complete(b->coding)) {
		if (b->size == 0) {
			keep_encoded(b, "content coding incomplete, kept as received");
		} else {
			b->broken = true;
			b->note = "content coding incomplete";
		}
	}
	coding_free(&b->coding);
	buf_free(&b->prefix);
	return store_end(&b->store, !whole || b->broken);
}

int
body_step(struct body *b)
{
	return store_step(&b->store);
}

size_t
body_held(const struct body *b)
{
	return b == NULL ? 0 : sizeof(*b) + b->prefix.cap + b->text.cap + b->store.raw.cap +
	    b->store.stage.cap + coding_held(b->coding);
}

uint64_t
body_wire_bytes(const struct body *b)
{
	return b->wire;
}

uint64_t
body_size(const struct body *b)
{
	return b->size;
}

bool
body_size_known(const struct body *b)
{
	return !b->broken || b->still_encoded;
}

uint64_t
body_kept(const struct body *b)
{
	return b->store.kept;
}

bool
body_truncated(const struct body *b)
{
	return b->store.full || b->broken;
}

bool
body_is_base64(const struct body *b)
{
	return b->store.base64;
}

bool
body_still_encoded(const struct body *b)
{
	return b->still_encoded;
}

const char *
body_note(const struct body *b)
{
	return b->note[0] == '\0' && b->store.why != NULL ? b->store.why : b->note;
}

struct str
body_text(struct body *b)
{
	if (b->text.len == 0)
		body_put_text(b, &b->text);
	return b->text.len > 0 ? buf_str(&b->text) : STR("");
}

void
body_put_text(const struct body *b, struct buf *out)
{
	store_put_text(&b->store, out);
}

bool
body_has_run(const struct body *b)
{
	return b->store.run.len > 0;
}

void
body_take_run(struct body *b, struct spill_run *out)
{
	*out = b->store.run;
	b->store.run = (struct spill_run){0};
}

struct str
body_raw(const struct body *b)
{
	const struct store *s = &b->store;

	return s->raw.len > 0 && !s->full && s->run.len == 0 ? buf_str(&s->raw) : STR_NONE;
}
