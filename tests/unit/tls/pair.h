/* SPDX-License-Identifier: ISC */
/* pair.h - two SSLs that talk through memory. */
#ifndef MITMD_TESTS_TLS_PAIR_H
#define MITMD_TESTS_TLS_PAIR_H

#include <openssl/ssl.h>

#include <stdbool.h>

#include "tls/hello.h"

void pair_join(SSL *a, SSL *b);
/* Both handshakes to their ends; false when either failed. */
bool pair_shake(SSL *a, SSL *b);
/* One byte from a to b, which lets b see tickets too. */
bool pair_say(SSL *from, SSL *to);
/* What this client SSL sends first, read by tls_hello_parse(). */
struct tls_hello pair_hello(SSL *client);

#endif
