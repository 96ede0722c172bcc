/* SPDX-License-Identifier: ISC */
/* h1_framing.c - see h1_framing.h.  Runs in: worker, tests, fuzzers. */
#include "config.h"

#include "http/h1_framing.h"

#include "http/hop.h"
#include "http/target.h"

enum coding { CODING_NONE, CODING_CHUNKED, CODING_OTHER };

/* ---- whom a request is for ----------------------------------------------- */

/* Kept in message.line, which has the room: the fields may move later. */
static void
take_host(struct message *m, struct str host)
{
	size_t at = m->line.len;

	buf_puts(&m->line, host);
	m->authority = str_from(buf_str(&m->line), at);
}

static int
check_host(struct h1_strict *s)
{
	struct message *m = s->m;
	unsigned n = fields_count(&m->fields, FIELD_HOST);
	struct str host = fields_get(&m->fields, FIELD_HOST);
	struct host_port hp;
	const char *why;

	if (n > 1)
		return h1_strict_fail(s, 400, "more than one Host field");
	if (m->is_connect)
		return 0;	/* clients send it without port, wrong or not at all */
	if (n == 0)
		return m->version == HTTP_VERSION_1_0
			   ? 0
			   : h1_strict_fail(s, 400, "the Host field is missing");
	if (host.n == 0)
		return m->form == TARGET_ABSOLUTE || m->version == HTTP_VERSION_1_0
			   ? 0
			   : h1_strict_fail(s, 400, "the Host field is empty");
	if (target_parse_authority(host, 80, &hp, &why) != 0)
		return h1_strict_fail(s, 400, why);
	if (m->form != TARGET_ABSOLUTE)
		take_host(m, host);
	return 0;
}

/* ---- Content-Length (RFC 9112 6.2, 6.3) ----------------------------------- */

/* Responses: a list of equal numbers is one number (RFC 9110 8.6). */
static int
merge_length(struct h1_strict *s, struct str value, int64_t *length)
{
	struct str list = value, one;
	bool any = false;
	uint64_t n;

	if (*length >= 0 || !str_u64(value, INT64_MAX, &n))
		s->plain = false;
	for (; str_list_next(&list, &one); any = true) {
		if (!str_u64(one, INT64_MAX, &n))
			return h1_strict_fail(s, 400, "Content-Length is not a plain number");
		if (*length >= 0 && *length != (int64_t)n)
			return h1_strict_fail(s, 400, "different Content-Length values");
		*length = (int64_t)n;
	}
	return any ? 0 : h1_strict_fail(s, 400, "Content-Length is not a plain number");
}

static int
one_length(struct h1_strict *s, struct str value, int64_t *length)
{
	uint64_t n;

	if (*length >= 0)
		return h1_strict_fail(s, 400, "more than one Content-Length field");
	if (!str_u64(value, INT64_MAX, &n))
		return h1_strict_fail(s, 400, "Content-Length is not a plain number");
	*length = (int64_t)n;
	return 0;
}

static int
content_length(struct h1_strict *s, int64_t *length)
{
	const struct fields *f = &s->m->fields;
	uint32_t i;
	int err;

	*length = -1;
	for (i = 0; i < f->n; i++) {
		struct str value;

		if (f->v[i].id != FIELD_CONTENT_LENGTH)
			continue;
		value = fields_value(f, &f->v[i]);
		err = s->role == H1_REQUESTS ? one_length(s, value, length)
					     : merge_length(s, value, length);
		if (err != 0)
			return err;
	}
	return 0;
}

/* ---- Transfer-Encoding (RFC 9112 6.1) -------------------------------------- */

static int
request_coding(struct h1_strict *s, enum coding *out)
{
	struct message *m = s->m;
	unsigned n = fields_count(&m->fields, FIELD_TRANSFER_ENCODING);
	struct str value = fields_get(&m->fields, FIELD_TRANSFER_ENCODING);

	*out = CODING_NONE;
	if (n == 0)
		return 0;
	if (m->version != HTTP_VERSION_1_1)
		return h1_strict_fail(s, 400, "Transfer-Encoding in an HTTP/1.0 request");
	if (n > 1)
		return h1_strict_fail(s, 400, "more than one Transfer-Encoding field");
	if (!str_ieq(value, STR("chunked")))
		return h1_strict_fail(s, field_name_ok(value) ? 501 : 400,
		    "a Transfer-Encoding other than chunked");
	*out = CODING_CHUNKED;
	return 0;
}

/*
 * A response whose last coding is not chunked ends with its connection.  One
 * that is chunked and something else needs a decoder nobody asked for.
 */
