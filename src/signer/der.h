/* SPDX-License-Identifier: ISC */
/*
 * der.h - a writer of DER (X.690) into a fixed buffer.  Running out of room is
 * remembered and told once, at the end.
 * Runs in: signer.
 */
#ifndef MITMD_SIGNER_DER_H
#define MITMD_SIGNER_DER_H

#include <stdint.h>

#include "base/str.h"

enum {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_OID = 0x06,
	DER_ENUMERATED = 0x0a,
	DER_UTF8_STRING = 0x0c,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
};

/* Context-specific tags: primitive [n] and constructed [n]. */
#define DER_CONTEXT(n) (0x80 | (n))
#define DER_CONTEXT_OF(n) (0xa0 | (n))

struct der {
	uint8_t *p;
	size_t n, cap;
	bool full;
};

static inline struct der
der_into(uint8_t *p, size_t cap)
{
	return (struct der){.p = p, .cap = cap};
}

void der_raw(struct der *, const void *p, size_t n) NONNULL(1);
void der_put(struct der *, uint8_t tag, const void *p, size_t n) NONNULL(1);
/* A constructed value: everything between open and close (give back its mark). */
size_t der_open(struct der *, uint8_t tag) NONNULL(1);
void der_close(struct der *, size_t mark) NONNULL(1);
/* UTCTime until 2049, GeneralizedTime after (RFC 5280 4.1.2.5). */
void der_time(struct der *, int64_t seconds) NONNULL(1);
void der_generalized_time(struct der *, int64_t seconds) NONNULL(1);

#endif
