/* SPDX-License-Identifier: ISC */
/*
 * entry.c - see entry.h.  One pass over the flow, written straight into the
 * output; the order of members is the specification's.
 * Runs in: worker, tests, fuzzers.
 */
#include "config.h"

#include "har/entry.h"

#include "base/clock.h"
#include "har/cookies.h"
#include "har/entry_ours.h"
#include "har/json.h"
#include "har/kind.h"
#include "har/pairs.h"
#include "har/tls_text.h"

#define DURATION_MAX INT64_C(100000000000000)	/* three years: keeps sums from overflowing */
#define TOO_MANY "only the first 1000 names are listed"

/* The durations of an entry as HAR wants them. */
struct phases {
	int64_t blocked, dns, connect, ssl, send, wait, receive, total;
};

struct writer {
	struct buf *out;
	const struct har_flow *flow;
	struct har_insert *inserts;
	size_t ninserts;
};

static int64_t
duration(int64_t us)
{
	return us < 0 ? -1 : MIN(us, DURATION_MAX);
}

/*
 * send, wait and receive must be there; ssl is a part of connect and no
 * longer than it; the total is the sum of what is written.
 */
static struct phases
phases_of(const struct har_times *t)
{
	struct phases p = {
	    .blocked = duration(t->blocked),
	    .dns = duration(t->dns),
	    .connect = duration(t->connect),
	    .send = MAX(duration(t->send), 0),
	    .wait = MAX(duration(t->wait), 0),
	    .receive = MAX(duration(t->receive), 0),
	};

	p.ssl = MIN(duration(t->ssl), p.connect);
	p.total = MAX(p.blocked, 0) + MAX(p.dns, 0) + MAX(p.connect, 0) + p.send + p.wait +
	    p.receive;
	return p;
}

/* Never "" and never "h2": both keep some reader from loading the file. */
static void
put_version(struct buf *out, const struct message *m)
{
	switch (m->version) {
	case HTTP_VERSION_1_0:
		JSON_LIT(out, ",\"httpVersion\":\"HTTP/1.0\"");
		break;
	case HTTP_VERSION_2:
		JSON_LIT(out, ",\"httpVersion\":\"HTTP/2\"");
		break;
	case HTTP_VERSION_NONE:
	case HTTP_VERSION_1_1:
		JSON_LIT(out, ",\"httpVersion\":\"HTTP/1.1\"");
		break;
	}
}

static void
put_field(struct buf *out, const struct fields *f, const struct field *x)
{
	struct str name = fields_name(f, x);

	/*
	 * Proxy-Authorization was for us, not for the origin, and is a credential;
	 * readers refuse names that begin with ":".
	 */
	if (x->id == FIELD_PROXY_AUTHORIZATION || name.n == 0 || name.p[0] == ':')
		return;
	pairs_open(out, name, fields_value(f, x));
	JSON_LIT(out, "}");
}

static void
put_fields(struct buf *out, const struct fields *f)
{
	uint32_t i;

	for (i = 0; i < f->n; i++)
		put_field(out, f, &f->v[i]);
}

/* RFC 9113 8.2.3: crumbs are one field, and readers look for one. */
static void
put_crumbs(struct buf *out, const struct fields *f, uint32_t first)
{
	struct buf whole = {0};
	uint32_t i;

	for (i = first; i < f->n; i++) {
		if (f->v[i].id != FIELD_COOKIE)
			continue;
		if (i > first)
			buf_puts(&whole, STR("; "));
		buf_puts(&whole, fields_value(f, &f->v[i]));
	}
	pairs_open(out, fields_name(f, &f->v[first]), buf_str(&whole));
	JSON_LIT(out, "}");
	buf_free(&whole);
}

static uint32_t
count_cookies(const struct fields *f)
{
	uint32_t i, n = 0;

	for (i = 0; i < f->n; i++)
		n += f->v[i].id == FIELD_COOKIE;
	return n;
}

static void
put_request_fields(struct buf *out, const struct message *m)
{
	const struct fields *f = &m->fields;
	bool first = true;
	uint32_t i;

	if (m->version != HTTP_VERSION_2 || count_cookies(f) < 2) {
		put_fields(out, f);
		return;
	}
	for (i = 0; i < f->n; i++) {
		if (f->v[i].id != FIELD_COOKIE) {
			put_field(out, f, &f->v[i]);
		} else if (first) {
			put_crumbs(out, f, i);
			first = false;
		}
	}
}

