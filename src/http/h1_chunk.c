/* SPDX-License-Identifier: ISC */
/* h1_chunk.c - see h1_chunk.h.  Runs in: worker, tests, fuzzers. */
#include "config.h"

#include "http/h1_chunk.h"

#include "base/err.h"

/* Extensions say nothing to anybody, but cost (2.2 MB of them for 20 bytes is legal). */
#define EXT_MAX 256
#define EXT_TOTAL_MAX 4096
#define DIGITS_MAX 16

static int
hex_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int
size_byte(struct h1_chunk *k, struct h1_strict *s, uint8_t c)
{
	int digit = hex_of(c);

	if (digit >= 0) {
		if (++k->digits > DIGITS_MAX || k->left > (uint64_t)INT64_MAX >> 4)
			return h1_strict_fail(s, 400, "a chunk size that is too large");
		k->left = k->left << 4 | (unsigned)digit;
		return 0;
	}
	if (k->digits == 0)
		return h1_strict_fail(s, 400, "a chunk size that is not a number");
	if (c == '\r')
		k->state = H1_CHUNK_SIZE_LF;
	else if (c == ';')
		k->state = H1_CHUNK_EXT;
	else if (s->relaxed && (c == ' ' || c == '\t'))
		k->state = H1_CHUNK_PAD;
	else
		return h1_strict_fail(s, 400, "something other than CRLF behind a chunk size");
	return 0;
}

static int
ext_byte(struct h1_chunk *k, struct h1_strict *s, uint8_t c)
{
	if (c == '\r') {
		k->state = H1_CHUNK_SIZE_LF;
		return 0;
	}
	if ((c < 0x20 && c != '\t') || c == 0x7f)
		return h1_strict_fail(s, 400, "a control byte in a chunk extension");
	if (++k->ext > EXT_MAX || ++k->ext_total > EXT_TOTAL_MAX) {
		(void)h1_strict_fail(s, 400, "too long chunk extensions");
		return ERR_LIMIT;
	}
	return 0;
}

static int
pad_byte(struct h1_chunk *k, struct h1_strict *s, uint8_t c)
{
	if (c == '\r' || c == ' ' || c == '\t')
		return ext_byte(k, s, c);
	return h1_strict_fail(s, 400, "something other than CRLF behind a chunk size");
}

static int
line_byte(struct h1_chunk *k, struct h1_strict *s, uint8_t c)
{
	switch (k->state) {
	case H1_CHUNK_SIZE:
		return size_byte(k, s, c);
	case H1_CHUNK_PAD:
		return pad_byte(k, s, c);
	case H1_CHUNK_EXT:
		return ext_byte(k, s, c);
	case H1_CHUNK_SIZE_LF:
		if (c != '\n')
			return h1_strict_fail(s, 400, "no LF behind the CR of a chunk size");
		k->state = k->left > 0 ? H1_CHUNK_DATA : H1_CHUNK_LAST;
		return 0;
	case H1_CHUNK_DATA_CR:
		if (c != '\r')
			return h1_strict_fail(s, 400, "no CRLF behind the data of a chunk");
		k->state = H1_CHUNK_DATA_LF;
		return 0;
	case H1_CHUNK_DATA_LF:
		if (c != '\n')
			return h1_strict_fail(s, 400, "no CRLF behind the data of a chunk");
		k->state = H1_CHUNK_SIZE;
		k->digits = k->ext = 0;
		return 0;
	case H1_CHUNK_DATA:
	case H1_CHUNK_LAST:
		break;
	}
	CHECK(!"a state without line bytes");
	return ERR_SYNTAX;
}

int
h1_chunk_check(struct h1_chunk *k, struct h1_strict *s, const uint8_t *p, size_t n,
    size_t *out_ok)
{
	size_t i = 0;
	int err = 0;

	while (i < n && k->state != H1_CHUNK_LAST) {
		if (k->state == H1_CHUNK_DATA) {
			size_t skip = (size_t)MIN((uint64_t)(n - i), k->left);

			i += skip;
			k->left -= skip;
			if (k->left == 0)
				k->state = H1_CHUNK_DATA_CR;
		} else if ((err = line_byte(k, s, p[i])) != 0) {
			break;
		} else {
			i++;
		}
	}
	*out_ok = i;
	return err;
}
