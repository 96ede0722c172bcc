/* SPDX-License-Identifier: ISC */
/* h1_strict.c - see h1_strict.h.  Runs in: worker, tests, fuzzers. */
#include "config.h"

#include "http/h1_strict.h"

#include "base/err.h"
#include "http/target.h"

/* What h1_framing.c appends to message.line: a Host value, brackets, port, final dot. */
#define AUTHORITY_MAX (HOST_MAX + 16)

void
h1_strict_init(struct h1_strict *s, enum h1_role role, const struct h1_limits *limits)
{
	*s = (struct h1_strict){.role = role, .limits = *limits};
	s->relaxed = limits->relaxed && role == H1_RESPONSES;
}

void
h1_strict_next(struct h1_strict *s, struct message *m)
{
	s->m = m;
	s->into = &m->fields;
	s->plain = true;
	s->dropped = false;
	m->is_request = s->role == H1_REQUESTS;
}

void
h1_strict_trailers(struct h1_strict *s)
{
	s->into = &s->m->trailers;
	s->dropped = false;
}

int
h1_strict_fail(struct h1_strict *s, unsigned status, const char *text)
{
	bool limit = status == 414 || status == 431;

	s->error.status = s->role == H1_RESPONSES ? 502 : status;
	s->error.text = text;
	return limit ? ERR_LIMIT : ERR_SYNTAX;
}

/* ---- start lines -------------------------------------------------------- */

static int
take_version(struct h1_strict *s, struct str v)
{
	if (str_eq(v, STR("HTTP/1.1"))) {
		s->m->version = HTTP_VERSION_1_1;
		return 0;
	}
	if (str_eq(v, STR("HTTP/1.0"))) {
		s->m->version = HTTP_VERSION_1_0;
		return 0;
	}
	if (v.n == 8 && str_starts(v, STR("HTTP/")) && v.p[5] >= '0' && v.p[5] <= '9' &&
	    v.p[6] == '.' && v.p[7] >= '0' && v.p[7] <= '9')
		return h1_strict_fail(s, 505, "an HTTP version other than 1.0 and 1.1");
	return h1_strict_fail(s, 400, "the HTTP version is malformed");
}

static int
check_target_bytes(struct h1_strict *s, struct str target)
{
	size_t i;

	if (target.n == 0)
		return h1_strict_fail(s, 400, "the request target is empty");
	for (i = 0; i < target.n; i++) {
		if ((uint8_t)target.p[i] <= 0x20 || (uint8_t)target.p[i] >= 0x7f)
			return h1_strict_fail(s, 400, "a byte in the request target that is "
			    "not printable ASCII");
		if (target.p[i] == '#')
			return h1_strict_fail(s, 400, "a fragment in the request target");
	}
	return 0;
}

/* "http://host" has no path: "/" stands in front of its query, "*" for OPTIONS (3.2.4). */
static void
take_path(struct message *m, struct str rest)
{
	if (rest.n > 0 && rest.p[0] == '/') {
		m->path = rest;
	} else if (rest.n == 0) {
		m->path = str_eq(m->method, STR("OPTIONS")) ? STR("*") : STR("/");
	} else {
		size_t at = m->line.len;

		buf_putc(&m->line, '/');
		buf_puts(&m->line, rest);
		m->path = str_from(buf_str(&m->line), at);
	}
}

static int
take_absolute(struct h1_strict *s)
{
	struct message *m = s->m;
	struct host_port hp;
	struct str rest;
	const char *why;
	size_t end;

	m->form = TARGET_ABSOLUTE;
	if (str_istarts(m->target, STR("http://")))
		m->scheme = STR("http");
	else if (str_istarts(m->target, STR("https://")))
		m->scheme = STR("https");
	else
		return h1_strict_fail(s, 400, "the request target is neither a path nor an "
		    "http or https URL");
	rest = str_from(m->target, m->scheme.n + 3);
	for (end = 0; end < rest.n && rest.p[end] != '/' && rest.p[end] != '?'; end++)
		continue;
	m->authority = str_sub(rest, 0, end);
	if (target_parse_authority(m->authority, 80, &hp, &why) != 0)
		return h1_strict_fail(s, 400, why);
	take_path(m, str_from(rest, end));
	return 0;
}

static int
take_target(struct h1_strict *s)
{
	struct message *m = s->m;
	struct host_port hp;
	const char *why;
	int err = check_target_bytes(s, m->target);

	if (err != 0)
		return err;
	if (m->is_connect) {
		m->form = TARGET_AUTHORITY;
		m->authority = m->target;
		if (target_parse_authority(m->authority, 0, &hp, &why) != 0)
			return h1_strict_fail(s, 400, why);
		return 0;
	}
	if (m->target.p[0] == '/') {
		m->form = TARGET_ORIGIN;
		m->path = m->target;
		return 0;
	}
	if (str_eq(m->target, STR("*")) && str_eq(m->method, STR("OPTIONS"))) {
		m->form = TARGET_ASTERISK;
		m->path = m->target;
		return 0;
	}
	return take_absolute(s);
}

