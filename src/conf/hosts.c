/* SPDX-License-Identifier: ISC */
/*
 * hosts.c - see hosts.h.  A list is scanned from the front, because the first
 * pattern that matches is the one to name to the operator; a name costs one
 * compare of lengths and at most one memcmp.
 * Runs in: master (build), worker (match).
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "config.h"

#include "conf/hosts.h"

#include <stdio.h>
#include <stdlib.h>

#include <pcre2.h>

#include "base/log.h"
#include "base/mem.h"

#define NAME_MAX_LEN 253	/* RFC 1035 2.3.4, without the root's dot */
#define LABEL_MAX_LEN 63
#define REGEX_MAX_LEN 1000
#define SUBJECT_MAX (NAME_MAX_LEN + sizeof("[]:65535"))
/*
 * The subject is short, so an honest expression needs a few thousand steps; a
 * catastrophic one has to stop before other connections notice.
 */
#define REGEX_MATCH_LIMIT 20000
#define REGEX_DEPTH_LIMIT 1000
#define REGEX_HEAP_KIB 512

enum kind { KIND_ANY, KIND_EXACT, KIND_BELOW, KIND_APEX, KIND_NET, KIND_REGEX };

struct pattern {
	enum kind kind;
	uint16_t port;		/* 0: any */
	unsigned line;
	char *text;		/* as written */
	char *name;		/* lower case; KIND_BELOW and KIND_APEX: with the dot */
	size_t name_len;
	struct cidr net;
	pcre2_code *regex;
};

struct hosts {
	struct pattern *v;
	size_t n, cap;
	bool has_net;
	pcre2_match_context *limits;	/* these two: when there is a KIND_REGEX */
	pcre2_match_data *scratch;	/* processes are single-threaded */
};

struct hosts *
hosts_new(void)
{
	return mem_new(struct hosts);
}

void
hosts_free(struct hosts **hp)
{
	struct hosts *h = *hp;
	size_t i;

	if (h == NULL)
		return;
	for (i = 0; i < h->n; i++) {
		free(h->v[i].text);
		free(h->v[i].name);
		pcre2_code_free(h->v[i].regex);
	}
	pcre2_match_context_free(h->limits);
	pcre2_match_data_free(h->scratch);
	free(h->v);
	free(h);
	*hp = NULL;
}

