/* SPDX-License-Identifier: ISC */
/* sniff.c - see sniff.h.  Runs in: worker, tests, fuzzers. */
#include "config.h"

#include "worker/sniff.h"

#include <string.h>

#include "base/str.h"

#define METHOD_MAX 32
#define LINE_MAX_BYTES 65536

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

static bool
is_token_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* RFC 9112 3: method SP request-target SP HTTP-version CRLF */
static enum sniffed
request_line(const uint8_t *p, size_t n)
{
	const uint8_t *end = memchr(p, '\n', MIN(n, (size_t)LINE_MAX_BYTES));
	size_t method = 0, line;
	struct str tail;

	while (method < n && method < METHOD_MAX && is_token_char(p[method]))
		method++;
	if (method == n && n < METHOD_MAX)
		return SNIFF_MORE;
	if (method == 0 || method == METHOD_MAX || p[method] != ' ')
		return SNIFF_OTHER;
	if (end == NULL)
		return n < LINE_MAX_BYTES ? SNIFF_MORE : SNIFF_OTHER;
	line = (size_t)(end - p);
	if (line > 0 && p[line - 1] == '\r')
		line--;
	/* The version decides; what is wrong with the rest is the reader's business. */
	tail = str_of(p, line);
	if (tail.n < method + 10)
		return SNIFF_OTHER;
	tail = str_from(tail, tail.n - 9);
	return str_starts(tail, STR(" HTTP/1.")) ? SNIFF_HTTP : SNIFF_OTHER;
}

enum sniffed
sniff_preface(const uint8_t *p, size_t n)
{
	if (memcmp(p, preface, MIN(n, sizeof(preface) - 1)) != 0)
		return SNIFF_OTHER;
	return n < sizeof(preface) - 1 ? SNIFF_MORE : SNIFF_H2;
}

/* RFC 9113 3.4, 4.1, 6.5 */
bool
sniff_settings(const uint8_t *p, size_t n)
{
	static const uint8_t rest[] = {4, 0, 0, 0, 0, 0};	/* type, flags, stream */
	size_t length;

	if (n < 3 + sizeof(rest) || memcmp(p + 3, rest, sizeof(rest)) != 0)
		return false;
	length = (size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2];
	return length % 6 == 0 && length <= 16384;
}

enum sniffed
sniff(const uint8_t *p, size_t n)
{
	if (n == 0)
		return SNIFF_MORE;
	if (p[0] == 0x16)
		return n < 2 ? SNIFF_MORE : p[1] == 0x03 ? SNIFF_TLS : SNIFF_OTHER;
	if (sniff_preface(p, n) != SNIFF_OTHER)
		return sniff_preface(p, n);
	/* RFC 9112 2.2: an empty line before the request line is skipped. */
	if (p[0] == '\r' && n == 1)
		return SNIFF_MORE;
	if (n >= 2 && p[0] == '\r' && p[1] == '\n')
		return n == 2 ? SNIFF_MORE : request_line(p + 2, n - 2);
	return request_line(p, n);
}
