/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "pair.h"

#include <check.h>

#include <openssl/bio.h>

void
pair_join(SSL *a, SSL *b)
{
	BIO *x, *y;

	ck_assert_int_eq(BIO_new_bio_pair(&x, 1 << 17, &y, 1 << 17), 1);
	SSL_set_bio(a, x, x);
	SSL_set_bio(b, y, y);
}

static bool
step(SSL *ssl, bool *done)
{
	int rc = SSL_do_handshake(ssl);

	*done = rc == 1;
	return rc == 1 || SSL_get_error(ssl, rc) == SSL_ERROR_WANT_READ;
}

bool
pair_shake(SSL *a, SSL *b)
{
	bool a_done = false, b_done = false;
	int i;

	pair_join(a, b);
	for (i = 0; i < 20 && !(a_done && b_done); i++)
		if (!step(a, &a_done) || !step(b, &b_done))
			return false;
	return a_done && b_done;
}

bool
pair_say(SSL *from, SSL *to)
{
	char c = 0;

	return SSL_write(from, "x", 1) == 1 && SSL_read(to, &c, 1) == 1 && c == 'x';
}

struct tls_hello
pair_hello(SSL *client)
{
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	struct tls_hello h;
	char *p;
	long n;

	BIO_set_mem_eof_return(in, -1);
	SSL_set_bio(client, in, out);
	ck_assert_int_le(SSL_do_handshake(client), 0);
	n = BIO_get_mem_data(out, &p);
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(tls_hello_parse((uint8_t *)p, (size_t)n, &h), 0);
	return h;
}
