/* SPDX-License-Identifier: ISC */
/*
 * name.h - what may stand in a certificate of ours as a name: pure checks of
 * bytes that a broken worker may have chosen.
 * Runs in: signer, worker, mitmctl.
 */
#ifndef MITMD_TLS_NAME_H
#define MITMD_TLS_NAME_H

#include "base/str.h"

/* GeneralName tags (RFC 5280 4.2.1.6). */
enum { NAME_EMAIL = 1, NAME_DNS = 2, NAME_URI = 6, NAME_IP = 7 };

/* Letters, digits, hyphen and underscore in labels of 1..63, at most 253 bytes. */
bool name_is_host(struct str s);
/* The same, and no address of any spelling: its last label is not a number. */
bool name_is_asked_host(struct str s);
/*
 * "*." and a host name; too broad are "*" and "*.com".  Partial is "f*o.test", one
 * star among other characters of the first label, which few clients still take.
 */
enum name_wildcard { NAME_NO_WILDCARD, NAME_WILDCARD, NAME_TOO_BROAD, NAME_PARTIAL };
enum name_wildcard name_wildcard(struct str s);
/*
 * Either of them, perhaps with a dot at the end: what an origin's dNSName may be.
 * Some clients drop that dot, so it says nothing about what the name stands for.
 */
bool name_is_dns(struct str s);
struct str name_without_dot(struct str s);
/* Printable ASCII without spaces: what IA5String names of these kinds may hold. */
bool name_is_uri(struct str s);
bool name_is_email(struct str s);
/* Well-formed UTF-8 without control characters (C0, DEL, C1). */
bool name_is_text(struct str s);

#endif
