/* SPDX-License-Identifier: ISC */
/*
 * test_msg_wire.c - every payload of MSG_PAYLOADS: round trip, every cut,
 * trailing bytes, and who may send what to whom.
 */
#include "config.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "ipc/msg.h"
#include "suites.h"

/* Each field gets another value; the same call compares. */
struct filler {
	unsigned n;
	bool equal;
};

static uint8_t
next(struct filler *f)
{
	return (uint8_t)(0x81 + 7 * f->n++);
}

static const char text[] = "some bytes\0with a NUL and \xff";

#define DEFINE_INT(kind, type)                                                            \
	static void fill_##kind(struct filler *f, type *v)                                \
	{                                                                                 \
		memset(v, next(f), sizeof(*v));                                           \
	}                                                                                 \
	static void same_##kind(struct filler *f, const type *a, const type *b)           \
	{                                                                                 \
		f->equal &= memcmp(a, b, sizeof(*a)) == 0;                                \
	}
DEFINE_INT(u8, uint8_t)
DEFINE_INT(u32, uint32_t)
DEFINE_INT(u64, uint64_t)
DEFINE_INT(i64, int64_t)
DEFINE_INT(hash, msg_hash)

static void
fill_bytes(struct filler *f, struct str *v)
{
	*v = str_of(text, next(f) % sizeof(text));
}

static void
same_bytes(struct filler *f, const struct str *a, const struct str *b)
{
	f->equal &= str_eq(*a, *b);
}

/* A copy that ends where the bytes end, so that a sanitizer sees reads behind it. */
static int
with_exact_copy(int (*unpack)(struct str, void *), void *m, struct str s)
{
	char *copy = mem_dup(s.p != NULL ? s.p : "", s.n);
	int err = unpack(str_of(copy, s.n), m);

	free(copy);
	return err;
}

static void
check_cuts(int (*unpack)(struct str, void *), void *m, struct buf *packed)
{
	size_t cut;

	for (cut = 0; cut < packed->len; cut++)
		ck_assert_int_eq(with_exact_copy(unpack, m, str_sub(buf_str(packed), 0, cut)),
		    ERR_SYNTAX);
	buf_putc(packed, 0);
	ck_assert_int_eq(with_exact_copy(unpack, m, buf_str(packed)), ERR_SYNTAX);
}

#define P(payload, fields)                                                                \
	static int unpack_##payload(struct str s, void *m)                                \
	{                                                                                 \
		return msg_unpack_##payload(s, m);                                        \
	}
MSG_PAYLOADS(P)
#undef P

#define F(kind, name) fill_##kind(&f, &in.name);
#define P(payload, fields)                                                                \
	static void fill_payload_##payload(struct msg_##payload *out)                     \
	{                                                                                 \
		struct filler f = {.n = 0};                                               \
		struct msg_##payload in = {.unused_ = 0};                                 \
                                                                                          \
		(void)f;                                                                  \
		fields                                                                    \
		*out = in;                                                                \
	}
MSG_PAYLOADS(P)
#undef P
#undef F

#define F(kind, name) same_##kind(&f, &a->name, &b->name);
#define P(payload, fields)                                                                \
	static bool same_payload_##payload(const struct msg_##payload *a,                 \
	    const struct msg_##payload *b)                                                \
	{                                                                                 \
		struct filler f = {.equal = true};                                        \
                                                                                          \
		(void)a;                                                                  \
		(void)b;                                                                  \
		fields                                                                    \
		return f.equal;                                                           \
	}
MSG_PAYLOADS(P)
#undef P
#undef F

