/* SPDX-License-Identifier: ISC */
/* ws.c - see ws.h.  Runs in: worker, tests, fuzzers. */
#include "config.h"

#include "har/ws.h"

#include <stdlib.h>

#include <zlib.h>

#include "base/mem.h"
#include "har/base64.h"
#include "har/json.h"
#include "har/utf8.h"
#include "har/work.h"

#define CONTROL_MAX 125		/* RFC 6455 5.5 */
#define CHUNK 4096
#define MESSAGE_MEMORY 4096	/* kept from one message to the next */
/*
 * What a direction may inflate to: so much for nothing, and so much for each
 * byte on the wire.  Deflate itself goes to 1032; beyond, it is a bomb.
 */
#define INFLATED_FREE (UINT64_C(16) << 20)
#define INFLATED_RATIO 64

enum { OP_CONTINUATION, OP_TEXT, OP_BINARY, OP_CLOSE = 8, OP_PING, OP_PONG };

struct direction {
	/* The frame being read. */
	uint8_t head[14];
	size_t head_n;
	uint64_t left;		/* of its payload */
	uint64_t at;		/* payload bytes taken, for the mask */
	uint8_t mask[4];
	bool in_payload, masked, fin;
	unsigned opcode;
	/* The message being read: data frames; control frames may come between. */
	bool in_message, compressed;
	unsigned message_opcode;
	uint64_t message_size;	/* decoded, also what was not kept */
	struct buf message;
	uint8_t control[CONTROL_MAX];
	size_t control_n;
	z_stream zip;
	bool zip_on;
	uint64_t zipped, inflated;	/* bytes of all messages */
	const char *broken;
};

struct ws {
	struct ws_conf conf;
	struct direction direction[2];
	struct buf text;
	bool truncated;			/* a message in text was */
	uint64_t messages;
	struct ws_close closed;
	char close_reason[CONTROL_MAX];
};

/* ---- the handshake --------------------------------------------------------- */

static void
take_parameter(struct ws_conf *c, struct str parameter)
{
	if (str_ieq(parameter, STR("client_no_context_takeover")))
		c->no_takeover[WS_SEND] = true;
	else if (str_ieq(parameter, STR("server_no_context_takeover")))
		c->no_takeover[WS_RECEIVE] = true;
}

void
ws_conf_extensions(struct ws_conf *c, struct str extensions)
{
	struct str one, part;

	while (str_list_next(&extensions, &one)) {
		if (!str_split(&one, ';', &part) ||
		    !str_ieq(str_trim(part), STR("permessage-deflate")))
			continue;
		c->deflate = true;
		while (str_split(&one, ';', &part))
			take_parameter(c, str_trim(part));
		return;
	}
}

struct ws *
ws_new(const struct ws_conf *conf)
{
	struct ws *ws = mem_new(struct ws);

	ws->conf = *conf;
	return ws;
}

void
ws_free(struct ws **pws)
{
	struct ws *ws = pws != NULL ? *pws : NULL;
	int i;

	if (ws == NULL)
		return;
	*pws = NULL;
	for (i = 0; i < 2; i++) {
		buf_free(&ws->direction[i].message);
		if (ws->direction[i].zip_on)
			(void)inflateEnd(&ws->direction[i].zip);
	}
	buf_free(&ws->text);
	free(ws);
}

/* ---- what is written down ---------------------------------------------------- */

static void
put_base64(struct buf *out, struct str data)
{
	struct base64 b = {.n = 0};
	char *to = (char *)buf_reserve(out, BASE64_ROOM(data.n));
	size_t n;

	CHECK(to != NULL);
	n = base64_feed(&b, to, (const uint8_t *)data.p, data.n);
	n += base64_end(&b, to + n);
	buf_commit(out, n);
}

