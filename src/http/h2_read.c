/* SPDX-License-Identifier: ISC */
/* h2_read.c - see h2_read.h.  Runs in: worker, tests, fuzzers. */
#include "config.h"

#include "http/h2_read.h"

#include "http/target.h"

#define FIELD_COST 32	/* RFC 9113 6.5.2 */

static int
refuse(struct h2_read *r, unsigned status, const char *text)
{
	if (r->error == NULL) {
		r->error = text;
		r->error_status = status;
	}
	return r->error_status == 431 ? ERR_LIMIT : ERR_SYNTAX;
}

void
h2_read_begin(struct h2_read *r, enum h2_block block, struct message *m,
    const struct h2_limits *limits)
{
	static const struct h2_pseudo none = {.n = -1};

	*r = (struct h2_read){.m = m, .block = block, .limits = *limits, .method = none,
	    .scheme = none, .authority = none, .path = none, .protocol = none};
	if (block == H2_TRAILERS)
		return;
	m->is_request = block == H2_REQUEST;
	m->version = HTTP_VERSION_2;
	m->length = -1;
	m->head_bytes = -1;
	m->keep_alive = true;
}

/* ---- pseudo-header fields (RFC 9113 8.3) ------------------------------------ */

static struct h2_pseudo *
pseudo_of(struct h2_read *r, struct str name)
{
	if (r->block != H2_REQUEST)
		return NULL;
	if (str_eq(name, STR(":method")))
		return &r->method;
	if (str_eq(name, STR(":scheme")))
		return &r->scheme;
	if (str_eq(name, STR(":authority")))
		return &r->authority;
	if (str_eq(name, STR(":path")))
		return &r->path;
	return str_eq(name, STR(":protocol")) ? &r->protocol : NULL;
}

static int
take_status(struct h2_read *r, struct str value)
{
	uint64_t status;

	if (value.n != 3 || !str_u64(value, 999, &status) || status < 100)
		return refuse(r, 400, "the status is not a number of three digits");
	if (r->m->status != 0)
		return refuse(r, 400, "a pseudo-header field comes twice");
	/* RFC 9113 8.6: there is no upgrade in HTTP/2. */
	if (status == 101)
		return refuse(r, 400, "status 101 does not exist in HTTP/2");
	r->m->status = (unsigned)status;
	return 0;
}

static int
take_pseudo(struct h2_read *r, struct str name, struct str value)
{
	struct h2_pseudo *p = pseudo_of(r, name);

	if (r->block == H2_TRAILERS || r->pseudo_over)
		return refuse(r, 400, "a pseudo-header field in the wrong place");
	if (r->block == H2_RESPONSE && str_eq(name, STR(":status")))
		return take_status(r, value);
	if (p == NULL)
		return refuse(r, 400, "an unknown pseudo-header field");
	if (p->n >= 0)
		return refuse(r, 400, "a pseudo-header field comes twice");
	p->at = r->m->line.len;
	p->n = (ssize_t)value.n;
	buf_puts(&r->m->line, value);
	return 0;
}

/* Good until the next pseudo-header field. */
static struct str
view(const struct h2_read *r, const struct h2_pseudo *p)
{
	return p->n < 0 ? STR_NONE : str_sub(buf_str(&r->m->line), p->at, (size_t)p->n);
}

/* ---- fields ------------------------------------------------------------------ */

static bool
is_lower_token(struct str name)
{
	size_t i;

	for (i = 0; i < name.n; i++)
		if (name.p[i] >= 'A' && name.p[i] <= 'Z')
			return false;
	return field_name_ok(name);
}

/* What some HTTP/1 servers take for the field that frames. */
static bool
looks_like_framing(struct str name)
{
	return str_ieq(name, STR("transfer_encoding")) || str_ieq(name, STR("content_length"));
}

/* RFC 9113 8.2.2 */
static bool
is_of_connection(enum field_id id, struct str value)
{
	switch (id) {
	case FIELD_CONNECTION:
	case FIELD_PROXY_CONNECTION:
	case FIELD_KEEP_ALIVE:
	case FIELD_TRANSFER_ENCODING:
	case FIELD_UPGRADE:
		return true;
	case FIELD_TE:
		return !str_ieq(value, STR("trailers"));
	default:
		return false;
	}
}

static int
take_length(struct h2_read *r, struct str value)
{
	uint64_t n;

	if (!str_u64(value, INT64_MAX, &n))
		return refuse(r, 400, "Content-Length is not a plain number");
	if (r->m->length >= 0)
		return refuse(r, 400, "more than one Content-Length field");
	r->m->length = (int64_t)n;
	return 0;
}

/* RFC 9113 8.3.1: where both are, they say the same, and one of them is kept. */
static int
take_host(struct h2_read *r, struct str name, struct str value)
{
	if (r->has_host)
		return refuse(r, 400, "more than one Host field");
	r->has_host = true;
	if (r->authority.n < 0)
		fields_add(&r->m->fields, name, value);
	else if (!str_ieq(value, view(r, &r->authority)))
		return refuse(r, 400, "Host and :authority differ");
	return 0;
}

/* A recording and an HTTP/1 origin know the authority as a field (RFC 9113 8.3.1). */
static void
pseudo_over(struct h2_read *r)
{
	if (r->pseudo_over)
		return;
	r->pseudo_over = true;
	if (r->block == H2_REQUEST && r->authority.n >= 0)
		fields_add(&r->m->fields, STR("host"), view(r, &r->authority));
}

