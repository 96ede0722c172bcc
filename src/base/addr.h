/* SPDX-License-Identifier: ISC */
/*
 * addr.h - socket addresses and CIDR blocks.  IPv4-mapped IPv6 addresses are
 * turned into IPv4 as soon as they are taken in.  Only canonical literals are
 * understood (no 127.1, 0x7f.1, 2130706433).
 */
#ifndef MITMD_BASE_ADDR_H
#define MITMD_BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/attr.h"
#include "base/str.h"

struct addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
	socklen_t len;	/* 0: none */
};

struct addr addr_from_sockaddr(const struct sockaddr *, socklen_t);
/* "192.0.2.1" or "2001:db8::1" without brackets; false on anything else. */
bool addr_parse_ip(struct str s, uint16_t port, struct addr *out) NONNULL(3);
/* "192.0.2.1:80", "[2001:db8::1]:80". */
bool addr_parse(struct str s, struct addr *out) NONNULL(2);
uint16_t addr_port(const struct addr *) NONNULL(1);
void addr_set_port(struct addr *, uint16_t) NONNULL(1);
/* The address without port and brackets; returns out. */
#define ADDR_TEXT_SIZE 64
char *addr_ip_text(const struct addr *, char out[ADDR_TEXT_SIZE]) NONNULL(1);
/* With port, IPv6 in brackets. */
char *addr_text(const struct addr *, char out[ADDR_TEXT_SIZE]) NONNULL(1);
bool addr_same_ip(const struct addr *, const struct addr *) NONNULL(1, 2);
bool addr_eq(const struct addr *, const struct addr *) NONNULL(1, 2);
bool addr_is_loopback(const struct addr *) NONNULL(1);
bool addr_is_any(const struct addr *) NONNULL(1);
/* Where clouds keep their secrets: link-local, or fd00:ec2::254. */
bool addr_is_metadata(const struct addr *) NONNULL(1);

struct cidr {
	uint8_t ip[16];
	uint8_t family;	/* AF_INET, AF_INET6 */
	uint8_t bits;
};

/* "10.0.0.0/8", "2001:db8::/32", or an address (all bits). */
bool cidr_parse(struct str s, struct cidr *out) NONNULL(2);
bool cidr_has(const struct cidr *, const struct addr *) NONNULL(1, 2);

#endif