static void
put_data(struct buf *out, unsigned opcode, struct str data, bool cut)
{
	json_name(out, "data");
	if (opcode == OP_BINARY) {
		JSON_LIT(out, "\"");
		if (data.n > 0)
			put_base64(out, data);
		JSON_LIT(out, "\"");
		return;
	}
	/* Cut inside a character, a text is still one. */
	if (cut && data.n > 0) {
		size_t whole = utf8_valid((const uint8_t *)data.p, data.n);

		if (data.n - whole < 4)
			data = str_sub(data, 0, whole);
	}
	json_string(out, data);
}

/* What passed as one message; whole: its end came. */
static void
put_message(struct ws *ws, enum ws_side side, unsigned opcode, struct str data, uint64_t size,
    bool whole, uint64_t wall_us)
{
	struct buf *out = &ws->text;

	if (out->len > 0)
		JSON_LIT(out, ",");
	JSON_LIT(out, "{");
	json_member(out, "type", side == WS_SEND ? STR("send") : STR("receive"));
	json_name(out, "time");
	buf_printf(out, "%llu.%06llu", (unsigned long long)(wall_us / 1000000),
	    (unsigned long long)(wall_us % 1000000));
	json_member_int(out, "opcode", opcode);
	put_data(out, opcode, data, size > data.n || !whole);
	if (size > data.n) {
		json_member_int(out, "_truncated", (int64_t)size);
		ws->truncated = true;
	}
	if (!whole)
		json_member_bool(out, "_incomplete", true);
	JSON_LIT(out, "}");
	ws->messages++;
}

/* ---- payload ------------------------------------------------------------------- */

static void
keep(struct ws *ws, struct direction *d, const uint8_t *p, size_t n)
{
	size_t room = ws->conf.message_max - MIN(ws->conf.message_max, d->message.len);

	d->message_size += n;
	buf_put(&d->message, p, MIN(n, room));
}

static void
inflate_some(struct ws *ws, struct direction *d, const uint8_t *p, size_t n)
{
	uint8_t out[CHUNK];
	int rc;

	if (!d->zip_on) {
		if (inflateInit2(&d->zip, -15) != Z_OK) {
			d->broken = "zlib has no memory";
			return;
		}
		d->zip_on = true;
	}
	d->zipped += n;
	work_earn(n);
	d->zip.next_in = (uint8_t *)(uintptr_t)p;
	d->zip.avail_in = (unsigned)n;
	do {
		d->zip.next_out = out;
		d->zip.avail_out = sizeof(out);
		rc = inflate(&d->zip, Z_SYNC_FLUSH);
		if (rc != Z_OK && rc != Z_BUF_ERROR && rc != Z_STREAM_END) {
			d->broken = "a compressed message cannot be read";
			return;
		}
		keep(ws, d, out, sizeof(out) - d->zip.avail_out);
		d->inflated += sizeof(out) - d->zip.avail_out;
		if (d->inflated > INFLATED_FREE + d->zipped * INFLATED_RATIO) {
			d->broken = "a compressed message is too large";
			return;
		}
		if (!work_spend(sizeof(out) - d->zip.avail_out)) {
			d->broken = "no time to decode a compressed message";
			return;
		}
		/* RFC 7692 7.2.3.4: a last block does not end the message. */
		if (rc == Z_STREAM_END && inflateReset(&d->zip) != Z_OK)
			return;
	} while (d->zip.avail_in > 0 || d->zip.avail_out == 0);
}

/* RFC 6455 5.3; at: how far into the frame's payload. */
static void
unmask(uint8_t *out, const uint8_t *p, size_t n, const uint8_t mask[4], uint64_t at)
{
	uint8_t turned[8];
	uint64_t word, m;
	size_t i;

	for (i = 0; i < sizeof(turned); i++)
		turned[i] = mask[(at + i) & 3];
	memcpy(&m, turned, sizeof(m));
	for (i = 0; i + sizeof(word) <= n; i += sizeof(word)) {
		memcpy(&word, p + i, sizeof(word));
		word ^= m;
		memcpy(out + i, &word, sizeof(word));
	}
	for (; i < n; i++)
		out[i] = p[i] ^ turned[i & 7];
}

