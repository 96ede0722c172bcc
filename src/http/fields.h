/* SPDX-License-Identifier: ISC */
/*
 * fields.h - an ordered list of header or trailer fields (RFC 9110 5).
 * Keeps case, order and duplicates, because a recording needs them.  All text
 * lies in one growing buffer: adding a field does not allocate once warm, and
 * fields_clear() keeps the memory for the next message.
 * Runs in: worker, tests.
 */
#ifndef MITMD_HTTP_FIELDS_H
#define MITMD_HTTP_FIELDS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* Names the proxy itself looks at; everything else is FIELD_OTHER. */
enum field_id {
	FIELD_OTHER,
	FIELD_HOST,
	FIELD_CONTENT_LENGTH,
	FIELD_TRANSFER_ENCODING,
	FIELD_CONTENT_TYPE,
	FIELD_CONTENT_ENCODING,
	FIELD_CONNECTION,
	FIELD_PROXY_CONNECTION,
	FIELD_KEEP_ALIVE,
	FIELD_UPGRADE,
	FIELD_TE,
	FIELD_TRAILER,
	FIELD_EXPECT,
	FIELD_PROXY_AUTHORIZATION,
	FIELD_PROXY_AUTHENTICATE,
	FIELD_PROXY_AUTHENTICATION_INFO,
	FIELD_PROXY_STATUS,
	FIELD_COOKIE,
	FIELD_SET_COOKIE,
	FIELD_LOCATION,
	FIELD_ALT_SVC,
	FIELD_HTTP2_SETTINGS,
	FIELD_VIA,
	FIELD_COUNT
};

struct field {
	uint32_t name;		/* offsets into text: use fields_name(), fields_value() */
	uint32_t name_len;
	uint32_t value;
	uint32_t value_len;
	enum field_id id;
};

struct fields {
	struct buf text;
	struct field *v;
	uint32_t n, cap;
};

enum field_id field_id_of(struct str name);
/* A token (RFC 9110 5.1), and bytes a value may have (5.5; no CR, LF, NUL, other controls). */
bool field_name_ok(struct str name);
bool field_value_ok(struct str value);

void fields_init(struct fields *) NONNULL(1);
void fields_clear(struct fields *) NONNULL(1);	/* empty, memory kept */
void fields_free(struct fields *) NONNULL(1);
/* Copies both.  The caller has bounded size and number (the reader's limits). */
void fields_add(struct fields *, struct str name, struct str value) NONNULL(1);
/* Append more to the value added last, behind a space (a folded line, RFC 9112 5.2). */
void fields_extend(struct fields *, struct str more) NONNULL(1);
/* Views stay good until the next add, clear or free. */
struct str fields_name(const struct fields *, const struct field *) NONNULL(1, 2);
struct str fields_value(const struct fields *, const struct field *) NONNULL(1, 2);
/* First field with that id (not FIELD_OTHER) or name; NULL when there is none. */
const struct field *fields_find(const struct fields *, enum field_id) NONNULL(1);
const struct field *fields_find_name(const struct fields *, struct str name) NONNULL(1);
/* Value of the first, STR_NONE when there is none (an empty value has p != NULL). */
struct str fields_get(const struct fields *, enum field_id) NONNULL(1);
unsigned fields_count(const struct fields *, enum field_id) NONNULL(1);
/* Some value of the list field has that token, case folded (Connection: close). */
bool fields_has_token(const struct fields *, enum field_id, struct str token) NONNULL(1);
size_t fields_held(const struct fields *) NONNULL(1);	/* bytes of memory */
void fields_copy(struct fields *to, const struct fields *from) NONNULL(1, 2);

#endif
