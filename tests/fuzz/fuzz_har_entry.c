/* SPDX-License-Identifier: ISC */
/*
 * fuzz_har_entry.c - a flow made of any bytes gives one good JSON object.
 * Lines of the input are method, URL, target, reason, tag, error, then "name:value"
 * fields in turns for request, response and trailers; behind an empty line the bodies.
 */
#include "config.h"

#include "har/entry.h"
#include "har/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct body_conf conf = {.max_body = 4096};

static struct body *
body_of(const struct message *m, struct str bytes)
{
	struct body *b = body_new(&conf, fields_get(&m->fields, FIELD_CONTENT_TYPE),
	    fields_get(&m->fields, FIELD_CONTENT_ENCODING));

	body_feed(b, (const uint8_t *)bytes.p, bytes.n);
	CHECK(body_end(b, bytes.n % 2 == 0) == 0);
	return b;
}

static struct str
next(struct str *rest)
{
	struct str line;

	return str_split(rest, '\n', &line) ? line : STR("");
}

static void
read_fields(struct str *rest, struct fields *to[3])
{
	struct str line;
	ssize_t colon;
	unsigned i = 0;

	for (line = next(rest); line.n > 0; line = next(rest), i++) {
		colon = str_chr(line, ':');
		if (colon >= 0)
			fields_add(to[i % 3], str_sub(line, 0, (size_t)colon),
			    str_from(line, (size_t)colon + 1));
	}
}

static void
check(const struct har_flow *f)
{
	struct har_insert inserts[2];
	struct buf out = {0};
	struct json_check c;
	size_t n;

	har_entry(&out, f, inserts, &n);
	json_check_init(&c);
	CHECK(n == 0 && json_check_feed(&c, buf_data(&out), out.len) && json_check_end(&c));
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message request, response;
	struct fields *to[3] = {&request.fields, &response.fields, &response.trailers};
	struct str rest = str_of(data, size), error;
	struct har_flow f = {.request = &request, .response = &response};
	char text[64];

	message_init(&request);
	message_init(&response);
	request.method = next(&rest);
	f.url = next(&rest);
	f.raw_target = next(&rest);
	response.reason = next(&rest);
	f.tag = next(&rest);
	error = str_sub(next(&rest), 0, sizeof(text) - 1);
	memcpy(text, error.n > 0 ? error.p : "", error.n);
	text[error.n] = '\0';
	f.error = f.tunnel.reason = error.n > 0 ? text : NULL;
	f.raw_head = f.url;
	f.times.wait = (int64_t)size * 1234567;
	f.times.connect = (int64_t)size - 100;
	read_fields(&rest, to);
	request.has_body = response.has_body = true;
	f.request_body = body_of(&request, str_sub(rest, 0, rest.n / 2));
	f.response_body = body_of(&response, str_from(rest, rest.n / 2));
	check(&f);
	f.response = NULL;
	check(&f);
	body_free(&f.request_body);
	body_free(&f.response_body);
	message_free(&request);
	message_free(&response);
	return 0;
}