static bool
is_label_char(char c)
{
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool
has_high_byte(struct str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return true;
	return false;
}

/*
 * A name whose last label is a number is an address to some resolvers (WHATWG
 * URL, "ends in a number"); as a pattern it could only ever be a mistake.
 */
static bool
ends_in_number(struct str name)
{
	struct str last = str_from(name, (size_t)(str_rchr(name, '.') + 1));
	size_t i = 0;

	if (last.n >= 2 && last.p[0] == '0' && ascii_lower(last.p[1]) == 'x')
		return true;
	while (i < last.n && last.p[i] >= '0' && last.p[i] <= '9')
		i++;
	return i == last.n;
}

const char *
hosts_name_fault(struct str name)
{
	struct str rest = name, label;
	size_t i;

	if (has_high_byte(name))
		return "is not ASCII: write the name as DNS has it (xn--...)";
	if (name.n > NAME_MAX_LEN)
		return "is longer than a name can be (253)";
	while (str_split(&rest, '.', &label)) {
		if (label.n == 0)
			return "has an empty label";
		if (label.n > LABEL_MAX_LEN)
			return "has a label longer than 63";
		for (i = 0; i < label.n; i++) {
			if (label.p[i] == '*')
				return "may have a '*' only alone or as '*.' in front";
			if (!is_label_char(label.p[i]))
				return "has a character that no host name has";
		}
	}
	return ends_in_number(name) ? "is neither a name nor a canonical address" : NULL;
}

static char *
dup_lower(struct str s)
{
	char *z = str_dup(s);
	size_t i;

	for (i = 0; i < s.n; i++)
		z[i] = ascii_lower(z[i]);
	return z;
}

static const char *
parse_name(struct pattern *p, struct str s)
{
	struct str labels = s;
	const char *fault;

	if (str_eq(s, STR("*"))) {
		p->kind = KIND_ANY;
		return NULL;
	}
	p->kind = KIND_EXACT;
	if (str_starts(s, STR("*."))) {
		p->kind = KIND_BELOW;
		s = str_from(s, 1);
	} else if (str_starts(s, STR("."))) {
		p->kind = KIND_APEX;
	}
	if (s.n > 1 && str_ends(s, STR(".")))	/* the root's dot says nothing */
		s.n--;
	labels = p->kind == KIND_EXACT ? s : str_from(s, 1);
	fault = hosts_name_fault(labels);
	if (fault == NULL) {
		p->name = dup_lower(s);
		p->name_len = s.n;
	}
	return fault;
}

/* "[v6]", "[v6/bits]"; *rest is what follows the bracket. */
static const char *
parse_bracketed(struct pattern *p, struct str s, struct str *rest)
{
	ssize_t end = str_chr(s, ']');
	struct str inner;

	if (end < 0)
		return "has no ']'";
	inner = str_sub(s, 1, (size_t)end - 1);
	*rest = str_from(s, (size_t)end + 1);
	p->kind = KIND_NET;
	if (str_chr(inner, ':') < 0 || !cidr_parse(inner, &p->net))
		return "has no IPv6 address or network between the brackets";
	return NULL;
}

static const char *
parse_port(struct pattern *p, struct str s)
{
	uint64_t port;

	if (!str_u64(s, 65535, &port) || port == 0)
		return "has a port that is not 1..65535";
	p->port = (uint16_t)port;
	return NULL;
}

static const char *
parse_plain(struct pattern *p, struct str s)
{
	struct str rest = STR_NONE, host = s;
	const char *fault;
	ssize_t colon;

	if (str_starts(s, STR("["))) {
		fault = parse_bracketed(p, s, &rest);
		if (fault != NULL || rest.n == 0)
			return fault;
		if (rest.p[0] != ':')
			return "has something behind ']' that is not a port";
		return parse_port(p, str_from(rest, 1));
	}
	p->kind = KIND_NET;
	if (cidr_parse(s, &p->net))
		return NULL;
	colon = str_rchr(s, ':');
	if (colon >= 0) {
		host = str_sub(s, 0, (size_t)colon);
		if (str_chr(host, ':') >= 0)
			return "is no address (IPv6 with a port is written [::1]:443)";
		fault = parse_port(p, str_from(s, (size_t)colon + 1));
		if (fault != NULL)
			return fault;
		if (cidr_parse(host, &p->net))
			return NULL;
	}
	if (str_chr(host, '/') >= 0)
		return "is not a network (10.0.0.0/8, fd00::/8)";
	return parse_name(p, host);
}

static int
compile_regex(struct hosts *h, struct pattern *p, struct str expr, struct errmsg *err)
{
	PCRE2_UCHAR why[160];
	PCRE2_SIZE at;
	int code;

	p->kind = KIND_REGEX;
	if (expr.n == 0)
		return errmsg_set(err, "'~' has no expression behind it");
	if (expr.n > REGEX_MAX_LEN)
		return errmsg_set(err, "a regular expression may have %d bytes", REGEX_MAX_LEN);
	p->regex = pcre2_compile((PCRE2_SPTR)expr.p, expr.n,
	    PCRE2_CASELESS | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C, &code,
	    &at, NULL);
	if (p->regex == NULL) {
		(void)pcre2_get_error_message(code, why, sizeof(why));
		return errmsg_set(err, "'~%.*s': %s, at character %zu", (int)MIN(expr.n, 80),
		    expr.p, (const char *)why, (size_t)at + 1);
	}
	if (h->limits == NULL) {
		h->limits = pcre2_match_context_create(NULL);
		h->scratch = pcre2_match_data_create(1, NULL);
		CHECK(h->limits != NULL && h->scratch != NULL);
		(void)pcre2_set_match_limit(h->limits, REGEX_MATCH_LIMIT);
		(void)pcre2_set_depth_limit(h->limits, REGEX_DEPTH_LIMIT);
		(void)pcre2_set_heap_limit(h->limits, REGEX_HEAP_KIB);
	}
	return 0;
}

int
hosts_add(struct hosts *h, struct str text, unsigned line, struct errmsg *err)
{
	struct pattern p = {.line = line};
	const char *fault;

	if (text.n == 0)
		return errmsg_set(err, "an empty host pattern");
	if (text.p[0] == '~') {
		if (compile_regex(h, &p, str_from(text, 1), err) < 0)
			return -1;
	} else {
		fault = parse_plain(&p, text);
		if (fault != NULL)
			return errmsg_set(err, "'%.*s' %s", (int)MIN(text.n, 80), text.p,
			    fault);
	}
	if (h->n == h->cap) {
		h->cap = h->cap == 0 ? 8 : h->cap * 2;
		h->v = mem_grow(h->v, h->cap, sizeof(h->v[0]));
	}
	p.text = str_dup(text);
	h->has_net = h->has_net || p.kind == KIND_NET;
	h->v[h->n++] = p;
	return 0;
}

size_t
hosts_count(const struct hosts *h)
{
	return h != NULL ? h->n : 0;
}

static bool
regex_matches(const struct hosts *h, const struct pattern *p, struct str subject)
{
	int rc = pcre2_match(p->regex, (PCRE2_SPTR)subject.p, subject.n, 0, 0, h->scratch,
	    h->limits);

	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
		log_debug("host pattern '%s' (line %u) gave up on %.*s", p->text, p->line,
		    STR_ARG(subject));
	return rc >= 0;
}

static bool
pattern_matches(const struct hosts *h, const struct pattern *p, struct str host,
    struct str subject, const struct addr *addr)
{
	struct str name = str_of(p->name, p->name_len);

	switch (p->kind) {
	case KIND_ANY:
		return true;
	case KIND_EXACT:
		return str_eq(host, name);
	case KIND_BELOW:
		return host.n > name.n && str_ends(host, name);
	case KIND_APEX:
		return str_eq(host, str_from(name, 1)) ||
		    (host.n > name.n && str_ends(host, name));
	case KIND_NET:
		return addr != NULL && cidr_has(&p->net, addr);
	case KIND_REGEX:
		return subject.n > 0 && regex_matches(h, p, subject);
	}
	return false;
}

int
hosts_match(const struct hosts *h, struct str host, uint16_t port, const struct addr *addr)
{
	struct str subject = STR_NONE;
	char text[SUBJECT_MAX];
	struct addr literal;
	size_t i;

	if (h == NULL)
		return -1;
	if (addr == NULL && h->has_net && addr_parse_ip(host, port, &literal))
		addr = &literal;
	if (h->scratch != NULL && host.n <= NAME_MAX_LEN) {
		bool v6 = str_chr(host, ':') >= 0;

		subject = str_of(text, (size_t)snprintf(text, sizeof(text), "%s%.*s%s:%u",
		    v6 ? "[" : "", STR_ARG(host), v6 ? "]" : "", (unsigned)port));
	}
	for (i = 0; i < h->n; i++) {
		const struct pattern *p = &h->v[i];

		if ((p->port == 0 || p->port == port) &&
		    pattern_matches(h, p, host, subject, addr))
			return (int)i;
	}
	return -1;
}

struct str
hosts_pattern(const struct hosts *h, int index)
{
	CHECK(index >= 0 && (size_t)index < h->n);
	return str_z(h->v[index].text);
}

unsigned
hosts_line(const struct hosts *h, int index)
{
	CHECK(index >= 0 && (size_t)index < h->n);
	return h->v[index].line;
}