#define P(payload, fields)                                                                \
	START_TEST(wire_##payload)                                                        \
	{                                                                                 \
		struct msg_##payload in, out;                                             \
		struct buf packed = {0};                                                  \
                                                                                          \
		fill_payload_##payload(&in);                                              \
		msg_pack_##payload(&packed, &in);                                         \
		ck_assert_int_eq(msg_unpack_##payload(buf_str(&packed), &out), 0);        \
		ck_assert(same_payload_##payload(&in, &out));                             \
		check_cuts(unpack_##payload, &out, &packed);                              \
		buf_free(&packed);                                                        \
	}                                                                                 \
	END_TEST
MSG_PAYLOADS(P)
#undef P

START_TEST(numbers_are_big_endian)
{
	struct msg_peer in = {.role = 1, .index = 0x01020304};
	struct buf packed = {0};

	msg_pack_peer(&packed, &in);
	ck_assert_uint_eq(packed.len, 5);
	ck_assert_mem_eq(buf_data(&packed), "\x01\x01\x02\x03\x04", 5);
	buf_free(&packed);
}
END_TEST

START_TEST(a_length_beyond_the_message_is_refused)
{
	struct msg_failed m;

	ck_assert_int_eq(msg_unpack_failed(STR("\0\0\0\2ab"), &m), 0);
	ck_assert_int_eq(msg_unpack_failed(STR("\0\0\0\3ab"), &m), ERR_SYNTAX);
	ck_assert_int_eq(msg_unpack_failed(STR("\xff\xff\xff\xff" "ab"), &m), ERR_SYNTAX);
}
END_TEST

#define MASTER 1u
#define SIGNER 2u
#define RECORDER 4u
#define WORKER 8u
#define ANY 15u

/* By hand, so that a slip in msg.def shows. */
static const struct {
	unsigned type, from, to;
} directions[] = {
	{MSG_STOP, MASTER, ANY},
	{MSG_DRAIN, MASTER, ANY},
	{MSG_PEER, MASTER, ANY},
	{MSG_READY, ANY, MASTER},
	{MSG_FAILED, ANY, MASTER},
	{MSG_SIGN_ASK, WORKER, SIGNER},
	{MSG_SIGN_ANSWER, SIGNER, WORKER},
	{MSG_CA_MADE, SIGNER, MASTER},
	{MSG_TRUST, WORKER, MASTER},
	{MSG_RING_ADD, MASTER, RECORDER},
	{MSG_RING_END, MASTER, RECORDER},
	{MSG_RING_DONE, RECORDER, MASTER},
	{MSG_SPILL_MADE, RECORDER, MASTER},
	{MSG_SPILL, MASTER, WORKER},
	{MSG_SPOOL_SET, MASTER, RECORDER},
	{MSG_SPOOL_IS, RECORDER, MASTER},
	{MSG_FLUSH, MASTER, RECORDER},
	{MSG_FLUSHED, RECORDER, MASTER},
	{MSG_GO, MASTER, WORKER},
	{MSG_LET_GO, WORKER, MASTER},
	{MSG_SPOOL_STATE, RECORDER, MASTER},
	{MSG_TELL, MASTER, WORKER},
	{MSG_TOLD, WORKER, MASTER},
	{MSG_TAIL, MASTER, RECORDER},
	{MSG_LIST, MASTER, ANY},
	{MSG_LISTED, ANY, MASTER},
	{MSG_FILE, MASTER, WORKER},
	{MSG_LEAVING, MASTER, WORKER},
	{MSG_LOG, MASTER, RECORDER},
};

START_TEST(only_the_right_role_may_send)
{
	unsigned from, to;

	for (from = 0; from < ROLE_COUNT; from++)
		for (to = 0; to < ROLE_COUNT; to++)
			ck_assert_int_eq(msg_allowed(directions[_i].type, from, to),
			    (directions[_i].from >> from & 1) && (directions[_i].to >> to & 1));
}
END_TEST

START_TEST(every_message_stands_in_the_table_once)
{
	unsigned type, from, to;
	size_t i, n;

	for (type = 0; type < 1024; type++) {
		for (i = 0, n = 0; i < NELEM(directions); i++)
			n += directions[i].type == type;
		ck_assert_uint_eq(n, msg_name(type) != NULL);
		for (from = 0; from < ROLE_COUNT && n == 0; from++)
			for (to = 0; to < ROLE_COUNT; to++)
				ck_assert(!msg_allowed(type, from, to));
	}
	ck_assert_ptr_null(msg_name(0xffffffff));
}
END_TEST

START_TEST(names)
{
	ck_assert_str_eq(msg_name(MSG_SIGN_ASK), "SIGN_ASK");
	ck_assert_str_eq(role_name(ROLE_WORKER), "worker");
	ck_assert_str_eq(role_name(ROLE_COUNT), "nobody");
	ck_assert_str_eq(recipe_name(RECIPE_GOOD), "good");
	ck_assert_str_eq(recipe_name(RECIPE_COUNT), "unknown");
	ck_assert_str_eq(copy_name(COPY_DATES), "dates");
	ck_assert_str_eq(copy_name(COPY_WEAK_KEY), "weak-key");
	ck_assert_str_eq(copy_name(COPY_DATES | COPY_NO_AKI), "unknown");
}
END_TEST

Suite *
msg_wire_suite(void)
{
	Suite *s = suite_create("msg_wire");
	TCase *tc = tcase_create("core");

#define P(payload, fields) tcase_add_test(tc, wire_##payload);
	MSG_PAYLOADS(P)
#undef P
	tcase_add_test(tc, numbers_are_big_endian);
	tcase_add_test(tc, a_length_beyond_the_message_is_refused);
	tcase_add_loop_test(tc, only_the_right_role_may_send, 0, NELEM(directions));
	tcase_add_test(tc, every_message_stands_in_the_table_once);
	tcase_add_test(tc, names);
	suite_add_tcase(s, tc);
	return s;
}
