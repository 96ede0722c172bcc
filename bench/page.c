/* SPDX-License-Identifier: ISC */
/*
 * page.c - the expected body.
 * Runs in: bench/load.
 */
#include "config.h"

#include "page.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#include <openssl/sha.h>

void
page_init(struct page *pg)
{
	*pg = (struct page){.known = false};
	buf_init(&pg->body, PAGE_MAX);
}

void
page_free(struct page *pg)
{
	buf_free(&pg->body);
}

bool
page_bytes(struct page *pg, uint64_t off, const void *p, size_t n)
{
	if (!pg->known)
		return off == pg->body.len && buf_append(&pg->body, p, n) == ERR_OK;
	return off <= pg->body.len && n <= pg->body.len - off &&
	    memcmp(buf_data(&pg->body) + off, p, n) == 0;
}

bool
page_end(struct page *pg, uint64_t n)
{
	pg->known = true;
	return n == pg->body.len;
}

int
page_verify(const struct page *pg, int64_t size, const char *sha256, struct errmsg *err)
{
	uint8_t md[SHA256_DIGEST_LENGTH];
	char hex[2 * SHA256_DIGEST_LENGTH + 1];

	if (size >= 0 && (uint64_t)size != pg->body.len)
		return errmsg_set(err, "the body has %zu bytes, not %" PRId64, pg->body.len,
		    size);
	if (sha256 == NULL)
		return 0;
	SHA256(pg->body.len > 0 ? buf_data(&pg->body) : (const uint8_t *)"", pg->body.len, md);
	for (size_t i = 0; i < sizeof(md); i++)
		snprintf(hex + 2 * i, 3, "%02x", md[i]);
	if (strcasecmp(hex, sha256) != 0)
		return errmsg_set(err, "the body's SHA-256 is %s", hex);
	return 0;
}
