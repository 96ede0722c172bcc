/* SPDX-License-Identifier: ISC */
/*
 * view.c - see view.h.  One pass over the entry; what is not asked for is skipped.
 * Runs in: mitmctl, tests, fuzzers.
 */
#include "config.h"

#include "ctl/view.h"

#include "har/iso_date.h"
#include "har/json_read.h"

#define MAX_US 1e15	/* thirty years: whatever is longer is no duration */

static int64_t
number(struct json_read *r, double scale, double max)
{
	struct str text;
	double v;

	json_read_value(r, &text);
	if (!json_read_number(text, &v) || !(v >= 0 && v * scale <= max))
		return -1;
	return (int64_t)(v * scale + 0.5);
}

static int64_t
bytes(struct json_read *r)
{
	return number(r, 1, 9e15);
}

static int64_t
microseconds(struct json_read *r)
{
	return number(r, 1000, MAX_US);
}

static struct str
string(struct json_read *r)
{
	struct str raw;

	(void)json_read_string(r, &raw);
	return raw;
}

static void
skip(struct json_read *r)
{
	struct str text;

	json_read_value(r, &text);
}

static struct str
value(struct json_read *r)
{
	struct str text;

	json_read_value(r, &text);
	return text;
}

/* False, and past it, if what stands here is something else. */
static bool
into_object(struct json_read *r)
{
	if (json_read_enter(r, '{'))
		return true;
	skip(r);
	return false;
}

/* ---- the parts of an entry ---- */

struct sizes {
	int64_t head, body, all;
};

static int64_t
sizes_sum(const struct sizes *s)
{
	if (s->all >= 0)
		return s->all;
	if (s->head < 0 && s->body < 0)
		return -1;
	return MAX(s->head, 0) + MAX(s->body, 0);
}

static void
body_member(struct json_read *r, struct str name, struct str *text, struct str *type,
    bool *base64)
{
	if (str_eq(name, STR("text")))
		*text = string(r);
	else if (str_eq(name, STR("mimeType")))
		*type = string(r);
	else if (str_eq(name, STR("encoding")))
		*base64 = str_eq(string(r), STR("base64"));
	else
		skip(r);
}

/* postData or content. */
static void
body_object(struct json_read *r, struct str *text, struct str *type, bool *base64)
{
	struct str name;

	if (!into_object(r))
		return;
	while (json_read_member(r, &name))
		body_member(r, name, text, type, base64);
}

static void
request_member(struct view *v, struct json_read *r, struct str name, struct sizes *sizes)
{
	if (str_eq(name, STR("method")))
		v->method = string(r);
	else if (str_eq(name, STR("url")))
		v->url = string(r);
	else if (str_eq(name, STR("httpVersion")))
		v->request_version = string(r);
	else if (str_eq(name, STR("headers")))
		v->request_headers = value(r);
	else if (str_eq(name, STR("headersSize")))
		sizes->head = bytes(r);
	else if (str_eq(name, STR("bodySize")))
		sizes->body = bytes(r);
	else if (str_eq(name, STR("postData")))
		body_object(r, &v->request_text, &v->request_type, &v->request_base64);
	else
		skip(r);
}

static void
request(struct view *v, struct json_read *r)
{
	struct sizes sizes = {-1, -1, -1};
	struct str name;

	if (!into_object(r))
		return;
	while (json_read_member(r, &name))
		request_member(v, r, name, &sizes);
	v->sent = sizes_sum(&sizes);
}

static void
response_member(struct view *v, struct json_read *r, struct str name, struct sizes *sizes)
{
	if (str_eq(name, STR("status")))
		v->status = number(r, 1, 1e6);
	else if (str_eq(name, STR("httpVersion")))
		v->response_version = string(r);
	else if (str_eq(name, STR("headers")))
		v->response_headers = value(r);
	else if (str_eq(name, STR("content")))
		body_object(r, &v->response_text, &v->response_type, &v->response_base64);
	else if (str_eq(name, STR("headersSize")))
		sizes->head = bytes(r);
	else if (str_eq(name, STR("bodySize")))
		sizes->body = bytes(r);
	else if (str_eq(name, STR("_transferSize")))
		sizes->all = bytes(r);
	else if (str_eq(name, STR("_error")) || str_eq(name, STR("_failureText")))
		v->error = string(r);
	else
		skip(r);
}