static void
put_trailers(struct buf *out, const struct message *m)
{
	if (m->trailers.n == 0)
		return;
	JSON_LIT(out, ",\"_trailers\":[");
	put_fields(out, &m->trailers);
	JSON_LIT(out, "]");
}

/* ---- bodies ---- */

/* Pieces of a comment, of which there may be none. */
static void
put_remark(struct buf *out, bool *any, const char *text)
{
	if (text[0] == '\0')
		return;
	if (*any)
		JSON_LIT(out, "; ");
	else
		JSON_LIT(out, ",\"comment\":\"");
	*any = true;
	json_raw(out, text, strlen(text));
}

static void
put_body_comment(struct buf *out, const struct body *b, bool whole, const char *remark)
{
	bool any = false;

	put_remark(out, &any, remark);
	put_remark(out, &any, body_note(b));
	if (body_truncated(b)) {
		put_remark(out, &any, "captured ");
		json_int(out, (int64_t)body_kept(b));
		if (body_size_known(b)) {
			JSON_LIT(out, " of ");
			json_int(out, (int64_t)body_size(b));
		}
		JSON_LIT(out, " bytes");
	}
	if (!whole)
		put_remark(out, &any, "the message ended early");
	if (any)
		JSON_LIT(out, "\"");
}

static void
put_text(struct writer *w, struct body *b)
{
	struct har_insert *insert;

	JSON_LIT(w->out, ",\"text\":\"");
	body_put_text(b, w->out);
	if (body_has_run(b)) {
		insert = &w->inserts[w->ninserts++];
		insert->at = w->out->len;
		body_take_run(b, &insert->run);
	}
	JSON_LIT(w->out, "\"");
	if (body_is_base64(b))
		JSON_LIT(w->out, ",\"encoding\":\"base64\"");
	if (body_still_encoded(b))
		JSON_LIT(w->out, ",\"_contentEncodingApplied\":true");
	if (body_truncated(b))
		JSON_LIT(w->out, ",\"_truncated\":true");
}

/* ---- request ---- */

static void
put_query(struct buf *out, struct str url, bool *all)
{
	ssize_t q = str_chr(url, '?');

	JSON_LIT(out, ",\"queryString\":[");
	if (q >= 0)
		*all = pairs_put(out, str_from(url, (size_t)q + 1), PAIRS_DECODED) && *all;
	JSON_LIT(out, "]");
}

static bool
is_form(struct str type)
{
	struct str essence;

	return str_split(&type, ';', &essence) &&
	    str_ieq(str_trim(essence), STR("application/x-www-form-urlencoded"));
}

static void
put_post_data(struct writer *w, bool *all)
{
	struct body *b = w->flow->request_body;
	struct str type = fields_get(&w->flow->request->fields, FIELD_CONTENT_TYPE);

	if (b == NULL || body_wire_bytes(b) == 0)
		return;
	JSON_LIT(w->out, ",\"postData\":{\"mimeType\":");
	json_string(w->out, type.n > 0 ? type : STR("application/octet-stream"));
	JSON_LIT(w->out, ",\"params\":[");
	if (is_form(type) && !body_is_base64(b))
		*all = pairs_put(w->out, body_raw(b), PAIRS_DECODABLE) && *all;
	JSON_LIT(w->out, "]");
	put_text(w, b);
	put_body_comment(w->out, b, w->flow->request_whole,
	    body_is_base64(b) ? "text is the base64 of the bytes" : "");
	JSON_LIT(w->out, "}");
}

/* Bytes of content on the wire; 0 for a message that has none. */
static int64_t
body_wire_size(const struct message *m, const struct body *b)
{
	if (!m->has_body)
		return 0;
	if (m->body_bytes >= 0)
		return m->body_bytes;
	return b != NULL ? (int64_t)body_wire_bytes(b) : -1;
}

static void
put_request(struct writer *w)
{
	const struct har_flow *f = w->flow;
	const struct message *m = f->request;
	struct buf *out = w->out;
	bool all;

	JSON_LIT(out, ",\"request\":{\"method\":");
	json_string(out, m->method);
	JSON_LIT(out, ",\"url\":");
	json_string(out, f->url);
	put_version(out, m);
	JSON_LIT(out, ",\"cookies\":[");
	all = cookies_put_sent(out, &m->fields);
	JSON_LIT(out, "],\"headers\":[");
	/* HTTP Toolkit wants one; HTTP/2 has :authority instead. */
	if (m->version == HTTP_VERSION_2 && m->authority.n > 0 &&
	    fields_find(&m->fields, FIELD_HOST) == NULL) {
		pairs_open(out, STR("host"), m->authority);
		JSON_LIT(out, "}");
	}
	put_request_fields(out, m);
	JSON_LIT(out, "]");
	put_query(out, f->url, &all);
	JSON_LIT(out, ",\"headersSize\":");
	json_int(out, m->head_bytes);
	JSON_LIT(out, ",\"bodySize\":");
	json_int(out, body_wire_size(m, f->request_body));
	put_post_data(w, &all);
	put_trailers(out, m);
	if (!all)
		JSON_LIT(out, ",\"comment\":\"" TOO_MANY "\"");
	else if (f->comment != NULL)
		json_member(out, "comment", str_z(f->comment));
	JSON_LIT(out, "}");
}

