/* SPDX-License-Identifier: ISC */
/*
 * fuzz_target.c - authorities.  What is taken is written in a form that is
 * taken again for the same; no name passes that a resolver reads as an address.
 */
#include "config.h"

#include <arpa/inet.h>
#include <stdint.h>

#include "http/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_again(const struct host_port *hp)
{
	struct host_port again;
	const char *why;
	struct buf out;

	buf_init(&out, 0);
	target_put_authority(&out, hp, 0);
	CHECK(target_parse_authority(buf_str(&out), 0, &again, &why) == 0);
	CHECK(str_eq(str_z(hp->host), str_z(again.host)) && hp->port == again.port);
	CHECK(hp->is_ip == again.is_ip);
	buf_clear(&out);
	target_put_url(&out, STR("https"), hp, str_of("/", 1));
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of(data, size);
	struct host_port hp;
	const char *why = NULL;
	struct in_addr resolved;
	struct buf url;

	if (target_parse_authority(in, 80, &hp, &why) == 0) {
		CHECK(hp.host_len == strlen(hp.host) && hp.host_len > 0 && hp.port != 0);
		CHECK(hp.is_ip || inet_aton(hp.host, &resolved) == 0);
		check_again(&hp);
		buf_init(&url, 0);
		target_put_url(&url, STR("http"), &hp, in);
		CHECK(memchr(buf_data(&url), ' ', url.len) == NULL);
		buf_free(&url);
	} else {
		CHECK(why != NULL);
	}
	if (target_parse_host(in, &hp) == 0)
		CHECK(hp.host_len == strlen(hp.host) && hp.host_len > 0);
	return 0;
}