static int
response_coding(struct h1_strict *s, enum coding *out)
{
	const struct fields *f = &s->m->fields;
	unsigned chunked = 0, other = 0;
	bool last = false;
	uint32_t i;

	for (i = 0; i < f->n; i++) {
		struct str list, one;

		if (f->v[i].id != FIELD_TRANSFER_ENCODING)
			continue;
		list = fields_value(f, &f->v[i]);
		if (!str_ieq(list, STR("chunked")) || chunked > 0)
			s->plain = false;
		if (!str_list_next(&list, &one))
			return h1_strict_fail(s, 400, "Transfer-Encoding is empty");
		do {
			last = str_ieq(one, STR("chunked"));
			chunked += last;
			other += !last;
		} while (str_list_next(&list, &one));
	}
	*out = chunked + other == 0 ? CODING_NONE : last ? CODING_CHUNKED : CODING_OTHER;
	if (last && other > 0)
		return h1_strict_fail(s, 400, "chunked on top of another Transfer-Encoding");
	if (last && chunked > 1 && !s->relaxed)
		return h1_strict_fail(s, 400, "more than one chunked Transfer-Encoding");
	return 0;
}

/* ---- all together ----------------------------------------------------------- */

static bool
has_connection(const struct message *m, struct str option)
{
	return fields_has_token(&m->fields, FIELD_CONNECTION, option);
}

static int
check_connection(struct h1_strict *s)
{
	struct message *m = s->m;
	struct hop hop;
	bool keep;

	if (!hop_init(&hop, &m->fields))
		return h1_strict_fail(s, 400, "too many Connection options");
	keep = m->version == HTTP_VERSION_1_1 || has_connection(m, STR("keep-alive")) ||
	    (m->is_request &&
		fields_has_token(&m->fields, FIELD_PROXY_CONNECTION, STR("keep-alive")));
	m->keep_alive = keep && !has_connection(m, STR("close"));
	/* h2c is no more (RFC 9113 3.1), and led requests past proxies that passed it on. */
	m->upgrade = m->version == HTTP_VERSION_1_1 && has_connection(m, STR("upgrade")) &&
	    fields_find(&m->fields, FIELD_UPGRADE) != NULL &&
	    !fields_has_token(&m->fields, FIELD_UPGRADE, STR("h2c"));
	m->expect_continue = m->is_request && m->version == HTTP_VERSION_1_1 &&
	    fields_has_token(&m->fields, FIELD_EXPECT, STR("100-continue"));
	return 0;
}

static bool
never_has_content(unsigned status)
{
	return status < 200 || status == 204 || status == 304;
}

static int
frame_request(struct h1_strict *s, int64_t length, enum coding coding)
{
	struct message *m = s->m;

	if (m->is_connect && (length >= 0 || coding != CODING_NONE))
		return h1_strict_fail(s, 400, "a CONNECT request with content");
	if (length >= 0 && coding != CODING_NONE)
		return h1_strict_fail(s, 400, "both Content-Length and Transfer-Encoding");
	m->chunked = coding == CODING_CHUNKED;
	m->length = m->chunked ? -1 : length >= 0 ? length : 0;
	m->has_body = m->length != 0;
	return 0;
}

static int
frame_response(struct h1_strict *s, int64_t length, enum coding coding)
{
	struct message *m = s->m;

	if (length >= 0 && coding != CODING_NONE) {
		if (!s->relaxed)
			return h1_strict_fail(s, 400,
			    "both Content-Length and Transfer-Encoding");
		s->plain = false;
		length = -1;
		m->keep_alive = false;
	}
	if (coding != CODING_NONE && m->version == HTTP_VERSION_1_0)
		m->keep_alive = false;	/* RFC 9112 6.1: to be taken as faulty */
	s->keep_alive = m->keep_alive;
	m->chunked = coding == CODING_CHUNKED;
	m->length = length;
	if (never_has_content(m->status))
		return 0;
	m->has_body = length != 0;
	m->until_close = length < 0 && !m->chunked;
	if (m->until_close)
		m->keep_alive = false;
	return 0;
}

int
h1_framing(struct h1_strict *s)
{
	enum coding coding = CODING_NONE;
	int64_t length;
	int err;

	if ((err = check_connection(s)) != 0 || (err = content_length(s, &length)) != 0)
		return err;
	if (s->role == H1_RESPONSES) {
		if ((err = response_coding(s, &coding)) != 0)
			return err;
		return frame_response(s, length, coding);
	}
	if ((err = check_host(s)) != 0 || (err = request_coding(s, &coding)) != 0)
		return err;
	return frame_request(s, length, coding);
}
