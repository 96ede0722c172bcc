/* SPDX-License-Identifier: ISC */
/* msg.c - see msg.h.  Runs in: every process. */
#include "config.h"

#include "ipc/msg.h"

#include <string.h>

#include "base/err.h"

static const struct {
	unsigned no;
	const char *name;
	enum role from, to;
} messages[] = {
#define MSG(no, name, from, to, payload, meaning) {no, #name, from, to},
#include "ipc/msg.def"
#undef MSG
};

const char *
role_name(enum role role)
{
	static const char *const names[] = {"master", "signer", "recorder", "worker"};

	return role < ROLE_COUNT ? names[role] : "nobody";
}

const char *
recipe_name(enum recipe recipe)
{
	static const char *const names[] = {"good", "self", "untrusted", "untrusted-sub",
	    "untrusted-root", "not-ca", "forged", "forged-sha1"};

	return recipe < RECIPE_COUNT ? names[recipe] : "unknown";
}

const char *
copy_name(uint32_t bit)
{
	static const char *const names[] = {"dates", "no-names", "key-usage", "purpose",
	    "critical", "no-aki", "must-staple", "weak-key"};
	size_t i;

	for (i = 0; i < NELEM(names); i++)
		if (bit == 1u << i)
			return names[i];
	return "unknown";
}

const char *
msg_name(unsigned type)
{
	size_t i;

	for (i = 0; i < NELEM(messages); i++)
		if (messages[i].no == type)
			return messages[i].name;
	return NULL;
}

bool
msg_allowed(unsigned type, enum role from, enum role to)
{
	size_t i;

	for (i = 0; i < NELEM(messages); i++)
		if (messages[i].no == type)
			return (messages[i].from == ROLE_COUNT || messages[i].from == from) &&
			    (messages[i].to == ROLE_COUNT || messages[i].to == to);
	return false;
}

static void
put_be(struct buf *out, uint64_t v, unsigned bytes)
{
	uint8_t b[8];
	unsigned i;

	for (i = 0; i < bytes; i++)
		b[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
	buf_put(out, b, bytes);
}

static int
get_be(struct str *s, unsigned bytes, uint64_t *out)
{
	uint64_t v = 0;
	unsigned i;

	if (s->n < bytes)
		return ERR_SYNTAX;
	for (i = 0; i < bytes; i++)
		v = v << 8 | (uint8_t)s->p[i];
	*s = str_from(*s, bytes);
	*out = v;
	return 0;
}

static int
get_raw(struct str *s, void *out, size_t n)
{
	if (s->n < n)
		return ERR_SYNTAX;
	memcpy(out, s->p, n);
	*s = str_from(*s, n);
	return 0;
}

#define DEFINE_INT(kind, type, bytes)                                                     \
	static void put_##kind(struct buf *out, const type *v)                            \
	{                                                                                 \
		put_be(out, (uint64_t)*v, bytes);                                         \
	}                                                                                 \
	static int get_##kind(struct str *s, type *v)                                     \
	{                                                                                 \
		uint64_t wide;                                                            \
                                                                                          \
		if (get_be(s, bytes, &wide) != 0)                                         \
			return ERR_SYNTAX;                                                \
		*v = (type)wide;                                                          \
		return 0;                                                                 \
	}
DEFINE_INT(u8, uint8_t, 1)
DEFINE_INT(u32, uint32_t, 4)
DEFINE_INT(u64, uint64_t, 8)
DEFINE_INT(i64, int64_t, 8)

static void
put_hash(struct buf *out, const msg_hash *v)
{
	buf_put(out, v->b, sizeof(v->b));
}

static int
get_hash(struct str *s, msg_hash *v)
{
	return get_raw(s, v->b, sizeof(v->b));
}

static void
put_bytes(struct buf *out, const struct str *v)
{
	put_be(out, v->n, 4);
	buf_puts(out, *v);
}

static int
get_bytes(struct str *s, struct str *v)
{
	uint64_t n;

	if (get_be(s, 4, &n) != 0 || n > s->n)
		return ERR_SYNTAX;
	*v = str_sub(*s, 0, n);
	*s = str_from(*s, n);
	return 0;
}

#define P(payload, fields)                                                                \
	void msg_pack_##payload(struct buf *out, const struct msg_##payload *m)           \
	{                                                                                 \
		(void)out;                                                                \
		(void)m;                                                                  \
		fields                                                                    \
	}
#define F(kind, name) put_##kind(out, &m->name);
MSG_PAYLOADS(P)
#undef F
#undef P

#define P(payload, fields)                                                                \
	int msg_unpack_##payload(struct str s, struct msg_##payload *m)                   \
	{                                                                                 \
		memset(m, 0, sizeof(*m));                                                 \
		fields return s.n == 0 ? 0 : ERR_SYNTAX;                                  \
	}
#define F(kind, name)                                                                     \
	if (get_##kind(&s, &m->name) != 0)                                                \
		return ERR_SYNTAX;
MSG_PAYLOADS(P)
#undef F
#undef P
