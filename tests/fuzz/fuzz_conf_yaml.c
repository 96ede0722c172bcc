/* SPDX-License-Identifier: ISC */
/*
 * fuzz_conf_yaml.c - a configuration of any bytes: it is refused with a place
 * in the file, or what is made of it can be written out and read back.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *
dump(const struct conf *c, size_t *n)
{
	char *out = NULL;
	FILE *f = open_memstream(&out, n);

	CHECK(f != NULL);
	conf_dump(c, f);
	CHECK(fclose(f) == 0);
	return out;
}

static void
round_trip(const struct conf *c)
{
	struct errmsg err;
	struct conf *again;
	char *first, *second;
	size_t n, m;

	first = dump(c, &n);
	again = conf_load_text("/f/dump", str_of(first, n), &err);
	if (again == NULL) {
		/* Written out, a file near the limit may be past it. */
		CHECK(n > (1u << 20));
		free(first);
		return;
	}
	second = dump(again, &m);
	CHECK(str_eq(str_of(first, n), str_of(second, m)));
	conf_free(&again);
	free(first);
	free(second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct errmsg err = {""};
	struct conf *c = conf_load_text("/f/fuzz", str_of(data, size), &err);
	struct addr a;

	if (c == NULL) {
		CHECK(str_starts(str_z(err.text), STR("/f/fuzz:")));
		return 0;
	}
	CHECK(addr_parse_ip(STR("10.1.2.3"), 443, &a));
	(void)hosts_match(c->ignore_hosts, STR("www.example.com"), 443, &a);
	(void)hosts_match(c->allow_hosts, STR("::1"), 8443, NULL);
	round_trip(c);
	conf_free(&c);
	return 0;
}