static void
response(struct view *v, struct json_read *r)
{
	struct sizes sizes = {-1, -1, -1};
	struct str name;

	if (!into_object(r))
		return;
	while (json_read_member(r, &name))
		response_member(v, r, name, &sizes);
	v->received = sizes_sum(&sizes);
}

static void
timings(struct view *v, struct json_read *r)
{
	struct str name;

	if (!into_object(r))
		return;
	while (json_read_member(r, &name))
		if (str_eq(name, STR("wait")))
			v->wait_us = microseconds(r);
		else
			skip(r);
}

static void
tunnel(struct view *v, struct json_read *r, struct sizes *tunnelled)
{
	struct str name;

	if (!into_object(r))
		return;
	while (json_read_member(r, &name))
		if (str_eq(name, STR("reason")))
			v->tunnel = string(r);
		else if (str_eq(name, STR("bytesSent")))
			tunnelled->head = bytes(r);
		else if (str_eq(name, STR("bytesReceived")))
			tunnelled->body = bytes(r);
		else
			skip(r);
}

/* Members that others than mitmd have too, but not the specification. */
static void
own_member(struct view *v, struct json_read *r, struct str name, struct sizes *tunnelled)
{
	if (str_eq(name, STR("_serverPort")))
		v->server_port = value(r);
	else if (str_eq(name, STR("_clientAddress")))
		v->client = string(r);
	else if (str_eq(name, STR("_tag")))
		v->tag = string(r);
	else if (str_eq(name, STR("_error")))
		v->error = string(r);
	else if (str_eq(name, STR("_resourceType")))
		v->resource_type = string(r);
	else if (str_eq(name, STR("_webSocketMessages")))
		v->messages = value(r);
	else if (str_eq(name, STR("_tlsError")))
		v->tls_error = value(r);
	else if (str_eq(name, STR("_startedMicros")))
		v->started_us = number(r, 1, 1e17);
	else if (str_eq(name, STR("_tunnel")))
		tunnel(v, r, tunnelled);
	else
		skip(r);
}

static void
entry_member(struct view *v, struct json_read *r, struct str name, struct sizes *tunnelled)
{
	if (str_eq(name, STR("request")))
		request(v, r);
	else if (str_eq(name, STR("response")))
		response(v, r);
	else if (str_eq(name, STR("startedDateTime")))
		v->started = string(r);
	else if (str_eq(name, STR("time")))
		v->time_us = microseconds(r);
	else if (str_eq(name, STR("timings")))
		timings(v, r);
	else if (str_eq(name, STR("serverIPAddress")))
		v->server = string(r);
	else if (str_eq(name, STR("comment")))
		v->comment = string(r);
	else if (str_eq(name, STR("pageref")))
		v->pageref = v->pageref_raw = string(r);
	else
		own_member(v, r, name, tunnelled);
}

/* ---- headers and messages ---- */

/* An array while it is gone through: what is left, or all of it the first time. */
static bool
next_element(struct str *rest, struct json_read *r)
{
	*r = json_read_from(*rest);
	(void)json_read_enter(r, '[');
	if (json_read_element(r))
		return true;
	*rest = STR_NONE;
	return false;
}

bool
view_next_header(struct str *rest, struct str *name, struct str *value)
{
	struct json_read r;
	struct str member;
	bool in;

	*name = *value = STR_NONE;
	if (!next_element(rest, &r))
		return false;
	in = into_object(&r);
	while (in && json_read_member(&r, &member))
		if (str_eq(member, STR("name")))
			*name = string(&r);
		else if (str_eq(member, STR("value")))
			*value = string(&r);
		else
			skip(&r);
	*rest = str_of(r.p, (size_t)(r.end - r.p));
	return true;
}

bool
view_next_message(struct str *rest, struct view_message *m)
{
	struct json_read r;
	struct str member;
	bool in;

	*m = (struct view_message){.data = STR_NONE};
	if (!next_element(rest, &r))
		return false;
	in = into_object(&r);
	while (in && json_read_member(&r, &member))
		if (str_eq(member, STR("type")))
			m->sent = str_eq(string(&r), STR("send"));
		else if (str_eq(member, STR("opcode")))
			m->base64 = str_eq(value(&r), STR("2"));
		else if (str_eq(member, STR("data")))
			m->data = string(&r);
		else
			skip(&r);
	*rest = str_of(r.p, (size_t)(r.end - r.p));
	return true;
}