static void
take(struct ws *ws, struct direction *d, const uint8_t *p, size_t n)
{
	if (d->opcode >= OP_CLOSE) {
		memcpy(d->control + d->control_n, p, n);
		d->control_n += n;
	} else if (d->compressed) {
		inflate_some(ws, d, p, n);
	} else {
		keep(ws, d, p, n);
	}
}

/* Only to be counted: there is no more room, and no context to follow. */
static bool
is_surplus(const struct ws *ws, const struct direction *d)
{
	return d->opcode < OP_CLOSE && !d->compressed &&
	    d->message.len >= ws->conf.message_max;
}

static void
payload(struct ws *ws, struct direction *d, const uint8_t *p, size_t n)
{
	uint8_t plain[CHUNK];
	size_t k;

	if (is_surplus(ws, d)) {
		d->message_size += n;
		d->at += n;
		return;
	}
	for (; n > 0 && d->broken == NULL; p += k, n -= k) {
		k = MIN(n, sizeof(plain));
		if (d->masked)
			unmask(plain, p, k, d->mask, d->at);
		d->at += k;
		take(ws, d, d->masked ? plain : p, k);
	}
}

/* ---- frames ---------------------------------------------------------------------- */

static void
note_close(struct ws *ws, enum ws_side side, const uint8_t *p, size_t n)
{
	if (ws->closed.seen)
		return;
	ws->closed = (struct ws_close){.seen = true, .by = side,
	    .code = n >= 2 ? (unsigned)p[0] << 8 | p[1] : 1005};
	if (n > 2) {
		memcpy(ws->close_reason, p + 2, n - 2);
		ws->closed.reason = str_of(ws->close_reason, n - 2);
	}
}

static void
control_done(struct ws *ws, enum ws_side side, struct direction *d, uint64_t wall_us)
{
	if (d->opcode == OP_CLOSE)
		note_close(ws, side, d->control, d->control_n);
	else
		put_message(ws, side, d->opcode, str_of(d->control, d->control_n),
		    d->control_n, true, wall_us);
	d->control_n = 0;
}

static void
message_done(struct ws *ws, enum ws_side side, struct direction *d, uint64_t wall_us)
{
	static const uint8_t tail[4] = {0x00, 0x00, 0xff, 0xff};	/* RFC 7692 7.2.2 */

	if (d->compressed) {
		inflate_some(ws, d, tail, sizeof(tail));
		if (d->zip_on && ws->conf.no_takeover[side])
			(void)inflateReset(&d->zip);
	}
	/* Broken here at its very end, it is not whole. */
	put_message(ws, side, d->message_opcode, buf_str(&d->message), d->message_size,
	    d->broken == NULL, wall_us);
	if (d->message.cap > MESSAGE_MEMORY)
		buf_free(&d->message);
	else
		buf_clear(&d->message);
	d->message_size = 0;
	d->in_message = false;
}

static void
frame_done(struct ws *ws, enum ws_side side, struct direction *d, uint64_t wall_us)
{
	d->in_payload = false;
	d->head_n = 0;
	if (d->opcode >= OP_CLOSE)
		control_done(ws, side, d, wall_us);
	else if (d->fin)
		message_done(ws, side, d, wall_us);
}

/* How long the head is, as far as it can be told. */
static size_t
head_size(const struct direction *d)
{
	size_t n = 2;

	if (d->head_n < 2)
		return n;
	n += (d->head[1] & 0x7f) == 126 ? 2 : (d->head[1] & 0x7f) == 127 ? 8 : 0;
	return n + ((d->head[1] & 0x80) != 0 ? 4 : 0);
}

