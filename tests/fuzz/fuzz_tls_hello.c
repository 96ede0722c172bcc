/* SPDX-License-Identifier: ISC */
/*
 * fuzz_tls_hello.c - any bytes to tls_hello_parse().  Beside memory errors it
 * looks for: an answer that a longer prefix takes back, lists beyond their
 * bounds, and a server name that is not one.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "tls/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_hello(const struct tls_hello *h)
{
	size_t i;

	CHECK(h->sni_len <= 253 && h->sni[h->sni_len] == '\0');
	CHECK(strlen(h->sni) == h->sni_len);
	for (i = 0; i < h->sni_len; i++)
		CHECK(strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.", h->sni[i]) != NULL);
	CHECK(h->nciphers <= TLS_HELLO_LIST_MAX && h->ngroups <= TLS_HELLO_LIST_MAX);
	CHECK(h->nsigalgs <= TLS_HELLO_LIST_MAX && h->nversions <= 16);
	CHECK(h->alpn_len <= sizeof(h->alpn));
	for (i = 0; i < h->alpn_len; i += 1u + h->alpn[i])
		CHECK(h->alpn[i] > 0);
	CHECK(i == h->alpn_len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_hello h, shorter;
	int rc = tls_hello_parse(data, size, &h);
	int before = tls_hello_parse(data, size / 2, &shorter);

	CHECK(before == ERR_AGAIN || before == rc);
	if (rc == 0) {
		check_hello(&h);
		(void)tls_hello_takes_ecdsa(&h);
		(void)tls_hello_no_http(&h);
	}
	return 0;
}