/* ---- the whole ---- */

/* Of a URL: "https://user@[::1]:8443/x". */
static void
cut_url(struct view *v)
{
	struct str rest = v->url;
	ssize_t colon = str_chr(rest, ':'), end;

	if (colon < 0 || !str_starts(str_from(rest, (size_t)colon), STR("://")))
		return;
	v->scheme = str_sub(rest, 0, (size_t)colon);
	rest = str_from(rest, (size_t)colon + 3);
	for (end = 0; (size_t)end < rest.n && strchr("/?#", rest.p[end]) == NULL; end++)
		;
	rest.n = (size_t)end;
	end = str_rchr(rest, '@');
	if (end >= 0)
		rest = str_from(rest, (size_t)end + 1);
	if (rest.n > 0 && rest.p[0] == '[') {
		end = str_chr(rest, ']');
		v->host = str_sub(rest, 1, end > 0 ? (size_t)end - 1 : rest.n);
		return;
	}
	end = str_rchr(rest, ':');
	v->host = end >= 0 ? str_sub(rest, 0, (size_t)end) : rest;
}

static struct str
header_value(struct str headers, struct str wanted)
{
	struct str name, value;

	while (view_next_header(&headers, &name, &value))
		if (str_ieq(name, wanted))
			return value;
	return STR_NONE;
}

/* What is almost always plain already stays where it is; the rest is made plain at once. */
static void
make_plain(struct view *v)
{
	struct str *texts[] = {&v->method, &v->url, &v->started, &v->request_version,
		&v->response_version, &v->request_type, &v->response_type, &v->server,
		&v->server_port, &v->client, &v->tag, &v->error, &v->resource_type, &v->comment,
		&v->pageref, &v->tunnel};
	struct str *escaped[NELEM(texts)];
	size_t i, n = 0, room = 0, from;

	for (i = 0; i < NELEM(texts); i++)
		if (texts[i]->n > 0 && memchr(texts[i]->p, '\\', texts[i]->n) != NULL) {
			room += texts[i]->n;
			escaped[n++] = texts[i];
		}
	buf_clear(&v->plain);
	/* Only a broken escape grows, from two bytes to three: it all stays where it is put. */
	if (n > 0)
		CHECK(buf_reserve(&v->plain, 2 * room) != NULL);
	for (i = 0; i < n; i++) {
		from = v->plain.len;
		json_read_decode(&v->plain, *escaped[i]);
		*escaped[i] = str_from(buf_str(&v->plain), from);
	}
}

/* The field says more than what a writer made up where there was none. */
static void
find_types(struct view *v)
{
	if (v->request_type.n == 0)
		v->request_type = header_value(v->request_headers, STR("content-type"));
	if (v->response_type.n == 0 || str_eq(v->response_type, STR("x-unknown")))
		v->response_type = header_value(v->response_headers, STR("content-type"));
}

/* Ours tell it more finely: as long as that is the same millisecond, it counts. */
static int64_t
start_of(struct str date, int64_t micros)
{
	int64_t us;

	if (!iso_date_parse(date, &us))
		return -1;
	return micros >= us && micros - us < 1000 ? micros : us;
}

bool
view_parse(struct view *v, struct str entry)
{
	struct sizes tunnelled = {-1, -1, -1};
	struct json_read r = json_read_from(entry);
	struct buf plain = v->plain;
	struct str name;

	*v = (struct view){.text = entry, .plain = plain, .status = -1, .started_us = -1,
		.time_us = -1, .wait_us = -1, .sent = -1, .received = -1};
	buf_clear(&v->plain);
	if (!json_read_enter(&r, '{'))
		return false;
	while (json_read_member(&r, &name))
		entry_member(v, &r, name, &tunnelled);
	find_types(v);
	make_plain(v);
	cut_url(v);
	if (tunnelled.head >= 0)
		v->sent = tunnelled.head;
	if (tunnelled.body >= 0)
		v->received = tunnelled.body;
	v->started_us = start_of(v->started, v->started_us);
	v->websocket = v->messages.n > 0 || str_eq(v->resource_type, STR("websocket"));
	v->tls_failed = v->tls_error.n > 0;
	return true;
}

bool
view_answered(const struct view *v)
{
	return v->status > 0;
}

void
view_free(struct view *v)
{
	buf_free(&v->plain);
	*v = (struct view){.text = STR_NONE};
}