/* ---- response ---- */

/* 206 and 304 say nothing of the whole, HEAD has no content: no saving to tell. */
static bool
wants_compression(const struct har_flow *f)
{
	const struct message *r = f->response;

	return r->has_body && !f->request->is_head && r->status != 206 && r->status != 304 &&
	    f->response_whole && body_size_known(f->response_body) &&
	    !body_still_encoded(f->response_body);
}

static void
put_captured(struct writer *w)
{
	const struct har_flow *f = w->flow;
	struct body *b = f->response_body;
	int64_t saved;

	if (wants_compression(f)) {
		saved = (int64_t)body_size(b) - body_wire_size(f->response, b);
		JSON_LIT(w->out, ",\"compression\":");
		json_int(w->out, MAX(saved, 0));
	}
	put_text(w, b);
	put_body_comment(w->out, b, f->response_whole, "");
}

static void
put_content(struct writer *w)
{
	const struct har_flow *f = w->flow;
	struct body *b = f->response_body;
	struct str type = STR_NONE;

	if (f->response != NULL)
		type = fields_get(&f->response->fields, FIELD_CONTENT_TYPE);
	JSON_LIT(w->out, ",\"content\":{\"size\":");
	json_int(w->out, b != NULL ? (int64_t)body_size(b) : 0);
	JSON_LIT(w->out, ",\"mimeType\":");
	json_string(w->out, type.n > 0 ? type : STR("x-unknown"));
	if (f->response != NULL && b != NULL && body_wire_bytes(b) > 0)
		put_captured(w);
	JSON_LIT(w->out, "}");
}

static void
put_response_sizes(struct writer *w)
{
	const struct har_flow *f = w->flow;
	const struct message *r = f->response;

	JSON_LIT(w->out, ",\"headersSize\":");
	json_int(w->out, r != NULL ? r->head_bytes : -1);
	JSON_LIT(w->out, ",\"bodySize\":");
	json_int(w->out, r != NULL ? body_wire_size(r, f->response_body) : 0);
	JSON_LIT(w->out, ",\"_transferSize\":");
	json_int(w->out, MAX(f->response_wire_bytes, 0));
	if (f->error != NULL) {
		JSON_LIT(w->out, ",\"_error\":");
		json_string(w->out, str_z(f->error));
	}
}

static void
put_no_response(struct writer *w)
{
	JSON_LIT(w->out, ",\"response\":{\"status\":0,\"statusText\":\"\"");
	put_version(w->out, w->flow->request);
	JSON_LIT(w->out, ",\"cookies\":[],\"headers\":[]");
	put_content(w);
	JSON_LIT(w->out, ",\"redirectURL\":\"\"");
	put_response_sizes(w);
	JSON_LIT(w->out, "}");
}

static void
put_response(struct writer *w, const struct phases *t)
{
	const struct message *m = w->flow->response;
	struct buf *out = w->out;
	bool all;

	if (m == NULL) {
		put_no_response(w);
		return;
	}
	JSON_LIT(out, ",\"response\":{\"status\":");
	json_int(out, m->status);
	JSON_LIT(out, ",\"statusText\":");
	json_string(out, m->reason);
	put_version(out, m);
	JSON_LIT(out, ",\"cookies\":[");
	all = cookies_put_set(out, &m->fields,
	    w->flow->times.started_wall_us + (uint64_t)t->total);
	JSON_LIT(out, "],\"headers\":[");
	put_fields(out, &m->fields);
	JSON_LIT(out, "]");
	put_content(w);
	JSON_LIT(out, ",\"redirectURL\":");
	json_string(out, fields_get(&m->fields, FIELD_LOCATION));
	put_response_sizes(w);
	put_trailers(out, m);
	if (!all)
		JSON_LIT(out, ",\"comment\":\"" TOO_MANY "\"");
	JSON_LIT(out, "}");
}

