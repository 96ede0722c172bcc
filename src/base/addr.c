/* SPDX-License-Identifier: ISC */
/* addr.c - see addr.h.  Runs in: every process. */
#include "config.h"

#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

struct addr
addr_from_sockaddr(const struct sockaddr *sa, socklen_t len)
{
	struct addr a;

	memset(&a, 0, sizeof(a));
	if (sa->sa_family == AF_INET6 && len >= sizeof(a.in6)) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;

		if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
			a.in.sin_family = AF_INET;
			a.in.sin_port = in6->sin6_port;
			memcpy(&a.in.sin_addr, in6->sin6_addr.s6_addr + 12, 4);
			a.len = sizeof(a.in);
		} else {
			memcpy(&a.in6, in6, sizeof(a.in6));
			a.len = sizeof(a.in6);
		}
	} else if (sa->sa_family == AF_INET && len >= sizeof(a.in)) {
		memcpy(&a.in, sa, sizeof(a.in));
		a.len = sizeof(a.in);
	}
	return a;
}

bool
addr_parse_ip(struct str s, uint16_t port, struct addr *out)
{
	char z[INET6_ADDRSTRLEN];
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u;

	if (s.n == 0 || s.n >= sizeof(z) || memchr(s.p, '\0', s.n) != NULL)
		return false;
	memcpy(z, s.p, s.n);
	z[s.n] = '\0';
	memset(&u, 0, sizeof(u));
	if (inet_pton(AF_INET, z, &u.in.sin_addr) == 1) {
		u.in.sin_family = AF_INET;
		u.in.sin_port = htons(port);
		*out = addr_from_sockaddr(&u.sa, sizeof(u.in));
		return true;
	}
	if (inet_pton(AF_INET6, z, &u.in6.sin6_addr) == 1) {
		u.in6.sin6_family = AF_INET6;
		u.in6.sin6_port = htons(port);
		*out = addr_from_sockaddr(&u.sa, sizeof(u.in6));
		return true;
	}
	return false;
}

bool
addr_parse(struct str s, struct addr *out)
{
	ssize_t colon = str_rchr(s, ':');
	struct str host;
	uint64_t port;

	if (colon < 0 || !str_u64(str_from(s, (size_t)colon + 1), 65535, &port))
		return false;
	host = str_sub(s, 0, (size_t)colon);
	if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
		host = str_sub(host, 1, host.n - 2);
		if (str_chr(host, ':') < 0)
			return false;
	} else if (str_chr(host, ':') >= 0) {
		return false;
	}
	return addr_parse_ip(host, (uint16_t)port, out);
}

uint16_t
addr_port(const struct addr *a)
{
	return ntohs(a->sa.sa_family == AF_INET6 ? a->in6.sin6_port : a->in.sin_port);
}

void
addr_set_port(struct addr *a, uint16_t port)
{
	if (a->sa.sa_family == AF_INET6)
		a->in6.sin6_port = htons(port);
	else
		a->in.sin_port = htons(port);
}

static const void *
ip_of(const struct addr *a, size_t *n)
{
	if (a->sa.sa_family == AF_INET6) {
		*n = 16;
		return &a->in6.sin6_addr;
	}
	*n = 4;
	return &a->in.sin_addr;
}

char *
addr_ip_text(const struct addr *a, char out[ADDR_TEXT_SIZE])
{
	size_t n;

	out[0] = '\0';
	if (a->len != 0)
		(void)inet_ntop(a->sa.sa_family, ip_of(a, &n), out, ADDR_TEXT_SIZE);
	return out;
}

char *
addr_text(const struct addr *a, char out[ADDR_TEXT_SIZE])
{
	char ip[ADDR_TEXT_SIZE];

	addr_ip_text(a, ip);
	(void)snprintf(out, ADDR_TEXT_SIZE,
	    a->sa.sa_family == AF_INET6 ? "[%.45s]:%u" : "%.45s:%u", ip, addr_port(a));
	return out;
}

bool
addr_same_ip(const struct addr *a, const struct addr *b)
{
	size_t n;

	return a->len == b->len && a->len != 0 && a->sa.sa_family == b->sa.sa_family &&
	    memcmp(ip_of(a, &n), ip_of(b, &n), a->sa.sa_family == AF_INET6 ? 16 : 4) == 0;
}

bool
addr_eq(const struct addr *a, const struct addr *b)
{
	return addr_same_ip(a, b) && addr_port(a) == addr_port(b);
}

bool
addr_is_loopback(const struct addr *a)
{
	if (a->sa.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
	return (ntohl(a->in.sin_addr.s_addr) >> 24) == 127;
}

bool
addr_is_any(const struct addr *a)
{
	if (a->sa.sa_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);
	return a->in.sin_addr.s_addr == 0;
}

static bool
is_link_local(const struct addr *a)
{
	if (a->sa.sa_family == AF_INET6)
		return IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr);
	return (ntohl(a->in.sin_addr.s_addr) >> 16) == 0xa9fe;	/* 169.254/16 */
}

bool
addr_is_metadata(const struct addr *a)
{
	static const uint8_t ec2[16] = {0xfd, 0, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54};

	return is_link_local(a) ||
	    (a->sa.sa_family == AF_INET6 && memcmp(&a->in6.sin6_addr, ec2, 16) == 0);
}

bool
cidr_parse(struct str s, struct cidr *out)
{
	ssize_t slash = str_chr(s, '/');
	struct addr a;
	uint64_t bits, max;
	size_t n;
	const void *ip;

	if (!addr_parse_ip(slash < 0 ? s : str_sub(s, 0, (size_t)slash), 0, &a))
		return false;
	ip = ip_of(&a, &n);
	max = bits = n * 8;
	if (slash >= 0 && !str_u64(str_from(s, (size_t)slash + 1), max, &bits))
		return false;
	memset(out, 0, sizeof(*out));
	memcpy(out->ip, ip, n);
	out->family = (uint8_t)a.sa.sa_family;
	out->bits = (uint8_t)bits;
	return true;
}

bool
cidr_has(const struct cidr *c, const struct addr *a)
{
	const uint8_t *ip;
	unsigned whole = c->bits / 8, rest = c->bits % 8;
	size_t n;

	if (a->len == 0 || a->sa.sa_family != c->family)
		return false;
	ip = ip_of(a, &n);
	if (memcmp(ip, c->ip, whole) != 0)
		return false;
	return rest == 0 || ((ip[whole] ^ c->ip[whole]) >> (8 - rest)) == 0;
}
