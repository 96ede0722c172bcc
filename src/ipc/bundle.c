/* SPDX-License-Identifier: ISC */
/*
 * bundle.c - see bundle.h.  On the wire: with_ca, the number of issuers, then
 * leaf, staple and issuers, each behind its length (two bytes, big endian).
 * Runs in: signer, worker, tests.
 */
#include "config.h"

#include "ipc/bundle.h"

#include "base/err.h"

static void
put(struct buf *out, struct str der)
{
	uint8_t n[2] = {(uint8_t)(der.n >> 8), (uint8_t)der.n};

	CHECK(der.n <= 0xffff);
	buf_put(out, n, sizeof(n));
	buf_puts(out, der);
}

static bool
take(struct str *rest, struct str *out)
{
	size_t n;

	if (rest->n < 2)
		return false;
	n = (size_t)(uint8_t)rest->p[0] << 8 | (uint8_t)rest->p[1];
	if (n > rest->n - 2)
		return false;
	*out = str_sub(*rest, 2, n);
	*rest = str_from(*rest, 2 + n);
	return true;
}

void
bundle_pack(struct buf *out, const struct bundle *b)
{
	uint8_t head[2] = {b->with_ca, (uint8_t)b->nissuers};
	size_t i;

	CHECK(b->leaf.n > 0 && b->nissuers <= BUNDLE_ISSUERS_MAX);
	buf_put(out, head, sizeof(head));
	put(out, b->leaf);
	put(out, b->staple);
	for (i = 0; i < b->nissuers; i++)
		put(out, b->issuers[i]);
}

int
bundle_unpack(struct str s, struct bundle *out)
{
	size_t i;

	*out = (struct bundle){.nissuers = 0};
	if (s.n < 2 || (uint8_t)s.p[0] > 1 || (uint8_t)s.p[1] > BUNDLE_ISSUERS_MAX)
		return ERR_SYNTAX;
	out->with_ca = s.p[0] == 1;
	out->nissuers = (uint8_t)s.p[1];
	s = str_from(s, 2);
	if (!take(&s, &out->leaf) || out->leaf.n == 0 || !take(&s, &out->staple))
		return ERR_SYNTAX;
	for (i = 0; i < out->nissuers; i++)
		if (!take(&s, &out->issuers[i]) || out->issuers[i].n == 0)
			return ERR_SYNTAX;
	return s.n == 0 ? 0 : ERR_SYNTAX;
}