/* ---- the rest ---- */

static void
put_timings(struct buf *out, const struct phases *t)
{
	JSON_LIT(out, ",\"cache\":{},\"timings\":{\"blocked\":");
	json_ms(out, t->blocked);
	JSON_LIT(out, ",\"dns\":");
	json_ms(out, t->dns);
	JSON_LIT(out, ",\"connect\":");
	json_ms(out, t->connect);
	JSON_LIT(out, ",\"send\":");
	json_ms(out, t->send);
	JSON_LIT(out, ",\"wait\":");
	json_ms(out, t->wait);
	JSON_LIT(out, ",\"receive\":");
	json_ms(out, t->receive);
	JSON_LIT(out, ",\"ssl\":");
	json_ms(out, t->ssl);
	JSON_LIT(out, "}");
}

static void
put_setup(struct buf *out, const struct har_setup *s)
{
	JSON_LIT(out, ",\"_mitmd\":{\"upstream\":{\"dns\":");
	json_ms(out, duration(s->dns));
	JSON_LIT(out, ",\"connect\":");
	json_ms(out, duration(s->connect));
	JSON_LIT(out, ",\"ssl\":");
	json_ms(out, MIN(duration(s->ssl), duration(s->connect)));
	JSON_LIT(out, "}}");
}

static void
put_informational(struct buf *out, const struct har_flow *f)
{
	size_t i;

	JSON_LIT(out, ",\"_informational\":[");
	for (i = 0; i < f->ninformational; i++) {
		json_comma(out);
		JSON_LIT(out, "{\"status\":");
		json_int(out, f->informational[i].status);
		JSON_LIT(out, ",\"headers\":[");
		put_fields(out, f->informational[i].fields);
		JSON_LIT(out, "]}");
	}
	JSON_LIT(out, "]");
}

static void
put_extras(struct buf *out, const struct har_flow *f)
{
	entry_put_connection(out, f);
	JSON_LIT(out, ",\"_startedMicros\":");
	json_int(out, (int64_t)f->times.started_wall_us);
	JSON_LIT(out, ",\"_resourceType\":\"");
	buf_putz(out, f->ws != NULL ? "websocket" : kind_of(f->request, f->response, f->url));
	JSON_LIT(out, "\"");
	if (f->setup != NULL)
		put_setup(out, f->setup);
	if (f->tls != NULL)
		tls_text_put(out, f->tls);
	if (f->tls_text.n > 0) {
		JSON_LIT(out, ",");
		json_raw(out, f->tls_text.p, f->tls_text.n);
	}
	if (f->ninformational > 0)
		put_informational(out, f);
	entry_put_endings(out, f);
}

void
har_entry(struct buf *out, const struct har_flow *f, struct har_insert inserts[2],
    size_t *out_ninserts)
{
	struct writer w = {.out = out, .flow = f, .inserts = inserts};
	struct phases t = phases_of(&f->times);
	char iso[CLOCK_ISO_SIZE];

	JSON_LIT(out, "{\"startedDateTime\":\"");
	clock_iso(f->times.started_wall_us, iso);
	json_raw(out, iso, CLOCK_ISO_SIZE - 1);
	JSON_LIT(out, "\",\"time\":");
	json_ms(out, t.total);
	put_request(&w);
	put_response(&w, &t);
	put_timings(out, &t);
	put_extras(out, f);
	if (f->tls_error != NULL)
		entry_put_tls_error(out, f, iso, t.total);
	JSON_LIT(out, "}");
	*out_ninserts = w.ninserts;
}

/*
 * Safari refuses a file without a page, Firefox one without the array; no
 * entry refers to the page, or Chrome would take the first one for a document.
 */
void
har_header(struct buf *out, struct str title, struct str instance, uint64_t wall_us)
{
	char iso[CLOCK_ISO_SIZE];

	clock_iso(wall_us, iso);
	JSON_LIT(out, "{\"log\":{\"version\":\"1.2\",\"creator\":{\"name\":\"mitmd\",");
	JSON_LIT(out, "\"version\":\"" PACKAGE_VERSION "\"");
	if (instance.n > 0)
		json_member(out, "comment", instance);
	JSON_LIT(out, "},\"pages\":[{\"startedDateTime\":\"");
	json_raw(out, iso, CLOCK_ISO_SIZE - 1);
	JSON_LIT(out, "\",\"id\":\"page_1\",\"title\":");
	json_string(out, title);
	JSON_LIT(out, ",\"pageTimings\":{}}],\"entries\":[\n");
}