static const char *
check_head(const struct ws *ws, const struct direction *d, bool rsv1)
{
	if ((d->head[0] & 0x30) != 0)
		return "a frame with reserved bits";
	if (rsv1 && (!ws->conf.deflate || d->opcode == OP_CONTINUATION ||
	    d->opcode >= OP_CLOSE))
		return "a frame that must not be compressed";
	if (d->opcode > OP_PONG || (d->opcode > OP_BINARY && d->opcode < OP_CLOSE))
		return "an unknown kind of frame";
	if (d->opcode >= OP_CLOSE && (!d->fin || d->left > CONTROL_MAX))
		return "a control frame that is cut or too long";
	if (d->opcode == OP_CONTINUATION && !d->in_message)
		return "a continuation of nothing";
	if ((d->opcode == OP_TEXT || d->opcode == OP_BINARY) && d->in_message)
		return "a message inside a message";
	return d->left >> 63 != 0 ? "an impossible length" : NULL;
}

static void
head_done(struct ws *ws, struct direction *d)
{
	bool rsv1 = (d->head[0] & 0x40) != 0;
	size_t at = 2, n, i;

	d->fin = (d->head[0] & 0x80) != 0;
	d->opcode = d->head[0] & 0x0f;
	d->masked = (d->head[1] & 0x80) != 0;
	d->left = d->head[1] & 0x7f;
	n = d->left == 126 ? 2 : d->left == 127 ? 8 : 0;
	if (n > 0)
		d->left = 0;
	for (i = 0; i < n; i++)
		d->left = d->left << 8 | d->head[at++];
	if (d->masked)
		memcpy(d->mask, d->head + at, 4);
	d->at = 0;
	d->broken = check_head(ws, d, rsv1);
	if (d->broken != NULL)
		return;
	if (d->opcode == OP_TEXT || d->opcode == OP_BINARY) {
		d->in_message = true;
		d->compressed = rsv1;
		d->message_opcode = d->opcode;
	}
	d->in_payload = true;
}

void
ws_feed(struct ws *ws, enum ws_side side, const uint8_t *p, size_t n, uint64_t wall_us)
{
	struct direction *d = &ws->direction[side];
	size_t k;

	while (n > 0 && d->broken == NULL) {
		if (!d->in_payload) {
			k = MIN(n, head_size(d) - d->head_n);
			memcpy(d->head + d->head_n, p, k);
			d->head_n += k;
			if (d->head_n >= 2 && d->head_n == head_size(d))
				head_done(ws, d);
		} else {
			k = (size_t)MIN((uint64_t)n, d->left);
			payload(ws, d, p, k);
			d->left -= k;
		}
		p += k;
		n -= k;
		if (d->in_payload && d->left == 0 && d->broken == NULL)
			frame_done(ws, side, d, wall_us);
	}
}

void
ws_end(struct ws *ws, uint64_t wall_us)
{
	struct direction *d;
	int side;

	for (side = WS_SEND; side <= WS_RECEIVE; side++) {
		d = &ws->direction[side];
		if (d->in_message)
			put_message(ws, (enum ws_side)side, d->message_opcode,
			    buf_str(&d->message), d->message_size, false, wall_us);
		d->in_message = false;
		buf_free(&d->message);
	}
}

/* ---- what was seen ------------------------------------------------------------------ */

struct str
ws_text(const struct ws *ws)
{
	return buf_str(&ws->text);
}

bool
ws_truncated(const struct ws *ws)
{
	return ws->truncated;
}

void
ws_clear(struct ws *ws)
{
	buf_free(&ws->text);
	ws->truncated = false;
}

uint64_t
ws_messages(const struct ws *ws)
{
	return ws->messages;
}

size_t
ws_held(const struct ws *ws)
{
	return ws == NULL ? 0 : sizeof(*ws) + ws->text.cap + ws->direction[0].message.cap +
	    ws->direction[1].message.cap;
}

struct ws_close
ws_close(const struct ws *ws)
{
	return ws->closed;
}

const char *
ws_broken(const struct ws *ws)
{
	return ws->direction[WS_SEND].broken != NULL ? ws->direction[WS_SEND].broken :
	    ws->direction[WS_RECEIVE].broken;
}
