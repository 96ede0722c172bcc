/* SPDX-License-Identifier: ISC */
/* help.c - see help.h. */
#include "config.h"

#include "help.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <brotli/encode.h>
#include <check.h>
#include <zlib.h>
#include <zstd.h>

#include "base/err.h"
#include "har/json.h"

int
help_tmpfile(void)
{
	char path[] = "/tmp/run-har-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(unlink(path), 0);
	return fd;
}

void
help_text(struct buf *out, size_t n)
{
	static const char line[] = "{\"k\": \"v\\u\", \"\xc3\xa4\": \"\xe2\x82\xac\"}\n\t";
	size_t k;

	while (out->len < n) {
		k = MIN(sizeof(line) - 1, n - out->len);
		/* Not half a letter at the end. */
		while (k > 0 && k < sizeof(line) - 1 && ((uint8_t)line[k] & 0xc0) == 0x80)
			k--;
		if (k == 0) {
			buf_putc(out, '.');
			continue;
		}
		buf_put(out, line, k);
	}
}

void
help_binary(struct buf *out, size_t n)
{
	uint32_t x = 12345;

	while (out->len < n) {
		x = x * 1664525 + 1013904223;
		buf_putc(out, (char)(x >> 24));
	}
}

static int
letter(char c)
{
	static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = strchr(all, c);

	ck_assert_msg(c != '\0' && at != NULL, "no letter of base64: %d", c);
	return (int)(at - all);
}

void
help_unbase64(struct buf *out, struct str text)
{
	size_t i, pad = 0;
	uint32_t v;

	ck_assert_uint_eq(text.n % 4, 0);
	for (i = 0; i < text.n; i += 4) {
		pad = text.p[i + 3] == '=' ? (text.p[i + 2] == '=' ? 2 : 1) : 0;
		ck_assert(pad == 0 || i + 4 == text.n);
		v = (uint32_t)letter(text.p[i]) << 18 | (uint32_t)letter(text.p[i + 1]) << 12;
		v |= pad < 2 ? (uint32_t)letter(text.p[i + 2]) << 6 : 0;
		v |= pad < 1 ? (uint32_t)letter(text.p[i + 3]) : 0;
		buf_putc(out, (char)(v >> 16));
		if (pad < 2)
			buf_putc(out, (char)(v >> 8));
		if (pad < 1)
			buf_putc(out, (char)v);
	}
}

void
help_body_json(struct body *b, struct buf *out)
{
	struct spill_run run;
	uint8_t *at;

	buf_puts(out, body_text(b));
	if (!body_has_run(b))
		return;
	body_take_run(b, &run);
	at = buf_reserve(out, run.len);
	ck_assert_int_eq(spill_read(&run, 0, at, run.len), 0);
	buf_commit(out, run.len);
	spill_release(&run);
}

void
help_body_bytes(struct body *b, struct buf *out)
{
	struct buf json = {0}, quoted = {0};
	size_t used;
	uint8_t *at;

	help_body_json(b, &json);
	buf_printf(&quoted, "{\"x\":\"");
	if (json.len > 0)
		buf_puts(&quoted, buf_str(&json));
	buf_printf(&quoted, "\"}");
	struct json_check check;
	json_check_init(&check);
	ck_assert(json_check_feed(&check, buf_data(&quoted), quoted.len));
	ck_assert(json_check_end(&check));
	if (json.len > 0 && body_is_base64(b)) {
		help_unbase64(out, buf_str(&json));
	} else if (json.len > 0) {
		at = buf_reserve(out, json.len);
		buf_commit(out, json_unescape(at, (const char *)buf_data(&json), json.len, &used));
		ck_assert_uint_eq(used, json.len);
	}
	buf_free(&json);
	buf_free(&quoted);
}

static void
encode_zlib(struct buf *out, int bits, struct str in)
{
	z_stream z = {0};
	uint8_t *at;

	ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
	at = buf_reserve(out, deflateBound(&z, in.n));
	z.next_in = (Bytef *)(uintptr_t)in.p;
	z.avail_in = (uInt)in.n;
	z.next_out = at;
	z.avail_out = (uInt)deflateBound(&z, in.n);
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	buf_commit(out, z.total_out);
	(void)deflateEnd(&z);
}

void
help_encode(struct buf *out, enum help_coding coding, struct str in)
{
	size_t n = in.n + in.n / 2 + 1024;
	uint8_t *at = buf_reserve(out, n);

	switch (coding) {
	case HELP_GZIP:
		encode_zlib(out, 31, in);
		break;
	case HELP_ZLIB:
		encode_zlib(out, 15, in);
		break;
	case HELP_RAW:
		encode_zlib(out, -15, in);
		break;
	case HELP_BR:
		ck_assert(BrotliEncoderCompress(4, 22, BROTLI_MODE_GENERIC, in.n,
		    (const uint8_t *)in.p, &n, at));
		buf_commit(out, n);
		break;
	case HELP_ZSTD:
		n = ZSTD_compress(at, n, in.p, in.n, 3);
		ck_assert(!ZSTD_isError(n));
		buf_commit(out, n);
		break;
	}
}

void
help_gzip_zeros(struct buf *out, size_t mib)
{
	static const uint8_t head[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
	static uint8_t zeros[1 << 20], block[8192];
	z_stream z = {0};
	size_t n;

	ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = zeros;
	z.avail_in = sizeof(zeros);
	z.next_out = block;
	z.avail_out = sizeof(block);
	/* A full flush ends at a byte and refers to nothing before: blocks can be repeated. */
	ck_assert_int_eq(deflate(&z, Z_FULL_FLUSH), Z_OK);
	n = z.total_out;
	(void)deflateEnd(&z);
	buf_put(out, head, sizeof(head));
	while (mib-- > 0)
		buf_put(out, block, n);
}