/* Methods whose request line the parser library takes as it is. */
static bool
parser_knows(struct str method)
{
	static const struct str KNOWN[] = {
		STR("GET"), STR("POST"), STR("HEAD"), STR("PUT"), STR("OPTIONS"),
		STR("DELETE"), STR("PATCH"), STR("CONNECT"), STR("TRACE"),
	};
	size_t i;

	for (i = 0; i < NELEM(KNOWN); i++)
		if (str_eq(KNOWN[i], method))
			return true;
	return false;
}

static int
take_request_line(struct h1_strict *s, struct str line)
{
	struct message *m = s->m;
	ssize_t first = str_chr(line, ' '), last = str_rchr(line, ' ');
	int err;

	if (first < 0 || first == last)
		return h1_strict_fail(s, 400, "the request line is not method, target, version");
	m->method = str_sub(line, 0, (size_t)first);
	m->target = str_sub(line, (size_t)first + 1, (size_t)(last - first) - 1);
	if (!field_name_ok(m->method))
		return h1_strict_fail(s, 400, "the method is not a token");
	if (str_chr(m->target, ' ') >= 0 || m->target.n == 0)
		return h1_strict_fail(s, 400, "the request line is not method, target, version");
	err = take_version(s, str_from(line, (size_t)last + 1));
	if (err != 0)
		return err;
	m->is_connect = str_eq(m->method, STR("CONNECT"));
	m->is_head = str_eq(m->method, STR("HEAD"));
	s->plain = parser_knows(m->method);
	return take_target(s);
}

/* "HTTP/1.1 200 reason", where the space before a missing reason may be missing too. */
static int
take_status_line(struct h1_strict *s, struct str line)
{
	struct message *m = s->m;
	struct str code = str_sub(line, 9, 3);
	uint64_t status;
	int err = take_version(s, str_sub(line, 0, 8));

	if (err != 0)
		return err;
	if (line.n < 12 || line.p[8] != ' ' || (line.n > 12 && line.p[12] != ' ') ||
	    !str_u64(code, 999, &status) || status < 100)
		return h1_strict_fail(s, 502, "the status is not a number from 100 to 999");
	m->status = (unsigned)status;
	m->reason = str_from(line, 13);
	if (!field_value_ok(m->reason))
		return h1_strict_fail(s, 502, "a control byte in the reason phrase");
	return 0;
}

int
h1_strict_start_line(struct h1_strict *s, struct str line)
{
	struct buf *kept = &s->m->line;

	/*
	 * The views of the message point into this: it must not move any more, so
	 * there is room for all that may be appended (a path, the Host value).
	 */
	CHECK(buf_reserve(kept, 2 * line.n + 1 + AUTHORITY_MAX) != NULL);
	buf_puts(kept, line);
	return s->role == H1_REQUESTS ? take_request_line(s, buf_str(kept))
				      : take_status_line(s, buf_str(kept));
}

/* ---- field lines -------------------------------------------------------- */

static bool
is_fold(struct str line)
{
	return line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t');
}

static int
take_fold(struct h1_strict *s, struct str line)
{
	if (s->role == H1_REQUESTS)
		return h1_strict_fail(s, 400, "a folded field line");
	if (s->into->n == 0 && !s->dropped)
		return h1_strict_fail(s, 400, "white space before the first field");
	if (!field_value_ok(line))
		return h1_strict_fail(s, 400, "a control byte in the value of a field");
	s->plain = false;
	if (!s->dropped)
		fields_extend(s->into, str_trim(line));
	return 0;
}

static const char *
name_fault(struct str name, ssize_t colon)
{
	if (colon < 0)
		return "a field line without a colon";
	if (colon == 0)
		return "a field without a name";
	if (name.p[name.n - 1] == ' ' || name.p[name.n - 1] == '\t')
		return "space before the colon of a field";
	return field_name_ok(name) ? NULL : "the name of a field is not a token";
}

/*
 * Relaxed: a line that is none is left out, as browsers do.  Never one that
 * other readers might take for framing ("Content-Length : 5").
 */
static int
drop_or_fail(struct h1_strict *s, struct str name, const char *fault)
{
	enum field_id id = field_id_of(str_trim(name));

	if (!s->relaxed || id == FIELD_CONTENT_LENGTH || id == FIELD_TRANSFER_ENCODING)
		return h1_strict_fail(s, 400, fault);
	s->plain = false;
	s->dropped = true;
	return 0;
}

int
h1_strict_field_line(struct h1_strict *s, struct str line)
{
	ssize_t colon;
	struct str name, value;
	const char *fault;

	if (is_fold(line))
		return take_fold(s, line);
	colon = str_chr(line, ':');
	name = colon < 0 ? line : str_sub(line, 0, (size_t)colon);
	fault = name_fault(name, colon);
	if (fault != NULL)
		return drop_or_fail(s, name, fault);
	value = str_trim(str_from(line, (size_t)colon + 1));
	if (!field_value_ok(value))
		return h1_strict_fail(s, 400, "a control byte in the value of a field");
	if (s->into->n >= s->limits.header_count)
		return h1_strict_fail(s, 431, "too many fields");
	s->dropped = false;
	fields_add(s->into, name, value);
	return 0;
}