static int
take_field(struct h2_read *r, struct str name, struct str value)
{
	enum field_id id = field_id_of(name);
	struct message *m = r->m;

	if (++r->count > r->limits.header_count)
		return refuse(r, 431, "the head has too many fields");
	pseudo_over(r);
	if (!is_lower_token(name))
		return refuse(r, 400, "a field name that is no token in lower case");
	if (!field_value_ok(value))
		return refuse(r, 400, "a field value with control characters");
	/* RFC 9113 8.2.1 forbids it; many an origin does it, and clients overlook it. */
	if (r->block == H2_REQUEST && str_trim(value).n != value.n)
		return refuse(r, 400, "a field value that begins or ends with white space");
	value = str_trim(value);
	if (is_of_connection(id, value) || looks_like_framing(name))
		return refuse(r, 400, "a field of the connection, which HTTP/2 has not");
	if (r->block == H2_TRAILERS) {
		fields_add(&m->trailers, name, value);
		return 0;
	}
	if (id == FIELD_HOST && r->block == H2_REQUEST)
		return take_host(r, name, value);
	if (id == FIELD_EXPECT && str_ieq(value, STR("100-continue")))
		m->expect_continue = r->block == H2_REQUEST;
	fields_add(&m->fields, name, value);
	return id == FIELD_CONTENT_LENGTH ? take_length(r, value) : 0;
}

int
h2_read_field(struct h2_read *r, struct str name, struct str value)
{
	if (r->error != NULL)
		return r->error_status == 431 ? ERR_LIMIT : ERR_SYNTAX;
	r->size += name.n + value.n + FIELD_COST;
	if (r->size > r->limits.header_size)
		return refuse(r, 431, "the head is too large");
	if (name.n > 0 && name.p[0] == ':')
		return take_pseudo(r, name, value);
	return take_field(r, name, value);
}

/* ---- a request as a whole ------------------------------------------------------ */

static bool
path_ok(struct str path, bool is_options)
{
	size_t i;

	if (path.n == 0 || (path.p[0] != '/' && !(is_options && str_eq(path, STR("*")))))
		return false;
	for (i = 0; i < path.n; i++)
		if (path.p[i] <= 0x20 || path.p[i] >= 0x7f || path.p[i] == '#')
			return false;
	return true;
}

/* RFC 9113 8.3.1: Host stands in for :authority, and one must be there. */
static int
check_authority(struct h2_read *r)
{
	struct message *m = r->m;
	struct str host, authority;
	struct host_port hp;
	const char *why;

	if (r->authority.n < 0 && r->has_host) {
		host = fields_get(&m->fields, FIELD_HOST);
		r->authority.at = m->line.len;
		r->authority.n = (ssize_t)host.n;
		buf_puts(&m->line, host);
	}
	authority = view(r, &r->authority);
	if (authority.n == 0)
		return refuse(r, 400, "the authority is missing");
	if (target_parse_authority(authority, m->is_connect ? 0 : 443, &hp, &why) != 0)
		return refuse(r, 400, why);
	return 0;
}

static int
check_request(struct h2_read *r)
{
	struct message *m = r->m;
	struct str method = view(r, &r->method), scheme = view(r, &r->scheme);
	bool plain_connect;

	if (method.n == 0 || !field_name_ok(method))
		return refuse(r, 400, "the method is no token");
	plain_connect = str_eq(method, STR("CONNECT")) && r->protocol.n < 0;
	if (r->protocol.n >= 0 && !str_eq(method, STR("CONNECT")))
		return refuse(r, 400, ":protocol without CONNECT");
	m->is_connect = plain_connect;
	m->is_head = str_eq(method, STR("HEAD"));
	if (plain_connect) {
		if (r->scheme.n >= 0 || r->path.n >= 0)
			return refuse(r, 400, "CONNECT with a scheme or a path");
		return check_authority(r);
	}
	if (!str_eq(scheme, STR("https")) && !str_eq(scheme, STR("http")))
		return refuse(r, 400, "the scheme is neither http nor https");
	if (!path_ok(view(r, &r->path), str_eq(method, STR("OPTIONS"))))
		return refuse(r, 400, "the path has a bad form");
	return check_authority(r);
}

/* The buffer does not move any more. What is refused is recorded as far as it is sane. */
static void
set_views(struct h2_read *r)
{
	struct message *m = r->m;
	struct str method = view(r, &r->method), path = view(r, &r->path);

	m->method = field_name_ok(method) ? method : STR_NONE;
	m->path = path_ok(path, true) ? path : STR_NONE;
	if (r->error != NULL)
		return;
	m->scheme = view(r, &r->scheme);
	m->authority = view(r, &r->authority);
	m->protocol = view(r, &r->protocol);
	m->target = m->is_connect ? m->authority : m->path;
	m->form = m->is_connect ? TARGET_AUTHORITY : str_eq(m->path, STR("*")) ?
	    TARGET_ASTERISK : TARGET_ORIGIN;
}

static int
check_whole(struct h2_read *r, bool last)
{
	switch (r->block) {
	case H2_REQUEST:
		pseudo_over(r);
		if (last && r->m->length > 0)
			return refuse(r, 400, "a Content-Length, and no content");
		return check_request(r);
	case H2_RESPONSE:
		return r->m->status != 0 ? 0 : refuse(r, 400, "the status is missing");
	case H2_TRAILERS:
		return last ? 0 : refuse(r, 400, "trailers that do not end the stream");
	}
	return 0;
}

int
h2_read_end(struct h2_read *r, bool last)
{
	struct message *m = r->m;

	if (r->error == NULL)
		(void)check_whole(r, last);
	if (r->block == H2_REQUEST)
		set_views(r);
	if (r->error != NULL)
		return r->error_status == 431 ? ERR_LIMIT : ERR_SYNTAX;
	if (r->block == H2_TRAILERS)
		return 0;
	m->has_body = !last;
	if (last && m->length < 0)
		m->length = 0;
	return 0;
}
