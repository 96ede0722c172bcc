/* SPDX-License-Identifier: ISC */
/*
 * request.c - CONNECT and GET.
 * Runs in: bench/load.
 */
#include "config.h"

#include "request.h"

#include <stdio.h>

#include <openssl/evp.h>

#define AUTHORIZATION_MAX 512

/* "Proxy-Authorization" with the tag as the user and an empty password. */
static void
authorization(const struct load *load, char out[AUTHORIZATION_MAX])
{
	char user[256], text[400];
	int n;

	out[0] = '\0';
	if (!load->forward || load->tag == NULL)
		return;
	n = snprintf(user, sizeof(user), "%s:", load->tag);
	CHECK(n > 0 && (size_t)n < sizeof(user));
	EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)user, n);
	n = snprintf(out, AUTHORIZATION_MAX, "Proxy-Authorization: Basic %s\r\n", text);
	CHECK(n > 0 && n < AUTHORIZATION_MAX);
}

size_t
request_connect(const struct load *load, char out[REQUEST_MAX])
{
	char auth[AUTHORIZATION_MAX];
	int n;

	authorization(load, auth);
	n = snprintf(out, REQUEST_MAX, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n",
	    load->origin, load->origin, auth);
	CHECK(n > 0 && n < REQUEST_MAX);
	return (size_t)n;
}

size_t
request_get(const struct load *load, unsigned host, char out[REQUEST_MAX])
{
	char auth[AUTHORIZATION_MAX];
	int n;

	if (load->tls) {
		n = snprintf(out, REQUEST_MAX, "GET %s HTTP/1.1\r\nHost: h%u.%s\r\n%s\r\n",
		    load->path, load->host_base + host, load->domain, load->fields);
	} else {
		authorization(load, auth);
		n = snprintf(out, REQUEST_MAX, "GET %s%s%s HTTP/1.1\r\nHost: %s\r\n%s%s\r\n",
		    load->forward ? "http://" : "", load->forward ? load->origin : "",
		    load->path, load->origin, load->fields, auth);
	}
	CHECK(n > 0 && n < REQUEST_MAX);
	return (size_t)n;
}

void
request_name(const struct load *load, unsigned host, char out[REQUEST_NAME_MAX])
{
	int n;

	n = snprintf(out, REQUEST_NAME_MAX, "h%u.%s", load->host_base + host, load->domain);
	CHECK(n > 0 && n < REQUEST_NAME_MAX);
}
