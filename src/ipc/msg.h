/* SPDX-License-Identifier: ISC */
/*
 * msg.h - the contract between processes.  A message is a value: fixed
 * integers and length-counted bytes, no pointers, no struct dumps.  Every
 * payload is declared once, below; struct, pack and unpack come from that.
 * Runs in: every process, tests, fuzzers.
 */
#ifndef MITMD_IPC_MSG_H
#define MITMD_IPC_MSG_H

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define MSG_VERSION 4
#define MSG_MAX 65000	/* bytes of one message, header included */

enum role { ROLE_MASTER, ROLE_SIGNER, ROLE_RECORDER, ROLE_WORKER, ROLE_COUNT };
const char *role_name(enum role);

enum msg_type {
#define MSG(no, name, from, to, payload, meaning) MSG_##name = no,
#include "ipc/msg.def"
#undef MSG
};

/* NULL for a number that is no message. */
const char *msg_name(unsigned type);
/* May `from` send this to `to`? */
bool msg_allowed(unsigned type, enum role from, enum role to);

/*
 * Whose signature a leaf carries and which chain goes with it: what a client is
 * to conclude about the origin (see the manual's table).
 */
enum recipe {
	RECIPE_GOOD,		/* our CA */
	RECIPE_SELF,		/* issuer = subject, the mirror key's own signature */
	RECIPE_UNTRUSTED_LEAF,	/* a throw-away issuer that is not sent */
	RECIPE_UNTRUSTED_SUB,	/* ... sent is an intermediate of it */
	RECIPE_UNTRUSTED_ROOT,	/* ... and is sent itself */
	RECIPE_NOT_CA,		/* issued by an ordinary leaf of our CA */
	RECIPE_FORGED,		/* our CA's name, a random key's signature */
	RECIPE_FORGED_SHA1,	/* ... with SHA-1 */
	RECIPE_COUNT
};
const char *recipe_name(enum recipe);

/* Defects that are copied into a leaf of whatever recipe. */
enum {
	COPY_DATES = 1,		/* both dates as asked, though they are out of range */
	COPY_NO_NAMES = 2,	/* no subjectAltName */
	COPY_KEY_USAGE = 4,	/* the bits in key_usage and no others */
	COPY_PURPOSE = 8,	/* an extended key usage that is no server's */
	COPY_CRITICAL = 16,	/* a critical extension nobody knows */
	COPY_NO_AKI = 32,
	COPY_MUST_STAPLE = 64,	/* the TLS feature status_request (RFC 7633) */
	COPY_WEAK_KEY = 128,	/* RSA-1024 */
	COPY_ALL = 255
};
const char *copy_name(uint32_t bit);	/* of one of them */

/*
 * The key a leaf is for; the numbers of enum keyring_key.  Recipe GOOD without
 * copied defects takes a leaf key, NOT_CA too (the mirror key signs it),
 * COPY_WEAK_KEY the weak one, everything else a mirror key.
 */
enum { SIGN_KEY_EC, SIGN_KEY_RSA, SIGN_KEY_MIRROR_EC, SIGN_KEY_MIRROR_RSA, SIGN_KEY_WEAK,
	SIGN_KEY_COUNT };

/* Stale is one whose time is over: what stands for all that are not valid. */
enum { SIGN_STAPLE_NONE, SIGN_STAPLE_GOOD, SIGN_STAPLE_REVOKED, SIGN_STAPLE_STALE };

/*
 * Field kinds: u8 u32 u64 i64; hash (32 bytes), id8 (8 bytes); bytes (struct
 * str, a view into the message after unpacking).
 * sign_ask.names: a sequence of type byte, length byte pair (big endian), bytes;
 * no more than SIGN_NAMES_MAX.
 */
