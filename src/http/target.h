/* SPDX-License-Identifier: ISC */
/*
 * target.h - host and port as written in a CONNECT target, an absolute-form
 * target or a Host field (RFC 9112 3.2, RFC 3986 3.2), and the URL a recording
 * shows.  Strict: what a resolver would take as something else is refused.
 * Runs in: worker, master (configuration), tests, fuzzers.
 */
#ifndef MITMD_HTTP_TARGET_H
#define MITMD_HTTP_TARGET_H

#include "base/addr.h"
#include "base/buf.h"
#include "base/str.h"
#include "http/message.h"

#define HOST_MAX 253

struct host_port {
	char host[HOST_MAX + 1];	/* lower case, no brackets, no final dot, with a NUL */
	size_t host_len;
	uint16_t port;
	bool is_ip;
	struct addr ip;		/* when is_ip, with the port */
};

/*
 * "host:port" with an optional port (0: it must be there). 0, or ERR_SYNTAX
 * with *out_why: userinfo, path, port 0 or above 65535 or with leading zeros,
 * IPv6 without brackets, zone id, NUL, label or name too long, and IP literals
 * that are not canonical (127.1, 0x7f.1, 2130706433, 1.2.3.04).
 */
int target_parse_authority(struct str s, uint16_t default_port, struct host_port *out,
    const char **out_why) NONNULL(3, 4) MUSTCHECK;
/* A host alone, as in SNI; same rules. */
int target_parse_host(struct str s, struct host_port *out) NONNULL(2) MUSTCHECK;
/* "host", or "[v6]", with ":port" unless it is the default of that scheme. */
void target_put_authority(struct buf *out, const struct host_port *, uint16_t default_port)
    NONNULL(1, 2);
/*
 * The absolute URL of a recording, normalised the WHATWG way: lower-case
 * scheme and host, default port dropped, "/" for an empty path, no fragment,
 * bytes outside printable ASCII and space " < > ` percent-encoded, "[v6]".
 */
void target_put_url(struct buf *out, struct str scheme, const struct host_port *,
    struct str path) NONNULL(1, 3);

#endif
