/* SPDX-License-Identifier: ISC */
/*
 * fuzz_har_body.c - a body of any bytes in any coding: bounded, its text is a
 * good JSON string, and what is kept does not depend on the pieces it came in.
 * First byte: the coding; second: size of the pieces; third: the bounds.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "har/body.h"
#include "har/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct str codings[] = {
	STR(""), STR("gzip"), STR("deflate"), STR("br"), STR("zstd"), STR("gzip, deflate"),
	STR("br, zstd, gzip"), STR("unknown"),
};

static struct spill *
spill(void)
{
	char path[] = "/tmp/fuzz-har-XXXXXX";
	int fd = mkstemp(path);

	CHECK(fd >= 0 && unlink(path) == 0);
	return spill_new(fd, 8 * SPILL_EXTENT);
}

static void
put_body(struct body *b, struct buf *out)
{
	struct spill_run run;
	uint8_t *at;

	buf_putz(out, "{\"x\":\"");
	body_put_text(b, out);
	if (body_has_run(b)) {
		body_take_run(b, &run);
		at = buf_reserve(out, run.len);
		CHECK(at != NULL && spill_read(&run, 0, at, run.len) == 0);
		buf_commit(out, run.len);
		spill_release(&run);
	}
	buf_putz(out, "\"}");
}

static void
one(struct buf *out, const struct body_conf *conf, struct str coding, struct str bytes,
    size_t piece)
{
	struct body *b = body_new(conf, STR_NONE, coding);
	struct json_check c;
	size_t k;
	int err;

	for (; bytes.n > 0; bytes = str_from(bytes, k)) {
		k = MIN(bytes.n, piece);
		body_feed(b, (const uint8_t *)bytes.p, k);
	}
	for (err = body_end(b, true); err == ERR_AGAIN; err = body_step(b))
		;
	CHECK(err == 0 && body_kept(b) <= conf->max_body);
	CHECK(body_kept(b) <= body_size(b) || body_still_encoded(b));
	put_body(b, out);
	json_check_init(&c);
	CHECK(json_check_feed(&c, buf_data(out), out->len) && json_check_end(&c));
	body_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct spill *file;
	struct buf pieces = {0}, whole = {0};
	struct body_conf conf;
	struct str coding;

	if (size < 3)
		return 0;
	if (file == NULL)
		file = spill();
	conf.max_body = data[2] % 4 == 0 ? data[2] : UINT64_C(1) << (data[2] % 24);
	conf.spill = data[2] & 1 ? file : NULL;
	coding = codings[data[0] % NELEM(codings)];
	one(&pieces, &conf, coding, str_of(data + 3, size - 3), 1 + data[1]);
	one(&whole, &conf, coding, str_of(data + 3, size - 3), SIZE_MAX);
	/* Decoders tell of broken data at different points; plain bytes have no such excuse. */
	CHECK(coding.n > 0 || str_eq(buf_str(&pieces), buf_str(&whole)));
	CHECK(spill_in_use(file) == 0);
	buf_free(&pieces);
	buf_free(&whole);
	return 0;
}