#define SIGN_NAMES_MAX 1024
#define MSG_PAYLOADS(P)                                                                   \
	P(none, )                                                                         \
	P(stop, F(u64, timeout_ms))                                                       \
	P(drain, F(u64, timeout_ms) F(u64, idle_ms))                                      \
	P(peer, F(u8, role) F(u32, index))                                                \
	P(ready, F(u32, version) F(u32, pid) F(bytes, ca_chain) /* signer: DERs, each with \
	    a u32 length (big endian) in front; first is the CA */                        \
	    F(bytes, own_keys) /* signer: SHA-256 of each SubjectPublicKeyInfo that is    \
	    never trusted as an issuer: the CA's, then those of retired ones */)          \
	P(failed, F(bytes, reason))                                                       \
	P(sign_ask, F(u32, id) F(u8, recipe) F(u8, key) F(u8, staple) F(u32, copy)        \
	    F(u32, key_usage) /* KU_* of x509v3.h */ F(hash, origin)                      \
	    F(i64, not_before) F(i64, not_after) /* 0: no bound */ F(bytes, asked_name)   \
	    F(bytes, cn) F(bytes, org) F(bytes, names)                                    \
	    F(bytes, why) /* for the name of an untrusted issuer */)                      \
	P(sign_answer, F(u32, id) F(u8, status) F(i64, refresh_at)                        \
	    F(bytes, bundle) /* see bundle.h */ F(bytes, reason))                         \
	P(ca_made, F(u64, made) /* see ca.h */ F(u8, dir) /* made, too */)                \
	P(trust, F(u8, accepted) F(u8, alert) F(hash, client) F(u32, port)                \
	    F(bytes, address) F(bytes, tag) F(bytes, host))                               \
	P(ring_add, F(u32, slot) F(u32, pid))                                             \
	P(ring_slot, F(u32, slot))                                                        \
	P(spool_set, F(u32, id) F(u64, rotate_size) F(u64, rotate_age_ms)                 \
	    F(u64, rotate_idle_ms) F(u64, keep_size) F(u64, keep_age_ms) F(u64, min_free) \
	    F(u8, when_full) F(u64, spill_max) F(bytes, dir) F(bytes, instance))          \
	P(spool_is, F(u32, id) F(u8, ok) F(bytes, reason))                                \
	P(flush, F(u32, id) F(bytes, tag) /* empty: all */)                               \
	P(flushed, F(u32, id) F(u32, files))                                              \
	P(spool_state, F(u8, ok) F(bytes, reason))                                        \
	P(list, F(u32, id))                                                               \
	P(listed, F(u32, id) F(u8, last) F(bytes, rows) /* as in master/control.h */)     \
	P(file, F(u8, which))                                                             \
	P(leaving, F(u8, yes))                                                            \
	P(log, F(u8, level) F(u8, format)) /* as in base/log.h */

enum { FILE_HOSTS, FILE_RESOLV_CONF, FILE_COUNT };	/* file.which */
#define FILE_TEXT_MAX (4u << 20)
enum { TRUST_REFUSED, TRUST_ACCEPTED, TRUST_UNUSED };	/* trust.accepted */
enum { SIGN_OK, SIGN_REFUSED, SIGN_BUSY, SIGN_BROKEN };	/* sign_answer.status */

#define MSG_TYPE_u8 uint8_t
#define MSG_TYPE_u32 uint32_t
#define MSG_TYPE_u64 uint64_t
#define MSG_TYPE_i64 int64_t
#define MSG_TYPE_bytes struct str
typedef struct { uint8_t b[32]; } msg_hash;
typedef struct { uint8_t b[8]; } msg_id8;
#define MSG_TYPE_hash msg_hash
#define MSG_TYPE_id8 msg_id8

#define F(kind, name) MSG_TYPE_##kind name;
#define P(payload, fields)                                                                \
	struct msg_##payload {                                                            \
		fields uint8_t unused_;                                                   \
	};
MSG_PAYLOADS(P)
#undef P
#undef F

/*
 * Pack appends to out. Unpack: 0, or ERR_SYNTAX when it is cut short or bytes
 * remain; bytes fields are views into s.
 */
#define P(payload, fields)                                                                \
	void msg_pack_##payload(struct buf *out, const struct msg_##payload *);           \
	int msg_unpack_##payload(struct str s, struct msg_##payload *out) MUSTCHECK;
MSG_PAYLOADS(P)
#undef P

#endif
