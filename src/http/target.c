/* SPDX-License-Identifier: ISC */
/* target.c - see target.h.  Runs in: worker, master (configuration), tests, fuzzers. */
#include "config.h"

#include "http/target.h"

#include <string.h>

#include "base/err.h"

#define LABEL_MAX 63

static int
refuse(const char **out_why, const char *why)
{
	*out_why = why;
	return ERR_SYNTAX;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Letters, digits, "-" and "_": names with underscores are in use everywhere. */
static bool
label_ok(struct str label)
{
	size_t i;

	if (label.n == 0 || label.n > LABEL_MAX)
		return false;
	for (i = 0; i < label.n; i++) {
		char c = ascii_lower(label.p[i]);

		if (!is_digit(c) && !(c >= 'a' && c <= 'z') && c != '-' && c != '_')
			return false;
	}
	return true;
}

/*
 * inet_aton(), and so getaddrinfo() and browsers, take a name whose last label
 * is a number for an IPv4 address: 127.1, 0x7f.1, 2130706433.  Such a name
 * would pass every check of names and then mean an address.
 */
static bool
is_number(struct str label)
{
	size_t i;

	if (str_istarts(label, STR("0x"))) {
		for (i = 2; i < label.n; i++)
			if (!is_digit(label.p[i]) &&
			    !(ascii_lower(label.p[i]) >= 'a' && ascii_lower(label.p[i]) <= 'f'))
				return false;
		return true;
	}
	for (i = 0; i < label.n; i++)
		if (!is_digit(label.p[i]))
			return false;
	return true;
}

static int
parse_name(struct str s, struct host_port *out, const char **out_why)
{
	struct str rest, label = STR_NONE;
	size_t i;

	if (s.n > 0 && s.p[s.n - 1] == '.')
		s.n--;
	if (s.n == 0)
		return refuse(out_why, "the host is empty");
	if (s.n > HOST_MAX)
		return refuse(out_why, "the host name is longer than 253 bytes");
	for (rest = s; str_split(&rest, '.', &label);)
		if (!label_ok(label))
			return refuse(out_why, "the host is neither a name nor an address");
	if (is_number(label))
		return refuse(out_why, "the host is an address that is not written canonically");
	for (i = 0; i < s.n; i++)
		out->host[i] = ascii_lower(s.p[i]);
	out->host[s.n] = '\0';
	out->host_len = s.n;
	return 0;
}

static void
take_ip(struct host_port *out)
{
	char text[ADDR_TEXT_SIZE];

	out->is_ip = true;
	addr_ip_text(&out->ip, text);
	out->host_len = strlen(text);
	memcpy(out->host, text, out->host_len + 1);
}

static int
parse_host(struct str s, bool brackets, struct host_port *out, const char **out_why)
{
	if (brackets || str_chr(s, ':') >= 0) {
		if (str_chr(s, '%') >= 0)
			return refuse(out_why, "an IPv6 address with a zone");
		if (str_chr(s, ':') < 0 || !addr_parse_ip(s, out->port, &out->ip))
			return refuse(out_why, "what is in brackets is no IPv6 address");
		take_ip(out);
		return 0;
	}
	if (addr_parse_ip(s, out->port, &out->ip)) {
		take_ip(out);
		return 0;
	}
	return parse_name(s, out, out_why);
}

static int
parse_port(struct str s, uint16_t *out, const char **out_why)
{
	uint64_t port;

	if (!str_u64(s, 65535, &port) || port == 0)
		return refuse(out_why, "the port is not a number from 1 to 65535");
	*out = (uint16_t)port;
	return 0;
}

int
target_parse_authority(struct str s, uint16_t default_port, struct host_port *out,
    const char **out_why)
{
	bool brackets = s.n > 0 && s.p[0] == '[';
	struct str host = s;
	ssize_t end;

	memset(out, 0, sizeof(*out));
	out->port = default_port;
	if (str_chr(s, '@') >= 0)
		return refuse(out_why, "user information in the authority");
	end = str_chr(s, brackets ? ']' : ':');
	if (brackets) {
		if (end < 0)
			return refuse(out_why, "the bracket of an IPv6 address is not closed");
		host = str_sub(s, 1, (size_t)end - 1);
		end = (size_t)++end < s.n ? end : -1;
	} else if (end >= 0) {
		host = str_sub(s, 0, (size_t)end);
	}
	if (end >= 0) {
		if (s.p[end] != ':')
			return refuse(out_why, "something other than a port behind the bracket");
		if (parse_port(str_from(s, (size_t)end + 1), &out->port, out_why) != 0)
			return ERR_SYNTAX;
	} else if (default_port == 0) {
		return refuse(out_why, "the port is missing");
	}
	return parse_host(host, brackets, out, out_why);
}

int
target_parse_host(struct str s, struct host_port *out)
{
	const char *why;

	memset(out, 0, sizeof(*out));
	return parse_host(s, false, out, &why);
}

void
target_put_authority(struct buf *out, const struct host_port *hp, uint16_t default_port)
{
	bool v6 = hp->is_ip && hp->ip.sa.sa_family == AF_INET6;

	if (v6)
		buf_putc(out, '[');
	buf_put(out, hp->host, hp->host_len);
	if (v6)
		buf_putc(out, ']');
	if (hp->port != default_port)
		buf_printf(out, ":%u", hp->port);
}

static uint16_t
port_of_scheme(struct str scheme)
{
	if (str_ieq(scheme, STR("https")) || str_ieq(scheme, STR("wss")))
		return 443;
	if (str_ieq(scheme, STR("http")) || str_ieq(scheme, STR("ws")))
		return 80;
	return 0;
}

static bool
is_url_byte(uint8_t c)
{
	return c > 0x20 && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '`';
}

static void
put_encoded(struct buf *out, struct str s)
{
	static const char HEX[] = "0123456789ABCDEF";
	size_t i, plain;

	for (i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];

		for (plain = i; plain < s.n && is_url_byte((uint8_t)s.p[plain]); plain++)
			continue;
		if (plain > i) {
			buf_put(out, s.p + i, plain - i);
			i = plain - 1;
			continue;
		}
		buf_putc(out, '%');
		buf_putc(out, HEX[c >> 4]);
		buf_putc(out, HEX[c & 15]);
	}
}

void
target_put_url(struct buf *out, struct str scheme, const struct host_port *hp, struct str path)
{
	ssize_t hash = str_chr(path, '#');
	size_t i;

	for (i = 0; i < scheme.n; i++)
		buf_putc(out, ascii_lower(scheme.p[i]));
	buf_putz(out, "://");
	target_put_authority(out, hp, port_of_scheme(scheme));
	if (hash >= 0)
		path = str_sub(path, 0, (size_t)hash);
	if (path.n == 0 || path.p[0] != '/')
		buf_putc(out, '/');
	put_encoded(out, path);
}
